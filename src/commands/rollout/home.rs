//! What a rollout does with the pipeline of the home region: the account directory in its ledger,
//! and canaries through it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::aws::SdkConfig;
use crate::aws::dynamodb::DynamoLedger;
use crate::aws::eventbridge::{DEFAULT_BUS, EventBus};
use crate::aws::organizations::Organizations;
use crate::clock::{self, SystemClock};
use crate::commands::accounts::directory;
use crate::commands::canary::report::{self, Start};
use crate::commands::canary::{Flight, Landing, fly};
use crate::estate::{Fact, Unreadable};
use crate::policy::directory::{KeptTags, Source};
use crate::policy::record::{
    DocumentRecord, Ended, Expect, Progress, RecordKey, Run, Versioned, WatermarkRecord,
};
use crate::policy::retry::Retry;
use crate::ports::{Accounts, Ledger, Written};
use crate::rollout::{Directory, Listed};

/// The table that infra/pipeline.yaml makes.
const LEDGER: &str = "hansho-ledger";
/// The mappings of a new function take a minute until they are on.
/// Source: Lambda developer guide, "Creating an event source mapping".
const CANARY_WITHIN: Duration = Duration::from_secs(180);
/// How often a canary is put on a bus that refuses it, as when it throttles.
const PUTS_MAX: u32 = 4;
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// How long a proof is kept. After that time the way is proved again.
const PROOF_KEPT: Duration = Duration::from_secs(5 * 365 * 24 * 3600);

/// The pipeline of the home region.
pub struct Home {
    sdk: SdkConfig,
    ledger: DynamoLedger,
    organizations: Organizations,
}

impl Home {
    /// Makes no call. `home` has the region of the pipeline. The accounts are read with
    /// `organisation`.
    pub fn new(home: SdkConfig, organisation: &SdkConfig) -> Home {
        let ledger = DynamoLedger::new(&home, LEDGER);
        Home { sdk: home, ledger, organizations: Organizations::new(organisation) }
    }

    /// What the directory has and, if there is one, what the organisation says.
    pub async fn directory(&self) -> Fact<Directory> {
        let none = || Directory { known: None, ..Directory::default() };
        let Some(head) = self.head().await? else { return Ok(none()) };
        let kept = match kept(&head) {
            Ok(kept) => kept,
            Err(why) => return Ok(Directory { left_alone: Some(why), ..none() }),
        };
        let known = directory::load(&self.ledger, &Accounts::default()).await;
        let known = known.map_err(|why| unreadable("the account directory", &why))?;
        let wanted = listed(&self.organisation(&kept).await?);
        Ok(Directory { known: known.as_ref().map(listed), wanted, left_alone: None })
    }

    async fn head(&self) -> Fact<Option<DocumentRecord>> {
        let head = directory::head(&self.ledger).await;
        head.map_err(|why| unreadable("the account directory", &why))
    }

    async fn organisation(&self, kept: &KeptTags) -> Fact<Accounts> {
        let entries = self.organizations.accounts(kept.any()).await;
        let entries = entries.map_err(|why| unreadable("the organisation's accounts", &why))?;
        let mut accounts = Accounts::default();
        for mut entry in entries {
            let id = entry.id.clone();
            entry.tags.retain(|key, _| kept.has(key));
            accounts.insert(&entry).map_err(|why| unreadable(&format!("account {id}"), &why))?;
        }
        Ok(accounts)
    }

    /// Writes the directory, as `hansho accounts sync` does. It keeps the tags that it kept before.
    pub async fn sync(&self) -> Fact<()> {
        let kept = match self.head().await? {
            Some(head) => kept(&head).map_err(Unreadable::new)?,
            None => KeptTags::All,
        };
        let accounts = self.organisation(&kept).await?;
        let source = Source::Organization(kept);
        let written = directory::write(&self.ledger, &accounts, &source, clock::wall()).await;
        written.map(drop).map_err(|why| unreadable("the account directory", &why))
    }

    /// Whether a canary has arrived from a region since the way was last changed.
    pub async fn proven(&self, region: &str) -> Fact<bool> {
        let record = self.proof(region).await?;
        Ok(record.is_some_and(|record| record.progress.is_some()))
    }

    /// Records whether a canary has arrived from a region. Before the way is changed: that none
    /// has, so that the next plan knows it whatever becomes of this run.
    pub async fn prove(&self, region: &str, arrived: bool) -> Fact<()> {
        let seen = self.proof(region).await?;
        let now = clock::wall();
        let progress = Progress { compared_to: now, began_at: now, ended: Ended::Whole };
        let record = WatermarkRecord {
            run: Run::Idle,
            progress: arrived.then_some(progress),
            fence: seen.as_ref().map_or(0, |seen| seen.fence).saturating_add(1),
            lease_until: now,
            expires_at: now.plus(PROOF_KEPT).whole_second(),
        };
        let expect = seen.as_ref().map_or(Expect::Absent, WatermarkRecord::as_seen);
        match self.ledger.write(&RecordKey::proof(region), &expect, &record).await {
            Ok(Written::Done) => Ok(()),
            Ok(Written::Lost(_)) => Err(Unreadable::new("another rollout is under way")),
            Err(why) => Err(unreadable("the ledger", &why)),
        }
    }

    async fn proof(&self, region: &str) -> Fact<Option<WatermarkRecord>> {
        let read = self.ledger.read(&RecordKey::proof(region)).await;
        read.map_err(|why| unreadable("the ledger", &why))
    }

    /// Sends a canary from the default bus of a region, and waits until the worker has it in the
    /// ledger. Nothing is posted.
    pub async fn canary(&self, region: &str) -> Fact<()> {
        let bus = EventBus::new(&self.sdk, Some(region), DEFAULT_BUS);
        let bus = bus.map_err(|why| Unreadable::new(&why.to_string()))?;
        let clock = SystemClock::start();
        let mut retry = Retry::new(RETRY_FIRST, RETRY_MAX, fastrand::u64(..));
        let mut puts = 0;
        let flight = loop {
            puts += 1;
            let flight = fly(&bus, region, &self.ledger, &clock, &[], CANARY_WITHIN).await;
            match flight.landing {
                Landing::NotPut(_) if puts < PUTS_MAX => {
                    tokio::time::sleep(retry.delay(puts)).await;
                }
                _ => break flight,
            }
        };
        match flight.arrived() {
            true => Ok(()),
            false => Err(Unreadable::new(&said(&flight))),
        }
    }
}

/// The tags that a directory of the organisation keeps, or why another one is left alone.
fn kept(head: &DocumentRecord) -> Result<KeptTags, &'static str> {
    match Source::parse(&head.source) {
        Some(Source::Organization(kept)) => Ok(kept),
        Some(Source::File) => Err(
            "it came from a file: `hansho accounts sync --file` keeps it, and `hansho accounts \
             sync` replaces it by the organisation's",
        ),
        None => Err("nobody knows where it came from: run `hansho accounts sync`"),
    }
}

fn listed(accounts: &Accounts) -> BTreeMap<String, Listed> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let listed = accounts.iter().map(|account| {
        let status = account.status().map(|status| status.as_str());
        let listed = Listed {
            name: text(account.name()),
            email: text(account.email()),
            unit: text(account.ou()),
            status: text(status),
            tags: account.tags().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        };
        (account.id().to_owned(), listed)
    });
    listed.collect()
}

/// In one line.
fn said(flight: &Flight) -> String {
    let text = report::text(std::slice::from_ref(flight), &Start::Forwarder, None, CANARY_WITHIN);
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Unreadable {
    Unreadable::new(&format!("{what}: {why}"))
}

//! What a rollout does with the pipeline of the home region: the account directory in its ledger,
//! and canaries through it.

use std::collections::BTreeSet;
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
use crate::policy::retry::Retry;
use crate::ports::Accounts;

/// The table that infra/pipeline.yaml makes.
const LEDGER: &str = "hansho-ledger";
/// The mappings of a new function take a minute until they are on.
/// Source: Lambda developer guide, "Creating an event source mapping".
const CANARY_WITHIN: Duration = Duration::from_secs(180);
/// How often a canary is put on a bus that refuses it, as when it throttles.
const PUTS_MAX: u32 = 4;
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(2);

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

    /// The accounts that the directory has. None: there is no directory.
    pub async fn directory(&self) -> Fact<Option<BTreeSet<String>>> {
        let read = async {
            let Some(head) = directory::head(&self.ledger).await? else { return Ok(None) };
            let parts = directory::parts(&self.ledger, &head).await?;
            directory::under(&Accounts::default(), &parts).map(Some)
        };
        let read: Result<Option<Accounts>, directory::DirectoryError> = read.await;
        let accounts = read.map_err(|why| unreadable("the account directory", &why))?;
        Ok(accounts.map(|all| all.iter().map(|account| account.id().to_owned()).collect()))
    }

    /// Writes the directory, as `hansho accounts sync` does.
    pub async fn sync(&self) -> Fact<()> {
        let entries = self.organizations.accounts(true).await;
        let entries = entries.map_err(|why| unreadable("the organisation's accounts", &why))?;
        let mut accounts = Accounts::default();
        for entry in entries {
            let id = entry.id.clone();
            accounts.insert(&entry).map_err(|why| unreadable(&format!("account {id}"), &why))?;
        }
        let written = directory::write(&self.ledger, &accounts, clock::wall()).await;
        written.map(drop).map_err(|why| unreadable("the account directory", &why))
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

/// In one line.
fn said(flight: &Flight) -> String {
    let text = report::text(std::slice::from_ref(flight), &Start::Forwarder, None, CANARY_WITHIN);
    text.lines().map(str::trim).collect::<Vec<_>>().join("; ")
}

fn unreadable(what: &str, why: &dyn std::fmt::Display) -> Unreadable {
    Unreadable::new(&format!("{what}: {why}"))
}

//! Keeps the accounts of a worker up to date with the directory in the ledger, in the background.
//! Only a worker that starts waits for it. While the ledger has no directory or does not answer,
//! the accounts stay as they are.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use super::directory::{self, DirectoryError};
use crate::health::DirectoryState;
use crate::instants::{Mono, Wall};
use crate::policy::directory::is_stale;
use crate::policy::record::DocumentRecord;
use crate::policy::route::Routes;
use crate::ports::{Accounts, Clock, CurrentAccounts, Ledger};

/// How often the head is read.
const EVERY: Duration = Duration::from_secs(3600);
/// After a failure it is read again sooner.
const RETRY_AFTER: Duration = Duration::from_secs(300);
/// The same, until the ledger has answered once.
const RETRY_FIRST_AFTER: Duration = Duration::from_secs(5);
/// A worker that starts waits so long for the directory, so that its posts name accounts.
const FOR_NAMES_MAX: Duration = Duration::from_secs(3);
/// The same, if routes look at accounts: without the directory a finding may be owed to nobody.
/// Nothing can be posted meanwhile, because claims need the ledger too.
const FOR_ROUTES_MAX: Duration = Duration::from_secs(300);

/// Whether the ledger has answered what it has of a directory, even if that is nothing or damaged.
#[derive(Debug, Default)]
pub struct Answered(watch::Sender<bool>);

impl Answered {
    /// Waits for the first answer, at most until then. False if there is none and `routes` need it.
    pub async fn wait<C: Clock>(&self, routes: &Routes, clock: &C, until: Mono) -> bool {
        let needed = routes.look_at_accounts();
        let most = clock.now().mono.plus(if needed { FOR_ROUTES_MAX } else { FOR_NAMES_MAX });
        let mut answered = self.0.subscribe();
        tokio::select! {
            biased;
            answered = answered.wait_for(|answered| *answered) => answered.is_ok() || !needed,
            () = clock.sleep_until(until.min(most)) => !needed,
        }
    }
}

/// Reads the directory now and every hour, until it is dropped. The accounts that are known at the
/// start win over it. `tell` hears what each read found.
pub async fn follow<L: Ledger, C: Clock>(
    current: CurrentAccounts,
    ledger: &L,
    clock: &C,
    answered: &Answered,
    tell: impl Fn(DirectoryState),
) -> Infallible {
    let configured = current.get();
    let (mut version, mut synced_at) = (None, None);
    loop {
        let read = refresh(&current, &configured, ledger, &mut version).await;
        let known = current.get().len();
        if !matches!(read, Err(DirectoryError::Ledger(_))) {
            answered.0.send_replace(true);
        }
        let (failed, rest) = match read {
            Ok(head) => {
                warn_if_stale(head.as_ref(), clock.now().wall);
                synced_at = head.map(|head| head.written_at);
                (false, EVERY)
            }
            Err(why) => {
                warn!(detail = %why, "the account directory can't be read: accounts are shown as before");
                (true, if *answered.0.borrow() { RETRY_AFTER } else { RETRY_FIRST_AFTER })
            }
        };
        tell(DirectoryState { known, synced_at, failed });
        clock.sleep_until(clock.now().mono.plus(rest)).await;
    }
}

/// Reads the head, and the parts if they are of another version than the last ones.
async fn refresh<L: Ledger>(
    current: &CurrentAccounts,
    configured: &Arc<Accounts>,
    ledger: &L,
    version: &mut Option<String>,
) -> Result<Option<DocumentRecord>, DirectoryError> {
    let Some(head) = directory::head(ledger).await? else { return Ok(None) };
    if version.as_ref() != Some(&head.version) {
        let texts = directory::parts(ledger, &head).await?;
        let configured = Arc::clone(configured);
        // Ten thousand accounts take longer than a post may wait.
        let work = move || directory::under(&configured, &texts);
        let accounts = tokio::task::spawn_blocking(work).await;
        current.set(accounts.map_err(|_| DirectoryError::Incomplete)??);
        info!(accounts = head.entries, version = head.version, "read the account directory");
        *version = Some(head.version.clone());
    }
    Ok(Some(head))
}

fn warn_if_stale(head: Option<&DocumentRecord>, now: Wall) {
    if let Some(head) = head.filter(|head| is_stale(head, now)) {
        warn!(
            synced_at = head.written_at.to_rfc3339(),
            "the account directory is stale: run `hansho accounts sync` once a day"
        );
    }
}

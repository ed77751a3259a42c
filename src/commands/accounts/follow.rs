//! Keeps the accounts of a worker up to date with the directory in the ledger, in the background.
//! Nothing waits for it. While the ledger has no directory or does not answer, the accounts stay as
//! they are.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::directory::{self, DirectoryError};
use crate::health::DirectoryState;
use crate::instants::Wall;
use crate::policy::directory::is_stale;
use crate::policy::record::DocumentRecord;
use crate::ports::{Accounts, Clock, CurrentAccounts, Ledger};

/// How often the head is read.
const EVERY: Duration = Duration::from_secs(3600);
/// After a failure it is read again sooner.
const RETRY_AFTER: Duration = Duration::from_secs(300);

/// Reads the directory now and every hour, until it is dropped. The accounts that are known at the
/// start win over it. `tell` hears what each read found.
pub async fn follow<L: Ledger, C: Clock>(
    current: CurrentAccounts,
    ledger: &L,
    clock: &C,
    tell: impl Fn(DirectoryState),
) -> Infallible {
    let configured = current.get();
    let (mut version, mut synced_at) = (None, None);
    loop {
        let read = refresh(&current, &configured, ledger, &mut version).await;
        let known = current.get().len();
        let (failed, rest) = match read {
            Ok(head) => {
                warn_if_stale(head.as_ref(), clock.now().wall);
                synced_at = head.map(|head| head.written_at);
                (false, EVERY)
            }
            Err(why) => {
                warn!(detail = %why, "the account directory can't be read: accounts are shown as before");
                (true, RETRY_AFTER)
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

//! `--force`: has the ledger forget that a finding was posted, so that it is posted again.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::finding::Finding;
use crate::instants::Wall;
use crate::policy::ledger::{self, Claim, RecordKey, Rewind, Want};
use crate::policy::route::Routes;
use crate::ports::{Ledger, Written};

use super::message::Message;

/// Never written: what stands in a post's way is found out by the worker's own decision.
const NOBODY: &str = "replay";
/// A row that changes under every try is one that workers are busy with.
const TRIES: usize = 5;

/// What is needed to know which rows a message has, and to rewind them.
pub struct Again<'a, L> {
    pub ledger: &'a L,
    pub routes: Routes,
    pub terms: ledger::Terms,
}

impl<'a, L: Ledger> Again<'a, L> {
    pub fn new(config: &Config, ledger: &'a L) -> Again<'a, L> {
        Again { ledger, routes: config.routes(), terms: config.terms() }
    }

    /// The rows of a message's alerts: each finding, at each destination that it is owed to.
    pub fn keys(&self, finding: &Finding) -> Vec<RecordKey> {
        let owed = self.routes.owed(&finding.severity);
        let name = |index: usize| self.routes.routes.get(index).map(|r| r.destination.as_str());
        owed.into_iter()
            .filter_map(name)
            .map(|destination| RecordKey::alert(&finding.fingerprint, destination))
            .collect()
    }

    /// Makes the rows of a message free, but for those in `done`, and adds them to it: of several
    /// messages with the same finding only the first is to be posted again. Answers how many there
    /// were that had to be. An error means that a row may be in use, or could not be asked for; the
    /// message must not be sent then, as it would be covered. Rows that were made free before it stay
    /// so: nothing is lost by that.
    pub async fn rewind(
        &self,
        message: &Message,
        done: &mut BTreeSet<RecordKey>,
        now: Wall,
    ) -> Result<usize, String> {
        let mut rows = 0;
        for finding in &message.findings {
            for key in self.keys(finding) {
                if !done.contains(&key) {
                    rows += usize::from(self.rewind_row(&key, finding, now).await?);
                    done.insert(key);
                }
            }
        }
        Ok(rows)
    }

    /// A row that does not cover the finding is left as it is: an escalation says what it was before.
    async fn rewind_row(
        &self,
        key: &RecordKey,
        finding: &Finding,
        now: Wall,
    ) -> Result<bool, String> {
        let want =
            Want { owner: NOBODY, level: finding.severity.level, revision: finding.updated_at };
        let mut seen = self.ledger.read(key).await.map_err(|why| why.to_string())?;
        for _ in 0..TRIES {
            let claim = ledger::claim(seen.as_ref(), &want, &self.terms, now);
            if !matches!(claim, Claim::AlreadyPosted { .. }) {
                return Ok(false);
            }
            match ledger::rewind(seen.as_ref(), &self.terms, now) {
                Rewind::Nothing => return Ok(false),
                Rewind::Busy { until } => {
                    let until = until.to_rfc3339();
                    return Err(format!(
                        "a worker may be posting it until {until}: try again then"
                    ));
                }
                Rewind::Write { expect, record: row } => {
                    let written = self.ledger.write(key, &expect, &row).await;
                    match written.map_err(|why| why.to_string())? {
                        Written::Done => return Ok(true),
                        Written::Lost(actual) => seen = actual,
                    }
                }
            }
        }
        Err("its row in the ledger keeps changing: try again".to_owned())
    }
}

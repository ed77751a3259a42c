//! `--force`: resets ledger records, so that workers post their findings again.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::finding::Finding;
use crate::instants::Wall;
use crate::policy::ledger::{self, Claim, RecordKey, Rewind, Want};
use crate::policy::record::Sighting;
use crate::policy::route::Routes;
use crate::ports::{Ledger, Written};

use super::parsed::ParsedDeadLetter;

/// The owner in the trial claims that decide whether a finding is already posted. Never written.
const NOBODY: &str = "replay";
/// Writes of one record before it counts as in use by workers.
const WRITES_MAX: usize = 5;

/// Finds the ledger records of a message's alerts, and resets them.
pub struct Rewinder<'a, L> {
    pub ledger: &'a L,
    pub routes: Routes,
    pub terms: ledger::Terms,
}

impl<'a, L: Ledger> Rewinder<'a, L> {
    pub fn new(config: &Config, ledger: &'a L) -> Rewinder<'a, L> {
        Rewinder { ledger, routes: config.routes(), terms: config.terms() }
    }

    /// The record keys of a finding, one for each destination that it is owed to.
    pub fn keys(&self, finding: &Finding) -> Vec<RecordKey> {
        let owed = self.routes.owed(finding);
        let name = |index: usize| self.routes.all().get(index).map(|r| r.destination.as_str());
        owed.into_iter()
            .filter_map(name)
            .map(|destination| RecordKey::alert(&finding.fingerprint, destination))
            .collect()
    }

    /// Resets the records of a message, except those in `done`, and adds them to `done`: of several
    /// messages with the same finding only the first is posted again. Returns how many records it
    /// wrote.
    ///
    /// # Errors
    /// A record may be in use, or the ledger is unreachable. The message must not be sent then,
    /// because its finding would count as already posted. Records that were reset before stay so,
    /// and do no harm.
    pub async fn rewind(
        &self,
        letter: &ParsedDeadLetter,
        done: &mut BTreeSet<RecordKey>,
        now: Wall,
    ) -> Result<usize, String> {
        let mut written = 0;
        for finding in &letter.findings {
            for key in self.keys(finding) {
                if !done.contains(&key) {
                    written += usize::from(self.rewind_record(&key, finding, now).await?);
                    done.insert(key);
                }
            }
        }
        Ok(written)
    }

    /// Leaves a record alone if the finding would be posted anyway: an escalation names the old
    /// level.
    async fn rewind_record(
        &self,
        key: &RecordKey,
        finding: &Finding,
        now: Wall,
    ) -> Result<bool, String> {
        let want = Want { owner: NOBODY, sighting: Sighting::of(finding) };
        let mut seen = self.ledger.read(key).await.map_err(|why| why.to_string())?;
        for _ in 0..WRITES_MAX {
            let claim = ledger::claim(seen.as_ref(), &want, &self.terms, now);
            if !matches!(claim, Claim::AlreadyPosted { .. } | Claim::Join { .. }) {
                return Ok(false);
            }
            match ledger::rewind(seen.as_ref(), &self.terms, now) {
                Rewind::Nothing => return Ok(false),
                Rewind::Busy { until } => {
                    let until = until.to_rfc3339();
                    return Err(format!(
                        "a worker may be posting it until {until}: run the command again then"
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
        Err("workers keep changing its ledger record: run the command again".to_owned())
    }
}

//! Asks ledger and queues for what they know of what is asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::Config;
use crate::finding::{self, Finding, Rejection};
use crate::policy::record::{Record, RecordKey};
use crate::ports::inquiry::{Concerns, Inquiry, Peek, QuarantinedMessage, Waiting, WaitingMessage};
use crate::ports::{Depth, Failure, Lane, LedgerError};

use super::asked::{Asked, FINDINGS_MAX, Message, Name, compact};

/// All that could be learned.
#[derive(Debug, Default)]
pub struct Evidence {
    pub subjects: Vec<Subject>,
    /// What in the message is no finding.
    pub rejections: Vec<Rejection>,
    /// Messages with the body that was asked for, in which there is no finding.
    pub parked: Vec<QuarantinedMessage>,
    pub waiting: Vec<WaitingMessage>,
    /// How much waits in the lanes, where one can't look into them.
    pub depths: Vec<(Lane, Depth)>,
    /// Whether the queues were asked, and answered.
    pub looked_into_quarantine: bool,
    pub looked_into_lanes: bool,
    /// What could not be asked, or not to the end.
    pub gaps: Vec<String>,
}

/// One finding, and what is known of it.
#[derive(Debug, Default)]
pub struct Subject {
    pub fingerprint: String,
    /// What it says, if there is a text of it: in the file, or in a queue.
    pub finding: Option<Finding>,
    /// The row of each destination that has one.
    pub rows: Vec<(String, Record)>,
    pub parked: Vec<QuarantinedMessage>,
    pub waiting: Vec<WaitingMessage>,
}

impl Subject {
    /// Whether there is any trace of it.
    pub fn is_known(&self) -> bool {
        !(self.rows.is_empty() && self.parked.is_empty() && self.waiting.is_empty())
    }
}

/// Asks the ledger, and the queues if there are any to ask. An error means that the ledger could not
/// be asked; whatever else is missing is told among the gaps.
pub async fn gather<L: Inquiry, Q: Peek>(
    config: &Config,
    asked: Asked,
    text: &str,
    ledger: &L,
    queue: Option<&Q>,
) -> Result<Evidence, LedgerError> {
    let mut evidence = Evidence::default();
    let desk = Desk { config, ledger };
    match asked {
        Asked::Message(message) => {
            if message.left_out > 0 {
                evidence.gaps.push(format!(
                    "The first {FINDINGS_MAX} findings are explained; {} more are left out.",
                    message.left_out
                ));
            }
            let Message { findings, rejections, texts, .. } = message;
            evidence.rejections = rejections;
            for finding in findings {
                let fingerprint = finding.fingerprint.to_string();
                let rows = desk.rows(&fingerprint, &mut evidence.gaps).await?;
                let finding = Some(finding);
                evidence.subjects.push(Subject {
                    fingerprint,
                    finding,
                    rows,
                    ..Subject::default()
                });
            }
            if let Some(queue) = queue {
                let words = evidence.subjects.iter().filter_map(|s| s.finding.as_ref());
                let words = words.map(|finding| finding.fingerprint.id.clone()).collect();
                let texts = Arc::new(texts);
                look(&mut evidence, queue, &concerns(words, Arc::clone(&texts))).await;
                share_out(&mut evidence, |_| false, |body| texts.contains(&compact(body)));
            }
        }
        Asked::Name(name) => {
            desk.by_name(&name, &mut evidence).await?;
            if let Some(queue) = queue {
                look(&mut evidence, queue, &concerns(name.words.clone(), Arc::default())).await;
                let is_named = |print: &str| {
                    name.fingerprints.iter().any(|one| one == print)
                        || name.clue.as_ref().is_some_and(|clue| clue.names(print))
                };
                share_out(&mut evidence, is_named, |_| true);
                for subject in evidence.subjects.iter_mut().filter(|s| s.rows.is_empty()) {
                    subject.rows = desk.rows(&subject.fingerprint, &mut evidence.gaps).await?;
                }
            }
            if evidence.subjects.is_empty() {
                let asked = name.fingerprints.first().filter(|_| name.fingerprints.len() == 1);
                evidence.subjects.push(Subject {
                    fingerprint: asked.cloned().unwrap_or_else(|| text.to_owned()),
                    parked: std::mem::take(&mut evidence.parked),
                    waiting: std::mem::take(&mut evidence.waiting),
                    ..Subject::default()
                });
            }
        }
    }
    evidence.gaps.dedup();
    Ok(evidence)
}

struct Desk<'a, L> {
    config: &'a Config,
    ledger: &'a L,
}

impl<L: Inquiry> Desk<'_, L> {
    /// The rows of a fingerprint; those of the destinations that are configured, if no more may be
    /// asked.
    async fn rows(
        &self,
        fingerprint: &str,
        gaps: &mut Vec<String>,
    ) -> Result<Vec<(String, Record)>, LedgerError> {
        let why = match self.ledger.records_of(fingerprint).await {
            Ok(rows) => {
                return Ok(rows.into_iter().map(|(key, row)| (key.into_parts().1, row)).collect());
            }
            Err(why) => why,
        };
        let mut rows = Vec::new();
        for destination in &self.config.destinations {
            let name = destination.name.to_string();
            let key = RecordKey::alert(fingerprint, &name);
            if let Some(row) = self.ledger.read_any(&key).await? {
                rows.push((name, row));
            }
        }
        let gap = format!(
            "Only the destinations that are configured now were looked up, as the ledger can't be \
             asked for all: {why}."
        );
        if !gaps.contains(&gap) {
            gaps.push(gap);
        }
        Ok(rows)
    }

    /// Under the fingerprints that it may have; else by a search.
    async fn by_name(&self, name: &Name, evidence: &mut Evidence) -> Result<(), LedgerError> {
        for fingerprint in &name.fingerprints {
            let rows = self.rows(fingerprint, &mut evidence.gaps).await?;
            if !rows.is_empty() {
                let fingerprint = fingerprint.clone();
                evidence.subjects.push(Subject { fingerprint, rows, ..Subject::default() });
            }
        }
        let Some(clue) = name.clue.as_ref().filter(|_| evidence.subjects.is_empty()) else {
            return Ok(());
        };
        let found = match self.ledger.search(clue).await {
            Ok(found) => found,
            // Asked for by account and region, it may well be known for certain.
            Err(why) if !name.fingerprints.is_empty() => {
                evidence.gaps.push(format!("The ledger could not be searched: {why}."));
                return Ok(());
            }
            Err(why) => {
                let detail = format!(
                    "an id alone is searched for in the whole ledger, and that failed: {why}. Give \
                     the finding's ARN, its fingerprint from the log, a file, or --account, \
                     --region and --product: then it is looked up without a search"
                );
                return Err(LedgerError(Failure::new(why.0.kind, detail)));
            }
        };
        if !found.complete {
            evidence.gaps.push(
                "The search ended before all of the ledger was looked at, or found more than it \
                 shows: give --account, --region and --product, or the ARN."
                    .to_owned(),
            );
        }
        if found.unreadable > 0 {
            evidence.gaps.push(format!(
                "{} rows that may be meant can't be read by this version.",
                found.unreadable
            ));
        }
        for (key, row) in found.records {
            let (fingerprint, destination) = key.into_parts();
            match evidence.subjects.last_mut() {
                Some(last) if last.fingerprint == fingerprint => {
                    last.rows.push((destination, row));
                }
                _ => evidence.subjects.push(Subject {
                    fingerprint,
                    rows: vec![(destination, row)],
                    ..Subject::default()
                }),
            }
        }
        Ok(())
    }
}

/// Whether a body holds one of the words, or is one of the texts.
fn concerns(words: Vec<String>, texts: Arc<BTreeSet<String>>) -> Concerns {
    Arc::new(move |body: &str| {
        words.iter().any(|word| body.contains(word.as_str()))
            || (!texts.is_empty() && texts.contains(&compact(body)))
    })
}

/// Looks into the queues. What may not be looked at is told.
async fn look<Q: Peek>(evidence: &mut Evidence, queue: &Q, concerns: &Concerns) {
    match queue.parked(concerns).await {
        Ok(peeked) => {
            evidence.looked_into_quarantine = peeked.complete;
            if !peeked.complete {
                evidence.gaps.push(format!(
                    "The look into the quarantine ended after {} messages: there may be more.",
                    peeked.looked_at
                ));
            }
            evidence.parked = peeked.messages;
        }
        Err(why) => evidence.gaps.push(format!("The quarantine could not be looked into: {why}.")),
    }
    match queue.waiting(concerns).await {
        Ok(Waiting::Seen(messages)) => {
            evidence.looked_into_lanes = true;
            evidence.waiting = messages;
        }
        Ok(Waiting::Counted(depths)) => evidence.depths = depths,
        Err(why) => evidence.gaps.push(format!("The queues could not be asked: {why}.")),
    }
}

/// Gives each message to the findings in it. `is_wanted` says which findings that have no row are
/// meant too; `is_own` whether a message in which nothing can be read is kept.
fn share_out(
    evidence: &mut Evidence,
    is_wanted: impl Fn(&str) -> bool,
    is_own: impl Fn(&str) -> bool,
) {
    let (parked, waiting) =
        (std::mem::take(&mut evidence.parked), std::mem::take(&mut evidence.waiting));
    for message in parked {
        let (mine, known) = subjects_in(&mut evidence.subjects, &message.body, &is_wanted);
        for index in &mine {
            evidence.subjects[*index].parked.push(message.clone());
        }
        if mine.is_empty() && !known && is_own(&message.body) {
            evidence.parked.push(message);
        }
    }
    for message in waiting {
        let (mine, known) = subjects_in(&mut evidence.subjects, &message.body, &is_wanted);
        for index in &mine {
            evidence.subjects[*index].waiting.push(message.clone());
        }
        if mine.is_empty() && !known && is_own(&message.body) {
            evidence.waiting.push(message);
        }
    }
}

/// The subjects whose finding is in the body, new ones among them; and whether there are findings in
/// it at all, of others perhaps.
fn subjects_in(
    subjects: &mut Vec<Subject>,
    body: &str,
    is_wanted: impl Fn(&str) -> bool,
) -> (BTreeSet<usize>, bool) {
    let parsed = finding::parse(body);
    let any = !parsed.findings.is_empty();
    let mut mine = BTreeSet::new();
    for finding in parsed.findings {
        let fingerprint = finding.fingerprint.to_string();
        let places = subjects.iter().enumerate();
        let same: Vec<usize> =
            places.filter(|(_, s)| s.fingerprint == fingerprint).map(|(index, _)| index).collect();
        if same.is_empty() && is_wanted(&fingerprint) && subjects.len() < FINDINGS_MAX {
            mine.insert(subjects.len());
            let finding = Some(finding);
            subjects.push(Subject { fingerprint, finding, ..Subject::default() });
            continue;
        }
        for index in same {
            mine.insert(index);
            let subject = &mut subjects[index];
            if subject.finding.is_none() {
                subject.finding = Some(finding.clone());
            }
        }
    }
    (mine, any)
}

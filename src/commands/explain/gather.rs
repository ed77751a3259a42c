//! Asks the ledger and the queues for evidence.

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::Arc;

use crate::config::Config;
use crate::finding::{self, Finding, IgnoredEvent, Rejection, Text};
use crate::policy::record::{AlertRecord, Record, RecordKey};
use crate::ports::inquiry::{
    BodyFilter, Clue, Inquiry, LaneSearch, QueueInquiry, Search, WaitingMessage,
};
use crate::ports::{DeadLetter, Depth, Failure, Lane, LedgerError};
use crate::words::number_of;

use super::question::{AskedMessage, AskedName, FINDINGS_MAX, Question, compact};

/// Everything that the ledger and the queues know.
#[derive(Debug, Default)]
pub struct Evidence {
    pub subjects: Vec<Subject>,
    /// Parts of the asked message that are not findings.
    pub rejections: Vec<Rejection>,
    /// Events in the asked message that are known to be no findings.
    pub ignored: Vec<IgnoredEvent>,
    /// Messages with the asked body, without a finding.
    pub quarantined: Vec<DeadLetter>,
    pub waiting: Vec<WaitingMessage>,
    /// The depths of lanes whose messages can't be read.
    pub depths: Vec<(Lane, Depth)>,
    /// The quarantine was searched to its end.
    pub quarantine_searched: bool,
    pub lanes_searched: bool,
    /// What could not be asked, or not completely.
    pub gaps: Vec<String>,
}

/// One finding with its evidence.
#[derive(Debug, Default)]
pub struct Subject {
    pub fingerprint: String,
    /// The finding, if its text is in the file or in a queue.
    pub finding: Option<Finding>,
    /// The records, with the destination of each.
    pub records: Vec<(String, Record)>,
    pub quarantined: Vec<DeadLetter>,
    pub waiting: Vec<WaitingMessage>,
}

impl Subject {
    fn new(fingerprint: String) -> Subject {
        Subject { fingerprint, ..Subject::default() }
    }

    /// There is a record or a message.
    pub fn is_known(&self) -> bool {
        !(self.records.is_empty() && self.quarantined.is_empty() && self.waiting.is_empty())
    }
}

impl Evidence {
    /// The records of alerts: all but those of canaries and of `hansho reconcile`.
    pub fn alert_records(&self) -> impl Iterator<Item = (&str, &AlertRecord)> {
        let all = self.subjects.iter().flat_map(|subject| &subject.records);
        all.filter_map(|(name, record)| match record {
            Record::Alert(alert) => Some((name.as_str(), alert)),
            _ => None,
        })
    }
}

/// Asks the ledger, and `queue` if it is given. Fails if the ledger can't be asked. Everything else
/// that can't be asked is among the gaps. `text` is the question.
pub async fn gather<L: Inquiry, Q: QueueInquiry>(
    config: &Config,
    question: Question,
    text: &str,
    ledger: &L,
    queue: Option<&Q>,
) -> Result<Evidence, LedgerError> {
    let mut gathering = Gathering { config, ledger, queue, evidence: Evidence::default() };
    match question {
        Question::Message(message) => gathering.message(message).await?,
        Question::Name(name) => gathering.name(name, text).await?,
    }
    let mut evidence = gathering.evidence;
    evidence.gaps.dedup();
    Ok(evidence)
}

struct Gathering<'a, L, Q> {
    config: &'a Config,
    ledger: &'a L,
    queue: Option<&'a Q>,
    evidence: Evidence,
}

impl<L: Inquiry, Q: QueueInquiry> Gathering<'_, L, Q> {
    async fn message(&mut self, message: AskedMessage) -> Result<(), LedgerError> {
        if message.left_out > 0 {
            self.evidence.gaps.push(format!(
                "Only the first {FINDINGS_MAX} findings are explained. {} more are left out.",
                message.left_out
            ));
        }
        let AskedMessage { findings, rejections, ignored, texts, .. } = message;
        self.evidence.rejections = rejections;
        self.evidence.ignored = ignored;
        let mut ids = Vec::new();
        for finding in findings {
            ids.push(finding.fingerprint.id.clone());
            let mut subject = Subject::new(finding.fingerprint.to_string());
            subject.records = self.records(&subject.fingerprint).await?;
            subject.finding = Some(finding);
            self.evidence.subjects.push(subject);
        }
        let texts = Arc::new(texts);
        self.search_queues(&filter(ids, Arc::clone(&texts))).await;
        self.assign_messages(|_, _| false, |body| texts.contains(&compact(body)));
        Ok(())
    }

    async fn name(&mut self, name: AskedName, text: &str) -> Result<(), LedgerError> {
        self.by_fingerprint_or_search(&name).await?;
        self.search_queues(&filter(name.words.clone(), Arc::default())).await;
        let is_asked = |print: &str, finding: &Finding| {
            let member = finding.member.as_ref().map_or("", Text::as_str);
            let fits = |clue: &Clue| clue.names(print) || clue.names_member(print, member);
            name.fingerprints.iter().any(|one| one == print) || name.clue.as_ref().is_some_and(fits)
        };
        self.assign_messages(is_asked, |_| true);
        let mut subjects = take(&mut self.evidence.subjects);
        if self.queue.is_some() {
            for subject in subjects.iter_mut().filter(|subject| subject.records.is_empty()) {
                subject.records = self.records(&subject.fingerprint).await?;
            }
        }
        if subjects.is_empty() {
            self.evidence.gaps.extend(name.control.as_deref().map(no_member));
            let asked = name.fingerprints.first().filter(|_| name.fingerprints.len() == 1);
            subjects.push(Subject {
                quarantined: take(&mut self.evidence.quarantined),
                waiting: take(&mut self.evidence.waiting),
                ..Subject::new(asked.cloned().unwrap_or_else(|| text.to_owned()))
            });
        }
        self.evidence.subjects = subjects;
        Ok(())
    }

    /// The records of a fingerprint. If the ledger does not allow that question, reads those of the
    /// configured destinations.
    async fn records(&mut self, fingerprint: &str) -> Result<Vec<(String, Record)>, LedgerError> {
        let why = match self.ledger.records_of(fingerprint).await {
            Ok(records) => {
                let records = records.into_iter();
                return Ok(records.map(|(key, record)| (key.into_parts().1, record)).collect());
            }
            Err(why) => why,
        };
        let mut records = Vec::new();
        for destination in &self.config.destinations {
            let name = destination.name.to_string();
            let key = RecordKey::alert(fingerprint, &name);
            if let Some(record) = self.ledger.read_any(&key).await? {
                records.push((name, record));
            }
        }
        let gap = format!(
            "Only the destinations that are configured now were read, because the ledger does not list \
             the records of a finding: {why}."
        );
        if !self.evidence.gaps.contains(&gap) {
            self.evidence.gaps.push(gap);
        }
        Ok(records)
    }

    /// Reads the records of the fingerprints that the name may mean. Without any, searches the
    /// ledger.
    async fn by_fingerprint_or_search(&mut self, name: &AskedName) -> Result<(), LedgerError> {
        for fingerprint in &name.fingerprints {
            let records = self.records(fingerprint).await?;
            if !records.is_empty() {
                let subject = Subject { records, ..Subject::new(fingerprint.clone()) };
                self.evidence.subjects.push(subject);
            }
        }
        let Some(clue) = name.clue.as_ref().filter(|_| self.evidence.subjects.is_empty()) else {
            return Ok(());
        };
        match self.ledger.search(clue).await {
            Ok(found) => self.add_search(found),
            // With account and region, the fingerprints may be enough.
            Err(why) if !name.fingerprints.is_empty() => {
                self.evidence.gaps.push(format!("The ledger could not be searched: {why}."));
            }
            Err(why) => {
                let detail = format!(
                    "an id alone needs a search of the whole ledger, which failed: {why}. Give the \
                     finding's ARN, its fingerprint from the log, a file, or --account, --region and \
                     --product"
                );
                return Err(LedgerError(Failure::new(why.0.kind, detail)));
            }
        }
        Ok(())
    }

    fn add_search(&mut self, found: Search) {
        if !found.complete {
            self.evidence.gaps.push(
                "The search did not reach the end of the ledger, or found more than it returns: give \
                 --account, --region and --product, or the ARN."
                    .to_owned(),
            );
        }
        if found.unreadable > 0 {
            self.evidence.gaps.push(format!(
                "{} that may match can't be read by this version.",
                number_of(found.unreadable, "record")
            ));
        }
        for (key, record) in found.records {
            let (fingerprint, destination) = key.into_parts();
            let subjects = &mut self.evidence.subjects;
            if subjects.last().is_none_or(|last| last.fingerprint != fingerprint) {
                subjects.push(Subject::new(fingerprint));
            }
            if let Some(last) = subjects.last_mut() {
                last.records.push((destination, record));
            }
        }
    }

    /// Searches the queues, if they are to be asked. A refusal is a gap.
    async fn search_queues(&mut self, filter: &BodyFilter) {
        let Some(queue) = self.queue else { return };
        let evidence = &mut self.evidence;
        match queue.search_quarantine(filter).await {
            Ok(found) => {
                evidence.quarantine_searched = found.complete;
                if !found.complete {
                    evidence.gaps.push(format!(
                        "The search of the quarantine ended after {}. There may be more.",
                        number_of(found.scanned, "message")
                    ));
                }
                evidence.quarantined = found.messages;
            }
            Err(why) => {
                evidence.gaps.push(format!("The quarantine could not be searched: {why}."));
            }
        }
        match queue.search_lanes(filter).await {
            Ok(LaneSearch::Found(messages)) => {
                evidence.lanes_searched = true;
                evidence.waiting = messages;
            }
            Ok(LaneSearch::Counted(depths)) => evidence.depths = depths,
            Err(why) => evidence.gaps.push(format!("The queues could not be asked: {why}.")),
        }
    }

    /// Assigns each message to the findings in it. `is_asked` chooses findings without a record
    /// that belong to the answer too. `is_own` chooses messages without a finding that are kept.
    fn assign_messages(
        &mut self,
        is_asked: impl Fn(&str, &Finding) -> bool,
        is_own: impl Fn(&str) -> bool,
    ) {
        let evidence = &mut self.evidence;
        for message in take(&mut evidence.quarantined) {
            let (mine, any) = subjects_in(&mut evidence.subjects, &message.body, &is_asked);
            if mine.is_empty() && !any && is_own(&message.body) {
                evidence.quarantined.push(message);
                continue;
            }
            for index in mine {
                evidence.subjects[index].quarantined.push(message.clone());
            }
        }
        for message in take(&mut evidence.waiting) {
            let (mine, any) = subjects_in(&mut evidence.subjects, &message.body, &is_asked);
            if mine.is_empty() && !any && is_own(&message.body) {
                evidence.waiting.push(message);
                continue;
            }
            for index in mine {
                evidence.subjects[index].waiting.push(message.clone());
            }
        }
    }
}

/// Why the ARN of a control's finding found nothing.
fn no_member(id_start: &str) -> String {
    format!(
        "No alert is known to have this finding as a member. The ledger knows the alert of a control \
         by the control and its resource, and the ARN names no resource. Give the finding as a \
         file, or ask for {id_start}… to see all alerts of the control."
    )
}

/// Matches a body that contains one of the words, or that is one of the texts.
fn filter(words: Vec<String>, texts: Arc<BTreeSet<String>>) -> BodyFilter {
    Arc::new(move |body: &str| {
        words.iter().any(|word| body.contains(word.as_str()))
            || (!texts.is_empty() && texts.contains(&compact(body)))
    })
}

/// Returns the subjects whose finding is in the body, and adds new ones that `is_asked` chooses.
/// Also returns whether the body has any findings.
fn subjects_in(
    subjects: &mut Vec<Subject>,
    body: &str,
    is_asked: impl Fn(&str, &Finding) -> bool,
) -> (BTreeSet<usize>, bool) {
    let parsed = finding::parse(body);
    let any = !parsed.findings.is_empty();
    let mut mine = BTreeSet::new();
    for finding in parsed.findings {
        let fingerprint = finding.fingerprint.to_string();
        let places = subjects.iter().enumerate();
        let same: Vec<usize> =
            places.filter(|(_, s)| s.fingerprint == fingerprint).map(|(index, _)| index).collect();
        if same.is_empty() && is_asked(&fingerprint, &finding) && subjects.len() < FINDINGS_MAX {
            mine.insert(subjects.len());
            subjects.push(Subject { finding: Some(finding), ..Subject::new(fingerprint) });
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

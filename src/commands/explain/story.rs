//! What the evidence amounts to: for each finding its events in the order of time, and how it stands
//! with each destination. Pure.

use crate::commands::check::and_above;
use crate::config::{Backend, Config, Destination, duration};
use crate::finding::{Finding, Level, Remark, Severity, Text};
use crate::instants::Wall;
use crate::policy::canary::CanaryPost;
use crate::policy::ledger::{self, Claim, ClaimKind, State, Terms, Versioned, Want};
use crate::policy::record::{AlertRecord, Record};
use crate::policy::route::Routes;
use crate::ports::inquiry::{QuarantinedMessage, WaitingMessage};

use super::answer::{About, Chapter, Event, LaneDepth, Rejected, Standing, Story};
use super::gather::{Evidence, Subject};

/// Of a text that comes from a queue or a row.
const WORD_CHARS_MAX: usize = 100;
const DETAIL_CHARS_MAX: usize = 500;

/// Puts the evidence in order. `text` is what was asked for, cleaned.
pub fn tell(config: &Config, evidence: &Evidence, text: &str, now: Wall) -> Story {
    let teller = Teller { config, routes: config.routes(), terms: config.terms(), now };
    let mut events: Vec<Event> = evidence
        .parked
        .iter()
        .map(parked)
        .chain(evidence.waiting.iter().map(|message| teller.waiting(message)))
        .collect();
    events.sort_by_key(|event| event.order);
    let findings: Vec<Chapter> = evidence.subjects.iter().map(|s| teller.chapter(s)).collect();
    let known = !events.is_empty() || findings.iter().any(|chapter| chapter.known);
    let lanes = evidence.depths.iter().map(|(lane, depth)| LaneDepth {
        lane: lane.as_str(),
        visible: depth.visible,
        hidden: depth.hidden,
    });
    Story {
        asked: text.to_owned(),
        backend: config.backend.as_str(),
        known,
        rejected: evidence
            .rejections
            .iter()
            .map(|r| Rejected { reason: r.code.as_str(), detail: r.to_string() })
            .collect(),
        events,
        lanes: lanes.collect(),
        notes: teller.notes(evidence, &findings),
        findings,
    }
}

struct Teller<'a> {
    config: &'a Config,
    routes: Routes,
    terms: Terms,
    now: Wall,
}

impl Teller<'_> {
    fn chapter(&self, subject: &Subject) -> Chapter {
        let finding = subject.finding.as_ref();
        let mut events = Vec::new();
        if let Some(finding) = finding {
            events.extend(source_events(finding));
        }
        events.extend(subject.waiting.iter().map(|message| self.waiting(message)));
        events.extend(subject.parked.iter().map(parked));
        let row_of = |name: &str| {
            subject.rows.iter().find(|(d, _)| d == name).and_then(|(_, row)| alert(row))
        };
        // A canary is owed to nobody by its level.
        let is_canary = subject.rows.iter().any(|(_, row)| matches!(row, Record::Canary(_)));
        let told = subject.rows.iter().map(|(_, row)| level_of(row)).max();
        let told = told.flatten();
        let mut destinations = Vec::new();
        for (index, destination) in self.config.destinations.iter().enumerate() {
            let name = destination.name.as_str();
            let owed = finding.map(|finding| self.routes.admits(index, &finding.severity));
            let row = row_of(name);
            events.extend(row.into_iter().flat_map(|row| self.row(row)).map(|e| e.of(name)));
            if !is_canary {
                events.extend(self.outlook(index, finding, told, row).map(|e| e.of(name)));
            }
            destinations.push(self.standing(name, Some(destination), owed, row));
        }
        for (name, row) in &subject.rows {
            if let Some(event) = own(row) {
                events.push(event);
            } else if let Some(row) = alert(row)
                && !self.config.destinations.iter().any(|d| d.name.as_str() == name)
            {
                events.extend(self.row(row).into_iter().map(|e| e.of(name)));
                let gone = "the configuration has no such destination now".to_owned();
                events.push(Event::now("unconfigured", gone).of(name));
                destinations.push(self.standing(name, None, None, Some(row)));
            }
        }
        events.sort_by_key(|event| event.order);
        Chapter {
            finding: Text::new(&subject.fingerprint, 2048).to_string(),
            known: subject.is_known(),
            about: finding.map(about),
            destinations,
            events,
        }
    }

    /// What a row says has happened, and how far it has come.
    fn row(&self, row: &AlertRecord) -> Vec<Event> {
        let mut events = Vec::new();
        let state = row.version().state;
        if let Some(post) = row.accepted() {
            let level = post.level;
            let mut detail = format!(
                "as {level}, in post {}; Slack accepted it (HTTP 200, ok)",
                or_dash(&clean(&post.post_id))
            );
            if state == State::Sent {
                detail.push_str(&tries(row));
            }
            events.push(Event::at(Some(post.sent_at), "posted", detail));
        }
        let worker = worker(row.owner().unwrap_or_default());
        let level = row.level_claimed().map_or("", |level| level.as_str());
        let over = row.lease_until.plus(self.terms.skew);
        match state {
            State::Claimed if self.now < over => {
                let begun = row.lease_until.minus(self.terms.lease);
                events.push(Event::at(
                    Some(begun),
                    "claimed",
                    format!(
                        "as {level} by worker {worker}, to post it now; nobody else may until {}{}",
                        over.to_rfc3339(),
                        tries(row)
                    ),
                ));
            }
            State::Claimed => events.push(Event::at(
                Some(row.lease_until),
                "claim_over",
                format!(
                    "worker {worker} had claimed it as {level} and did not say what came of it: it \
                     may have been posted; whoever receives its message next takes over, and posts \
                     it again{}",
                    tries(row)
                ),
            )),
            // As `replay send --force` leaves it: no try was made of what is free.
            State::Free if row.attempts == 0 && row.ambiguous > 0 => {
                let changed = row.expires_at.minus(self.terms.retention);
                events.push(Event::at(
                    Some(changed),
                    "made_free",
                    format!(
                        "about then, by hansho replay with --force, though it had been posted, in post \
                         {}: it is posted again when its message comes",
                        or_dash(&clean(row.post_id().unwrap_or_default()))
                    ),
                ));
            }
            State::Free => {
                let changed = row.expires_at.minus(self.terms.retention);
                events.push(Event::at(
                    Some(changed),
                    "given_up",
                    format!(
                        "about then: claimed and given up, not posted; its message is in a queue or \
                         with a worker, and is tried again{}",
                        tries(row)
                    ),
                ));
            }
            State::Sent => {}
        }
        if row.expires_at < self.now {
            events.push(Event::at(
                Some(row.expires_at),
                "forgotten",
                "the row may be deleted since then: if the finding comes again it is told as new"
                    .to_owned(),
            ));
        }
        events
    }

    /// What would happen if it came now, or what can't be known of that. `told` is the worst level
    /// that any row tells of.
    fn outlook(
        &self,
        index: usize,
        finding: Option<&Finding>,
        told: Option<Level>,
        row: Option<&AlertRecord>,
    ) -> Option<Event> {
        let destination = self.config.destinations.get(index)?;
        let least = self.least(destination);
        match (finding, row) {
            (Some(finding), _) if !self.routes.admits(index, &finding.severity) => {
                let level = severity(finding);
                let detail = format!("{level} is less than what is posted there now, {least}");
                Some(Event::now("not_owed", detail))
            }
            (Some(finding), _) => Some(self.next(finding, row)),
            (None, Some(row)) => self.settled(row),
            (None, None) => Some(match told {
                Some(level) if !self.routes.admits(index, &Severity::of_level(level)) => {
                    let detail = format!(
                        "it is known as {level}, which is less than what is posted there now, {least}"
                    );
                    Event::now("not_owed", detail)
                }
                Some(level) => Event::now(
                    "no_row",
                    format!(
                        "not posted there, though {level} is owed to it now: it waits, or the \
                         destination's threshold was higher then, or the destination is newer than the post"
                    ),
                ),
                None => Event::now(
                    "no_row",
                    format!("not posted there, where {least} is posted; its level is not known"),
                ),
            }),
        }
    }

    /// The ledger's own decision, for a finding that is owed.
    fn next(&self, finding: &Finding, row: Option<&AlertRecord>) -> Event {
        let level = finding.severity.level;
        let want = Want { owner: "explain", level, revision: finding.updated_at };
        match ledger::claim(row, &want, &self.terms, self.now) {
            Claim::AlreadyPosted { level: sent } => Event::now(
                "covered",
                format!("whenever it comes as {level} nothing is posted: it was told as {sent}"),
            ),
            Claim::Busy { until } => Event::now(
                "busy",
                format!(
                    "whenever it comes it waits until {}: a worker is at it",
                    until.to_rfc3339()
                ),
            ),
            Claim::Write { kind: ClaimKind::Escalate { from }, .. } => Event::now(
                "owed",
                format!("{level} is worse than {from}, as which it was told: it is told again"),
            ),
            Claim::Write { kind: ClaimKind::Remind, .. } => Event::now(
                "owed",
                "it was told, a reminder is due, and it has changed since: it is told again"
                    .to_owned(),
            ),
            Claim::Write { kind: ClaimKind::New, .. } => Event::now(
                "owed",
                format!(
                    "{}; there is no row: it was never claimed, so never posted",
                    severity(finding)
                ),
            ),
            Claim::Write { .. } => {
                Event::now("owed", format!("{}; to be posted when it comes", severity(finding)))
            }
        }
    }

    /// What was told is not told again, as long as the row counts.
    fn settled(&self, row: &AlertRecord) -> Option<Event> {
        let post = row.accepted().filter(|_| row.expires_at >= self.now)?;
        let level = post.level;
        let again = match post.due_at {
            Some(due) => format!(", but for a reminder from {}, if it changes", due.to_rfc3339()),
            None => String::new(),
        };
        Some(Event::now(
            "covered",
            format!(
                "as {level} or below nothing is posted for it until {}{again}",
                row.expires_at.to_rfc3339()
            ),
        ))
    }

    /// The least severity of a destination, in words.
    fn least(&self, destination: &Destination) -> String {
        and_above(
            destination
                .threshold
                .filter(|own| own.floor() > self.config.threshold.floor())
                .unwrap_or(self.config.threshold),
        )
    }

    fn waiting(&self, message: &WaitingMessage) -> Event {
        let received = match message.receive_count {
            0 => "not received yet".to_owned(),
            1 => "received once".to_owned(),
            n => format!("received {n} times"),
        };
        let hidden = match message.visible_at > self.now {
            true => format!(
                "with a worker or handed back, hidden until {}",
                message.visible_at.to_rfc3339()
            ),
            false => "to be received next".to_owned(),
        };
        let (lane, id) = (clean(&message.lane), clean(&message.message_id));
        let detail = format!("in the {lane} queue as message {id}; {received}, {hidden}");
        let event = Event::at(Some(message.enqueued_at), "queued", detail);
        Event { lane: Some(lane), message_id: Some(id), ..event }
    }

    fn standing(
        &self,
        name: &str,
        destination: Option<&Destination>,
        owed: Option<bool>,
        row: Option<&AlertRecord>,
    ) -> Standing {
        let post = row.and_then(AlertRecord::accepted);
        let claimed = row.filter(|row| row.is_claimed());
        let level = |level: Level| level.as_str();
        let time = |at: Option<Wall>| at.map(Wall::to_rfc3339);
        let text = |text: &str| (!text.is_empty()).then(|| clean(text));
        Standing {
            destination: clean(name),
            configured: destination.is_some(),
            owed,
            min_severity: destination.map(|d| self.least(d)),
            state: row.map_or("none", |row| row.version().state.as_str()),
            expired: row.is_some_and(|row| row.expires_at < self.now),
            lease_alive: claimed.map(|row| self.now < row.lease_until.plus(self.terms.skew)),
            level_sent: post.map(|post| level(post.level)),
            level_claimed: row.and_then(AlertRecord::level_claimed).map(level),
            sent_at: time(post.map(|post| post.sent_at)),
            digest: row.and_then(AlertRecord::post_id).and_then(text),
            revision_sent: time(post.and_then(|post| post.revision)),
            due_at: time(post.and_then(|post| post.due_at)),
            attempts: row.map(|row| row.attempts),
            ambiguous: row.map(|row| row.ambiguous),
            owner: row.and_then(AlertRecord::owner).and_then(text),
            fence: row.map(|row| row.fence),
            lease_until: time(claimed.map(|row| row.lease_until)),
            expires_at: time(row.map(|row| row.expires_at)),
        }
    }

    /// What can't be known from what was asked.
    fn notes(&self, evidence: &Evidence, findings: &[Chapter]) -> Vec<String> {
        let mut notes = Vec::new();
        let owed = |chapter: &Chapter| chapter.destinations.iter().any(|d| d.owed != Some(false));
        let unknown = |chapter: &&Chapter| !chapter.known;
        if findings.iter().filter(unknown).any(owed) {
            let unclear = |c: &Chapter| c.destinations.iter().any(|d| d.owed.is_none());
            let unclear = findings.iter().filter(unknown).any(unclear);
            notes.push(self.nowhere(evidence, unclear));
        }
        if findings.iter().filter(unknown).any(|chapter| !owed(chapter)) {
            notes.push(
                "What is below every threshold leaves no trace: whether it was received can't be \
                 known. Which threshold was in force then is not recorded either; the one above is \
                 the present one."
                    .to_owned(),
            );
        }
        let rows = || {
            let all = evidence.subjects.iter().flat_map(|subject| &subject.rows);
            all.filter_map(|(name, row)| Some((name, alert(row)?)))
        };
        for destination in &self.config.destinations {
            let fallback = destination.fallback.and_then(|i| self.config.destinations.get(i));
            let name = destination.name.as_str();
            let told = rows().any(|(d, row)| d == name && row.accepted().is_some());
            if let Some(fallback) = fallback.filter(|_| told) {
                notes.push(format!(
                    "What was posted for {name} went to {}, if the webhook of {name} was dead then: \
                     the card says \"meant for {name}\", the log's line \"posted\" says `channel`.",
                    fallback.name
                ));
            }
        }
        if rows().any(|(_, row)| row.fence > 1 || row.attempts > 0) {
            notes.push(
                "The ledger keeps the last post alone. Earlier ones, at lower levels, and why tries \
                 failed are in the log: search it for the finding, and for \"post failed\"."
                    .to_owned(),
            );
        }
        notes.extend(evidence.gaps.iter().map(|gap| Text::new(gap, 1000).to_string()));
        notes
    }

    /// Where a finding may be of which there is no trace.
    /// `unclear`: its level is not known, so it may be below the threshold.
    fn nowhere(&self, evidence: &Evidence, unclear: bool) -> String {
        let mut places = vec!["it never came to the queues".to_owned()];
        if unclear {
            places.push("it was below the threshold, which leaves no trace".to_owned());
        }
        places.push(format!(
            "it was told and is forgotten, {} after the last change",
            duration::format(self.config.retention)
        ));
        let lanes = evidence.depths.iter().map(|(lane, depth)| {
            let (visible, hidden) = (depth.visible, depth.hidden);
            format!("{}: {visible} to be received, {hidden} hidden", lane.as_str())
        });
        let lanes: Vec<String> = lanes.collect();
        if matches!(self.config.backend, Backend::Aws { .. }) {
            places.push("it is in a dead-letter queue, into which hansho does not look".to_owned());
        }
        let any = evidence.depths.iter().any(|(_, depth)| !depth.is_empty());
        if !lanes.is_empty() {
            // The counts are approximate, and a queue that counts none is not where to look first.
            if any {
                places.push(format!("it waits in a queue ({})", lanes.join("; ")));
            }
        } else if !evidence.looked_into_lanes {
            places.push("it waits in a queue, as the queues were not asked".to_owned());
        }
        if !evidence.looked_into_quarantine {
            places.push("it is in quarantine, which was not looked through".to_owned());
        }
        format!("There is no trace of it, so one of these is so: {}.", places.join("; "))
    }
}

/// What the source says of it.
fn source_events(finding: &Finding) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(at) = finding.created_at {
        events.push(Event::at(Some(at), "created", "by its source, as it says".to_owned()));
    }
    if let Some(at) = finding.updated_at.filter(|at| Some(*at) != finding.created_at) {
        let counted = finding.count.map(|n| format!(", seen {n} times")).unwrap_or_default();
        events.push(Event::at(Some(at), "updated", format!("by its source, as it says{counted}")));
    }
    events
}

fn alert(record: &Record) -> Option<&AlertRecord> {
    match record {
        Record::Alert(alert) => Some(alert),
        _ => None,
    }
}

/// The level that a record names.
fn level_of(record: &Record) -> Option<Level> {
    match record {
        Record::Alert(alert) => alert.level_posted().max(alert.level_claimed()),
        Record::Canary(canary) => Some(canary.level),
        Record::Enqueued(enqueued) => Some(enqueued.level),
        Record::Pace(_) | Record::Watermark(_) => None,
    }
}

/// The event of a record that is no alert's.
fn own(record: &Record) -> Option<Event> {
    match record {
        Record::Enqueued(enqueued) => {
            let level = enqueued.level;
            let detail = format!(
                "as {level} by hansho reconcile: GuardDuty held it, and the ledger did not know it"
            );
            Some(Event::at(Some(enqueued.enqueued_at), "enqueued", detail))
        }
        Record::Canary(record) => {
            let passed = record.passed;
            let detail = format!(
                "a canary, and no finding: put on the bus at {}, received at {}; that is all it \
                 is for{}",
                passed.put_at.to_rfc3339(),
                passed.received_at.to_rfc3339(),
                match passed.post {
                    CanaryPost::No => "",
                    CanaryPost::Yes => ", and it asked to be posted as a test",
                    CanaryPost::TooMany => {
                        ", and was not posted as it asked: too many were before"
                    }
                }
            );
            Some(Event::at(Some(passed.put_at), "canary", detail))
        }
        Record::Alert(_) | Record::Pace(_) | Record::Watermark(_) => None,
    }
}

fn parked(message: &QuarantinedMessage) -> Event {
    let optional = |text: &Option<String>| text.as_deref().map(clean).filter(|t| !t.is_empty());
    let (lane, id) = (optional(&message.lane), optional(&message.message_id));
    let reason = optional(&message.reason);
    let why = message.detail.as_deref().map(|detail| Text::new(detail, DETAIL_CHARS_MAX));
    let mut detail =
        format!("in quarantine, for {}", reason.as_deref().unwrap_or("no given reason"));
    if let Some(why) = why.filter(|why| !why.is_empty()) {
        detail.push_str(&format!(" ({why})"));
    }
    if let Some(id) = &id {
        detail.push_str(&format!("; it was message {id}"));
    }
    if let Some(lane) = &lane {
        detail.push_str(&format!(" of the {lane} queue"));
    }
    match message.receive_count {
        None | Some(0) => {}
        Some(1) => detail.push_str(", received once"),
        Some(count) => detail.push_str(&format!(", received {count} times")),
    }
    detail.push_str("; nobody is told until it is sent again");
    let event = Event::at(message.parked_at, "quarantined", detail);
    Event { lane, message_id: id, reason, ..event }
}

fn about(finding: &Finding) -> About {
    let unreadable = |remark: &Remark| matches!(remark, Remark::UnreadableSeverity(_));
    About {
        title: finding.title.to_string(),
        kind: finding.kind.to_string(),
        account: finding.account.to_string(),
        region: finding.region.to_string(),
        level: finding.severity.level.as_str(),
        score: finding.severity.score,
        severity_unreadable: finding.remarks.iter().any(unreadable),
        sample: finding.sample,
        archived: finding.archived,
        created_at: finding.created_at.map(Wall::to_rfc3339),
        updated_at: finding.updated_at.map(Wall::to_rfc3339),
    }
}

/// `high 8.0`
pub fn severity(finding: &Finding) -> String {
    match finding.severity.score {
        Some(score) => format!("{} ({score})", finding.severity.level),
        None => finding.severity.level.to_string(),
    }
}

/// What is known of tries that were not accepted.
fn tries(row: &AlertRecord) -> String {
    let mut text = match row.attempts {
        0 => String::new(),
        1 => "; one try was not accepted".to_owned(),
        n => format!("; {n} tries were not accepted"),
    };
    match row.ambiguous {
        0 => {}
        1 => text.push_str("; once Slack may have taken it without our knowing"),
        n => text.push_str(&format!("; {n} times Slack may have taken it without our knowing")),
    }
    text
}

/// The owner is the worker's id and the alert's at its desk.
fn worker(owner: &str) -> String {
    clean(owner.split('/').next().unwrap_or(owner))
}

pub(super) fn clean(text: &str) -> String {
    Text::new(text, WORD_CHARS_MAX).to_string()
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

//! Forecasts what a worker would do with a message. It makes the worker's own decision on the
//! ledger as it is now, and writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Level};
use crate::instants::Wall;
use crate::policy::ledger::{AlertRecord, Claim, ClaimKind, RecordKey, Want, claim};
use crate::policy::record::Sighting;
use crate::ports::{Card, Form, Lane, Ledger, LedgerError, Post};
use crate::slack::{self, Guide, Mentions};

use super::parsed::ParsedDeadLetter;
use super::rewind::Rewinder;
use super::table::{self, TableColumn};

/// The owner in the trial claims. Never written.
const NOBODY: &str = "dry-run";

/// What a worker would do with an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    Post(ClaimKind),
    /// With `--force`: it is already posted at this level, and would be posted again.
    PostAgain(Level),
    /// Nothing: it is already posted at this level.
    AlreadyPosted {
        level: Level,
        at: Option<Wall>,
    },
    /// Nothing: the finding is closed.
    Closed,
    /// Nothing: the post of an earlier message of this replay has the same finding.
    PostedByThis,
    /// Wait: a worker may be posting it now.
    Busy,
}

/// The forecast of one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertForecast {
    /// The index of the finding in the message.
    pub finding: usize,
    pub destination: String,
    pub outlook: Outlook,
}

/// The forecast of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageForecast {
    pub lane: Lane,
    pub alerts: Vec<AlertForecast>,
    /// A finding is severe enough, and matches no destination.
    pub unmatched: bool,
}

/// The levels at which earlier messages of this replay would be posted.
pub type PostedBefore = BTreeMap<RecordKey, Level>;

/// Reads the ledger record of each alert.
pub async fn of<L: Ledger>(
    letter: &ParsedDeadLetter,
    rewinder: &Rewinder<'_, L>,
    lanes: &[Lane],
    force: bool,
    before: &mut PostedBefore,
    now: Wall,
) -> Result<MessageForecast, LedgerError> {
    let mut alerts = Vec::new();
    for (index, finding) in letter.findings.iter().enumerate() {
        let level = finding.severity.level;
        for key in rewinder.keys(finding) {
            if before.get(&key).is_some_and(|posted| *posted >= level) {
                let outlook = Outlook::PostedByThis;
                alerts.push(AlertForecast {
                    finding: index,
                    destination: key.into_parts().1,
                    outlook,
                });
                continue;
            }
            let record: Option<AlertRecord> = rewinder.ledger.read(&key).await?;
            let want = Want { owner: NOBODY, sighting: Sighting::of(finding) };
            let outlook = match claim(record.as_ref(), &want, &rewinder.terms, now) {
                Claim::Write { kind, .. } => Outlook::Post(kind),
                Claim::Busy { .. } => Outlook::Busy,
                Claim::Closed(_) => Outlook::Closed,
                Claim::AlreadyPosted { level } | Claim::Join { level, .. } if force => {
                    Outlook::PostAgain(level)
                }
                Claim::AlreadyPosted { level } | Claim::Join { level, .. } => {
                    Outlook::AlreadyPosted {
                        level,
                        at: record.as_ref().and_then(|record| Some(record.accepted()?.sent_at)),
                    }
                }
            };
            if outlook.posts() {
                before.insert(key.clone(), level);
            }
            alerts.push(AlertForecast { finding: index, destination: key.into_parts().1, outlook });
        }
    }
    let admitted = |finding: &Finding| rewinder.routes.admit(&finding.severity);
    let unmatched = alerts.is_empty() && letter.findings.iter().any(admitted);
    Ok(MessageForecast { lane: letter.lane_of(lanes), alerts, unmatched })
}

impl Outlook {
    fn as_str(self) -> &'static str {
        match self {
            Outlook::Post(kind) => kind.as_str(),
            Outlook::PostAgain(_) => "again",
            Outlook::AlreadyPosted { .. } => "already_posted",
            Outlook::Closed => "closed",
            Outlook::PostedByThis => "posted_by_this_replay",
            Outlook::Busy => "busy",
        }
    }

    pub fn posts(self) -> bool {
        matches!(self, Outlook::Post(_) | Outlook::PostAgain(_))
    }

    /// Completes the sentence "the worker would …".
    fn text(self, destination: &str, now: Wall) -> String {
        match self {
            Outlook::Post(ClaimKind::Escalate { from }) => {
                format!("post to {destination}, escalated from {from}")
            }
            Outlook::Post(ClaimKind::CameBack(_)) => {
                format!("post to {destination}, as it came back")
            }
            Outlook::Post(ClaimKind::Remind) => format!("post to {destination}, as a reminder"),
            Outlook::Post(_) => format!("post to {destination}"),
            Outlook::PostAgain(level) => {
                format!("post to {destination} again (posted as {level})")
            }
            Outlook::AlreadyPosted { level, at } => {
                let at =
                    at.map_or_else(String::new, |at| format!(" {} ago", table::age(now.since(at))));
                format!("skip {destination}: already posted as {level}{at}")
            }
            Outlook::Closed => format!("skip {destination}: the finding is closed"),
            Outlook::PostedByThis => {
                format!("skip {destination}: same finding as above")
            }
            Outlook::Busy => format!("wait: a worker may be posting it to {destination}"),
        }
    }
}

/// Completes the sentence "the worker would …" for a message.
pub fn text(letter: &ParsedDeadLetter, forecast: &MessageForecast, now: Wall) -> String {
    if letter.is_ignored() {
        return "ignore it: the event is no finding".to_owned();
    }
    if letter.findings.is_empty() {
        let code = letter.rejections.first().map_or("unknown", |r| r.code.as_str());
        return format!("quarantine it again: {code}");
    }
    if forecast.unmatched {
        return "skip it: it matches no destination".to_owned();
    }
    if forecast.alerts.is_empty() {
        return "skip it: below every threshold".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    for alert in &forecast.alerts {
        let part = alert.outlook.text(&alert.destination, now);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if !letter.rejections.is_empty() {
        parts.push("quarantine the parts that are no finding".to_owned());
    }
    parts.join("; ")
}

/// The sums of all forecasts, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub express: usize,
    pub standard: usize,
    /// At least one alert would be posted.
    pub posted: usize,
    pub already_posted: usize,
    /// The finding is closed.
    pub closed: usize,
    /// An earlier message of this replay has the same finding.
    pub same: usize,
    pub below_threshold: usize,
    /// They match no destination.
    pub unmatched: usize,
    /// Known to be no finding.
    pub ignored: usize,
    /// Unreadable.
    pub quarantined_again: usize,
    /// A worker may be posting them now.
    pub waiting: usize,
}

impl Totals {
    pub fn add(&mut self, letter: &ParsedDeadLetter, forecast: &MessageForecast) {
        match forecast.lane {
            Lane::Express => self.express += 1,
            Lane::Standard => self.standard += 1,
        }
        let outlooks = || forecast.alerts.iter().map(|n| n.outlook);
        let already_posted = |o| matches!(o, Outlook::AlreadyPosted { .. });
        if letter.is_ignored() {
            self.ignored += 1;
        } else if letter.findings.is_empty() {
            self.quarantined_again += 1;
        } else if outlooks().any(Outlook::posts) {
            self.posted += 1;
        } else if outlooks().any(|o| o == Outlook::Busy) {
            self.waiting += 1;
        } else if forecast.unmatched {
            self.unmatched += 1;
        } else if forecast.alerts.is_empty() {
            self.below_threshold += 1;
        } else if outlooks().any(already_posted) {
            self.already_posted += 1;
        } else if outlooks().any(|o| o == Outlook::Closed) {
            self.closed += 1;
        } else {
            self.same += 1;
        }
    }

    pub fn text(&self) -> String {
        let Totals { express, standard, posted, already_posted, .. } = self;
        let Totals { same, closed, below_threshold, quarantined_again, waiting, ignored, .. } =
            self;
        let mut lines = vec![
            format!(
                "{:>8} to send: {express} to express, {standard} to standard",
                express + standard
            ),
            format!("{posted:>8} would be posted"),
            format!("{already_posted:>8} already posted (--force posts these again)"),
            format!("{closed:>8} closed, so nothing is posted"),
            format!("{same:>8} with the same finding as a message above"),
            format!("{below_threshold:>8} below every threshold"),
            format!("{quarantined_again:>8} unreadable, would be quarantined again"),
        ];
        let counts = [
            (self.unmatched, "match no destination, would be dropped"),
            (*ignored, "no findings, would be ignored"),
            (*waiting, "in use: a worker may be posting them now"),
        ];
        table::add_counts(&mut lines, &counts);
        lines.join("\n")
    }
}

const PLAN: [TableColumn; 6] = [
    TableColumn::left("SEVERITY", 13, 13),
    TableColumn::left("REASON", 24, 13),
    TableColumn::left("LANE", 8, 8),
    TableColumn::left("THE WORKER WOULD", 60, 30),
    TableColumn::left("TITLE", 60, 20),
    TableColumn::left("ID", 80, 80),
];

/// The table of a dry run, one line for each message.
pub fn plan(
    all: &[(&ParsedDeadLetter, MessageForecast)],
    now: Wall,
    width: Option<usize>,
) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(letter, forecast)| {
            let [severity, _, _, _, title] = table::content(letter);
            vec![
                severity,
                letter.reason.to_string(),
                forecast.lane.as_str().to_owned(),
                text(letter, forecast, now),
                title,
                table::id(letter),
            ]
        })
        .collect();
    table::draw(&PLAN, &rows, width)
}

/// The destination and the payload of the first alert that would be posted. A worker may put
/// several alerts in one post, and posts a digest in a storm.
pub fn payload(
    letter: &ParsedDeadLetter,
    forecast: &MessageForecast,
    mentions: impl Fn(&str) -> Mentions,
    guide: &Guide,
    now: Wall,
) -> Option<(String, Value)> {
    let alert = forecast.alerts.iter().find(|alert| alert.outlook.posts())?;
    let finding: &Finding = letter.findings.get(alert.finding)?;
    let escalated_from = match alert.outlook {
        Outlook::Post(ClaimKind::Escalate { from }) => Some(from),
        _ => None,
    };
    let post = Post {
        at: now,
        id: "preview".to_owned(),
        destination: alert.destination.clone(),
        form: Form::Cards,
        notes: Vec::new(),
        cards: vec![Card {
            escalated_from,
            reminder: matches!(alert.outlook, Outlook::Post(ClaimKind::Remind)),
            perhaps_repeated: matches!(alert.outlook, Outlook::PostAgain(_)),
            ..Card::of(Arc::new(finding.clone()))
        }],
    };
    let payload = slack::payload(&post, &mentions(&alert.destination), guide);
    Some((alert.destination.clone(), payload))
}

/// A message with its forecast, for machines.
pub fn as_json(letter: &ParsedDeadLetter, forecast: &MessageForecast, now: Wall) -> Value {
    let mut value = table::as_json(letter, now);
    let alerts: Vec<Value> = forecast
        .alerts
        .iter()
        .map(|alert| {
            let (level, at) = match alert.outlook {
                Outlook::AlreadyPosted { level, at } => (Some(level), at),
                Outlook::PostAgain(level) => (Some(level), None),
                Outlook::Post(ClaimKind::Escalate { from }) => (Some(from), None),
                Outlook::Post(_) | Outlook::Closed | Outlook::PostedByThis | Outlook::Busy => {
                    (None, None)
                }
            };
            json!({
                "finding": alert.finding,
                "destination": alert.destination,
                "outlook": alert.outlook.as_str(),
                "posted_level": level.map(Level::as_str),
                "posted_at": at.map(Wall::to_rfc3339),
            })
        })
        .collect();
    if let Some(value) = value.as_object_mut() {
        value.insert("to".to_owned(), forecast.lane.as_str().into());
        value.insert("would".to_owned(), text(letter, forecast, now).into());
        value.insert("alerts".to_owned(), alerts.into());
    }
    value
}

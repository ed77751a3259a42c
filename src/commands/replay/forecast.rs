//! `--dry-run`: what would become of each message, by the same decision that the worker takes, from
//! the ledger as it is now. Nothing is written anywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::finding::{Finding, Level};
use crate::instants::Wall;
use crate::policy::ledger::{AlertRecord, Claim, ClaimKind, RecordKey, Want, claim};
use crate::ports::{Card, Form, Lane, Ledger, LedgerError, Post};
use crate::slack::{self, Mentions};

use super::force::Again;
use super::message::Message;
use super::table::{self, Column};

/// Never written: a dry run claims nothing.
const NOBODY: &str = "dry-run";

/// What would become of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    Post(ClaimKind),
    /// With `--force`: it was posted at this level, and would be again.
    PostAgain(Level),
    /// An earlier post at this level stands for it.
    AlreadyPosted {
        level: Level,
        at: Option<Wall>,
    },
    /// A message before it in this replay would be posted, and stands for it.
    PostedByThis,
    /// A worker may be posting it right now.
    Busy,
}

/// One alert of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Which finding of the message.
    pub finding: usize,
    pub destination: String,
    pub outlook: Outlook,
}

/// What would become of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    pub lane: Lane,
    pub alerts: Vec<Alert>,
}

/// What the messages before would have posted, and at what level.
pub type Before = BTreeMap<RecordKey, Level>;

/// Asks the ledger for each alert.
pub async fn of<L: Ledger>(
    message: &Message,
    again: &Again<'_, L>,
    lanes: &[Lane],
    force: bool,
    before: &mut Before,
    now: Wall,
) -> Result<Forecast, LedgerError> {
    let mut alerts = Vec::new();
    for (index, finding) in message.findings.iter().enumerate() {
        let level = finding.severity.level;
        for key in again.keys(finding) {
            if before.get(&key).is_some_and(|told| *told >= level) {
                let outlook = Outlook::PostedByThis;
                alerts.push(Alert { finding: index, destination: key.into_parts().1, outlook });
                continue;
            }
            let row: Option<AlertRecord> = again.ledger.read(&key).await?;
            let want =
                Want { owner: NOBODY, level: finding.severity.level, revision: finding.updated_at };
            let outlook = match claim(row.as_ref(), &want, &again.terms, now) {
                Claim::Write { kind, .. } => Outlook::Post(kind),
                Claim::Busy { .. } => Outlook::Busy,
                Claim::AlreadyPosted { level } if force => Outlook::PostAgain(level),
                Claim::AlreadyPosted { level } => Outlook::AlreadyPosted {
                    level,
                    at: row.as_ref().and_then(|row| Some(row.accepted()?.sent_at)),
                },
            };
            if outlook.posts() {
                before.insert(key.clone(), level);
            }
            alerts.push(Alert { finding: index, destination: key.into_parts().1, outlook });
        }
    }
    Ok(Forecast { lane: message.lane_of(lanes), alerts })
}

impl Outlook {
    fn as_str(self) -> &'static str {
        match self {
            Outlook::Post(kind) => kind.as_str(),
            Outlook::PostAgain(_) => "again",
            Outlook::AlreadyPosted { .. } => "covered",
            Outlook::PostedByThis => "covered_by_this_replay",
            Outlook::Busy => "busy",
        }
    }

    pub fn posts(self) -> bool {
        matches!(self, Outlook::Post(_) | Outlook::PostAgain(_))
    }

    /// A sentence without a subject.
    fn says(self, destination: &str, now: Wall) -> String {
        match self {
            Outlook::Post(ClaimKind::Escalate { from }) => {
                format!("post to {destination}, escalated from {from}")
            }
            Outlook::Post(ClaimKind::Remind) => format!("post to {destination}, a reminder"),
            Outlook::Post(_) => format!("post to {destination}"),
            Outlook::PostAgain(level) => format!("post to {destination} again, told at {level}"),
            Outlook::AlreadyPosted { level, at } => {
                let at =
                    at.map_or_else(String::new, |at| format!(" {} ago", table::age(now.since(at))));
                format!("covered at {destination}: told at {level}{at}")
            }
            Outlook::PostedByThis => {
                format!("covered at {destination}: one above is the same finding")
            }
            Outlook::Busy => format!("wait: a worker may be posting it to {destination}"),
        }
    }
}

/// What would become of a message, in a few words.
pub fn said(message: &Message, forecast: &Forecast, now: Wall) -> String {
    if message.findings.is_empty() {
        let code = message.rejections.first().map_or("unknown", |r| r.code.as_str());
        return format!("be parked again: {code}");
    }
    if forecast.alerts.is_empty() {
        return "be settled: below every threshold".to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    for alert in &forecast.alerts {
        let part = alert.outlook.says(&alert.destination, now);
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    if !message.rejections.is_empty() {
        parts.push("park what in it is no finding".to_owned());
    }
    parts.join("; ")
}

/// How many messages would go where, and what would become of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub express: usize,
    pub standard: usize,
    /// Messages of which something would be posted.
    pub posted: usize,
    /// Messages that an earlier post covers.
    pub covered: usize,
    /// Messages that others before them in this replay cover.
    pub same: usize,
    pub below_threshold: usize,
    pub parked_again: usize,
    pub waiting: usize,
}

impl Totals {
    pub fn add(&mut self, message: &Message, forecast: &Forecast) {
        match forecast.lane {
            Lane::Express => self.express += 1,
            Lane::Standard => self.standard += 1,
        }
        let outlooks = || forecast.alerts.iter().map(|n| n.outlook);
        let told = |o| matches!(o, Outlook::AlreadyPosted { .. });
        if message.findings.is_empty() {
            self.parked_again += 1;
        } else if outlooks().any(Outlook::posts) {
            self.posted += 1;
        } else if outlooks().any(|o| o == Outlook::Busy) {
            self.waiting += 1;
        } else if forecast.alerts.is_empty() {
            self.below_threshold += 1;
        } else if outlooks().any(told) {
            self.covered += 1;
        } else {
            self.same += 1;
        }
    }

    pub fn text(&self) -> String {
        let Totals { express, standard, posted, covered, .. } = self;
        let Totals { same, below_threshold, parked_again, waiting, .. } = self;
        let mut lines = vec![
            format!(
                "{:>8} to be sent: {express} to express, {standard} to standard",
                express + standard
            ),
            format!("{posted:>8} would be posted"),
            format!("{covered:>8} covered by an earlier post (--force posts those again)"),
            format!("{same:>8} the same finding as one above"),
            format!("{below_threshold:>8} below every threshold"),
            format!("{parked_again:>8} unreadable, would be parked again"),
        ];
        if *waiting > 0 {
            lines.push(format!("{waiting:>8} in use: a worker may be posting them right now"));
        }
        lines.join("\n")
    }

    pub fn json(&self) -> Value {
        json!({
            "express": self.express,
            "standard": self.standard,
            "posted": self.posted,
            "covered": self.covered,
            "same": self.same,
            "below_threshold": self.below_threshold,
            "parked_again": self.parked_again,
            "waiting": self.waiting,
        })
    }
}

const PLAN: [Column; 6] = [
    Column::left("SEVERITY", 13, 13),
    Column::left("REASON", 24, 13),
    Column::left("LANE", 8, 8),
    Column::left("WOULD", 60, 30),
    Column::left("TITLE", 60, 20),
    Column::left("ID", 80, 80),
];

/// The table of a dry run, one line a message.
pub fn plan(all: &[(&Message, Forecast)], now: Wall, width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(message, forecast)| {
            let [severity, _, _, _, title] = table::content(message);
            vec![
                severity,
                message.reason.to_string(),
                forecast.lane.as_str().to_owned(),
                said(message, forecast, now),
                title,
                table::id(message),
            ]
        })
        .collect();
    table::draw(&PLAN, &rows, width)
}

/// What Slack would get for the first alert of a message that would be posted: the destination, and
/// the payload. A worker may put several in one post, and in a storm makes a digest of them.
pub fn payload(
    message: &Message,
    forecast: &Forecast,
    mentions: impl Fn(&str) -> Mentions,
) -> Option<(String, Value)> {
    let alert = forecast.alerts.iter().find(|alert| alert.outlook.posts())?;
    let finding: &Finding = message.findings.get(alert.finding)?;
    let escalated_from = match alert.outlook {
        Outlook::Post(ClaimKind::Escalate { from }) => Some(from),
        _ => None,
    };
    let digest = Post {
        id: "preview".to_owned(),
        destination: alert.destination.clone(),
        form: Form::Cards,
        notes: Vec::new(),
        cards: vec![Card {
            finding: Arc::new(finding.clone()),
            escalated_from,
            reminder: matches!(alert.outlook, Outlook::Post(ClaimKind::Remind)),
            perhaps_repeated: matches!(alert.outlook, Outlook::PostAgain(_)),
            meant_for: None,
        }],
    };
    let payload = slack::payload(&digest, &mentions(&alert.destination));
    Some((alert.destination.clone(), payload))
}

/// The same for machines.
pub fn as_json(message: &Message, forecast: &Forecast, now: Wall) -> Value {
    let mut value = table::as_json(message, now);
    let alerts: Vec<Value> = forecast
        .alerts
        .iter()
        .map(|alert| {
            let (level, at) = match alert.outlook {
                Outlook::AlreadyPosted { level, at } => (Some(level), at),
                Outlook::PostAgain(level) => (Some(level), None),
                Outlook::Post(ClaimKind::Escalate { from }) => (Some(from), None),
                Outlook::Post(_) | Outlook::PostedByThis | Outlook::Busy => (None, None),
            };
            json!({
                "finding": alert.finding,
                "destination": alert.destination,
                "outlook": alert.outlook.as_str(),
                "told_level": level.map(Level::as_str),
                "told_at": at.map(Wall::to_rfc3339),
            })
        })
        .collect();
    if let Some(value) = value.as_object_mut() {
        value.insert("to".to_owned(), forecast.lane.as_str().into());
        value.insert("would".to_owned(), said(message, forecast, now).into());
        value.insert("alerts".to_owned(), alerts.into());
    }
    value
}

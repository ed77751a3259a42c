//! What can be known of a parked message without acting on it: how it came here, and what it says.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::finding::arn::last_part;
use crate::finding::{self, Finding, Level, MAX_BYTES, Rejection, Text};
use crate::instants::Wall;
use crate::ports::{DeadLetter, Lane, Origin};

/// The bounds of what is shown, in characters.
const REASON_CHARS: usize = 64;
const DETAIL_CHARS: usize = 300;
const PLACE_CHARS: usize = 120;
const HINT_CHARS: usize = 100;

/// SQS dead-lettered it, which has no word of its own.
pub const RECEIVED_TOO_OFTEN: &str = "received_too_often";
/// Nobody said why it is here, and there is nothing wrong with it.
pub const UNKNOWN: &str = "unknown";

/// A parked message, read. All text that is shown is cleaned and bounded.
#[derive(Clone, Debug)]
pub struct Message {
    /// As its queue gave it, to be compared; cleaned, it is shown.
    pub id: String,
    /// The id that it had in its lane.
    pub original_id: Option<String>,
    pub origin: Origin,
    /// A word, if need be made from what is wrong with it.
    pub reason: Text,
    pub detail: Text,
    pub attempts: Option<u32>,
    /// The lane that it was parked from.
    pub lane: Option<Lane>,
    pub enqueued_at: Option<Wall>,
    pub parked_at: Option<Wall>,
    /// The worst first.
    pub findings: Vec<Finding>,
    pub rejections: Vec<Rejection>,
    /// What the envelope says where no finding can be read.
    pub hint: Hint,
    /// The size of the body.
    pub bytes: usize,
}

/// What a message that is no finding says of itself. Not to be relied on; it is for people who look
/// for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    pub account: Option<Text>,
    pub region: Option<Text>,
    pub kind: Option<Text>,
}

impl Message {
    pub fn read(parked: &DeadLetter) -> Message {
        let mut parsed = finding::parse(&parked.body);
        // Stable: findings as bad as one another stay in the order of the message.
        parsed.findings.sort_by_key(|f| std::cmp::Reverse(f.severity.level));
        let hint =
            if parsed.findings.is_empty() { Hint::of(&parked.body) } else { Hint::default() };
        let reason = match (&parked.reason, &parked.origin) {
            (Some(reason), _) => reason.as_str(),
            (None, Origin::DeadLetter { source: Some(_) }) => RECEIVED_TOO_OFTEN,
            (None, _) => parsed.rejections.first().map_or(UNKNOWN, |r| r.code.as_str()),
        };
        let detail = match (&parked.detail, parsed.rejections.first()) {
            (Some(detail), _) => Text::new(detail, DETAIL_CHARS),
            (None, Some(rejection)) => Text::new(&rejection.to_string(), DETAIL_CHARS),
            (None, None) => Text::default(),
        };
        Message {
            id: parked.id.0.clone(),
            original_id: parked.original_id.as_ref().map(|id| id.0.clone()),
            origin: parked.origin.clone(),
            reason: Text::new(reason, REASON_CHARS),
            detail,
            attempts: parked.attempts,
            lane: parked.lane,
            enqueued_at: parked.enqueued_at,
            parked_at: parked.parked_at,
            findings: parsed.findings,
            rejections: parsed.rejections,
            hint,
            bytes: parked.body.len(),
        }
    }

    /// When it was parked; of what SQS dead-lettered, when it was first sent.
    pub fn at(&self) -> Option<Wall> {
        self.parked_at.or(self.enqueued_at)
    }

    /// That of the worst finding in it. None: there is none that can be read.
    pub fn level(&self) -> Option<Level> {
        self.findings.first().map(|f| f.severity.level)
    }

    /// Where it failed, in a few words.
    pub fn place(&self) -> Text {
        let text = match &self.origin {
            Origin::Quarantine => match self.lane {
                Some(lane) => format!("worker, {}", lane.as_str()),
                None => "worker".to_owned(),
            },
            Origin::EventBridge { rule, target, .. } => match (rule, target) {
                (Some(rule), Some(target)) => {
                    format!("rule {} → {}", last_part(rule), last_part(target))
                }
                (Some(rule), None) => format!("rule {}", last_part(rule)),
                (None, Some(target)) => format!("→ {}", last_part(target)),
                (None, None) => "EventBridge".to_owned(),
            },
            Origin::DeadLetter { source: Some(source) } => format!("queue {}", last_part(source)),
            Origin::DeadLetter { source: None } => String::new(),
        };
        Text::new(&text, PLACE_CHARS)
    }

    /// The lane that suits it: express for what is high or critical, as EventBridge's rules have it.
    /// What can't be read goes back to where it came from.
    pub fn lane_of(&self, lanes: &[Lane]) -> Lane {
        let wanted = match self.level() {
            Some(level) if level >= Level::High => Lane::Express,
            Some(_) => Lane::Standard,
            None => self.lane.unwrap_or(Lane::Standard),
        };
        if lanes.contains(&wanted) { wanted } else { Lane::Standard }
    }

    /// The worst first, then the oldest; what can't be read last.
    pub fn rank(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.level()), self.at(), self.id.clone())
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    region: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
}

impl Hint {
    fn of(body: &str) -> Hint {
        if body.len() > MAX_BYTES {
            return Hint::default();
        }
        // Raw values are skipped over without recursion that could be driven too deep.
        let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(body) else {
            return Hint::default();
        };
        let text = |raw: Option<&RawValue>| {
            let text: String = serde_json::from_str(raw?.get()).ok()?;
            Some(Text::new(&text, HINT_CHARS)).filter(|text| !text.is_empty())
        };
        Hint {
            account: text(envelope.account),
            region: text(envelope.region),
            kind: text(envelope.detail_type),
        }
    }
}

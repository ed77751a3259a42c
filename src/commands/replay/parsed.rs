//! A dead letter with its findings, in texts that are safe to show.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::finding::arn::last_part;
use crate::finding::{self, Finding, Level, MAX_BYTES, Rejection, Text};
use crate::instants::Wall;
use crate::ports::{DeadLetter, Lane, Origin};

/// The longest texts that are shown, in characters.
const REASON_CHARS: usize = 64;
const DETAIL_CHARS: usize = 300;
const FAILED_AT_CHARS: usize = 120;
const HINT_CHARS: usize = 100;

/// The reason of a message that SQS moved: SQS gives none.
pub const RECEIVED_TOO_OFTEN: &str = "received_too_often";
/// The reason of a message that has none and that can be read.
pub const UNKNOWN: &str = "unknown";

/// A dead letter, parsed. Texts of type [`Text`] are cleaned and bounded.
#[derive(Clone, Debug)]
pub struct ParsedDeadLetter {
    /// The id as the queue returned it, for comparisons. Clean it before showing it.
    pub id: String,
    /// The id in its lane.
    pub original_id: Option<String>,
    pub origin: Origin,
    /// The word for the reason. If the queue has none, it is that of the first rejection.
    pub reason: Text,
    pub detail: Text,
    pub attempts: Option<u32>,
    /// The lane that it was quarantined from.
    pub lane: Option<Lane>,
    pub enqueued_at: Option<Wall>,
    pub quarantined_at: Option<Wall>,
    /// The most severe first.
    pub findings: Vec<Finding>,
    /// The number of events in it that are known to be no findings.
    pub ignored: usize,
    pub rejections: Vec<Rejection>,
    /// What can be read of a message without a finding.
    pub hint: Hint,
    /// The size of the body in bytes.
    pub bytes: usize,
}

/// What can be read of a message without a finding. It is not verified. People search by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    pub account: Option<Text>,
    pub region: Option<Text>,
    pub kind: Option<Text>,
    pub severity: Option<Text>,
    pub title: Option<Text>,
}

impl ParsedDeadLetter {
    pub fn parse(dead_letter: &DeadLetter) -> ParsedDeadLetter {
        let mut parsed = finding::parse(&dead_letter.body);
        // The sort is stable: equally severe findings stay in the order of the message.
        parsed.findings.sort_by_key(|f| std::cmp::Reverse(f.severity.level));
        let hint =
            if parsed.findings.is_empty() { Hint::of(&dead_letter.body) } else { Hint::default() };
        let reason = match (&dead_letter.reason, &dead_letter.origin) {
            (Some(reason), _) => reason.as_str(),
            (None, Origin::DeadLetter { source: Some(_) }) => RECEIVED_TOO_OFTEN,
            (None, _) => parsed.rejections.first().map_or(UNKNOWN, |r| r.code.as_str()),
        };
        let detail = match (&dead_letter.detail, parsed.rejections.first()) {
            (Some(detail), _) => Text::new(detail, DETAIL_CHARS),
            (None, Some(rejection)) => Text::new(&rejection.to_string(), DETAIL_CHARS),
            (None, None) => Text::default(),
        };
        ParsedDeadLetter {
            id: dead_letter.id.0.clone(),
            original_id: dead_letter.original_id.as_ref().map(|id| id.0.clone()),
            origin: dead_letter.origin.clone(),
            reason: Text::new(reason, REASON_CHARS),
            detail,
            attempts: dead_letter.attempts,
            lane: dead_letter.lane,
            enqueued_at: dead_letter.enqueued_at,
            quarantined_at: dead_letter.quarantined_at,
            findings: parsed.findings,
            ignored: parsed.ignored.len(),
            rejections: parsed.rejections,
            hint,
            bytes: dead_letter.body.len(),
        }
    }

    /// All that it holds is known to be no finding.
    pub fn is_ignored(&self) -> bool {
        self.ignored > 0 && self.findings.is_empty() && self.rejections.is_empty()
    }

    /// When it was quarantined. For a message that SQS moved, when it was first sent.
    pub fn at(&self) -> Option<Wall> {
        self.quarantined_at.or(self.enqueued_at)
    }

    /// The level of its most severe finding. None: it has no finding that can be read.
    pub fn level(&self) -> Option<Level> {
        self.findings.first().map(|f| f.severity.level)
    }

    /// The service or queue where it failed, in a few words.
    pub fn failed_at(&self) -> Text {
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
        Text::new(&text, FAILED_AT_CHARS)
    }

    /// The lane to send it to: express for high and critical findings, as in EventBridge's rules.
    /// An unreadable message is sent to the lane that it came from.
    pub fn lane_of(&self, lanes: &[Lane]) -> Lane {
        let wanted = match self.level() {
            Some(level) if level >= Level::High => Lane::Express,
            Some(_) => Lane::Standard,
            None => self.lane.unwrap_or(Lane::Standard),
        };
        if lanes.contains(&wanted) { wanted } else { Lane::Standard }
    }

    /// Sorts the most severe first, then the oldest. Unreadable messages are last.
    pub fn rank(&self) -> impl Ord + use<> {
        (std::cmp::Reverse(self.level()), self.at(), self.id.clone())
    }
}

#[derive(Deserialize)]
struct HintEnvelope<'a> {
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    region: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Option<&'a RawValue>,
}

impl Hint {
    fn of(body: &str) -> Hint {
        let finding::Hint { severity, account, title } = finding::Hint::of(body);
        let of_text = Hint { severity, account, title, ..Hint::default() };
        if body.len() > MAX_BYTES {
            return of_text;
        }
        // Raw values are skipped without recursion, so that deep nesting does no harm.
        let Ok(envelope) = serde_json::from_str::<HintEnvelope<'_>>(body) else {
            return of_text;
        };
        let text = |raw: Option<&RawValue>| {
            let text: String = serde_json::from_str(raw?.get()).ok()?;
            Some(Text::new(&text, HINT_CHARS)).filter(|text| !text.is_empty())
        };
        Hint {
            account: text(envelope.account).or(of_text.account),
            region: text(envelope.region),
            kind: text(envelope.detail_type),
            ..of_text
        }
    }
}

//! What the network does to a request and its answer, drawn from the seed.

use std::time::Duration;

use fastrand::Rng;

use super::wire::Message;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Sqs,
    DynamoDb,
    Slack,
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub struct Fate {
    /// The time before the request goes on to the server.
    pub before: Duration,
    /// It waits until a request of another connection has overtaken it.
    pub overtaken: bool,
    /// The time before the answer goes back.
    pub after: Duration,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Passes,
    /// The answer comes in so many pieces.
    InPieces(usize),
    /// The server gets the request twice, and the second answer goes back.
    Twice,
    /// The connection ends before the server has the request.
    CutBefore,
    /// The connection ends between the effect and the answer.
    CutBetween,
    /// The connection ends in the middle of the answer.
    CutWithin,
    /// No answer, until the worker gives up.
    Hangs {
        after_effect: bool,
    },
    /// The proxy answers in the server's place.
    Answered {
        with: Message,
        after_effect: bool,
    },
}

impl Fate {
    /// Nothing happens to the request.
    pub fn none() -> Fate {
        let (before, after) = (Duration::ZERO, Duration::ZERO);
        Fate { before, overtaken: false, after, kind: Kind::Passes }
    }

    /// The name of the fault, if it is one.
    pub fn name(&self) -> Option<&'static str> {
        Some(match &self.kind {
            Kind::Passes if self.overtaken => "overtaken",
            Kind::Passes if self.before + self.after > USUAL => "delayed",
            Kind::Passes => return None,
            Kind::InPieces(_) => "answered in pieces",
            Kind::Twice => "sent twice",
            Kind::CutBefore => "cut before the server",
            Kind::CutBetween => "cut between effect and answer",
            Kind::CutWithin => "cut within the answer",
            Kind::Hangs { after_effect: false } => "hangs without effect",
            Kind::Hangs { after_effect: true } => "hangs after the effect",
            Kind::Answered { after_effect: false, .. } => "answered by the proxy, without effect",
            Kind::Answered { after_effect: true, .. } => "answered by the proxy, after the effect",
        })
    }
}

/// Delays up to this are no fault.
const USUAL: Duration = Duration::from_millis(20);

/// The fate of a request. `share`: how many of 1,000 requests meet a fault.
pub fn draw(r: &mut Rng, service: Service, operation: &str, share: u32) -> Fate {
    let mut fate = Fate::none();
    if r.u32(0..1000) >= share {
        fate.after = Duration::from_micros(r.u64(0..3_000));
        return fate;
    }
    // Posts are few, and a repeated one costs a whole slot. An answer is lost less often there.
    match r.u8(0..20) {
        0..4 => fate.before = Duration::from_millis(r.u64(20..300)),
        4..7 => fate.after = Duration::from_millis(r.u64(20..300)),
        7..9 => fate.overtaken = true,
        9 => fate.kind = Kind::InPieces(r.usize(2..6)),
        10 | 11 if service != Service::Slack => fate.kind = Kind::Twice,
        10..13 => fate.kind = Kind::CutBefore,
        13 => fate.kind = Kind::CutBetween,
        14 => fate.kind = Kind::CutWithin,
        15 if r.u8(0..4) == 0 => fate.kind = Kind::Hangs { after_effect: r.bool() },
        _ => fate.kind = own_answer(r, service, operation),
    }
    fate
}

/// An answer that is no success, or that nobody can take for another than it is.
fn own_answer(r: &mut Rng, service: Service, operation: &str) -> Kind {
    let garbage: &[u8] = b"<html><title>sign in</title>\xff\x00</html>";
    let after_effect = r.u8(0..3) == 0;
    let pick = r.u8(0..6);
    let with = match (service, pick) {
        (_, 0) => Message::answer(200, &[("content-type", "text/html")], garbage),
        // An empty answer is a success of AWS's protocols. So it has to be one.
        (Service::Sqs, 1) => return answered(Message::answer(200, &[], b""), true),
        (Service::DynamoDb, 1) if operation == "PutItem" => Message::answer(500, &[], b""),
        (Service::Slack, 1) => Message::answer(200, &[], b""),
        (Service::Slack, 2 | 3) => {
            let wait = if r.bool() { "1" } else { "2" };
            let with = Message::answer(429, &[("retry-after", wait)], b"rate_limited");
            return answered(with, false);
        }
        (Service::Slack, 4) => Message::answer(503, &[("retry-after", "1")], b""),
        (Service::Slack, _) => Message::answer(500, &[], b"rollup_error"),
        (Service::Sqs, 2 | 3) => return answered(aws(400, "RequestThrottled"), false),
        (Service::DynamoDb, 2) => return answered(aws(400, "ThrottlingException"), false),
        (Service::DynamoDb, 3) => {
            return answered(aws(400, "ProvisionedThroughputExceededException"), false);
        }
        (_, 4) => aws(503, "ServiceUnavailable"),
        _ => aws(500, "InternalServerError"),
    };
    answered(with, after_effect)
}

fn answered(with: Message, after_effect: bool) -> Kind {
    Kind::Answered { with, after_effect }
}

fn aws(status: u16, code: &str) -> Message {
    let body = format!("{{\"__type\":\"{code}\",\"message\":\"a fault of the proxy\"}}");
    Message::answer(status, &[("content-type", "application/x-amz-json-1.0")], body.as_bytes())
}

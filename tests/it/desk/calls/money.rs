//! From counts to dollars, by the list prices of us-east-1, in US dollars for a million.
//! Sources: the pricing pages of Amazon SQS, Amazon DynamoDB (on demand) and AWS Lambda (arm64).

use super::wire::Counts;

const SQS_REQUEST: f64 = 0.40;
const WRITE_UNIT: f64 = 0.625;
const READ_UNIT: f64 = 0.125;
const LAMBDA_CALL: f64 = 0.20;
const LAMBDA_GB_SECOND: f64 = 13.3334;

/// A call of the function, which brings ten findings: how long it runs, and its memory.
const CALL_S: f64 = 0.1;
const CALL_GB: f64 = 0.25;
const BATCH: f64 = 10.0;

/// A typical month: the number of findings, and the shares below the threshold, posted before, and
/// new.
const MONTH: f64 = 100_000.0;
const MIX: [f64; 3] = [0.80, 0.15, 0.05];

/// A night of 1,000 findings.
pub struct Night {
    pub name: &'static str,
    pub counts: Counts,
}

impl Night {
    fn sqs_requests(&self) -> f64 {
        let Counts { sends, receives, deletes, hides, .. } = self.counts;
        (sends + receives + deletes + hides) as f64
    }

    fn writes(&self) -> f64 {
        (self.counts.writes + self.counts.pace_writes) as f64
    }

    fn read_units(&self) -> f64 {
        self.counts.reads as f64 + self.counts.prefetched_half_units as f64 / 2.0
    }

    /// For a million findings: SQS, DynamoDB.
    fn dollars(&self) -> (f64, f64) {
        let findings = self.counts.sends as f64;
        let sqs = self.sqs_requests() * SQS_REQUEST / findings;
        let table = (self.writes() * WRITE_UNIT + self.read_units() * READ_UNIT) / findings;
        (sqs, table)
    }

    fn all(&self) -> f64 {
        let (sqs, table) = self.dollars();
        sqs + table
    }
}

/// For a million findings: a worker's calls as a Lambda function. Lambda receives and deletes by
/// itself.
fn lambda() -> f64 {
    (LAMBDA_CALL + CALL_S * CALL_GB * LAMBDA_GB_SECOND) / BATCH
}

/// For docs/costs.md.
pub fn table(nights: &[Night]) -> String {
    let mut text = "\n| 1,000 findings | requests to SQS | writes | read units | dollars a million |\n|---|---|---|---|---|\n".to_owned();
    for night in nights {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {:.2} |\n",
            night.name,
            grouped(night.sqs_requests()),
            grouped(night.writes()),
            grouped(night.read_units()),
            night.all(),
        ));
    }
    let [below, _, new, _, known] = nights else { panic!("five nights") };
    // Of the night with the known ones a tenth was new.
    let known = (known.all() - new.all() / 10.0) / 0.9;
    let [low, repeats, first] = MIX;
    let mix = low * below.all() + repeats * known + first * new.all();
    let month = mix * MONTH / 1e6;
    let sqs = low * below.dollars().0 * MONTH / 1e6;
    text.push_str(&format!(
        "\nA month of {} findings ({:.0} % below the threshold, {:.0} % posted before, {:.0} % new) costs {month:.3} dollars for\n\
         SQS and DynamoDB. As a Lambda function it costs {:.3} dollars more, at {:.0} ms of {:.0} MiB for a call of {BATCH}.\n\
         A filter in EventBridge's rule that admits nothing below the threshold would save {:.3} dollars of it.\n",
        grouped(MONTH),
        low * 100.0,
        repeats * 100.0,
        first * 100.0,
        lambda() * MONTH / 1e6,
        CALL_S * 1000.0,
        CALL_GB * 1024.0,
        sqs + low * lambda() * MONTH / 1e6,
    ));
    text
}

/// With a comma between thousands, and a half if there is one.
fn grouped(number: f64) -> String {
    let whole = number as u64;
    let half = if number.fract() >= 0.5 { ".5" } else { "" };
    match whole {
        1000.. => format!("{},{:03}{half}", whole / 1000, whole % 1000),
        _ => format!("{whole}{half}"),
    }
}

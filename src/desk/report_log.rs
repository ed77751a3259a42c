//! The log line of each report. Each fact has one field name: `finding`, `destination`, `post_id`,
//! `level`, `lane`, `message_id`, `reason`, `detail`.

use tracing::{debug, error, info, warn};

use crate::finding::{Fingerprint, Severity, Text};
use crate::instants::millis;
use crate::ports::Lane;

use super::report::Report;

impl Report {
    /// Writes the line. Events that need no person are at the level debug.
    pub fn log(&self) {
        match self {
            Report::Received { .. }
            | Report::Filtered { .. }
            | Report::Unmatched { .. }
            | Report::Silenced { .. }
            | Report::Ignored { .. }
            | Report::Canary { .. }
            | Report::AlreadyPosted { .. }
            | Report::Closed { .. }
            | Report::AlreadyClosed { .. }
            | Report::Posted { .. }
            | Report::FencedOut { .. } => self.log_of_finding(),
            Report::PostFailed { .. }
            | Report::PostRefused { .. }
            | Report::DestinationDead { .. }
            | Report::DestinationRecovered { .. }
            | Report::AddressReread { .. } => self.log_of_destination(),
            Report::Quarantined { .. } | Report::Returned { .. } | Report::QueueFailed { .. } => {
                self.log_of_queue();
            }
            Report::LedgerFailed { .. } | Report::LedgerUnreachable | Report::LedgerRecovered => {
                self.log_of_ledger();
            }
        }
    }

    fn log_of_finding(&self) {
        match self {
            Report::Received { finding, lane } => {
                log_received(&finding.fingerprint, &finding.severity, *lane);
            }
            Report::Filtered { finding, lane } => {
                let level = finding.severity.level;
                log_received(&finding.fingerprint, &finding.severity, *lane);
                debug!(finding = %finding.fingerprint, %level, "below the threshold");
            }
            Report::Unmatched { finding } => {
                let level = finding.severity.level;
                info!(finding = %finding.fingerprint, %level, "dropped: it matches no destination");
            }
            Report::Silenced { finding, silence, .. } => {
                let level = finding.severity.level;
                let (id, because) = (&silence.id, &silence.because);
                let owner = silence.owner.as_ref().map(Text::as_str);
                info!(finding = %finding.fingerprint, %level, silence = id, %because, owner, "silenced");
            }
            Report::Ignored { event, lane } => {
                debug!(event = event.as_str(), lane = lane.as_str(), "ignored: no finding");
            }
            Report::Canary { finding, took } => {
                info!(%finding, took_ms = millis(*took), "canary received");
            }
            Report::AlreadyPosted { finding, destination, level, by, .. } => {
                debug!(%finding, destination, %level, by = by.as_str(), "already posted");
            }
            Report::Closed { finding, destination, why, ended, .. } => {
                debug!(%finding, destination, why = why.as_str(), ended, "closed");
            }
            Report::AlreadyClosed { finding, destination, by, .. } => {
                debug!(%finding, destination, by = by.as_str(), "closed since");
            }
            Report::Posted { .. } => self.log_of_post(),
            Report::FencedOut { finding, destination, post_id } => {
                let text = "posted, but the claim was lost before the mark: another worker may \
                            post it too";
                warn!(%finding, destination, post_id, "{text}");
            }
            _ => {}
        }
    }

    /// One line for each alert, so that the log alone says what was posted.
    fn log_of_post(&self) {
        let Report::Posted { finding, about, destination, channel, level, post_id, waited } = self
        else {
            return;
        };
        let (waited_ms, title) = (millis(*waited), about.title.as_str());
        let account = about.account.as_str();
        info!(%level, title, account, destination, channel, %finding, post_id, waited_ms, "posted");
    }

    fn log_of_destination(&self) {
        match self {
            Report::PostFailed { destination, post_id, reason, ambiguous, delay, detail } => {
                let delay_ms = millis(*delay);
                let text = "post failed, will be retried";
                warn!(destination, post_id, reason, ambiguous, delay_ms, detail, "{text}");
            }
            Report::PostRefused { destination, post_id, alerts, detail } => {
                warn!(destination, post_id, alerts, detail, "post refused for its content");
            }
            Report::DestinationDead { destination, ambiguous, detail, delay, fallback } => {
                let delay_ms = millis(*delay);
                let text = "destination is dead: replace its webhook; until then its alerts are \
                            held, or posted to its fallback";
                error!(destination, ambiguous, detail, delay_ms, fallback, "{text}");
            }
            Report::DestinationRecovered { destination } => {
                info!(destination, "destination recovered");
            }
            Report::AddressReread { destination, result } => match result {
                Ok(changed) => info!(destination, changed, "webhook read again"),
                Err(detail) => warn!(destination, detail, "webhook could not be read again"),
            },
            _ => {}
        }
    }

    fn log_of_queue(&self) {
        match self {
            Report::Quarantined { message, lane, reason, detail, hint } => {
                let lane = lane.as_str();
                let [severity, account, title] = hint.texts();
                warn!(
                    message_id = message,
                    lane, reason, detail, severity, account, title, "quarantined"
                );
            }
            Report::Returned { message, reason, delay } => {
                let (reason, delay_ms) = (reason.as_str(), millis(*delay));
                debug!(message_id = message, reason, delay_ms, "returned");
            }
            Report::QueueFailed { call, lane, reason, detail, delay } => {
                let (lane, delay_ms) = (lane.map(Lane::as_str), millis(*delay));
                warn!(call, lane, reason, detail, delay_ms, "queue call failed");
            }
            _ => {}
        }
    }

    fn log_of_ledger(&self) {
        match self {
            Report::LedgerFailed { call, finding, destination, reason, detail, delay } => {
                let delay_ms = millis(*delay);
                let text = "ledger call failed";
                warn!(call, finding, destination, reason, detail, delay_ms, "{text}");
            }
            Report::LedgerUnreachable => error!(
                "the ledger has been unreachable for two minutes: critical alerts are posted \
                 without a claim and may be posted twice; others wait"
            ),
            Report::LedgerRecovered => info!("the ledger is reachable again"),
            _ => {}
        }
    }
}

fn log_received(finding: &Fingerprint, severity: &Severity, lane: Lane) {
    debug!(%finding, level = %severity.level, lane = lane.as_str(), "received");
}

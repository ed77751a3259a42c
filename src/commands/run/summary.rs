//! The summary that `hansho run --drain` prints.

use std::time::Duration;

use crate::config::duration;
use crate::desk::Tally;
use crate::desk::worker::Outcome;
use crate::words::{noun, number_of};

/// The summary of a draining run as lines for a person. `patience`: after how long it gives up.
pub fn text(outcome: &Outcome, patience: Duration) -> String {
    let mut lines = counts(&outcome.tally);
    lines.extend(ending(outcome, patience));
    lines.join("\n")
}

/// Why work is left, and where it is.
fn ending(outcome: &Outcome, patience: Duration) -> Option<String> {
    let left = match outcome.tally.pending {
        Some(1) => "1 message stays in the queue".to_owned(),
        Some(pending) => format!("{} stay in the queue", number_of(pending, "message")),
        None => "what is left stays in the queue".to_owned(),
    };
    let next = "nothing is lost, and the next run goes on with it";
    let unread = match outcome.input_cut {
        true => ". The input was not read to its end: give it again",
        false => "",
    };
    match (outcome.gave_up, outcome.complete) {
        (true, _) => Some(format!(
            "gave up after {} without a post or a deleted message: the log says why. {left}: {next}. \
             --give-up sets the time{unread}",
            duration::format(patience)
        )),
        (false, false) => Some(format!("stopped before the end: {left}: {next}{unread}")),
        (false, true) => None,
    }
}

fn counts(tally: &Tally) -> Vec<String> {
    let Tally { received, findings, below_threshold, already_posted, posted, posts, .. } = tally;
    let Tally { retried, ambiguous, quarantined, pending, escalated, .. } = tally;
    let Tally { returned, fenced_out, by_fallback, unclaimed, came_back, .. } = tally;
    let Tally { closed, ended, already_closed, ignored, unmatched, silenced, .. } = tally;
    let all_closed = closed + already_closed;
    vec![
        format!(
            "{received:>8} {} received, {} in them",
            noun(*received, "message"),
            number_of(*findings, "finding")
        ),
        format!("{ignored:>8} {} without a finding, ignored", noun(*ignored, "event")),
        format!("{below_threshold:>8} below the threshold"),
        format!("{unmatched:>8} dropped, because they match no destination"),
        format!("{silenced:>8} kept back by a silence"),
        format!("{already_posted:>8} already posted"),
        format!("{all_closed:>8} closed, so not posted; {ended} of them had been posted before"),
        format!(
            "{posted:>8} posted in {}, {}, {came_back} came back",
            number_of(*posts, "post"),
            number_of(*escalated, "escalation")
        ),
        format!("{by_fallback:>8} of them posted to a fallback, because the destination was dead"),
        format!("{unclaimed:>8} posted without a claim, because the ledger was unreachable"),
        format!(
            "{retried:>8} {} retried, {ambiguous} of them perhaps accepted before",
            noun(*retried, "post")
        ),
        format!("{fenced_out:>8} posted but marked too late, so perhaps posted again"),
        format!("{quarantined:>8} quarantined"),
        format!("{returned:>8} returned to the queue for later"),
        match pending {
            Some(pending) => format!("{pending:>8} still in the queues"),
            None => "       ? still in the queues: their counts could not be read".to_owned(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said() {
        let left = |gave_up, complete, input_cut, pending| {
            let tally = Tally { pending, ..Tally::default() };
            let outcome = Outcome { tally, gave_up, complete, input_cut };
            ending(&outcome, Duration::from_secs(90))
        };
        assert_eq!(left(false, true, false, Some(0)), None);
        assert_eq!(
            left(true, false, false, Some(1)).unwrap(),
            "gave up after 1m30s without a post or a deleted message: the log says why. 1 message \
             stays in the queue: nothing is lost, and the next run goes on with it. --give-up sets \
             the time"
        );
        assert_eq!(
            left(false, false, true, Some(7)).unwrap(),
            "stopped before the end: 7 messages stay in the queue: nothing is lost, and the next run \
             goes on with it. The input was not read to its end: give it again"
        );
        assert!(left(false, false, false, None).unwrap().contains("what is left stays"));
    }

    #[test]
    fn closed_findings_are_counted_so_that_the_summary_adds_up() {
        let tally = Tally {
            findings: 7,
            already_posted: 1,
            closed: 3,
            ended: 2,
            already_closed: 1,
            posted: 2,
            came_back: 1,
            posts: 2,
            ..Tally::default()
        };
        let lines = counts(&tally);
        assert_eq!(lines[6], "       4 closed, so not posted; 2 of them had been posted before");
        assert_eq!(lines[7], "       2 posted in 2 posts, 0 escalations, 1 came back");
    }
}

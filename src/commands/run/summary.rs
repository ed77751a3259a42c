//! The summary that `hansho run --drain` prints.

use super::worker::PATIENCE_MIN;
use crate::desk::Tally;
use crate::desk::worker::Outcome;

/// The summary as lines for a person.
pub fn text(outcome: &Outcome) -> String {
    let mut lines = counts(&outcome.tally);
    if outcome.gave_up {
        lines.push(format!(
            "gave up after {} s or more without a post or a deleted message: the log says why. \
             Nothing is lost, pending messages stay in the queue",
            PATIENCE_MIN.as_secs()
        ));
    }
    lines.join("\n")
}

fn counts(tally: &Tally) -> Vec<String> {
    let Tally { received, findings, below_threshold, already_posted, posted, posts, .. } = tally;
    let Tally { retried, ambiguous, quarantined, pending, escalated, .. } = tally;
    let Tally { returned, fenced_out, by_fallback, unclaimed, came_back, .. } = tally;
    let Tally { closed, ended, already_closed, ignored, unmatched, silenced, .. } = tally;
    let all_closed = closed + already_closed;
    vec![
        format!("{received:>8} messages received, {findings} findings in them"),
        format!("{ignored:>8} events that are no findings, ignored"),
        format!("{below_threshold:>8} below the threshold"),
        format!("{unmatched:>8} dropped, because they match no destination"),
        format!("{silenced:>8} kept back by a silence"),
        format!("{already_posted:>8} already posted"),
        format!("{all_closed:>8} closed, so not posted; {ended} of them had been posted before"),
        format!(
            "{posted:>8} posted in {posts} posts, {escalated} escalations, {came_back} came back"
        ),
        format!("{by_fallback:>8} of them posted to a fallback, because the destination was dead"),
        format!("{unclaimed:>8} posted without a claim, because the ledger was unreachable"),
        format!("{retried:>8} posts retried, {ambiguous} of them perhaps accepted before"),
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

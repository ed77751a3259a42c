//! The progress of a send, as a line on the terminal.

use std::time::Duration;

use super::rate::Rate;
use super::send_loop::SendTally;
use super::table;

const BAR: usize = 24;

/// The line. Its time is that until all messages are in the lanes; workers post them at their own
/// pace.
pub fn line(tally: &SendTally, rate: Rate) -> String {
    let done = tally.done();
    let filled = (done * BAR).checked_div(tally.selected).unwrap_or(BAR).min(BAR);
    let rest = tally.selected.saturating_sub(done);
    let mut line = format!(
        "sending [{}{}] {done}/{}",
        "#".repeat(filled),
        "·".repeat(BAR - filled),
        tally.selected
    );
    for (count, what) in
        [(tally.failed, "failed"), (tally.gone, "no longer held"), (tally.busy, "in use")]
    {
        if count > 0 {
            line.push_str(&format!(", {count} {what}"));
        }
    }
    if rest > 0 {
        let left: Duration = rate.time_for(rest);
        line.push_str(&format!(", {rate}, {} left", table::age(left)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_the_progress() {
        let rate: Rate = "20/s".parse().unwrap();
        let tally =
            SendTally { selected: 300, sent: 148, gone: 1, failed: 1, ..SendTally::default() };
        assert_eq!(
            line(&tally, rate),
            "sending [############············] 150/300, 1 failed, 1 no longer held, 20/s, 7s left"
        );
        let tally = SendTally { selected: 3, sent: 3, ..SendTally::default() };
        assert_eq!(line(&tally, rate), "sending [########################] 3/3");
        assert_eq!(line(&SendTally::default(), rate), "sending [########################] 0/0");
    }
}

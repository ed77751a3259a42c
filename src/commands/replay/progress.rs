//! A line on the terminal that says how far a replay has come.

use std::io::Write;
use std::time::Duration;

use super::rate::Rate;
use super::send::Tally;
use super::table;
use crate::logging;

const BAR: usize = 24;

/// The line. A worker's own pace is not its concern: it says when all is in the lanes.
pub fn line(tally: &Tally, rate: Rate) -> String {
    let done = tally.done();
    let filled = (done * BAR).checked_div(tally.selected).unwrap_or(BAR).min(BAR);
    let rest = tally.selected.saturating_sub(done);
    let mut line = format!(
        "sending [{}{}] {done}/{}",
        "#".repeat(filled),
        "·".repeat(BAR - filled),
        tally.selected
    );
    for (count, what) in [(tally.failed, "failed"), (tally.gone, "gone"), (tally.busy, "in use")] {
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

/// Draws over the last line, if there is a terminal.
pub struct Bar<W: Write> {
    out: Option<W>,
    drawn: bool,
}

impl<W: Write> Bar<W> {
    pub fn new(out: Option<W>) -> Bar<W> {
        Bar { out, drawn: false }
    }

    pub fn draw(&mut self, tally: &Tally, rate: Rate) {
        if let Some(out) = &mut self.out {
            // It is an ornament: a terminal that is gone must not end the replay.
            let _ = write!(out, "\r\x1b[K{}", line(tally, rate)).and_then(|()| out.flush());
            self.drawn = true;
            logging::line_is_drawn(true);
        }
    }

    /// Leaves the terminal as it was.
    pub fn clear(&mut self) {
        if let Some(out) = self.out.as_mut().filter(|_| self.drawn) {
            let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
            logging::line_is_drawn(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let rate: Rate = "20/s".parse().unwrap();
        let tally = Tally { selected: 300, sent: 148, gone: 1, failed: 1, ..Tally::default() };
        assert_eq!(
            line(&tally, rate),
            "sending [############············] 150/300, 1 failed, 1 gone, 20/s, 7s left"
        );
        let tally = Tally { selected: 3, sent: 3, ..Tally::default() };
        assert_eq!(line(&tally, rate), "sending [########################] 3/3");
        assert_eq!(line(&Tally::default(), rate), "sending [########################] 0/0");
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        let rate: Rate = "20/s".parse().unwrap();
        let mut drawn = Vec::new();
        let mut bar = Bar::new(Some(&mut drawn));
        bar.draw(&Tally { selected: 2, sent: 1, ..Tally::default() }, rate);
        bar.clear();
        assert!(String::from_utf8(drawn).unwrap().ends_with("1/2, 20/s, 0s left\r\x1b[K"));
        let mut bar: Bar<Vec<u8>> = Bar::new(None);
        bar.draw(&Tally::default(), rate);
        bar.clear();
    }
}

//! The progress of a send, as a line on the terminal.

use std::io::Write;
use std::time::Duration;

use super::rate::Rate;
use super::send_loop::SendTally;
use super::table;
use crate::logging;

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

/// Draws the line again and again in the same place. Draws nothing without a terminal.
pub struct Bar<W: Write> {
    out: Option<W>,
    drawn: bool,
}

impl<W: Write> Bar<W> {
    pub fn new(out: Option<W>) -> Bar<W> {
        Bar { out, drawn: false }
    }

    pub fn draw(&mut self, tally: &SendTally, rate: Rate) {
        if let Some(out) = &mut self.out {
            // A closed terminal must not end the send.
            let _ = write!(out, "\r\x1b[K{}", line(tally, rate)).and_then(|()| out.flush());
            self.drawn = true;
            logging::line_is_drawn(true);
        }
    }

    /// Removes the line.
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

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        let rate: Rate = "20/s".parse().unwrap();
        let mut drawn = Vec::new();
        let mut bar = Bar::new(Some(&mut drawn));
        bar.draw(&SendTally { selected: 2, sent: 1, ..SendTally::default() }, rate);
        bar.clear();
        assert!(String::from_utf8(drawn).unwrap().ends_with("1/2, 20/s, 0s left\r\x1b[K"));
        let mut bar: Bar<Vec<u8>> = Bar::new(None);
        bar.draw(&SendTally::default(), rate);
        bar.clear();
    }
}

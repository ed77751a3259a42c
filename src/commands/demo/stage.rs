//! What the demo shows, and how: lines that scroll by, and on a terminal one below them that is
//! drawn anew. With `--json` nothing is shown but the tally.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::slack;

/// Where nobody says how wide the output is.
const COLUMNS_DEFAULT: usize = 100;
/// Of a post with many cards, so many are shown whole.
const CARDS_SHOWN: usize = 2;
/// The moment and the worker stand left of what happens.
const MARGIN: usize = 10;
/// Without a terminal the state is told in a line of its own, this often at most.
const STATUS_EVERY: Duration = Duration::from_secs(2);

/// Colours, where they are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Ink {
    pub colour: bool,
}

impl Ink {
    fn style(self, code: &str, text: &str) -> String {
        match self.colour && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    pub fn strong(self, text: &str) -> String {
        self.style("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.style("2", text)
    }

    pub fn alarm(self, text: &str) -> String {
        self.style("1;31", text)
    }

    pub fn warning(self, text: &str) -> String {
        self.style("33", text)
    }
}

pub struct Stage {
    json: bool,
    /// Lines can be drawn anew.
    terminal: bool,
    columns: usize,
    pub ink: Ink,
    below: RefCell<Below>,
    after_block: Cell<bool>,
}

/// The line below what scrolls by.
#[derive(Default)]
struct Below {
    line: String,
    /// When it was last written out without a terminal.
    written: Option<Duration>,
}

impl Stage {
    pub fn new(json: bool) -> Stage {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = io::stdout().is_terminal() && !dumb && !json;
        // Source: no-color.org.
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Stage {
            json,
            terminal,
            columns: if terminal { terminal_columns() } else { None }.unwrap_or(COLUMNS_DEFAULT),
            ink: Ink { colour: terminal && !no_colour },
            below: RefCell::default(),
            after_block: Cell::default(),
        }
    }

    /// The heading of an act.
    pub fn act(&self, title: &str) -> io::Result<()> {
        let rule = "─".repeat(self.columns.min(COLUMNS_DEFAULT).saturating_sub(title.len() + 4));
        self.block(&self.ink.strong(&format!("── {title} {rule}")))
    }

    /// Words to whoever watches.
    pub fn say(&self, text: &str) -> io::Result<()> {
        self.block(&self.wrapped(text, self.columns))
    }

    /// What the demo does.
    pub fn step(&self, at: Duration, text: &str) -> io::Result<()> {
        self.entry(at, "", &self.ink.strong(&self.beside_the_margin(text)))
    }

    /// A post that Slack did not take.
    pub fn refusal(&self, at: Duration, who: &str, text: &str) -> io::Result<()> {
        self.entry(at, who, &self.ink.warning(&self.beside_the_margin(text)))
    }

    /// A post as Slack would show it: of many cards the first.
    pub fn cards(&self, payload: &Value) -> io::Result<()> {
        let mut shown = payload.clone();
        let mut hidden = 0;
        if let Some(cards) = shown["attachments"].as_array_mut() {
            hidden = cards.len().saturating_sub(CARDS_SHOWN);
            cards.truncate(CARDS_SHOWN);
        }
        let mut text = slack::preview(&shown, self.columns, self.ink.colour);
        if hidden > 0 {
            let things = if hidden == 1 { "card" } else { "cards" };
            text.push('\n');
            text.push_str(&self.ink.dim(&format!("… and {hidden} more {things}")));
        }
        self.block(text.trim_end())
    }

    /// A post in short: the first lines of its text, and what there is to say about it.
    pub fn post(
        &self,
        at: Duration,
        who: &str,
        payload: &Value,
        lines_max: usize,
        remark: Option<&str>,
    ) -> io::Result<()> {
        let text = payload["text"].as_str().unwrap_or_default();
        let text: Vec<&str> = text.lines().take(lines_max).collect();
        let mut shown = self.beside_the_margin(&text.join("\n"));
        if let Some(remark) = remark {
            shown.push_str(&format!("\n{}", self.ink.dim(remark)));
        }
        self.entry(at, who, &shown)
    }

    /// The line below the others. Without a terminal it is written out from time to time.
    pub fn status(&self, at: Duration, draw: impl FnOnce(usize, Ink) -> String) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let moment = moment(at);
        // A line that fills the last column would break there.
        let room = self.columns.saturating_sub(moment.chars().count() + 1);
        let line = format!("{}{}", self.ink.dim(&moment), draw(room, self.ink));
        if self.terminal {
            self.below.borrow_mut().line = line;
            return self.draw_below();
        }
        let mut below = self.below.borrow_mut();
        let due = below.written.is_none_or(|written| at.saturating_sub(written) >= STATUS_EVERY);
        if due {
            below.written = Some(at);
            writeln!(io::stdout(), "{line}")?;
        }
        Ok(())
    }

    /// Takes the line below away.
    pub fn calm(&self) -> io::Result<()> {
        self.wipe_below()?;
        self.below.borrow_mut().line.clear();
        Ok(())
    }

    /// The tally: for machines, or after its heading.
    pub fn end(&self, json: &str, text: &str) -> io::Result<()> {
        if self.json {
            return writeln!(io::stdout(), "{json}");
        }
        self.act("What came in, and what went out")?;
        self.block(text)
    }

    /// Several lines that belong together, with room around them.
    fn block(&self, text: &str) -> io::Result<()> {
        self.print(&format!("\n{text}"))?;
        self.after_block.set(true);
        Ok(())
    }

    fn entry(&self, at: Duration, who: &str, text: &str) -> io::Result<()> {
        let mut lines = text.lines();
        let gap = if self.after_block.take() { "\n" } else { "" };
        let first = lines.next().unwrap_or_default();
        let mut out = format!("{gap}{}{first}", self.margin(at, who));
        for line in lines {
            out.push_str(&format!("\n{}{line}", " ".repeat(MARGIN)));
        }
        self.print(&out)
    }

    fn margin(&self, at: Duration, who: &str) -> String {
        self.ink.dim(&format!("{}{who:<3}", moment(at)))
    }

    fn beside_the_margin(&self, markup: &str) -> String {
        self.wrapped(markup, self.columns.saturating_sub(MARGIN))
    }

    /// Slack's markup as the preview shows it.
    fn wrapped(&self, markup: &str, columns: usize) -> String {
        let text = slack::preview(&json!({ "text": markup }), columns, self.ink.colour);
        text.trim_end().to_owned()
    }

    fn print(&self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.wipe_below()?;
        writeln!(io::stdout(), "{text}")?;
        self.draw_below()
    }

    fn wipe_below(&self) -> io::Result<()> {
        match self.terminal && !self.below.borrow().line.is_empty() {
            true => write!(io::stdout(), "\r\u{1b}[2K"),
            false => Ok(()),
        }
    }

    fn draw_below(&self) -> io::Result<()> {
        let line = &self.below.borrow().line;
        if !self.terminal || line.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout();
        write!(out, "\r\u{1b}[2K{line}")?;
        out.flush()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // It ended in the middle; a terminal that is gone needs no care.
        let _ = self.calm();
        let _ = io::stdout().flush();
    }
}

/// ` 0:07  `
fn moment(at: Duration) -> String {
    format!("{:>2}:{:02}  ", at.as_secs() / 60, at.as_secs() % 60)
}

/// How wide the terminal is. Asking the system takes unsafe code or one more crate; `stty` is on
/// every Unix.
pub fn terminal_columns() -> Option<usize> {
    let terminal = File::open("/dev/tty").ok()?;
    let asked =
        Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output().ok()?;
    let answer = String::from_utf8(asked.stdout).ok()?;
    let columns = answer.split_whitespace().nth(1)?.parse().ok()?;
    (columns > 0).then_some(columns)
}

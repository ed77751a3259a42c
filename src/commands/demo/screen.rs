//! The demo's output: lines that scroll by, and on a terminal a status line below them that is
//! redrawn. With `--json` only the tally is printed.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::output;
use crate::slack;
use crate::terminal::{is_dumb, terminal_columns};

/// The width of an output that is not a terminal.
const COLUMNS_DEFAULT: usize = 100;
/// How many cards of a post are shown.
const CARDS_SHOWN: usize = 2;
/// The columns of the time and the worker, left of each step.
const MARGIN: usize = 10;
/// Without a terminal the status is printed as a line, at most this often.
const STATUS_EVERY: Duration = Duration::from_secs(2);

/// Text styles. Without `colour` they change nothing.
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

pub struct Screen {
    json: bool,
    /// Whether lines can be redrawn.
    terminal: bool,
    columns: usize,
    pub ink: Ink,
    status: RefCell<StatusLine>,
    after_block: Cell<bool>,
}

/// The line below the scrolling lines.
#[derive(Default)]
struct StatusLine {
    line: String,
    /// When it was last printed without a terminal.
    written: Option<Duration>,
}

impl Screen {
    pub fn new(json: bool) -> Screen {
        let terminal = io::stdout().is_terminal() && !is_dumb() && !json;
        // Source: no-color.org.
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Screen {
            json,
            terminal,
            columns: if terminal { terminal_columns() } else { None }.unwrap_or(COLUMNS_DEFAULT),
            ink: Ink { colour: terminal && !no_colour },
            status: RefCell::default(),
            after_block: Cell::default(),
        }
    }

    /// Prints the heading of a night.
    pub fn act(&self, title: &str) -> io::Result<()> {
        let rule = "─".repeat(self.columns.min(COLUMNS_DEFAULT).saturating_sub(title.len() + 4));
        self.block(&self.ink.strong(&format!("── {title} {rule}")))
    }

    /// Prints a paragraph.
    pub fn say(&self, text: &str) -> io::Result<()> {
        self.block(&self.wrapped(text, self.columns))
    }

    /// Prints a step of the demo.
    pub fn step(&self, at: Duration, text: &str) -> io::Result<()> {
        self.entry(at, "", &self.ink.strong(&self.beside_the_margin(text)))
    }

    /// Prints that Slack refused a post.
    pub fn refusal(&self, at: Duration, worker: &str, text: &str) -> io::Result<()> {
        self.entry(at, worker, &self.ink.warning(&self.beside_the_margin(text)))
    }

    /// Prints a post as Slack would show it, with its first cards.
    pub fn cards(&self, payload: &Value) -> io::Result<()> {
        let mut shown = payload.clone();
        let mut hidden = 0;
        if let Some(cards) = shown["attachments"].as_array_mut() {
            hidden = cards.len().saturating_sub(CARDS_SHOWN);
            cards.truncate(CARDS_SHOWN);
        }
        let mut text = slack::preview(&shown, self.columns, self.ink.colour);
        if hidden > 0 {
            let noun = if hidden == 1 { "card" } else { "cards" };
            text.push('\n');
            text.push_str(&self.ink.dim(&format!("… and {hidden} more {noun}")));
        }
        self.block(text.trim_end())
    }

    /// Prints the first lines of a post's text, and a remark.
    pub fn post(
        &self,
        at: Duration,
        worker: &str,
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
        self.entry(at, worker, &shown)
    }

    /// Redraws the status line. Without a terminal, prints it from time to time.
    pub fn status(&self, at: Duration, draw: impl FnOnce(usize, Ink) -> String) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let moment = moment(at);
        // A line must leave the last column free, or the terminal wraps it.
        let room = self.columns.saturating_sub(moment.chars().count() + 1);
        let line = format!("{}{}", self.ink.dim(&moment), draw(room, self.ink));
        if self.terminal {
            self.status.borrow_mut().line = line;
            return self.draw_status();
        }
        let mut status = self.status.borrow_mut();
        let due = status.written.is_none_or(|written| at.saturating_sub(written) >= STATUS_EVERY);
        if due {
            status.written = Some(at);
            writeln!(output::stdout(), "{line}")?;
        }
        Ok(())
    }

    /// Removes the status line.
    pub fn clear_status(&self) -> io::Result<()> {
        self.wipe_status()?;
        self.status.borrow_mut().line.clear();
        Ok(())
    }

    /// Prints the tally, as JSON or as text.
    pub fn end(&self, json: &str, text: &str) -> io::Result<()> {
        if self.json {
            return writeln!(output::stdout(), "{json}");
        }
        self.act("The tally: messages in, posts out")?;
        self.block(text)
    }

    /// Prints lines that belong together, with an empty line around them.
    fn block(&self, text: &str) -> io::Result<()> {
        self.print(&format!("\n{text}"))?;
        self.after_block.set(true);
        Ok(())
    }

    fn entry(&self, at: Duration, worker: &str, text: &str) -> io::Result<()> {
        let mut lines = text.lines();
        let gap = if self.after_block.take() { "\n" } else { "" };
        let first = lines.next().unwrap_or_default();
        let mut out = format!("{gap}{}{first}", self.margin(at, worker));
        for line in lines {
            out.push_str(&format!("\n{}{line}", " ".repeat(MARGIN)));
        }
        self.print(&out)
    }

    fn margin(&self, at: Duration, worker: &str) -> String {
        self.ink.dim(&format!("{}{worker:<3}", moment(at)))
    }

    fn beside_the_margin(&self, markup: &str) -> String {
        self.wrapped(markup, self.columns.saturating_sub(MARGIN))
    }

    /// Slack's markup, wrapped as the preview wraps it.
    fn wrapped(&self, markup: &str, columns: usize) -> String {
        let text = slack::preview(&json!({ "text": markup }), columns, self.ink.colour);
        text.trim_end().to_owned()
    }

    fn print(&self, text: &str) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        self.wipe_status()?;
        writeln!(output::stdout(), "{text}")?;
        self.draw_status()
    }

    fn wipe_status(&self) -> io::Result<()> {
        match self.terminal && !self.status.borrow().line.is_empty() {
            true => write!(output::stdout(), "\r\u{1b}[2K"),
            false => Ok(()),
        }
    }

    fn draw_status(&self) -> io::Result<()> {
        let line = &self.status.borrow().line;
        if !self.terminal || line.is_empty() {
            return Ok(());
        }
        let mut out = output::stdout();
        write!(out, "\r\u{1b}[2K{line}")?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The demo may end in the middle. A closed terminal is no error here.
        let _ = self.clear_status();
        let _ = output::stdout().flush();
    }
}

/// ` 0:07  `
fn moment(at: Duration) -> String {
    format!("{:>2}:{:02}  ", at.as_secs() / 60, at.as_secs() % 60)
}

//! The log: on stderr, as text on a terminal and as JSON otherwise.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{self, Writer};

use crate::terminal::is_obeyed;

/// Whether a progress line is on the terminal now.
static LINE_DRAWN: AtomicBool = AtomicBool::new(false);

/// Says whether a progress line is on stderr. The next log line replaces it.
pub fn line_is_drawn(drawn: bool) {
    LINE_DRAWN.store(drawn, Ordering::Relaxed);
}

/// A writer that clears the progress line before it writes.
struct Clearing<W> {
    out: W,
    drawn: &'static AtomicBool,
}

impl<W: Write> Write for Clearing<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.drawn.swap(false, Ordering::Relaxed) {
            self.out.write_all(b"\r\x1b[K")?;
        }
        self.out.write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Sets up the log, once. `HANSHO_LOG` selects the messages, in tracing's filter syntax (`debug`,
/// `hansho=debug`). The default is hansho's messages at info, and warnings of the dependencies. The
/// SDK and the HTTP crates never log more than warnings, because their finer levels log signatures.
pub fn init() {
    let wanted = std::env::var("HANSHO_LOG").unwrap_or_default();
    let wanted = if wanted.is_empty() { "warn,hansho=info".to_owned() } else { wanted };
    let quiet = "aws_config=warn,aws_sdk_sqs=warn,aws_sdk_dynamodb=warn,aws_sdk_secretsmanager=warn,\
                 aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,aws_smithy_http_client=warn,\
                 aws_sigv4=warn,aws_runtime=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,\
                 h2=warn,tower=warn,axum=warn";
    let filter = EnvFilter::builder().parse_lossy(format!("{wanted},{quiet}"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Clearing { out: io::stderr(), drawn: &LINE_DRAWN });
    // A second call, in a test, changes nothing.
    let _ = if std::io::stderr().is_terminal() {
        log.with_target(false).fmt_fields(fields_on_a_terminal()).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init()
    };
}

/// Writes `name=value`, or the message alone. The library escapes only some controls, and a value
/// may be text from outside.
fn fields_on_a_terminal() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    let write = |out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let value = harmless(&format!("{value:?}"));
        match field.name() {
            "message" => out.write_str(&value),
            name if out.has_ansi_escapes() => {
                write!(out, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}")
            }
            name => write!(out, "{name}={value}"),
        }
    };
    format::debug_fn(write).delimited(" ")
}

/// The text with every control and every invisible character written as its number.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_obeyed(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a log on a terminal holds, line by line.
    fn logged(ansi: bool, write: impl FnOnce()) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = tracing_subscriber::fmt()
            .with_ansi(ansi)
            .without_time()
            .with_target(false)
            .fmt_fields(fields_on_a_terminal())
            .with_writer(std::sync::Mutex::new(file.reopen().unwrap()));
        tracing::subscriber::with_default(log.finish(), write);
        std::fs::read_to_string(file.path()).unwrap()
    }

    #[test]
    fn a_terminal_obeys_no_text_in_the_log() {
        let written = logged(false, || {
            tracing::warn!(level = 3, why = %"a\x1b]0;b\x07\u{9b}31m\u{202e}", "c\x1b[31m\nd");
        });
        let why = r"why=a\u{1b}]0;b\u{7}\u{9b}31m\u{202e}";
        assert_eq!(written, format!(" WARN c\\u{{1b}}[31m\\u{{a}}d level=3 {why}\n"));
        let coloured = logged(true, || tracing::warn!(why = %"\x1b[31m", "a"));
        assert!(coloured.contains("\\u{1b}[31m") && !coloured.contains("\x1b[31m"), "{coloured}");
    }

    #[test]
    fn a_progress_line_is_cleared_once() {
        static DRAWN: AtomicBool = AtomicBool::new(true);
        let mut out = Vec::new();
        let mut log = Clearing { out: &mut out, drawn: &DRAWN };
        log.write_all(b"one\n").and_then(|()| log.write_all(b"two\n")).unwrap();
        DRAWN.store(true, Ordering::Relaxed);
        log.write_all(b"three\n").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\r\x1b[Kone\ntwo\n\r\x1b[Kthree\n");
    }
}

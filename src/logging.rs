//! Where the log goes: to stderr, for a person on a terminal, as JSON otherwise.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

/// A line that is drawn over stands on the terminal at present.
static LINE_DRAWN: AtomicBool = AtomicBool::new(false);

/// Whether a line that is drawn over stands on stderr: what is logged then takes its place.
pub fn line_is_drawn(drawn: bool) {
    LINE_DRAWN.store(drawn, Ordering::Relaxed);
}

/// Clears the line that stands there before it writes.
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

/// Sets the log up, once. `HANSHO_LOG` chooses what is logged, in tracing's filter syntax
/// (`debug`, `hansho=debug`); by default what hansho says at info, and others' warnings. The SDK
/// is kept at info at most: its finer levels log requests with their signatures.
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
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init()
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_drawn_over_is_cleared_once() {
        static DRAWN: AtomicBool = AtomicBool::new(true);
        let mut out = Vec::new();
        let mut log = Clearing { out: &mut out, drawn: &DRAWN };
        log.write_all(b"one\n").and_then(|()| log.write_all(b"two\n")).unwrap();
        DRAWN.store(true, Ordering::Relaxed);
        log.write_all(b"three\n").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\r\x1b[Kone\ntwo\n\r\x1b[Kthree\n");
    }
}

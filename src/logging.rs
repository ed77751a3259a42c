//! The log: on stderr, as text on a terminal and as JSON otherwise.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::EnvFilter;

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
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init()
    };
}

#[cfg(test)]
mod tests {
    use super::*;

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

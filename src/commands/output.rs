//! The standard output. Whoever reads it may have seen enough, so a closed pipe is no error.

use std::io::{self, ErrorKind, StdoutLock, Write};

use anyhow::Context;

/// The standard output. What is written behind the end of a closed pipe is dropped.
pub struct Stdout(StdoutLock<'static>);

/// Locks the standard output.
pub fn stdout() -> Stdout {
    Stdout(io::stdout().lock())
}

/// Prints a text.
///
/// # Errors
/// It can't be written: the disk behind the output is full, for example.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("the output could not be written")
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(why) if why.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            done => done,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(why) if why.kind() == ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }
}

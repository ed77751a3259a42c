//! The exit codes of the program, and the line that says why a command failed.

use std::process::ExitCode;

/// How a command ended. clap itself ends the program with 2 on wrong usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command did all of its work.
    Done,
    /// The command could not do all of its work.
    Failure,
    /// The command line or the configuration is wrong.
    Usage,
    /// The command looked, and there is something to do.
    Open,
}

impl Exit {
    /// [`Exit::Done`], or [`Exit::Failure`] if not `all_done`.
    pub fn of(all_done: bool) -> Exit {
        if all_done { Exit::Done } else { Exit::Failure }
    }

    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::Open => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// The error with its causes, in one line. Many errors quote their cause: it is not said twice.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the ledger does not answer: {0}")]
    struct Quoting(#[source] std::io::Error);

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::Error::new(Quoting(std::io::Error::other("the disk is full")));
        let error = error.context("it can't be listed");
        let line = "it can't be listed: the ledger does not answer: the disk is full";
        assert_eq!(one_line(&error), line);
    }
}

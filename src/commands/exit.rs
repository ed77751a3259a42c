//! The exit codes of the program.

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

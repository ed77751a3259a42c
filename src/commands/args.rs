//! Arguments that several commands take.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

#[derive(Args, Debug)]
pub struct ConfigFlag {
    /// The configuration file [default: $HANSHO_CONFIG, else ./hansho.toml if it exists]
    #[arg(long = "config", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A file argument, where `-` is the standard input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File(PathBuf),
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Input, Infallible> {
        Ok(if text == "-" { Input::Stdin } else { Input::File(PathBuf::from(text)) })
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Stdin => f.write_str("-"),
            Input::File(path) => path.display().fmt(f),
        }
    }
}

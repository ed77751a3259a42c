//! The arguments of `hansho render`.

use clap::Args;

use crate::commands::args::Input;

#[derive(Args, Debug)]
pub struct Render {
    /// The findings: JSON lines, one JSON document, or an array. `-` is the standard input
    #[arg(value_name = "FILE|-")]
    pub input: Input,
    /// Print the exact payloads, one a line, instead of a preview
    #[arg(long)]
    pub json: bool,
}

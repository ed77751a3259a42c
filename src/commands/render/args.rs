//! The arguments of `hansho render`.

use clap::{Args, ValueEnum};

use crate::commands::args::Input;
use crate::ports;

#[derive(Args, Debug)]
pub struct Render {
    /// The findings: JSON lines, one JSON document, or an array. `-` is the standard input
    #[arg(value_name = "FILE|-")]
    pub input: Input,
    #[command(flatten)]
    pub output: Output,
    /// Fill posts of this form with the findings, instead of a post for each
    #[arg(long)]
    pub form: Option<Form>,
}

/// The output in place of a preview in the terminal.
#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
pub struct Output {
    /// Print the exact payloads, one a line, instead of a preview
    #[arg(long)]
    pub json: bool,
    /// Print a page (HTML) that shows each message on a desktop, on a phone and on its lock screen
    #[arg(long)]
    pub html: bool,
    /// Print links that open the messages in Slack's Block Kit Builder. They hold the findings
    #[arg(long)]
    pub builder: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Form {
    /// Several cards in a post
    Cards,
    /// The post of a storm: counts, and a line for each finding or group
    Digest,
    /// Text alone, for a finding whose card Slack refused
    Plain,
}

impl From<Form> for ports::Form {
    fn from(form: Form) -> ports::Form {
        match form {
            Form::Cards => ports::Form::Cards,
            Form::Digest => ports::Form::Digest,
            Form::Plain => ports::Form::Plain,
        }
    }
}

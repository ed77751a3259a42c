//! The findings of a file, as a worker would parse them.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;

use anyhow::Context;

use crate::commands::args::Input;
use crate::embedded::input;
use crate::finding::{self, Finding};
use crate::ports::InputPlace;

/// The findings of an input, and whether all of it was readable. Writes to stderr what was not.
///
/// # Errors
/// The input can't be read, or is empty.
pub fn of(from: &Input) -> anyhow::Result<(Vec<Finding>, bool)> {
    match from {
        Input::Stdin => read("-", io::stdin()),
        Input::File(path) => {
            let file = File::open(path);
            let file = file.with_context(|| format!("{} can't be opened", path.display()))?;
            read(&path.to_string_lossy(), file)
        }
    }
}

fn read(name: &str, input: impl Read + Send + 'static) -> anyhow::Result<(Vec<Finding>, bool)> {
    let input = input::decode(input).context("the input can't be read")?;
    let (mut findings, mut messages, mut all_read) = (Vec::new(), 0, true);
    input::split(input, |body, at| {
        messages += 1;
        let parsed = finding::parse(&body);
        let place = InputPlace::new(name, at.line, at.column);
        for rejection in parsed.rejections {
            all_read = false;
            let why = place.locate(&rejection);
            eprintln!("message {messages}: {} ({why})", rejection.code.as_str());
        }
        for event in parsed.ignored {
            eprintln!("message {messages}: no finding ({})", event.as_str());
        }
        findings.extend(parsed.findings);
        ControlFlow::Continue(())
    })
    .context("the input could not be read")?;
    if messages == 0 {
        anyhow::bail!("the input is empty: give JSON lines, one JSON document, or an array");
    }
    Ok((findings, all_read))
}

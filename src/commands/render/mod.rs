//! `hansho render`: shows how Slack would show findings, without posting them.

pub mod args;

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;

use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::commands::setup;
use crate::embedded::input;
use crate::finding::{self, Finding};
use crate::ports::{Card, Form, Post};
use crate::slack::{self, Guide, Mentions};

use args::Render;

const COLUMNS: usize = 100;

/// Renders the findings of a file to stdout. Messages that can't be read make it a failure.
///
/// # Errors
/// The file can't be read, or the output can't be written.
pub fn start(args: &Render) -> anyhow::Result<Exit> {
    let input: Box<dyn Read> = match &args.input {
        Input::Stdin => Box::new(io::stdin()),
        Input::File(path) => Box::new(
            File::open(path).with_context(|| format!("{} can't be opened", path.display()))?,
        ),
    };
    // The names, and the first destination's mentions, if there is a configuration.
    let config = setup::load(None).outcome.ok();
    let mentions = config
        .as_ref()
        .and_then(|config| Some(config.destinations.first()?.mentions.clone()))
        .unwrap_or_else(Mentions::none);
    let guide = config.map(|config| config.guide).unwrap_or_default();
    let mut out = io::stdout().lock();
    let colour = out.is_terminal();
    let input = BufReader::new(input);
    let rejected =
        render(input, (&mentions, &guide), args.json, colour, &mut out, &mut io::stderr())?;
    out.flush()?;
    Ok(Exit::of(rejected == 0))
}

/// Renders every finding of `input` as a post of its own. Returns how many findings or messages
/// could not be read, and writes the reason of each to `problems`.
///
/// # Errors
/// The input can't be read or is empty, or the output can't be written.
pub fn render(
    input: impl BufRead,
    (mentions, guide): (&Mentions, &Guide),
    json: bool,
    colour: bool,
    out: &mut impl Write,
    problems: &mut impl Write,
) -> anyhow::Result<usize> {
    let mut rejected = 0;
    let mut index = 0;
    let mut written = Ok(());
    input::split(input, |body| {
        index += 1;
        let parsed = finding::parse(&body);
        for rejection in parsed.rejections {
            rejected += 1;
            let code = rejection.code.as_str();
            let _ = writeln!(problems, "message {index}: {code} ({rejection})");
        }
        for event in parsed.ignored {
            let _ = writeln!(problems, "message {index}: no finding ({})", event.as_str());
        }
        for finding in parsed.findings {
            let post = post_of(finding);
            let line = match json {
                true => slack::payload_json(&post, mentions, guide),
                false => slack::preview(&slack::payload(&post, mentions, guide), COLUMNS, colour),
            };
            if written.is_ok() {
                written = writeln!(out, "{line}");
            }
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .context("the input could not be read")?;
    written.context("the output could not be written")?;
    if index == 0 {
        anyhow::bail!("the input is empty: give JSON lines, one JSON document, or an array");
    }
    Ok(rejected)
}

fn post_of(finding: Finding) -> Post {
    Post {
        id: "preview".to_owned(),
        destination: "preview".to_owned(),
        form: Form::Cards,
        cards: vec![Card::of(Arc::new(finding))],
        notes: Vec::new(),
    }
}

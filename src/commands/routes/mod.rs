//! `hansho routes`: shows where findings go, and why.

pub mod args;

mod matrix;
mod test;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::ControlFlow;

use anyhow::Context;

use crate::commands::accounts::directory;
use crate::commands::args::{ConfigFlag, Input};
use crate::commands::exit::Exit;
use crate::commands::{explain, setup};
use crate::embedded::input;
use crate::finding::{self, Finding};
use crate::terminal::terminal_columns;

use args::{Matrix, Routes, RoutesCommand, Test};
use matrix::Sheet;

/// Runs `hansho routes` from its arguments.
///
/// # Errors
/// The input can't be read, or the output can't be written.
pub async fn start(args: &Routes) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    let exit = match &args.command {
        RoutesCommand::Test(args) => test(args, &mut out).await?,
        RoutesCommand::Matrix(args) => matrix(args, &mut out).await?,
    };
    out.flush()?;
    Ok(exit)
}

async fn test(args: &Test, out: &mut impl Write) -> anyhow::Result<Exit> {
    let Some(config) = setup::config(Some(&args.config)) else { return Ok(Exit::Usage) };
    let (findings, all_read) = match (&args.input, &args.id) {
        (Some(Input::Stdin), _) => read(io::stdin().lock())?,
        (Some(Input::File(path)), _) => {
            let file = File::open(path);
            let file = file.with_context(|| format!("{} can't be opened", path.display()))?;
            read(BufReader::new(file))?
        }
        (None, id) => match explain::findings(&config, id.as_deref().unwrap_or_default()).await? {
            Ok(findings) => (findings, true),
            Err(wrong) => {
                eprintln!("hansho: {wrong}");
                return Ok(Exit::Usage);
            }
        },
    };
    anyhow::ensure!(
        args.id.is_none() || !findings.is_empty(),
        "no message with the text of this finding waits, and the ledger keeps no text: give the \
         finding as a file, or as - on the standard input"
    );
    if args.id.is_none() {
        directory::show_configured(&config).await;
    }
    let tested = test::Tested::new(&config);
    for finding in &findings {
        match args.json {
            true => writeln!(out, "{}", tested.json(finding))?,
            false => writeln!(out, "{}", tested.text(finding))?,
        }
    }
    Ok(Exit::of(all_read))
}

/// The findings of an input, and whether all of it was readable. The rest is told on stderr.
fn read(input: impl BufRead) -> anyhow::Result<(Vec<Finding>, bool)> {
    let (mut findings, mut messages, mut all_read) = (Vec::new(), 0, true);
    input::split(input, |body| {
        messages += 1;
        let parsed = finding::parse(&body);
        for rejection in parsed.rejections {
            all_read = false;
            eprintln!("message {messages}: {} ({rejection})", rejection.code.as_str());
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

async fn matrix(args: &Matrix, out: &mut impl Write) -> anyhow::Result<Exit> {
    let Some(config) = setup::config(Some(&args.config)) else { return Ok(Exit::Usage) };
    directory::show_configured(&config).await;
    let accounts = config.guide.accounts.get();
    let sheet = Sheet::new(&config.routes(), &accounts);
    let Some(old) = &args.diff else {
        match args.json {
            true => writeln!(out, "{}", serde_json::to_string_pretty(&sheet.json())?)?,
            false => write!(out, "{}", sheet.text(terminal_columns()))?,
        }
        return Ok(Exit::Done);
    };
    let old = setup::config(Some(&ConfigFlag { config: Some(old.clone()) }));
    let Some(old) = old else { return Ok(Exit::Usage) };
    let old = Sheet::new(&old.routes(), &accounts);
    let changes = sheet.changes_from(&old);
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&changes.json())?)?,
        false => write!(out, "{}", changes.text())?,
    }
    Ok(Exit::Done)
}

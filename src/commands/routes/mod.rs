//! `hansho routes`: shows where findings go, and why.

pub mod args;

mod matrix;
mod test;

use std::collections::BTreeSet;
use std::io::Write;

use crate::commands::accounts::directory;
use crate::commands::args::ConfigFlag;
use crate::commands::exit::Exit;
use crate::commands::{explain, findings, output, setup};
use crate::config::Config;
use crate::finding::Finding;
use crate::terminal::terminal_columns;

use args::{Matrix, Routes, RoutesCommand, Test};
use matrix::Sheet;

/// What makes accounts known.
const REMEDY: &str = "run `hansho accounts sync`, or set accounts_file";

/// Runs `hansho routes` from its arguments.
///
/// # Errors
/// The input can't be read, or the output can't be written.
pub async fn start(args: &Routes) -> anyhow::Result<Exit> {
    let mut out = output::stdout();
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
        (Some(input), _) => findings::of(input)?,
        (None, id) => match explain::findings(&config, id.as_deref().unwrap_or_default()).await? {
            Ok(findings) => (findings, true),
            Err(wrong) => {
                eprintln!("hansho: {wrong}");
                return Ok(Exit::Usage);
            }
        },
    };
    let missing = match args.id.is_none() {
        true => directory::show_configured(&config).await,
        false => None,
    };
    warn_of_unknown(&config, &findings, missing);
    let tested = test::Tested::new(&config);
    for finding in &findings {
        match args.json {
            true => writeln!(out, "{}", tested.json(finding))?,
            false => writeln!(out, "{}", tested.text(finding))?,
        }
    }
    Ok(Exit::of(all_read))
}

/// Warns of findings whose accounts nobody knows, if rules ask what they are.
fn warn_of_unknown(config: &Config, findings: &[Finding], missing: Option<String>) {
    let accounts = config.guide.accounts.get();
    let of = findings.iter().map(|finding| finding.account.as_str());
    let unknown: BTreeSet<&str> = of.filter(|id| accounts.get(id).is_none()).collect();
    if unknown.is_empty() || !config.routes().look_at_accounts() {
        return;
    }
    let missing = missing.map_or(String::new(), |why| format!(", because {why}"));
    eprintln!(
        "hansho: warning: nothing is known of {}{missing}: rules about ou, account_name and \
         account_tag can't fit; {REMEDY}",
        match unknown.len() {
            1 => "the finding's account".to_owned(),
            accounts => format!("{accounts} accounts of the findings"),
        }
    );
}

async fn matrix(args: &Matrix, out: &mut impl Write) -> anyhow::Result<Exit> {
    let Some(config) = setup::config(Some(&args.config)) else { return Ok(Exit::Usage) };
    let missing = directory::show_configured(&config).await;
    let accounts = config.guide.accounts.get();
    if let Some(why) = missing.filter(|_| accounts.is_empty()) {
        eprintln!("hansho: warning: no account is known, because {why}: {REMEDY}");
    }
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

//! The command `hansho reconcile`.

use std::sync::Arc;

use crate::clock::SystemClock;
use crate::commands::accounts::directory;
use crate::commands::exit::Exit;
use crate::commands::reconcile::args::Reconcile;
use crate::commands::silence::store as silences;
use crate::commands::{output, setup, wiring};
use crate::config::Backend;
use crate::embedded::{EmbeddedLedger, EmbeddedQueue, Store};

use super::source;

/// Runs the command. Prints wrong usage to stderr, and the report to stdout.
///
/// # Errors
/// The store of the embedded backend can't be opened.
pub async fn start(args: &Reconcile) -> anyhow::Result<Exit> {
    let Some(config) = setup::config(Some(&args.config)) else {
        return Ok(Exit::Usage);
    };
    let clock = SystemClock::start();
    let ask = match source::ask(&config, args, &clock) {
        Ok(ask) => ask,
        Err(why) => {
            eprintln!("hansho: {why}");
            return Ok(Exit::Usage);
        }
    };
    let rules = super::rules(&config);
    let report = match &config.backend {
        Backend::Embedded { path, .. } => {
            let open = if args.dry_run { Store::open_for_dry_run } else { Store::open };
            let store = open(path)?;
            let inlet = EmbeddedQueue::new(store.clone(), Arc::new(clock));
            let ledger = EmbeddedLedger::new(store);
            directory::show(&config.guide.accounts, &ledger).await;
            silences::show(&config.silences, &ledger).await;
            source::compare(&ask, &rules, &ledger, &inlet, &clock).await
        }
        Backend::Aws(aws) => {
            let (inlet, ledger) = wiring::on_aws(aws).await;
            directory::show(&config.guide.accounts, &ledger).await;
            silences::show(&config.silences, &ledger).await;
            source::compare(&ask, &rules, &ledger, &inlet, &clock).await
        }
    };
    if args.json {
        output::print(&format!("{}\n", report.json()))?;
    } else {
        output::print(&report.text(&config.guide.accounts.get()))?;
    }
    Ok(Exit::of(report.failures().next().is_none()))
}

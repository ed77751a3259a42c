//! The program: parses the arguments, sets up the log, and runs the command.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use hansho::commands::cli::{self, Cli, Command};
#[cfg(feature = "rollout")]
use hansho::commands::coverage;
#[cfg(feature = "demo")]
use hansho::commands::demo;
use hansho::commands::exit::{self, Exit};
#[cfg(feature = "rollout")]
use hansho::commands::rollout;
use hansho::commands::{
    accounts, canary, check, explain, health, init, lambda, output, reconcile, render, replay,
    report, routes, run, setup, silence, status, store,
};
use hansho::logging;

fn main() -> ExitCode {
    let outcome = if lambda::is_environment() {
        logging::init();
        block_on(lambda::start())
    } else {
        let command = Cli::parse().command;
        logging::init();
        dispatch(command)
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("hansho: {}", exit::one_line(&error));
            Exit::Failure.into()
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => block_on(run::start(&args)),
        #[cfg(feature = "demo")]
        Command::Demo(args) => block_on(demo::start(&args)),
        Command::Render(args) => render::start(&args),
        Command::Check(args) => block_on(check::start(&args)),
        Command::Init(args) => init::start(&args),
        Command::Health(args) => block_on(health::start(&args)),
        Command::Status(args) => block_on(status::start(&args)),
        Command::Explain(args) => block_on(explain::start(&args)),
        Command::Report(args) => block_on(report::start(&args)),
        Command::Routes(args) => block_on(routes::start(&args)),
        Command::Replay(args) => block_on(replay::run(*args, setup::valid)),
        Command::Canary(args) => block_on(canary::start(&args)),
        Command::Reconcile(args) => block_on(reconcile::command::start(&args)),
        #[cfg(feature = "rollout")]
        Command::Rollout(args) => block_on(rollout::start(&args)),
        #[cfg(feature = "rollout")]
        Command::Coverage(args) => block_on(coverage::start(&args)),
        Command::Accounts(args) => block_on(accounts::start(&args)),
        Command::Silence(args) => block_on(silence::start(&args)),
        Command::Store(args) => store::start(&args),
        Command::Completions { shell } => {
            cli::completions(shell, &mut output::stdout());
            Ok(Exit::Done)
        }
    }
}

/// Runs a command on one thread. Blocking work on files has threads of its own.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("the runtime could not be started")?;
    let result = runtime.block_on(work);
    // A thread may still wait for standard input, which nobody closes.
    runtime.shutdown_background();
    result
}

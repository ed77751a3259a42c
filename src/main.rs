//! The program: arguments in, exit code out. Everything else is in the library.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use hansho::commands::check::live;
use hansho::commands::cli::{Cli, Command, Exit, Input};
use hansho::commands::run::RunOptions;
use hansho::commands::{
    canary, check, cli, demo, health, lambda, reconcile, render as show, replay, run as consume,
};
use hansho::config::{self, Config, Loaded, Reference};
use hansho::logging;
use hansho::slack::{Mentions, Webhook};

fn main() -> ExitCode {
    let started = if is_lambda_function() {
        logging::init();
        block_on(serve_calls())
    } else {
        let command = Cli::parse().command;
        logging::init();
        start(command)
    };
    match started {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("hansho: {error:#}");
            Exit::Failure.into()
        }
    }
}

/// Lambda starts the program without arguments, in an environment that says where its Runtime API is.
fn is_lambda_function() -> bool {
    std::env::var_os(lambda::RUNTIME_API).is_some() && std::env::args_os().len() == 1
}

async fn serve_calls() -> anyhow::Result<Exit> {
    let Some(config) = valid(load(None)) else {
        return Ok(Exit::Usage);
    };
    lambda::serve(&config).await?;
    Ok(Exit::Done)
}

fn start(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(run) => block_on(run_worker(run)),
        Command::Demo(demo) => block_on(demo::run(demo.json)).map(ended),
        Command::Render(render) => show_findings(&render),
        Command::Check(args) if args.live => block_on(check_live(args)),
        Command::Check(check) => Ok(explain(&load(check.config.config.as_deref()))),
        Command::Health(health) => block_on(ask(health)),
        Command::Explain(args) => block_on(tell_what_became_of(args)),
        Command::Replay(command) => block_on(replay::run(*command, valid)),
        Command::Canary(canary) => block_on(try_the_way(canary)),
        Command::Reconcile(args) => block_on(compare(args)),
        Command::Completions { shell } => {
            cli::completions(shell, &mut io::stdout());
            Ok(Exit::Done)
        }
    }
}

/// The worker is one task: one thread, and those for files.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("the runtime could not be started")?;
    let result = runtime.block_on(work);
    // A thread may still wait for standard input, which nobody closes.
    runtime.shutdown_background();
    result
}

fn load(flag: Option<&std::path::Path>) -> Loaded {
    let environment = config::environment();
    config::load(config::find(flag, &environment).as_ref(), &environment)
}

/// The configuration, or all its mistakes on stderr.
fn valid(loaded: Loaded) -> Option<Config> {
    for warning in &loaded.warnings {
        eprintln!("hansho: warning: {warning}");
    }
    match loaded.outcome {
        Ok(config) => Some(config),
        Err(mistakes) => {
            eprintln!("hansho: the configuration can't be used:");
            mistakes.iter().for_each(|mistake| eprintln!("  {mistake}"));
            eprintln!("`hansho check` explains it whole.");
            None
        }
    }
}

async fn run_worker(run: cli::Run) -> anyhow::Result<Exit> {
    let loaded = load(run.config.config.as_deref());
    let unusable = check::unusable(&probe(&loaded));
    let Some(config) = valid(loaded) else {
        return Ok(Exit::Usage);
    };
    if !unusable.is_empty() {
        eprintln!("hansho: the configuration can't be used:");
        unusable.iter().for_each(|why| eprintln!("  {why}"));
        return Ok(Exit::Usage);
    }
    let path = |input: &Input| std::path::PathBuf::from(input.to_string());
    let options = RunOptions { inputs: run.input.iter().map(path).collect(), drain: run.drain };
    let outcome = consume::run(&config, &options).await?;
    if run.json {
        println!("{}", serde_json::to_string(&outcome.tally)?);
    } else if run.drain {
        println!("{}", consume::summary(&outcome));
    }
    // A run that was to settle everything and did not has failed, though nothing is lost.
    Ok(ended(!outcome.input_cut && (!run.drain || outcome.complete)))
}

async fn ask(health: cli::Health) -> anyhow::Result<Exit> {
    let Some(config) = valid(load(health.config.config.as_deref())) else {
        return Ok(Exit::Usage);
    };
    let Some(listen) = config.metrics.listen else {
        eprintln!(
            "hansho: metrics.listen is off, so that no worker can be asked: set it, or \
             HANSHO_METRICS_LISTEN, for the worker and for this command"
        );
        return Ok(Exit::Usage);
    };
    println!("{}", health::ask(listen, health.ready).await?);
    Ok(Exit::Done)
}

/// `hansho check --live`: what is wrong with the configuration comes first.
async fn check_live(args: cli::Check) -> anyhow::Result<Exit> {
    let loaded = load(args.config.config.as_deref());
    let probes = probe(&loaded);
    let explanation = check::explain(&loaded, &probes);
    let exit = check::exit(&loaded, &probes);
    match args.json {
        false => print!("{explanation}"),
        true if exit != Exit::Done => eprint!("{explanation}"),
        true => {}
    }
    let Some(config) = loaded.outcome.ok().filter(|_| exit == Exit::Done) else {
        return Ok(Exit::Usage);
    };
    let answer = live::run(&config).await;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&answer)?),
        false => print!("{}", live::text(&answer)),
    }
    Ok(ended(!answer.is_wrong()))
}

async fn tell_what_became_of(
    args: hansho::commands::explain::args::Explain,
) -> anyhow::Result<Exit> {
    let Some(config) = valid(load(args.config.config.as_deref())) else {
        return Ok(Exit::Usage);
    };
    let mut out = io::stdout().lock();
    let exit = hansho::commands::explain::run(&config, &args, &mut out, &mut io::stderr()).await?;
    out.flush()?;
    Ok(exit)
}

async fn try_the_way(asked: canary::args::Canary) -> anyhow::Result<Exit> {
    let options = match asked.options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("hansho: {why}");
            return Ok(Exit::Usage);
        }
    };
    let Some(config) = valid(load(asked.config.config.as_deref())) else {
        return Ok(Exit::Usage);
    };
    let canary::CanaryRun { flights, start, depth } = canary::run(&config, &options).await?;
    match asked.json {
        true => println!("{}", canary::report::json(&flights)),
        false => println!("{}", canary::report::text(&flights, &start, depth, options.within)),
    }
    Ok(ended(flights.iter().all(canary::Flight::arrived)))
}

async fn compare(args: cli::Reconcile) -> anyhow::Result<Exit> {
    let Some(config) = valid(load(args.config.config.as_deref())) else {
        return Ok(Exit::Usage);
    };
    reconcile::command::run(&config, &args).await
}

/// Tries the secrets that are kept on this machine.
fn probe(loaded: &Loaded) -> check::Probes {
    let host = |text: &str| match Webhook::parse(text) {
        Ok(webhook) => Ok(webhook.host().to_owned()),
        Err(why) => Err(why.to_string()),
    };
    check::probe(loaded, Reference::read_local, host)
}

/// `hansho check`: the explanation goes to stdout, mistakes and all.
fn explain(loaded: &Loaded) -> Exit {
    let probes = probe(loaded);
    print!("{}", check::explain(loaded, &probes));
    check::exit(loaded, &probes)
}

fn ended(well: bool) -> Exit {
    if well { Exit::Done } else { Exit::Failure }
}

fn show_findings(render: &cli::Render) -> anyhow::Result<Exit> {
    let input: Box<dyn Read> = match &render.input {
        Input::Stdin => Box::new(io::stdin()),
        Input::File(path) => Box::new(
            File::open(path).with_context(|| format!("{} can't be opened", path.display()))?,
        ),
    };
    // The mentions are shown as they would be, if there is a configuration that says so.
    let mentions = load(None)
        .outcome
        .ok()
        .and_then(|config| Some(config.destinations.first()?.mentions.clone()))
        .unwrap_or_else(Mentions::none);
    let mut out = io::stdout().lock();
    let colour = out.is_terminal();
    let refused = show::render(
        BufReader::new(input),
        &mentions,
        render.json,
        colour,
        &mut out,
        &mut io::stderr(),
    )?;
    out.flush()?;
    Ok(ended(refused == 0))
}

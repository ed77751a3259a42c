//! The worker as an AWS Lambda function. Each call brings a batch of messages of one queue. When
//! the call ends, each message is deleted, or returns to its queue with the delay after which it is
//! due.
//!
//! The desk, the ledger and the posts are those of the long-lived worker. Two things differ: the
//! queue is the batch (`batch`), and the desk knows when its lifetime ends. Its memory of the
//! pace, the breakers and the ledger passes to the next call in the same environment.

mod batch;
mod compare;
mod deadline;
mod event;
mod function;

use std::sync::Arc;

use anyhow::{anyhow, bail};
use lambda_runtime::{LambdaEvent, service_fn};
use tracing::info;

use crate::clock::SystemClock;
use crate::commands::coverage::timer::Looks;
use crate::commands::exit::Exit;
use crate::commands::silence::notes::Notes;
use crate::commands::{setup, wiring};
use crate::config::{Backend, Config};
use crate::desk::Settings;
use crate::instants::Wall;
use crate::ports::{Clock, Lane, Ledger, Notifier, Queue};

pub use compare::Comparison;
pub use event::{Asked, Failures, Invocation, QueueNames};
pub use function::Function;

/// Set in every Lambda environment, and nowhere else.
/// Source: Lambda developer guide, "Building a custom runtime for AWS Lambda".
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// The other variables that the runtime needs.
const NEEDED: [&str; 3] =
    ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"];

/// Whether Lambda started this process. It does so without arguments.
pub fn is_environment() -> bool {
    std::env::var_os(RUNTIME_API).is_some() && std::env::args_os().len() == 1
}

/// Loads the configuration, and serves calls.
///
/// # Errors
/// See [`serve`].
pub async fn start() -> anyhow::Result<Exit> {
    let Some(config) = setup::config(None) else {
        return Ok(Exit::Usage);
    };
    serve(&config).await?;
    Ok(Exit::Done)
}

/// Serves calls until Lambda ends the environment.
///
/// # Errors
/// The configuration is for another backend, or no webhook can be read.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    let Backend::Aws(aws) = &config.backend else {
        bail!(
            "as a Lambda function hansho works on SQS and DynamoDB: set HANSHO_QUEUE_STANDARD, \
             HANSHO_QUEUE_QUARANTINE and HANSHO_LEDGER_TABLE"
        );
    };
    let (queue, ledger) = wiring::on_aws(aws).await;
    let express = aws.express.as_ref().map(|url| (Lane::Express, url.name()));
    let names = QueueNames::new(express.into_iter().chain([(Lane::Standard, aws.standard.name())]));
    let clock = SystemClock::start();
    let comparison = compare::with(config, &queue, &ledger, clock);
    let (notifier, unread) = wiring::notifier(config).await?;
    let function = Function::new(
        Settings { unread, ..wiring::settings(config, Vec::new()) },
        names,
        queue,
        ledger,
        notifier,
        clock,
    )?
    .comparing(comparison)
    .naming(config.guide.accounts.clone());
    let notes = Notes::new(config, function.worker_id());
    let looks = Looks::new(config, function.worker_id());
    let function = function.noting(notes).looking(looks);
    info!(backend = config.backend.as_str(), "serving as a Lambda function: {}", config.backend);
    // The compiler bounds how deep futures are nested.
    Box::pin(answer_calls(function, config.metrics.emf.unwrap_or(true))).await
}

/// Answers the calls of the Runtime API, one after the other, until Lambda ends the environment.
/// `emf`: whether each call writes a line of metrics for CloudWatch.
///
/// # Errors
/// A variable of Lambda's environment is missing, or the Runtime API does not answer.
pub async fn answer_calls<Q, L, N, C>(
    function: Function<Q, L, N, C>,
    emf: bool,
) -> anyhow::Result<()>
where
    Q: Queue + 'static,
    L: Ledger + 'static,
    N: Notifier + 'static,
    C: Clock + 'static,
{
    // The runtime panics without them.
    if let Some(missing) = NEEDED.iter().find(|name| std::env::var_os(name).is_none()) {
        bail!(
            "{RUNTIME_API} is set, but {missing} is not: Lambda sets both, so a stand-in must too"
        );
    }
    let function = Arc::new(function);
    let following = Arc::clone(&function);
    // Only the first calls wait for it.
    tokio::spawn(async move { following.follow_directory().await });
    let handler = service_fn(move |call: LambdaEvent<Invocation>| {
        let function = Arc::clone(&function);
        async move {
            let (invocation, context) = call.into_parts();
            let deadline = Wall(i64::try_from(context.deadline).unwrap_or(i64::MAX));
            // The runtime logs an error.
            let answer = match function.know_accounts(deadline).await {
                Ok(()) => Box::pin(function.invoke(invocation, deadline)).await,
                Err(why) => Err(why),
            };
            if emf {
                // Only a successful call has the heartbeat.
                eprintln!("{}", function.metrics_line(answer.is_ok()));
            }
            answer
        }
    });
    lambda_runtime::run(handler).await.map_err(|why| anyhow!("the Lambda runtime ended: {why}"))
}

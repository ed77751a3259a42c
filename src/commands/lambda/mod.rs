//! The worker as an AWS Lambda function: each call brings a batch of one queue, and ends before its
//! deadline with every message of it settled, or on its way back with the time at which it is due.
//!
//! The desk, the ledger and the posts are those of the long-lived worker; only the queue differs
//! ([`batch`]), and that the desk knows when its life ends. What it learned of pace, breakers and
//! ledger it leaves to the next call in the same environment, and to all others in the fleet's cell.

mod batch;
mod compare;
mod event;

use std::future::{pending, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::clock::SystemClock;
use crate::commands::wiring;
use crate::config::{Backend, Config};
use crate::desk::worker::{self, Ports};
use crate::desk::{Desk, DrainTerms, Memory, Report, ReturnReason, Settings};
use crate::instants::{Mono, Now, Wall};
use crate::metrics::Metrics;
use crate::metrics::calls::Counted;
use crate::metrics::emf::Emf;
use crate::policy::budget::TimeBudget;
use crate::policy::cell;
use crate::ports::{Clock, Delivery, Lane, Ledger, Notifier, Queue};

use batch::BatchQueue;
pub use compare::Comparison;
pub use event::{Asked, Failures, Invocation, QueueNames};

/// Set in every Lambda environment and nowhere else.
/// Source: Lambda developer guide, "Building a custom runtime for AWS Lambda".
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// What else the runtime needs to be told by its environment.
const NEEDED: [&str; 3] =
    ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"];
/// By so much the answer is ready before the deadline.
const ANSWER: Duration = Duration::from_secs(1);
/// A call ends by its deadline and needs no other patience.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Serves calls until Lambda ends the environment.
///
/// # Errors
/// What can be known to be wrong before the first call: the configuration is for another backend, or
/// no webhook can be read.
pub async fn serve(config: &Config) -> anyhow::Result<()> {
    let Backend::Aws { standard, express, quarantine, table } = &config.backend else {
        bail!(
            "as a Lambda function hansho works on SQS and DynamoDB: set HANSHO_QUEUE_STANDARD, \
             HANSHO_QUEUE_QUARANTINE and HANSHO_LEDGER_TABLE"
        );
    };
    let (queue, ledger) = wiring::on_aws(standard, express.as_ref(), quarantine, table).await;
    let express = express.as_ref().map(|url| (Lane::Express, url.name()));
    let names = QueueNames::new(express.into_iter().chain([(Lane::Standard, standard.name())]));
    let clock = SystemClock::start();
    let comparison = compare::with(config, &queue, &ledger, clock);
    let function = Function::new(
        wiring::settings(config, Vec::new()),
        names,
        queue,
        ledger,
        wiring::notifier(config).await?,
        clock,
    )?
    .comparing(comparison);
    info!(backend = config.backend.as_str(), "serving as a Lambda function: {}", config.backend);
    answer_calls(function, config.metrics.emf.unwrap_or(true)).await
}

/// Answers what the Runtime API hands out, one call after the other, until Lambda ends the
/// environment. `tells`: after each call a line for CloudWatch.
///
/// # Errors
/// The environment is not Lambda's, or its Runtime API does not answer.
pub async fn answer_calls<Q, L, N, C>(
    function: Function<Q, L, N, C>,
    tells: bool,
) -> anyhow::Result<()>
where
    Q: Queue + 'static,
    L: Ledger + 'static,
    N: Notifier + 'static,
    C: Clock + 'static,
{
    // The runtime takes them for granted, and panics.
    if let Some(missing) = NEEDED.iter().find(|name| std::env::var_os(name).is_none()) {
        bail!(
            "{RUNTIME_API} is set, but {missing} is not: Lambda sets both, and so must its stand-in"
        );
    }
    let function = Arc::new(function);
    let handler = service_fn(move |call: LambdaEvent<Invocation>| {
        let function = Arc::clone(&function);
        async move {
            let (invocation, context) = call.into_parts();
            let deadline = Wall(i64::try_from(context.deadline).unwrap_or(i64::MAX));
            // The runtime logs what is refused.
            let answer = function.invoke(invocation, deadline).await;
            if tells {
                // Only a call that worked is a sign of life.
                eprintln!("{}", function.metrics_line(answer.is_ok()));
            }
            answer
        }
    });
    lambda_runtime::run(handler).await.map_err(|why| anyhow!("the Lambda runtime ended: {why}"))
}

/// What outlives a call.
pub struct Function<Q, L, N, C> {
    settings: Settings,
    names: QueueNames,
    queue: Q,
    ledger: L,
    notifier: N,
    clock: C,
    memory: Mutex<Option<Memory>>,
    calls: AtomicU64,
    metrics: Metrics,
    emf: Emf,
    comparison: Option<Comparison>,
}

/// The times of one call.
struct Deadline {
    /// From then on nothing more is posted.
    last_post: Mono,
    /// Whatever is under way then is left: the answer is due.
    answer: Mono,
}

impl Deadline {
    /// A post that starts has to end, be marked and be answered for. With less time than that takes,
    /// half of it goes to work.
    fn of(left: Duration, budget: &TimeBudget, now: Now) -> Deadline {
        let after = budget.post_timeout() + TimeBudget::AROUND_A_POST + ANSWER;
        let work = left.saturating_sub(after).max(left / 2);
        let answer = left.saturating_sub(ANSWER).max(left * 9 / 10);
        Deadline { last_post: now.mono.plus(work), answer: now.mono.plus(answer) }
    }
}

impl<Q: Queue, L: Ledger, N: Notifier, C: Clock> Function<Q, L, N, C> {
    /// `settings` as for a worker that lives on; lanes and end are those of each call.
    pub fn new(
        settings: Settings,
        names: QueueNames,
        queue: Q,
        ledger: L,
        notifier: N,
        clock: C,
    ) -> anyhow::Result<Function<Q, L, N, C>> {
        let (memory, calls) = (Mutex::new(None), AtomicU64::new(0));
        let (metrics, emf) = (Metrics::new()?, Emf::default());
        Ok(Function {
            settings,
            names,
            queue,
            ledger,
            notifier,
            clock,
            memory,
            calls,
            metrics,
            emf,
            comparison: None,
        })
    }

    /// With what it does when it is asked to compare.
    pub fn comparing(self, comparison: Comparison) -> Function<Q, L, N, C> {
        Function { comparison: Some(comparison), ..self }
    }

    /// Answers one invocation, a batch or one of its timers'.
    ///
    /// # Errors
    /// It is not for this function: then none of it was touched, and all comes again. Or it was asked
    /// whether it is well, and is not; or to compare, and could not.
    pub async fn invoke(&self, invocation: Invocation, deadline: Wall) -> Result<Value, String> {
        let now = self.clock.now();
        let deadline = Deadline::of(deadline.since(now.wall), &self.settings.budget, now);
        match invocation.asked()? {
            Asked::Batch(records) => {
                let (lane, deliveries) = event::deliveries(records, &self.names)?;
                let failures = self.work(lane, deliveries, &deadline).await;
                serde_json::to_value(failures).map_err(|why| why.to_string())
            }
            Asked::Heartbeat => {
                self.look_at_the_ledger(&deadline).await?;
                Ok(json!({"hansho": "well"}))
            }
            Asked::Reconcile => {
                compare::call(self.comparison.as_ref(), &deadline, &self.clock, &self.metrics).await
            }
        }
    }

    /// Without the ledger nothing can be claimed, so it is what a function without messages looks at.
    async fn look_at_the_ledger(&self, deadline: &Deadline) -> Result<(), String> {
        for route in &self.settings.routes.routes {
            let key = cell::key(&route.destination);
            let ledger = Counted::new(&self.ledger, &self.metrics, &self.clock);
            tokio::select! {
                biased;
                read = ledger.read(&key) => {
                    read.map_err(|why| format!("the ledger does not answer: {why}"))?;
                }
                () = self.clock.sleep_until(deadline.answer) => {
                    return Err("the ledger did not answer in time".to_owned());
                }
            }
        }
        Ok(())
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What was counted since the last line, for CloudWatch. `beats`: the call worked.
    pub fn metrics_line(&self, beats: bool) -> String {
        self.emf.line(&self.metrics, beats, self.clock.now().wall)
    }

    async fn work(&self, lane: Lane, batch: Vec<Delivery>, deadline: &Deadline) -> Failures {
        let received = batch.len();
        self.metrics.received(&batch);
        // Counted are the calls to SQS: what the desk receives came with the call, and what it deletes
        // is deleted by Lambda.
        let calls = Counted::new(&self.queue, &self.metrics, &self.clock);
        let queue = BatchQueue::new(&calls, lane, batch);
        let mut desk = Desk::new(self.settings_of_call(lane, deadline), self.clock.now());
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(memory) = memory {
            desk.remember(memory);
        }
        let longest = self.run(&mut desk, &queue, deadline).await;
        let (together, interval) = (desk.lines_max(), desk.slowest_pace());
        let now = self.clock.now();
        self.metrics.looked(&desk.snapshot(now), now);
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(desk.into_memory());
        let untouched = tokio::select! {
            biased;
            sent = queue.send_back_the_rest(longest, together, interval) => sent,
            () = self.clock.sleep_until(deadline.answer) => 0,
        };
        let open = queue.open();
        info!(lane = lane.as_str(), received, open = open.len(), untouched, "a batch is done");
        Failures::of(open)
    }

    /// Answers the longest time for which something went back at the end.
    async fn run(
        &self,
        desk: &mut Desk,
        queue: &BatchQueue<'_, Counted<'_, Q, C>>,
        deadline: &Deadline,
    ) -> Duration {
        let Function { ledger, notifier, clock, metrics, .. } = self;
        let ports = Ports {
            queue,
            ledger: &Counted::new(ledger, metrics, clock),
            notifier: &Counted::new(notifier, metrics, clock),
            clock,
        };
        let mut longest = Duration::ZERO;
        let report = |report: &Report| {
            if let Report::Returned { reason: ReturnReason::Draining, delay, .. } = report {
                longest = longest.max(*delay);
            }
            metrics.heard(report);
            report.log();
        };
        let work = worker::run_desk(desk, &ports, pending(), ready(()), report, |_| {});
        tokio::select! {
            biased;
            _ = work => {}
            () = clock.sleep_until(deadline.answer) => {
                warn!("the deadline came before the batch was done: what is left comes again");
            }
        }
        longest
    }

    fn settings_of_call(&self, lane: Lane, deadline: &Deadline) -> Settings {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Settings {
            lanes: vec![lane],
            seed: self.settings.seed.wrapping_add(call),
            // All there is to come is there, so that it ends as soon as it is settled.
            drain: Some(DrainTerms { measurements: 0, patience: PATIENCE }),
            ends_at: Some(deadline.last_post),
            ..self.settings.clone()
        }
    }
}

//! The worker as an AWS Lambda function: each call brings a batch of one queue, and ends before its
//! deadline with every message of it settled, or on its way back with the time at which it is due.
//!
//! The desk, the ledger and the posts are those of the long-lived worker; only the queue differs
//! ([`batch`]), and that the desk knows when its life ends. What it learned of pace, breakers and
//! ledger it leaves to the next call in the same environment, and to all others in the fleet's cell.

mod batch;
mod event;

use std::future::{pending, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{anyhow, bail};
use lambda_runtime::{LambdaEvent, service_fn};
use tracing::{info, warn};

use crate::clock::SystemClock;
use crate::config::{Backend, Config};
use crate::desk::worker::{self, Ports};
use crate::desk::{Desk, DrainTerms, HandBackReason, Memory, Report, Settings};
use crate::instants::{Mono, Now, Wall};
use crate::policy::budget::TimeBudget;
use crate::ports::{Clock, Delivery, Lane, Ledger, Notifier, Queue};
use crate::wiring;

use batch::BatchQueue;
pub use event::{Failures, QueueNames, SqsEvent};

/// Set in every Lambda environment and nowhere else.
/// Source: Lambda developer guide, "Building a custom runtime for AWS Lambda".
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
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
    let function = Arc::new(Function::new(
        wiring::settings(config, Vec::new()),
        names,
        queue,
        ledger,
        wiring::notifier(config).await?,
        SystemClock::start(),
    ));
    info!(backend = config.backend.word(), "serving as a Lambda function: {}", config.backend);
    let handler = service_fn(move |call: LambdaEvent<SqsEvent>| {
        let function = Arc::clone(&function);
        async move {
            let (event, context) = call.into_parts();
            let deadline = Wall(i64::try_from(context.deadline).unwrap_or(i64::MAX));
            // The runtime logs what is refused.
            function.call(event, deadline).await
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
    ) -> Function<Q, L, N, C> {
        let (memory, calls) = (Mutex::new(None), AtomicU64::new(0));
        Function { settings, names, queue, ledger, notifier, clock, memory, calls }
    }

    /// Settles what it can of a batch before the deadline, and answers with all the rest of it.
    ///
    /// # Errors
    /// The event is not for this function. Then none of it was touched, and all comes again.
    pub async fn call(&self, event: SqsEvent, deadline: Wall) -> Result<Failures, String> {
        let (lane, deliveries) = event::deliveries(event, &self.names)?;
        let now = self.clock.now();
        let deadline = Deadline::of(deadline.since(now.wall), &self.settings.budget, now);
        Ok(self.work(lane, deliveries, &deadline).await)
    }

    async fn work(&self, lane: Lane, batch: Vec<Delivery>, deadline: &Deadline) -> Failures {
        let received = batch.len();
        let queue = BatchQueue::new(&self.queue, lane, batch);
        let mut desk = Desk::new(self.settings_of_call(lane, deadline), self.clock.now());
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(memory) = memory {
            desk.remember(memory);
        }
        let longest = self.run(&mut desk, &queue, deadline).await;
        let (together, interval) = (desk.lines_max(), desk.slowest_pace());
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(desk.into_memory());
        let untouched = tokio::select! {
            biased;
            sent = queue.send_back_the_rest(longest, together, interval) => sent,
            () = self.clock.sleep_until(deadline.answer) => 0,
        };
        let open = queue.open();
        info!(lane = lane.word(), received, open = open.len(), untouched, "a batch is done");
        Failures::of(open)
    }

    /// Answers the longest time for which something went back at the end.
    async fn run(
        &self,
        desk: &mut Desk,
        queue: &BatchQueue<'_, Q>,
        deadline: &Deadline,
    ) -> Duration {
        let Function { ledger, notifier, clock, .. } = self;
        let ports = Ports { queue, ledger, notifier, clock };
        let mut longest = Duration::ZERO;
        let report = |report: &Report| {
            if let Report::HandedBack { reason: HandBackReason::Draining, delay, .. } = report {
                longest = longest.max(*delay);
            }
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
            drain: Some(DrainTerms { looks: 0, patience: PATIENCE }),
            ends_at: Some(deadline.last_post),
            ..self.settings.clone()
        }
    }
}

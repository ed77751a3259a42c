//! The function: it lives as long as its environment, and answers one call after the other.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex as AsyncMutex;
use tracing::{info, warn};

use super::batch::BatchQueue;
use super::compare::{self, Comparison};
use super::deadline::Deadline;
use super::event::{self, Asked, Failures, Invocation, QueueNames};
use crate::commands::accounts::follow::{Answered, follow};
use crate::commands::counts::{counter::Counter, follow as counts};
use crate::commands::coverage::timer::Looks;
use crate::commands::note::NotePorts;
use crate::commands::silence::follow::OfCalls;
use crate::commands::silence::notes::Notes;
use crate::desk::worker::{self, Ports};
use crate::desk::{Desk, DrainTerms, Memory, Report, ReturnReason, Settings};
use crate::instants::Wall;
use crate::metrics::emf::Emf;
use crate::metrics::{Counted, Metrics};
use crate::policy::record::RecordKey;
use crate::ports::{Clock, CurrentAccounts, Delivery, Lane, Ledger, Notifier, Queue};

/// A call ends at its deadline, so its desk needs no other patience.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A call with less time left posts no notes: the next one will.
const FOR_NOTES: Duration = Duration::from_secs(20);

pub struct Function<Q, L, N, C> {
    settings: Settings,
    names: QueueNames,
    queue: Q,
    ledger: L,
    notifier: N,
    clock: C,
    /// The desk's memory between two calls.
    memory: Mutex<Option<Memory>>,
    calls: AtomicU64,
    metrics: Metrics,
    emf: Emf,
    comparison: Option<Comparison>,
    accounts: CurrentAccounts,
    /// About the directory of accounts.
    answered: Answered,
    silences: AsyncMutex<OfCalls>,
    counter: Counter,
    counting: counts::OfCalls,
    notes: AsyncMutex<Option<Notes>>,
    looks: AsyncMutex<Option<Looks>>,
}

impl<Q: Queue, L: Ledger, N: Notifier, C: Clock> Function<Q, L, N, C> {
    /// `settings` is that of a long-lived worker. Each call sets its own lane and end.
    ///
    /// # Errors
    /// The metrics could not be registered.
    pub fn new(
        settings: Settings,
        names: QueueNames,
        queue: Q,
        ledger: L,
        notifier: N,
        clock: C,
    ) -> anyhow::Result<Function<Q, L, N, C>> {
        let silences = AsyncMutex::new(OfCalls::new(settings.routes.silences.clone()));
        let counter = Counter::new(&settings.worker_id);
        Ok(Function {
            settings,
            names,
            queue,
            ledger,
            notifier,
            clock,
            memory: Mutex::new(None),
            calls: AtomicU64::new(0),
            metrics: Metrics::new()?,
            emf: Emf::default(),
            comparison: None,
            accounts: CurrentAccounts::default(),
            answered: Answered::default(),
            silences,
            counter,
            counting: counts::OfCalls::default(),
            notes: AsyncMutex::new(None),
            looks: AsyncMutex::new(None),
        })
    }

    /// The function with the comparison that `{"hansho":"reconcile"}` runs.
    pub fn comparing(self, comparison: Comparison) -> Function<Q, L, N, C> {
        Function { comparison: Some(comparison), ..self }
    }

    /// The function with the accounts that its posts name.
    pub fn naming(self, accounts: CurrentAccounts) -> Function<Q, L, N, C> {
        Function { accounts, ..self }
    }

    /// The function with the notes that it posts at the end of calls.
    pub fn noting(self, notes: Notes) -> Function<Q, L, N, C> {
        Function { notes: AsyncMutex::new(Some(notes)), ..self }
    }

    /// The function with the looks that `{"hansho":"coverage"}` asks for.
    pub fn looking(self, looks: Looks) -> Function<Q, L, N, C> {
        Function { looks: AsyncMutex::new(Some(looks)), ..self }
    }

    /// The worker's id, which is unique to this process.
    pub fn worker_id(&self) -> &str {
        &self.settings.worker_id
    }

    /// Keeps the accounts up to date, also between calls.
    pub async fn follow_directory(&self) -> Infallible {
        let ledger = Counted::new(&self.ledger, &self.metrics, &self.clock);
        follow(self.accounts.clone(), &ledger, &self.clock, &self.answered, |state| {
            self.metrics.accounts(state.known, state.synced_at);
        })
        .await
    }

    /// Waits for the first read of [`Function::follow_directory`], because without it a finding may
    /// be owed to nobody.
    ///
    /// # Errors
    /// The ledger does not answer in time, and routes look at accounts.
    pub async fn know_accounts(&self, deadline: Wall) -> Result<(), String> {
        let now = self.clock.now();
        let until = Deadline::of(deadline.since(now.wall), &self.settings.budget, now).answer;
        match self.answered.wait(&self.settings.routes, &self.clock, until).await {
            true => Ok(()),
            false => Err("the ledger does not answer, and routes look at accounts".to_owned()),
        }
    }

    /// Answers one invocation: a batch, or the request of a timer.
    ///
    /// # Errors
    /// The invocation is not for this function: Lambda delivers the untouched batch again. Or the
    /// heartbeat failed because the ledger did not answer, or the comparison failed.
    pub async fn invoke(&self, invocation: Invocation, deadline: Wall) -> Result<Value, String> {
        let now = self.clock.now();
        let deadline = Deadline::of(deadline.since(now.wall), &self.settings.budget, now);
        match invocation.asked()? {
            Asked::Batch(records) => {
                let (lane, deliveries) = event::deliveries(records, &self.names)?;
                let failures = self.work(lane, deliveries, &deadline).await;
                self.end_call(&deadline).await;
                serde_json::to_value(failures).map_err(|why| why.to_string())
            }
            Asked::Heartbeat => {
                self.check_ledger(&deadline).await?;
                self.read_silences().await;
                self.end_call(&deadline).await;
                Ok(json!({"hansho": "healthy"}))
            }
            Asked::Reconcile => {
                self.read_silences().await;
                compare::call(self.comparison.as_ref(), &deadline, &self.clock, &self.metrics).await
            }
            Asked::Coverage => self.look(&deadline).await,
        }
    }

    /// Looks at GuardDuty's coverage until the last moment of a post.
    async fn look(&self, deadline: &Deadline) -> Result<Value, String> {
        let Function { clock, metrics, .. } = self;
        let ledger = &Counted::new(&self.ledger, metrics, clock);
        let notifier = &Counted::new(&self.notifier, metrics, clock);
        let mut looks = self.looks.lock().await;
        let Some(looks) = looks.as_mut() else {
            return Err("this function has no look".to_owned());
        };
        let ports = NotePorts { ledger, notifier, clock };
        tokio::select! {
            biased;
            looked = looks.in_call(&ports, metrics, deadline.last_post) => looked,
            () = clock.sleep_until(deadline.answer) => {
                Err("the time was up before the coverage was read and posted".to_owned())
            }
        }
    }

    /// Writes the counts and posts the notes that are due, as far as there is time.
    async fn end_call(&self, deadline: &Deadline) {
        let Function { clock, metrics, counter, .. } = self;
        let ledger = &Counted::new(&self.ledger, metrics, clock);
        let notifier = &Counted::new(&self.notifier, metrics, clock);
        let work = async {
            self.counting.write(counter, ledger, clock).await;
            if let Some(notes) = self.notes.lock().await.as_mut()
                && clock.now().mono.plus(FOR_NOTES) < deadline.answer
            {
                notes.in_call(&NotePorts { ledger, notifier, clock }).await;
            }
        };
        tokio::select! {
            biased;
            () = work => {}
            () = clock.sleep_until(deadline.answer) => {}
        }
    }

    /// Reads a record for each destination. A heartbeat is good only if the ledger answers, because
    /// nothing can be claimed without it.
    async fn check_ledger(&self, deadline: &Deadline) -> Result<(), String> {
        for route in self.settings.routes.all() {
            let key = RecordKey::pace(&route.destination);
            let ledger = Counted::new(&self.ledger, &self.metrics, &self.clock);
            tokio::select! {
                biased;
                read = ledger.read_any(&key) => {
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

    /// The line of metrics for CloudWatch. `beats`: whether the call succeeded.
    pub fn metrics_line(&self, beats: bool) -> String {
        self.emf.line(&self.metrics, beats, self.clock.now().wall)
    }

    /// Reads the silences if they were not read lately. Between calls nothing runs that could.
    async fn read_silences(&self) {
        let ledger = Counted::new(&self.ledger, &self.metrics, &self.clock);
        let state = self.silences.lock().await.refresh(&ledger, &self.clock).await;
        if let Some(state) = state {
            self.metrics.silences(state.in_force);
        }
    }

    async fn work(&self, lane: Lane, batch: Vec<Delivery>, deadline: &Deadline) -> Failures {
        self.read_silences().await;
        let received = batch.len();
        self.metrics.received(&batch);
        // Only calls to SQS count. The desk's receives and deletes are none: messages come with the
        // call, and Lambda deletes them.
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
        self.metrics.update(&desk.snapshot(now), now);
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(desk.into_memory());
        let untouched = tokio::select! {
            biased;
            sent = queue.return_untouched(longest, together, interval) => sent,
            () = self.clock.sleep_until(deadline.answer) => 0,
        };
        let kept = queue.unfinished();
        info!(
            lane = lane.as_str(),
            received,
            unfinished = kept.len(),
            untouched,
            "finished a batch: unfinished messages are delivered again"
        );
        Failures::of(kept)
    }

    /// Runs the desk on the batch. Returns the longest delay of a message that returned at the end.
    async fn run(
        &self,
        desk: &mut Desk,
        queue: &BatchQueue<'_, Counted<'_, Q, C>>,
        deadline: &Deadline,
    ) -> Duration {
        let Function { ledger, notifier, clock, metrics, counter, .. } = self;
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
            metrics.record(report);
            counter.record(report, clock.now().wall);
            report.log();
        };
        let work = worker::run_desk(desk, &ports, pending(), ready(()), report, |_| {});
        tokio::select! {
            biased;
            _ = work => {}
            () = clock.sleep_until(deadline.answer) => {
                warn!("the deadline came before the batch was finished: SQS redelivers the rest");
            }
        }
        longest
    }

    fn settings_of_call(&self, lane: Lane, deadline: &Deadline) -> Settings {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Settings {
            lanes: vec![lane],
            seed: self.settings.seed.wrapping_add(call),
            // The whole batch is here, so the desk ends as soon as it is finished.
            drain: Some(DrainTerms { measurements: 0, patience: PATIENCE }),
            ends_at: Some(deadline.last_post),
            ..self.settings.clone()
        }
    }
}

//! The worker: carries out the desk's orders against the ports, and decides nothing itself. It
//! turns each order into one call, and each answer into one event.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::instants::{Mono, Wall};
use crate::mutation::{self, Mutation};
use crate::policy::canary;
use crate::policy::ledger::{self, Claim, ClosingStep, Recording, Terms, Want};
use crate::policy::record::{AlertRecord, RecordKey, RecordType, Sighting};
use crate::ports::{
    Clock, Depth, Lane, Ledger, LedgerError, Notifier, Queue, QueueError, Receipt, Written,
};

use super::{
    ClaimOrder, ClaimOutcome, DeliveryId, Desk, Event, HidePurpose, Order, RecordOrder,
    RecordOutcome, Report, Settings, Tally, ToRecord, WriteOrder,
};

/// The most rounds of a claim or a record. A round is lost when another worker was faster. More
/// than a few lost rounds have another cause.
const ROUNDS_MAX: u32 = 5;

/// The longest time for the measurement of the queues at the very end.
const LAST_MEASUREMENT: Duration = Duration::from_secs(2);
/// The time that the process has after it, for its last writes.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// The four ports that a worker needs.
pub struct Ports<'a, Q, L, N, C> {
    pub queue: &'a Q,
    pub ledger: &'a L,
    pub notifier: &'a N,
    pub clock: &'a C,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub tally: Tally,
    /// The run was to end with the queues empty, but nothing moved for too long.
    pub gave_up: bool,
    /// The last measurement found nothing in the queues.
    pub complete: bool,
    /// The run ended before its input did: input that was not read is not in the queue.
    pub input_cut: bool,
}

/// Runs a new desk until it is finished, as [`run_desk`] does.
pub async fn run<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    settings: Settings,
    ports: &Ports<'_, Q, L, N, C>,
    stop: impl Future<Output = ()>,
    input: impl Future<Output = ()>,
    report: impl FnMut(&Report),
    watch: impl FnMut(&Desk),
) -> Outcome {
    let mut desk = Desk::new(settings, ports.clock.now());
    run_desk(&mut desk, ports, stop, input, report, watch).await
}

/// Runs a desk until it is finished. `stop` resolves when the process is asked to end. `input`
/// resolves when this process puts nothing more into the queue. `report` gets each report, and
/// `watch` the desk after each round.
pub async fn run_desk<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    desk: &mut Desk,
    ports: &Ports<'_, Q, L, N, C>,
    stop: impl Future<Output = ()>,
    input: impl Future<Output = ()>,
    mut report: impl FnMut(&Report),
    mut watch: impl FnMut(&Desk),
) -> Outcome {
    let terms = desk.settings().terms;
    let drain = desk.settings().budget.drain().saturating_sub(LAST_MEASUREMENT + LAST_WRITES);
    let mut stop = pin!(stop);
    let mut input = pin!(input);
    let (mut stopping, mut input_open) = (None, true);
    let mut calls = FuturesUnordered::new();
    loop {
        for order in desk.orders(ports.clock.now()) {
            calls.push(carry_out(ports, terms, order));
        }
        desk.take_reports().iter().for_each(&mut report);
        watch(desk);
        if desk.is_draining() && stopping.is_none() {
            // The desk gave up by itself.
            stopping = Some(ports.clock.now().mono.plus(drain));
        }
        let too_late = stopping.is_some_and(|until| ports.clock.now().mono >= until);
        if desk.finished() || too_late {
            break;
        }
        let wake = desk.wake_at().into_iter().chain(stopping).min();
        let event = tokio::select! {
            biased;
            () = &mut stop, if stopping.is_none() => {
                stopping = Some(ports.clock.now().mono.plus(drain));
                Some(Event::Stop)
            }
            () = &mut input, if input_open => {
                input_open = false;
                Some(Event::InputClosed)
            }
            Some(event) = calls.next(), if !calls.is_empty() => Some(event),
            () = sleep(ports.clock, wake) => None,
        };
        if let Some(event) = event {
            desk.on(event, ports.clock.now());
        }
    }
    // Drops a receive that still waits. A message that it brings returns by itself.
    drop(calls);
    outcome(desk, ports, input_open).await
}

/// The outcome of a finished desk, with the last measurement of its queues.
async fn outcome<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    desk: &mut Desk,
    ports: &Ports<'_, Q, L, N, C>,
    input_cut: bool,
) -> Outcome {
    let (mut tally, gave_up) = (desk.tally().clone(), desk.gave_up());
    let lanes = desk.settings().lanes.clone();
    let pending = measure_last(ports, &lanes).await;
    tally.pending = pending;
    Outcome { tally, gave_up, complete: pending == Some(0), input_cut }
}

/// Reads how many messages are left in the queues. None: the queues did not say in time.
async fn measure_last<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    ports: &Ports<'_, Q, L, N, C>,
    lanes: &[Lane],
) -> Option<u64> {
    let until = ports.clock.now().mono.plus(LAST_MEASUREMENT);
    tokio::select! {
        biased;
        left = left(ports.queue, lanes) => left.ok(),
        () = ports.clock.sleep_until(until) => None,
    }
}

async fn sleep<C: Clock>(clock: &C, until: Option<Mono>) {
    match until {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn left<Q: Queue>(queue: &Q, lanes: &[Lane]) -> Result<u64, QueueError> {
    let mut sum = 0;
    for &lane in lanes {
        let Depth { visible, hidden } = queue.depth(lane).await?;
        sum += visible + hidden;
    }
    Ok(sum)
}

async fn carry_out<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    ports: &Ports<'_, Q, L, N, C>,
    terms: Terms,
    order: Order,
) -> Event {
    let Ports { queue, ledger, notifier, clock } = *ports;
    match order {
        Order::Receive(ask) => Event::Received { lane: ask.lane, result: queue.receive(ask).await },
        Order::Measure(lane) => Event::Measured { lane, result: queue.depth(lane).await },
        Order::Delete { lane, entries } => delete(queue, lane, entries).await,
        Order::Hide { lane, purpose, entries } => hide(queue, lane, purpose, entries).await,
        Order::Quarantine { delivery, entry } => {
            Event::Quarantined { delivery, result: queue.quarantine(&entry).await }
        }
        Order::Post { destination, post } => {
            Event::Posted { destination, verdict: notifier.post(&post).await }
        }
        Order::Refresh { destination, name } => {
            Event::Refreshed { destination, result: notifier.refresh(&name).await }
        }
        Order::Prefetch { keys, consistency } => {
            Event::Prefetched { result: ledger.prefetch(&keys, consistency).await }
        }
        Order::ReadPace { destination, key } => {
            Event::PaceRead { destination, result: ledger.read(&key).await }
        }
        Order::Reserve(w) => {
            let result = ledger.write(&w.key, &w.expect, &w.record).await;
            Event::Reserved { destination: w.destination, result }
        }
        Order::Claim(order) => {
            let outcome = claim(ledger, clock, &terms, &order).await;
            Event::Claimed { alert: order.alert, outcome }
        }
        Order::Record(order) => {
            let outcome = record(ledger, clock, &terms, &order).await;
            Event::Recorded { alert: order.alert, outcome }
        }
        Order::Join(w) => {
            let result = write(ledger, &w).await;
            Event::Joined { write: Box::new(w), result }
        }
        Order::Mark(w) => Event::Marked { alert: w.alert, result: write(ledger, &w).await },
        Order::Release(w) => Event::Released { alert: w.alert, result: write(ledger, &w).await },
    }
}

async fn write<L: Ledger>(
    ledger: &L,
    order: &WriteOrder,
) -> Result<Written<AlertRecord>, LedgerError> {
    ledger.write(&order.key, &order.expect, &order.record).await
}

async fn delete<Q: Queue>(queue: &Q, lane: Lane, entries: Vec<(DeliveryId, Receipt)>) -> Event {
    let receipts: Vec<Receipt> = entries.iter().map(|(_, receipt)| receipt.clone()).collect();
    let answers = queue.delete(lane, &receipts).await;
    Event::Deleted { results: pair(entries.into_iter().map(|(id, _)| id), answers) }
}

async fn hide<Q: Queue>(
    queue: &Q,
    lane: Lane,
    purpose: HidePurpose,
    entries: Vec<(DeliveryId, Receipt, Duration)>,
) -> Event {
    let asks: Vec<_> = entries.iter().map(|(_, r, delay)| (r.clone(), *delay)).collect();
    let answers = queue.hide(lane, &asks).await;
    Event::Hidden { purpose, results: pair(entries.into_iter().map(|(id, ..)| id), answers) }
}

/// Pairs each entry with its answer. An entry without an answer counts as failed, never as done.
fn pair(
    ids: impl Iterator<Item = DeliveryId>,
    answers: Vec<Result<(), QueueError>>,
) -> Vec<(DeliveryId, Result<(), QueueError>)> {
    let unanswered = || Err(QueueError::Unavailable("the entry was not answered".into()));
    let answers = answers.into_iter().chain(std::iter::repeat_with(unanswered));
    ids.zip(answers).collect()
}

/// Claims an alert. Expects that it has no record. If it has one, decides by that record. A closed
/// finding is owed because of its record, which is read first.
async fn claim<L: Ledger, C: Clock>(
    ledger: &L,
    clock: &C,
    terms: &Terms,
    order: &ClaimOrder,
) -> ClaimOutcome {
    let want = Want { owner: &order.owner, sighting: order.sighting.clone() };
    let boxed = |seen: Option<_>| Box::new(seen.unwrap_or_else(|| AlertRecord::unposted(0)));
    let mut seen: Option<AlertRecord> = None;
    if order.sighting.is_closed() {
        match ledger.read(&order.key).await {
            Ok(record) => seen = record,
            Err(error) => return ClaimOutcome::Failed { error, answered: false },
        }
    }
    for _ in 0..ROUNDS_MAX {
        let step = ledger::claim(seen.as_ref(), &want, terms, clock.now().wall);
        let (expect, record, joined) = match step {
            Claim::AlreadyPosted { level } => {
                return ClaimOutcome::AlreadyPosted { level, record: boxed(seen) };
            }
            Claim::Closed(_) => return ClaimOutcome::Closed { record: boxed(seen) },
            Claim::Busy { until } => return ClaimOutcome::Busy { until },
            Claim::Write { record, .. } if mutation::is(Mutation::ClaimForgotten) => {
                return ClaimOutcome::Won(record);
            }
            Claim::Write { expect, record, .. } => (expect, record, None),
            Claim::Join { expect, record, level } => (expect, record, Some(level)),
        };
        match (ledger.write(&order.key, &expect, &record).await, joined) {
            (Ok(Written::Done), None) => return ClaimOutcome::Won(record),
            (Ok(Written::Done), Some(level)) => {
                return ClaimOutcome::AlreadyPosted { level, record: Box::new(record) };
            }
            (Ok(Written::Lost(record)), _) => seen = record,
            (Err(error), _) => return ClaimOutcome::Failed { error, answered: seen.is_some() },
        }
    }
    ClaimOutcome::Busy { until: clock.now().wall.plus(terms.lease) }
}

/// Records a post that was made without a claim, a canary, or that a finding is closed.
async fn record<L: Ledger, C: Clock>(
    ledger: &L,
    clock: &C,
    terms: &Terms,
    order: &RecordOrder,
) -> RecordOutcome {
    let RecordOrder { key, owner, .. } = order;
    let recorded = match &order.fact {
        ToRecord::Post(post) => {
            let decide = |seen: Option<&_>, now| ledger::record(seen, owner, post, terms, now);
            let recorded = record_by(ledger, clock, terms, key, None, decide).await;
            recorded.map(|recorded| RecordOutcome::Done(recorded.after.map(Box::new)))
        }
        ToRecord::Canary(arrival) => {
            let decide = |seen: Option<&_>, now| canary::record(seen, owner, arrival, terms, now);
            let recorded = record_by(ledger, clock, terms, key, None, decide).await;
            recorded.map(|_| RecordOutcome::Done(None))
        }
        ToRecord::Closing { sighting, leaves_trace } => {
            close(ledger, clock, terms, key, sighting, *leaves_trace).await
        }
    };
    recorded.unwrap_or_else(|failed| failed)
}

/// The records before and after a fact was recorded. The same if the ledger knew it already.
struct Recorded<R> {
    before: Option<R>,
    after: Option<R>,
}

/// Writes the record that `decide` picks from the record that was `seen`. If the ledger has another
/// one, decides again. The error is the outcome if the fact is not recorded.
async fn record_by<L: Ledger, C: Clock, R: RecordType>(
    ledger: &L,
    clock: &C,
    terms: &Terms,
    key: &RecordKey,
    mut seen: Option<R>,
    decide: impl Fn(Option<&R>, Wall) -> Recording<R>,
) -> Result<Recorded<R>, RecordOutcome> {
    for _ in 0..ROUNDS_MAX {
        match decide(seen.as_ref(), clock.now().wall) {
            Recording::Known => return Ok(Recorded { after: seen.clone(), before: seen }),
            Recording::Busy { until } => return Err(RecordOutcome::Busy { until }),
            Recording::Write { expect, record } => {
                match ledger.write(key, &expect, &record).await {
                    Ok(Written::Done) => {
                        return Ok(Recorded { before: seen, after: Some(record) });
                    }
                    Ok(Written::Lost(record)) => seen = record,
                    Err(error) => {
                        let answered = seen.is_some();
                        return Err(RecordOutcome::Failed { error, answered });
                    }
                }
            }
        }
    }
    Err(RecordOutcome::Busy { until: clock.now().wall.plus(terms.lease) })
}

/// Records that a finding is closed. Reads the record first: most often there is none, and then
/// nothing is written.
async fn close<L: Ledger, C: Clock>(
    ledger: &L,
    clock: &C,
    terms: &Terms,
    key: &RecordKey,
    sighting: &Sighting,
    leaves_trace: bool,
) -> Result<RecordOutcome, RecordOutcome> {
    let failed = |answered| move |error| RecordOutcome::Failed { error, answered };
    let seen: Option<AlertRecord> = ledger.read(key).await.map_err(failed(false))?;
    let step = |seen: Option<&_>, now| ledger::close(seen, sighting, leaves_trace, terms, now);
    let decide = |seen: Option<&_>, now| match step(seen, now) {
        ClosingStep::Record(recording) => recording,
        ClosingStep::Owed => Recording::Known,
    };
    let recorded = record_by(ledger, clock, terms, key, seen, decide).await;
    let Recorded { before, after } = recorded.map_err(|outcome| match outcome {
        RecordOutcome::Failed { error, .. } => failed(true)(error),
        other => other,
    })?;
    if step(after.as_ref(), clock.now().wall) == ClosingStep::Owed {
        return Ok(RecordOutcome::Owed);
    }
    let is_closed = |record: &AlertRecord| record.incident.is_closed();
    let was_open = !before.as_ref().is_some_and(is_closed);
    let posted = after.as_ref().filter(|record| was_open && record.is_posted());
    let ended = posted.and_then(|record| record.incident.closed);
    Ok(RecordOutcome::Closed { record: after.map(Box::new), ended })
}

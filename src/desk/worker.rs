//! Carries out the desk's orders against the ports. It decides nothing: it turns each order into
//! one call, and each answer into one event.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::mutation::{self, Mutation};
use crate::policy::ledger::{self, Claim, Record, Row, Terms, Want};
use crate::ports::{Clock, Delivery, Depth, Ledger, Notifier, Queue, QueueError, Receipt, Written};

use super::{
    ClaimOrder, ClaimOutcome, DeliveryId, Desk, Event, Order, RecordOrder, RecordOutcome, Report,
    Settings, Tally,
};

/// How often a claim or a record looks again after somebody else was faster. Each loss means that somebody
/// else moved on, so more than a few are a sign of something else.
const ROUNDS_MAX: u32 = 5;

/// How long the last look at the queues may take, at the very end.
const LAST_LOOK: Duration = Duration::from_secs(2);

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
    /// It was to end with the queues empty, but nothing moved for too long.
    pub gave_up: bool,
    /// It was seen at the end that nothing is left in the queues.
    pub complete: bool,
    /// It ended before its input did, so that what was not read is not in the queue.
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

/// Runs a desk until it is finished. `stop` resolves when the process is asked to end, `input` when
/// nothing more will be put into the queue by this process; `report` hears what is worth a line,
/// `watch` may look at the desk after each round.
pub async fn run_desk<Q: Queue, L: Ledger, N: Notifier, C: Clock>(
    desk: &mut Desk,
    ports: &Ports<'_, Q, L, N, C>,
    stop: impl Future<Output = ()>,
    input: impl Future<Output = ()>,
    mut report: impl FnMut(&Report),
    mut watch: impl FnMut(&Desk),
) -> Outcome {
    let terms = desk.settings().terms;
    let drain = desk.settings().budget.drain().saturating_sub(LAST_LOOK);
    let lanes = desk.settings().lanes.clone();
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
            // It gave up by itself.
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
    // A receive that is still waiting is let go: what it might bring comes back by itself.
    drop(calls);
    let mut tally = desk.tally().clone();
    let look_until = ports.clock.now().mono.plus(LAST_LOOK);
    let looked = tokio::select! {
        biased;
        left = left(ports.queue, &lanes) => left.ok(),
        () = ports.clock.sleep_until(look_until) => None,
    };
    tally.pending = looked;
    Outcome { tally, gave_up: desk.gave_up(), complete: looked == Some(0), input_cut: input_open }
}

async fn sleep<C: Clock>(clock: &C, until: Option<crate::instants::Mono>) {
    match until {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn left<Q: Queue>(queue: &Q, lanes: &[crate::ports::Lane]) -> Result<u64, QueueError> {
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
    match order {
        Order::Receive(ask) => {
            let result: Result<Vec<Delivery>, QueueError> = ports.queue.receive(ask).await;
            Event::Received { lane: ask.lane, result }
        }
        Order::Measure(lane) => Event::Measured { lane, result: ports.queue.depth(lane).await },
        Order::Claim(order) => {
            let outcome = claim(ports.ledger, ports.clock, &terms, &order).await;
            Event::Claimed { alert: order.alert, outcome }
        }
        Order::Prefetch { keys } => {
            Event::Prefetched { result: ports.ledger.prefetch(&keys).await }
        }
        Order::ReadPace { destination, key } => {
            Event::PaceRead { destination, result: ports.ledger.read(&key).await }
        }
        Order::Reserve(w) => {
            let result = ports.ledger.write(&w.key, &w.expect, &w.row).await;
            Event::Reserved { destination: w.destination, result }
        }
        Order::Post { destination, post } => {
            Event::Posted { destination, verdict: ports.notifier.post(&post).await }
        }
        Order::Mark(w) => {
            let result = ports.ledger.write(&w.key, &w.expect, &w.row).await;
            Event::Marked { alert: w.alert, result }
        }
        Order::Record(order) => {
            let outcome = record(ports.ledger, ports.clock, &terms, &order).await;
            Event::Recorded { alert: order.alert, outcome }
        }
        Order::Release(w) => {
            let result = ports.ledger.write(&w.key, &w.expect, &w.row).await;
            Event::Released { alert: w.alert, result }
        }
        Order::Delete { lane, entries } => {
            let receipts: Vec<Receipt> = entries.iter().map(|(_, r)| r.clone()).collect();
            let answers = ports.queue.delete(lane, &receipts).await;
            Event::Deleted { results: pair(entries.into_iter().map(|(id, _)| id), answers) }
        }
        Order::Hide { lane, purpose, entries } => {
            let asks: Vec<_> = entries.iter().map(|(_, r, d)| (r.clone(), *d)).collect();
            let answers = ports.queue.hide(lane, &asks).await;
            let results = pair(entries.into_iter().map(|(id, ..)| id), answers);
            Event::Hidden { purpose, results }
        }
        Order::Quarantine { delivery, entry } => {
            Event::Quarantined { delivery, result: ports.queue.quarantine(&entry).await }
        }
        Order::Refresh { destination, name } => {
            Event::Refreshed { destination, result: ports.notifier.refresh(&name).await }
        }
    }
}

/// Each entry with its answer. One that was not answered counts as failed, never as done.
fn pair(
    ids: impl Iterator<Item = DeliveryId>,
    answers: Vec<Result<(), QueueError>>,
) -> Vec<(DeliveryId, Result<(), QueueError>)> {
    let unanswered = || Err(QueueError::Unavailable("the entry was not answered".into()));
    let answers = answers.into_iter().chain(std::iter::repeat_with(unanswered));
    ids.zip(answers).collect()
}

/// Claims an alert: assume that there is no row, and if there is one, decide by it.
async fn claim<L: Ledger, C: Clock>(
    ledger: &L,
    clock: &C,
    terms: &Terms,
    order: &ClaimOrder,
) -> ClaimOutcome {
    let want = Want { owner: &order.owner, level: order.level, revision: order.revision };
    let mut seen = None;
    for _ in 0..ROUNDS_MAX {
        match ledger::claim(seen.as_ref(), &want, terms, clock.now().wall) {
            Claim::AlreadyPosted { level } => {
                let last_post = seen.as_ref().and_then(Row::told);
                return ClaimOutcome::AlreadyPosted { level, last_post };
            }
            Claim::Busy { until } => return ClaimOutcome::Busy { until },
            Claim::Write { row, .. } if mutation::is(Mutation::ClaimForgotten) => {
                return ClaimOutcome::Won(row);
            }
            Claim::Write { expect, row, .. } => {
                match ledger.write(&order.key, &expect, &row).await {
                    Ok(Written::Done) => return ClaimOutcome::Won(row),
                    Ok(Written::Lost(row)) => seen = row,
                    Err(error) => {
                        return ClaimOutcome::Failed { error, answered: seen.is_some() };
                    }
                }
            }
        }
    }
    ClaimOutcome::Busy { until: clock.now().wall.plus(terms.lease) }
}

/// Tells the ledger of a post that was made without a claim.
async fn record<L: Ledger, C: Clock>(
    ledger: &L,
    clock: &C,
    terms: &Terms,
    order: &RecordOrder,
) -> RecordOutcome {
    let mut seen = None;
    for _ in 0..ROUNDS_MAX {
        let now = clock.now().wall;
        match ledger::record(seen.as_ref(), &order.owner, &order.post, terms, now) {
            Record::Known => return RecordOutcome::Done,
            Record::Busy { until } => return RecordOutcome::Busy { until },
            Record::Write { expect, row } => match ledger.write(&order.key, &expect, &row).await {
                Ok(Written::Done) => return RecordOutcome::Done,
                Ok(Written::Lost(row)) => seen = row,
                Err(error) => {
                    return RecordOutcome::Failed { error, answered: seen.is_some() };
                }
            },
        }
    }
    RecordOutcome::Busy { until: clock.now().wall.plus(terms.lease) }
}

//! One destination at a time: which notices share the next post, and what its answer means.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::finding::Level;
use crate::instants::{Mono, Now};
use crate::policy::budget::TimeBudget;
use crate::policy::ledger::{self, Row};
use crate::policy::pace::Pace;
use crate::ports::{Card, Digest, Form, LedgerError, RetryReason, Verdict, Written};

use super::order::{ClaimOrder, ClaimOutcome, NoticeId, Order, WriteOrder};
use super::report::{HandBackReason, Report};
use super::settling::{Chore, Resolution};
use super::{AfterRelease, Desk, RETRY_MAX, Rank, Stage};

/// How many of the ready are looked at to fill a post: enough to pass over a few that can't go now,
/// and bounded, so that a long queue costs no more than a short one.
const LOOK_MAX: usize = 64;
/// After so many failures in a row a destination's breaker is open: it is tried with the worst
/// notice alone, and where no destination is left nothing more is received.
const BREAKER_FAILURES: u32 = 5;
/// Every so many posts one starts from what has waited longest, so that nothing starves under a
/// stream of what is worse.
const AGEING_TURN: u32 = 5;
/// With more than so many waiting it is a storm: told in digests until it is over. What full cards
/// tell within a minute or so is told in full cards.
const STORM_FROM: usize = 200;
/// The storm is over when no more than so many wait.
const STORM_UNTIL: usize = 16;
/// A mark that fails is tried again soon: once the lease is over somebody else may post.
const MARK_RETRY_MAX: Duration = Duration::from_secs(5);

pub(super) struct Destination {
    pub name: String,
    pub ready: BTreeSet<Rank>,
    pace: Pace,
    in_hand: Option<InHand>,
    /// Failures in a row.
    pub failures: u32,
    resume_at: Mono,
    /// Something went wrong since the last accepted post.
    troubled: bool,
    /// So many wait that digests serve.
    pub storm: bool,
    /// Posts since one that started from the oldest.
    posts_by_level: u32,
    /// What is ready can't go now; something has to happen first.
    pub nothing_to_pick: bool,
}

/// The digest that is being prepared or posted.
struct InHand {
    digest: String,
    form: Form,
    from_oldest: bool,
    claims_open: usize,
    won: Vec<Won>,
    posting: bool,
}

struct Won {
    notice: NoticeId,
    row: Row,
}

impl Destination {
    pub fn new(name: &str, pace: Pace) -> Destination {
        Destination {
            name: name.to_owned(),
            ready: BTreeSet::new(),
            pace,
            in_hand: None,
            failures: 0,
            resume_at: Mono(0),
            troubled: false,
            storm: false,
            posts_by_level: 0,
            nothing_to_pick: false,
        }
    }

    /// It failed so often in a row that nothing is to be expected of it.
    pub fn is_open(&self) -> bool {
        self.failures >= BREAKER_FAILURES
    }

    /// When it may be posted to.
    pub fn ready_at(&self) -> Mono {
        self.pace.ready_at().max(self.resume_at)
    }

    /// When there is something to do here if nothing happens before.
    pub fn wake_at(&self, draining: bool) -> Option<Mono> {
        let at = self.ready_at();
        match &self.in_hand {
            Some(hand) if hand.posting || hand.claims_open > 0 => None,
            Some(_) => Some(at),
            None if draining || self.ready.is_empty() || self.nothing_to_pick => None,
            None => Some(at),
        }
    }
}

impl Desk {
    /// Moves a destination on: the next claims when a slot is free, or the post whose claims are in.
    pub(super) fn drive(&mut self, destination: usize, now: Now) {
        let d = &self.destinations[destination];
        match &d.in_hand {
            Some(hand) if hand.claims_open == 0 && !hand.posting => self.post(destination, now),
            Some(_) => {}
            None => {
                let slot = d.ready_at() <= now.mono;
                if slot && !self.draining && !d.ready.is_empty() && !d.nothing_to_pick {
                    self.start_claims(destination);
                }
            }
        }
    }

    fn start_claims(&mut self, destination: usize) {
        let d = &mut self.destinations[destination];
        d.storm = d.ready.len() > STORM_FROM || (d.storm && d.ready.len() > STORM_UNTIL);
        let Picked { notices: picked, form, from_oldest } = self.pick(destination);
        if picked.is_empty() {
            self.destinations[destination].nothing_to_pick = true;
            return;
        }
        let serial = self.new_id();
        let digest = format!("{}-{serial}", self.settings.worker_id);
        for &id in &picked {
            let Some(notice) = self.notices.get_mut(&id) else { continue };
            notice.stage = Stage::InHand;
            let level = notice.finding.severity.level;
            self.destinations[destination].ready.remove(&Rank(Reverse(level), id));
            self.keys_in_hand.insert(notice.key.clone());
            self.orders.push(Order::Claim(ClaimOrder {
                notice: id,
                key: notice.key.clone(),
                owner: notice.owner.clone(),
                level,
                revision: notice.finding.updated_at,
            }));
        }
        self.destinations[destination].in_hand = Some(InHand {
            digest,
            form,
            from_oldest,
            claims_open: picked.len(),
            won: Vec::new(),
            posting: false,
        });
    }

    /// The worst that waits, and what may share its post. Criticals share with criticals alone.
    fn pick(&self, destination: usize) -> Picked {
        let d = &self.destinations[destination];
        // Once in a while the oldest goes before the worst; but never before a critical one.
        let worst_is_critical = d.ready.first().is_some_and(|r| r.0.0 == Level::Critical);
        let oldest = (d.posts_by_level >= AGEING_TURN && !worst_is_critical)
            .then(|| d.ready.iter().min_by_key(|rank| rank.1))
            .flatten();
        let from_oldest = oldest.is_some();
        let mut notices: Vec<NoticeId> = Vec::new();
        let mut keys = BTreeSet::new();
        let mut share_max = if d.is_open() { 1 } else { self.settings.capacity.lines_max };
        let mut critical = false;
        for &Rank(Reverse(level), id) in oldest.into_iter().chain(d.ready.iter().take(LOOK_MAX)) {
            let Some(notice) = self.notices.get(&id) else { continue };
            if self.keys_in_hand.contains(&notice.key) || keys.contains(&&notice.key) {
                continue;
            }
            if notices.is_empty() {
                if notice.plain {
                    return Picked { notices: vec![id], form: Form::Plain, from_oldest };
                }
                critical = level == Level::Critical;
            } else if notice.plain || critical != (level == Level::Critical) {
                continue;
            }
            share_max = share_max.min(notice.share_max);
            if !notices.is_empty() && notices.len() >= share_max {
                break;
            }
            keys.insert(&notice.key);
            notices.push(id);
        }
        let form = self.cards_or_digest(d.storm, &mut notices);
        Picked { notices, form, from_oldest }
    }

    /// Full cards, as many as fit; in a storm one digest with a line for each.
    fn cards_or_digest(&self, storm: bool, notices: &mut Vec<NoticeId>) -> Form {
        let widest = |id: &NoticeId| Some(self.widest_card(self.notices.get(id)?));
        let cards: Vec<Card> = notices.iter().filter_map(widest).collect();
        let fitting = self.fitting(&cards).max(1);
        if storm && notices.len() > fitting {
            return Form::Digest;
        }
        notices.truncate(fitting);
        Form::Cards
    }

    /// How many of these cards, from the first on, fit one post.
    fn fitting(&self, cards: &[Card]) -> usize {
        let capacity = self.settings.capacity;
        let weights = cards.iter().scan(0, |sum, card| {
            *sum += (capacity.weigh)(card);
            Some(*sum)
        });
        weights.take(capacity.cards_max).take_while(|sum| *sum <= capacity.weight_max).count()
    }

    /// The card as it would be at its longest: whether it escalates is known only after the claim.
    fn widest_card(&self, notice: &super::Notice) -> Card {
        Card {
            finding: Arc::clone(&notice.finding),
            escalated_from: Some(Level::Informational),
            reminder: true,
            perhaps_repeated: true,
        }
    }

    pub(super) fn claimed(&mut self, id: NoticeId, outcome: ClaimOutcome, now: Now) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        let destination = notice.destination;
        let finding = notice.key.fingerprint.clone();
        let name = notice.key.destination.clone();
        if let Some(hand) = &mut self.destinations[destination].in_hand {
            hand.claims_open = hand.claims_open.saturating_sub(1);
        }
        match outcome {
            ClaimOutcome::Won(row) => {
                notice.failures = 0;
                notice.reminder = row.is_reminder();
                notice.escalated = row.escalated_from().is_some();
                if let Some(hand) = &mut self.destinations[destination].in_hand {
                    hand.won.push(Won { notice: id, row });
                }
            }
            ClaimOutcome::Covered { level } => {
                self.tally.covered += 1;
                self.reports.push(Report::Covered { finding, destination: name, level });
                self.resolve(id, Resolution::Settled, now);
            }
            ClaimOutcome::Busy { until } => {
                // A little more, so that it does not come back a moment too early.
                let delay = until.since(now.wall) + Duration::from_secs(1);
                let alone = self.deliveries.get(&notice.delivery).is_none_or(|h| h.open <= 1);
                if alone {
                    self.resolve(id, Resolution::HandBack(HandBackReason::Busy, delay), now);
                } else {
                    // The message stays here for another destination, which may take long.
                    self.wait_again(id, Some(now.mono.plus(delay)), now);
                }
            }
            ClaimOutcome::Failed(error) => {
                notice.failures += 1;
                let delay = self.retry.delay(notice.failures).min(RETRY_MAX / 2);
                self.reports.push(Report::LedgerFailed {
                    call: "claim",
                    finding,
                    detail: error.to_string(),
                    delay,
                });
                self.wait_again(id, Some(now.mono.plus(delay)), now);
            }
        }
    }

    /// All claims are in: post what was won.
    fn post(&mut self, destination: usize, now: Now) {
        let d = &mut self.destinations[destination];
        let Some(mut hand) = d.in_hand.take() else { return };
        let needed = self.settings.budget.post_timeout() + TimeBudget::AROUND_A_POST;
        let (fit, late): (Vec<Won>, Vec<Won>) = std::mem::take(&mut hand.won)
            .into_iter()
            .partition(|w| w.row.lease_until.since(now.wall) >= needed && !self.draining);
        if !fit.is_empty()
            && let Err(_not_yet) = d.pace.take(now.mono)
        {
            hand.won = fit;
            d.in_hand = Some(hand);
            return self.release_late(late, now);
        }
        if !fit.is_empty() {
            let cards: Vec<Card> = fit.iter().filter_map(|won| self.card(won)).collect();
            if hand.form == Form::Digest && self.fitting(&cards) == cards.len() {
                // Most of what was picked had been told before: what is left fits as cards.
                hand.form = Form::Cards;
            }
            self.orders.push(Order::Post {
                destination,
                digest: Digest {
                    id: hand.digest.clone(),
                    destination: self.destinations[destination].name.clone(),
                    form: hand.form,
                    cards,
                },
            });
            hand.won = fit;
            hand.posting = true;
            self.destinations[destination].in_hand = Some(hand);
        }
        self.release_late(late, now);
    }

    /// Claims that are too old to post under, or that a worker that ends will not use.
    fn release_late(&mut self, late: Vec<Won>, now: Now) {
        for won in late {
            self.release(won, false, AfterRelease::Wait, now);
        }
    }

    fn card(&self, won: &Won) -> Option<Card> {
        let notice = self.notices.get(&won.notice)?;
        Some(Card {
            finding: Arc::clone(&notice.finding),
            escalated_from: won.row.escalated_from(),
            reminder: notice.reminder,
            perhaps_repeated: won.row.perhaps_repeats(),
        })
    }

    pub(super) fn posted(&mut self, destination: usize, verdict: Verdict, now: Now) {
        let Some(hand) = self.destinations[destination].in_hand.take() else { return };
        match verdict {
            Verdict::Accepted => self.accepted(destination, hand, now),
            Verdict::Retry { reason, after, ambiguous, detail } => {
                self.failed(destination, hand, Failure { reason, after, ambiguous, detail }, now);
            }
            Verdict::Dead { status, detail } => {
                self.dead(destination, hand, status, detail, now);
            }
            Verdict::Refused { detail } => self.refused(destination, hand, &detail, now),
        }
    }

    fn accepted(&mut self, destination: usize, hand: InHand, now: Now) {
        self.tally.posts += 1;
        self.progressed(now.mono);
        let d = &mut self.destinations[destination];
        d.failures = 0;
        d.posts_by_level = if hand.from_oldest { 0 } else { d.posts_by_level + 1 };
        if std::mem::take(&mut d.troubled) {
            self.reports.push(Report::DestinationBack { destination: d.name.clone() });
        }
        for won in hand.won {
            let Some(notice) = self.notices.get_mut(&won.notice) else { continue };
            let (expect, row) = ledger::mark(
                &won.row,
                &hand.digest,
                notice.finding.updated_at,
                &self.settings.terms,
                now.wall,
            );
            let write = WriteOrder { notice: won.notice, key: notice.key.clone(), expect, row };
            notice.failures = 0;
            notice.stage = Stage::Marking(Box::new(write.clone()));
            self.orders.push(Order::Mark(write));
        }
    }

    fn failed(&mut self, destination: usize, hand: InHand, failure: Failure, now: Now) {
        self.tally.retried += 1;
        self.tally.ambiguous += u64::from(failure.ambiguous);
        let d = &mut self.destinations[destination];
        // A 429 is an answer: it says when to come back.
        d.failures += u32::from(failure.reason != RetryReason::RateLimited);
        d.troubled = true;
        let delay = failure.after.unwrap_or_else(|| self.retry.delay(d.failures.max(1)));
        d.resume_at = now.mono.plus(delay);
        let resume_at = d.resume_at;
        if failure.reason == RetryReason::RateLimited {
            d.pace.pause(resume_at);
        }
        self.reports.push(Report::PostFailed {
            destination: d.name.clone(),
            digest: hand.digest,
            reason: failure.reason.word(),
            ambiguous: failure.ambiguous,
            delay,
            detail: failure.detail,
        });
        if failure.reason == RetryReason::RateLimited {
            self.progressed(resume_at);
        }
        let d = &self.destinations[destination];
        if failure.reason == RetryReason::NoAddress {
            let name = d.name.clone();
            self.orders.push(Order::Refresh { destination, name });
        }
        for won in hand.won {
            self.release(won, failure.ambiguous, AfterRelease::Wait, now);
        }
    }

    fn dead(&mut self, destination: usize, hand: InHand, status: u16, detail: String, now: Now) {
        self.tally.retried += 1;
        let d = &mut self.destinations[destination];
        d.troubled = true;
        d.failures = d.failures.max(BREAKER_FAILURES);
        d.resume_at = now.mono.plus(RETRY_MAX);
        let name = d.name.clone();
        self.reports.push(Report::DestinationDead {
            destination: name.clone(),
            status,
            detail,
            delay: RETRY_MAX,
        });
        self.orders.push(Order::Refresh { destination, name });
        for won in hand.won {
            self.release(won, false, AfterRelease::Wait, now);
        }
    }

    /// The content was refused: look for the guilty notice by halves, try it as plain text, and
    /// if that is refused too, park it alone.
    fn refused(&mut self, destination: usize, hand: InHand, detail: &str, now: Now) {
        self.tally.retried += 1;
        self.progressed(now.mono);
        self.reports.push(Report::PostRefused {
            destination: self.destinations[destination].name.clone(),
            digest: hand.digest,
            notices: hand.won.len(),
            detail: detail.to_owned(),
        });
        let count = hand.won.len();
        for won in hand.won {
            let Some(notice) = self.notices.get_mut(&won.notice) else { continue };
            let after = match (count, hand.form) {
                (1, Form::Plain) => AfterRelease::Park { detail: detail.to_owned() },
                (1, Form::Cards | Form::Digest) => {
                    notice.plain = true;
                    AfterRelease::Wait
                }
                (n, _) => {
                    notice.share_max = n.div_ceil(2);
                    AfterRelease::Wait
                }
            };
            self.release(won, false, after, now);
        }
    }

    pub(super) fn refreshed(&mut self, destination: usize, result: Result<bool, String>, now: Now) {
        let d = &mut self.destinations[destination];
        if result == Ok(true) {
            d.resume_at = now.mono;
        }
        self.reports.push(Report::AddressReread { destination: d.name.clone(), result });
    }

    fn release(&mut self, won: Won, ambiguous: bool, after: AfterRelease, now: Now) {
        let Some(notice) = self.notices.get_mut(&won.notice) else { return };
        let (expect, row) = ledger::release(&won.row, ambiguous, &self.settings.terms, now.wall);
        notice.stage = Stage::Releasing(after);
        let key = notice.key.clone();
        self.orders.push(Order::Release(WriteOrder { notice: won.notice, key, expect, row }));
    }

    /// Whether the release took effect matters little: if it did not, the row stays ours until the
    /// lease ends, and the next claim finds it so.
    pub(super) fn released(
        &mut self,
        id: NoticeId,
        result: Result<Written, LedgerError>,
        now: Now,
    ) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        if let Err(error) = result {
            self.reports.push(Report::LedgerFailed {
                call: "release",
                finding: notice.key.fingerprint.clone(),
                detail: error.to_string(),
                delay: Duration::ZERO,
            });
        }
        let Stage::Releasing(after) = std::mem::replace(&mut notice.stage, Stage::InHand) else {
            return;
        };
        match after {
            AfterRelease::Wait => self.wait_again(id, None, now),
            AfterRelease::Park { detail } => {
                self.resolve(id, Resolution::Condemned { detail }, now);
            }
        }
    }

    /// Back to the others that wait, at once or from a time on; or back to the queue, if the
    /// delivery is to go there.
    fn wait_again(&mut self, id: NoticeId, from: Option<Mono>, now: Now) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        self.keys_in_hand.remove(&notice.key);
        notice.stage = Stage::Waiting;
        if let Some(reason) = self.deliveries.get(&notice.delivery).and_then(|h| h.leaving()) {
            return self.resolve(id, Resolution::HandBack(reason, Duration::ZERO), now);
        }
        match from {
            Some(at) => {
                self.chores.insert((at, Chore::Ready(id)));
            }
            None => self.make_ready(id),
        }
    }

    pub(super) fn make_ready(&mut self, id: NoticeId) {
        let Some(notice) = self.notices.get(&id) else { return };
        if matches!(notice.stage, Stage::Waiting) {
            let rank = Rank(Reverse(notice.finding.severity.level), id);
            self.destinations[notice.destination].ready.insert(rank);
            self.destinations[notice.destination].nothing_to_pick = false;
        }
    }

    pub(super) fn marked(&mut self, id: NoticeId, result: Result<Written, LedgerError>, now: Now) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        let Stage::Marking(write) = &notice.stage else { return };
        let digest = &write.row.digest;
        let done = match &result {
            Ok(Written::Done) => true,
            Ok(Written::Lost(Some(row))) => {
                // An earlier try took effect and its answer was lost.
                ledger::marked_by(row, &write.row.owner, write.row.fence, digest)
            }
            Ok(Written::Lost(None)) => false,
            Err(error) => {
                notice.failures += 1;
                let delay = self.retry.delay(notice.failures).min(MARK_RETRY_MAX);
                self.chores.insert((now.mono.plus(delay), Chore::Mark(id)));
                self.reports.push(Report::LedgerFailed {
                    call: "mark",
                    finding: notice.key.fingerprint.clone(),
                    detail: error.to_string(),
                    delay,
                });
                return;
            }
        };
        let finding = notice.key.fingerprint.clone();
        let destination = notice.key.destination.clone();
        let digest = digest.clone();
        if done {
            self.tally.posted += 1;
            self.tally.escalated += u64::from(notice.escalated);
            self.tally.reminded += u64::from(notice.reminder);
            let level = notice.finding.severity.level;
            self.reports.push(Report::Posted { finding, destination, level, digest });
            self.resolve(id, Resolution::Settled, now);
        } else {
            self.tally.fenced_out += 1;
            self.reports.push(Report::FencedOut { finding, destination, digest });
            let again = Duration::from_secs(5);
            self.resolve(id, Resolution::HandBack(HandBackReason::FencedOut, again), now);
        }
    }

    pub(super) fn mark_again(&mut self, id: NoticeId) {
        if let Some(notice) = self.notices.get(&id)
            && let Stage::Marking(write) = &notice.stage
        {
            self.orders.push(Order::Mark((**write).clone()));
        }
    }

    /// Takes a notice off the desk.
    pub(super) fn forget_notice(&mut self, id: NoticeId) {
        let Some(notice) = self.notices.remove(&id) else { return };
        let rank = Rank(Reverse(notice.finding.severity.level), id);
        self.destinations[notice.destination].ready.remove(&rank);
        if !matches!(notice.stage, Stage::Waiting) {
            self.keys_in_hand.remove(&notice.key);
        }
    }
}

/// What goes into the next post.
struct Picked {
    notices: Vec<NoticeId>,
    form: Form,
    from_oldest: bool,
}

/// Why a post is to be tried again.
struct Failure {
    reason: RetryReason,
    after: Option<Duration>,
    ambiguous: bool,
    detail: String,
}

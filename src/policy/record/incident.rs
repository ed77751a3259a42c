//! The incident of an alert: whether the finding is open or closed, as far as the ledger knows.
//!
//! A finding opens, closes and may come back. Each time it comes back is a new incident, which is
//! posted again. SQS does not keep order, so every fact is kept with the time at which it was true,
//! and an event changes only facts that are older than it.

use std::time::Duration;

use crate::finding::{Closing, Condition, Finding, FindingState, Level};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};

use super::about::About;
use super::accepted_post::AcceptedPost;

/// The most by which a time of update may be after its event: a year. Clocks differ by less, and a
/// time that is farther off is a mistake of the source.
const AHEAD_MAX: Duration = Duration::from_secs(366 * 86_400);

/// When a state of a finding was true. Stamps are compared in the order of their fields.
///
/// A source whose times are coarse gives equal stamps to different states. Then open wins: a post
/// too many is better than one too few. An open state without any time counts as the newest,
/// and a closed one without any time as the oldest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The source's own time of update, or else the time of observation.
    pub updated_at: Option<Wall>,
    /// Security Hub's `ProcessedAt`, or else the time of the event.
    pub observed_at: Option<Wall>,
}

impl Stamp {
    /// A time of update far after the observation counts as none: it would decide for ever.
    pub fn new(updated_at: Option<Wall>, observed_at: Option<Wall>) -> Stamp {
        let likely = |at: &Wall| observed_at.is_none_or(|seen| *at <= seen.plus(AHEAD_MAX));
        Stamp { updated_at: updated_at.filter(likely).or(observed_at), observed_at }
    }

    /// The time that a person reads: when the state was last known to be true.
    pub fn at(&self) -> Option<Wall> {
        self.observed_at.max(self.updated_at)
    }

    /// Whether a state of this time replaces one that was `known`.
    fn replaces(self, known: Stamp, state: FindingState) -> bool {
        match state {
            _ if mutation::is(Mutation::ArrivalDecides) => true,
            FindingState::Open => self >= known || self == Stamp::default(),
            FindingState::Closed(_) => self > known,
        }
    }
}

/// The state of a finding in one event, as the ledger needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// [`Finding::member`]; empty if the finding shares its fingerprint with no other.
    pub member: String,
    /// The name of the one standard that the member was checked for, or empty.
    pub standard: String,
    pub level: Level,
    pub product: FindingState,
    pub handling: Option<FindingState>,
    pub at: Stamp,
    /// Kept in the record of an alert that is posted.
    pub about: About,
}

impl Sighting {
    pub fn of(finding: &Finding) -> Sighting {
        // A person who sends a finding on purpose wants it posted, be it closed or not.
        let condition = match finding.requested_by {
            Some(_) => Condition::default(),
            None => finding.condition,
        };
        Sighting {
            member: finding.member.as_ref().map_or_else(String::new, |name| name.to_string()),
            standard: match (&finding.member, &finding.standards[..]) {
                (Some(_), [one]) => one.to_string(),
                _ => String::new(),
            },
            level: finding.severity.level,
            product: condition.product,
            handling: condition.handling,
            at: Stamp::new(finding.updated_at, condition.observed_at),
            about: About::of(finding),
        }
    }

    /// An open finding that shares its fingerprint with no other.
    pub fn open(level: Level, updated_at: Option<Wall>) -> Sighting {
        Sighting {
            member: String::new(),
            standard: String::new(),
            level,
            product: FindingState::Open,
            handling: None,
            at: Stamp::new(updated_at, None),
            about: About::default(),
        }
    }

    /// The event says that the finding is closed.
    pub fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    /// The end of the incident, if the event says that the finding is closed.
    pub fn closed(&self) -> Option<Closed> {
        Closed::by_state(self.product, self.handling, self.at)
    }
}

/// Who closed an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The product that made the finding, such as a check that passed.
    Product,
    /// A person, in Security Hub's workflow.
    Person,
}

/// The end of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    pub at: Stamp,
    pub why: Closing,
    pub by: ClosedBy,
}

impl Closed {
    /// The closing that an event reports, whether or not the ledger heeds it.
    pub fn of(condition: &Condition, updated_at: Option<Wall>) -> Option<Closed> {
        let at = Stamp::new(updated_at, condition.observed_at);
        Closed::by_state(condition.product, condition.handling, at)
    }

    /// By the product first, then by a person.
    fn by_state(
        product: FindingState,
        handling: Option<FindingState>,
        at: Stamp,
    ) -> Option<Closed> {
        let by_product = product.closed().map(|why| (why, ClosedBy::Product));
        let by_person = || handling?.closed().map(|why| (why, ClosedBy::Person));
        let (why, by) = by_product.or_else(by_person)?;
        Some(Closed { at, why, by })
    }
}

/// One finding of those that share a fingerprint. Most have one member, without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// The name of the one standard that it was checked for, or empty.
    pub standard: String,
    pub product: FindingState,
    pub product_at: Stamp,
    pub handling: FindingState,
    pub handling_at: Stamp,
    /// The level that a person handled. A more severe finding is open again.
    pub handled_level: Option<Level>,
}

impl Member {
    fn new(name: &str, product_at: Stamp) -> Member {
        Member {
            name: name.to_owned(),
            standard: String::new(),
            product: FindingState::Open,
            product_at,
            handling: FindingState::Open,
            handling_at: Stamp::default(),
            handled_level: None,
        }
    }

    /// How it was closed last, if it is closed. The product's word comes first.
    pub fn closed(&self) -> Option<Closed> {
        let by_product = self.product.closed().map(|why| (self.product_at, why, ClosedBy::Product));
        let by_person = || Some((self.handling_at, self.handling.closed()?, ClosedBy::Person));
        by_product.or_else(by_person).map(|(at, why, by)| Closed { at, why, by })
    }

    fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    /// The last time at which it was known to be closed.
    fn closed_at(&self) -> Stamp {
        let known = |state: FindingState, at| state.closed().map_or_else(Stamp::default, |_| at);
        known(self.product, self.product_at).max(known(self.handling, self.handling_at))
    }

    /// The member as it is after the event. `posted` is the level that was posted: what a person
    /// handles is at least that.
    fn seen(mut self, sighting: &Sighting, posted: Option<Level>) -> Member {
        if !sighting.standard.is_empty() {
            self.standard.clone_from(&sighting.standard);
        }
        if sighting.at.replaces(self.product_at, sighting.product) {
            // An open state without a time leaves the newest time that is known.
            (self.product, self.product_at) = (sighting.product, sighting.at.max(self.product_at));
        }
        let Some(handling) = sighting.handling else { return self };
        if !sighting.at.replaces(self.handling_at, handling) {
            return self;
        }
        if handling != self.handling {
            let level = Some(sighting.level).max(posted);
            self.handled_level = handling.closed().and(level);
        }
        (self.handling, self.handling_at) = (handling, sighting.at.max(self.handling_at));
        self
    }

    /// Whether the event and all that is known say that the finding is open. Handling ends for a
    /// finding that is more severe than what was handled. `handled_at` is that of before the event.
    fn is_open_at(&self, sighting: &Sighting, handled_at: Stamp) -> bool {
        let handled = self.handling.closed().is_some();
        let worse = self.handled_level < Some(sighting.level) && sighting.at > handled_at;
        let open = |state: FindingState| state.closed().is_none();
        open(sighting.product) && open(self.product) && (!handled || worse)
    }
}

/// What an event means for an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that has to be written.
    None,
    /// A fact to be written; the incident stays open, or closed.
    Noted,
    /// The open incident closes.
    Closes(Closed),
    /// The finding is open after its incident closed.
    Opens,
}

/// The life of a finding so far. The default is open, with nothing known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incident {
    /// How often it came back and was posted again.
    pub comebacks: u32,
    /// When Slack accepted its first post.
    pub opened_at: Option<Wall>,
    /// None while it is open.
    pub closed: Option<Closed>,
    /// The end of the incident before, also if that was never posted. With the last time at which
    /// it was known to be closed.
    pub closed_before: Option<Closed>,
    /// The findings that were seen, at most [`Incident::MEMBERS_MAX`].
    pub members: Vec<Member>,
}

impl Incident {
    /// The incident does not know of further members. They are posted with it and close with it.
    pub const MEMBERS_MAX: usize = 16;

    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// The standards of its open members, as far as they are known.
    pub fn standards(&self) -> impl Iterator<Item = &str> {
        let open = self.members.iter().filter(|member| !member.is_closed());
        open.map(|member| member.standard.as_str()).filter(|name| !name.is_empty())
    }

    /// The end of an earlier incident, if the event is about a member's state in that incident.
    pub fn ended_before(&self, sighting: &Sighting) -> Option<Closed> {
        self.member(&sighting.member)?;
        let known = sighting.at != Stamp::default();
        self.closed_before.filter(|closed| known && sighting.at < closed.at)
    }

    /// What the ledger knows of the member that an event is about.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// What an event means for the incident, and the incident with the event's facts in it. Closing
    /// and opening are left to [`Incident::close`] and [`Incident::open`]. `post` is the last one
    /// of this incident.
    pub fn see(&self, sighting: &Sighting, post: Option<&AcceptedPost>) -> (Incident, Effect) {
        let known = self.member(&sighting.member).cloned();
        let is_new = known.is_none();
        if is_new && self.ignores_new(sighting) {
            return (self.clone(), Effect::None);
        }
        let before = known.unwrap_or_else(|| {
            // A record from before incidents were kept knows the revision that was posted.
            let posted_at = post.filter(|_| self.members.is_empty()).and_then(|post| post.revision);
            Member::new(&sighting.member, Stamp::new(posted_at, None))
        });
        let after = before.clone().seen(sighting, post.map(|post| post.level));
        let changed = (before.product, before.handling) != (after.product, after.handling);
        let newer =
            (before.product_at, before.handling_at) != (after.product_at, after.handling_at);
        let joins = is_new && !self.members.is_empty();
        let opens = self.is_closed() && after.is_open_at(sighting, before.handling_at);
        let mut incident = self.clone();
        match incident.members.iter_mut().find(|member| member.name == after.name) {
            Some(member) => *member = after,
            None => incident.add(after),
        }
        if let Some(closed) = incident.closed.as_mut().filter(|_| opens) {
            closed.at = closed.at.max(before.closed_at());
        }
        let effect = match sighting.closed() {
            _ if opens => Effect::Opens,
            Some(closed) if changed && !self.is_closed() && incident.is_all_closed() => {
                Effect::Closes(closed)
            }
            _ if newer && !changed && mutation::is(Mutation::NewerStateForgotten) => Effect::None,
            _ if changed || newer || joins => Effect::Noted,
            _ => Effect::None,
        };
        (incident, effect)
    }

    /// There is no place for a finding that is not a member yet. An open one takes the place of a
    /// closed one.
    fn ignores_new(&self, sighting: &Sighting) -> bool {
        let all_open = || self.members.iter().all(|member| !member.is_closed());
        let full = self.members.len() >= Incident::MEMBERS_MAX;
        full && (sighting.is_closed() || all_open())
    }

    fn is_all_closed(&self) -> bool {
        self.members.iter().all(Member::is_closed)
    }

    /// Adds a member. If there are too many, it takes the place of one that is closed.
    fn add(&mut self, member: Member) {
        if self.members.len() >= Incident::MEMBERS_MAX {
            let Some(place) = self.members.iter_mut().find(|member| member.is_closed()) else {
                return;
            };
            *place = member;
        } else {
            self.members.push(member);
        }
    }

    /// The incident ends.
    pub fn close(self, closed: Closed) -> Incident {
        Incident { closed: Some(closed), ..self }
    }

    /// A post of the finding was accepted at `now`: the incident is open. `came_back`: it had been
    /// posted before it closed.
    pub fn open(self, now: Wall, came_back: bool) -> Incident {
        match self.closed {
            Some(_) => Incident {
                comebacks: self.comebacks.saturating_add(u32::from(came_back)),
                opened_at: Some(now),
                closed: None,
                closed_before: self.closed,
                members: self.members,
            },
            None => Incident { opened_at: self.opened_at.or(Some(now)), ..self },
        }
    }
}

#[cfg(test)]
mod tests;

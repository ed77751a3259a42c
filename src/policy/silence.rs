//! Silences: rules that keep findings from being posted for a time.
//!
//! A [`Silence`] names findings by the rules of a [`Matcher`], by ids or by resources. It is in
//! force from one moment until another, and keeps back what is not more severe than it covers.
//! Nothing writes down that a finding was kept back, so its next update after the end of the
//! silence is posted as ever.

mod bad;
mod entry;
mod index;

use std::sync::Arc;
use std::time::Duration;

use super::current::Current;
use super::glob::Glob;
use super::matcher::{MatchKey, Matcher, Subject};
use crate::finding::{Finding, Fingerprint, Level, Text};
use crate::instants::Wall;
use crate::mutation::{self, Mutation};

pub use bad::BadSilence;
pub use entry::SilenceEntry;

use index::Index;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest time until a silence ends.
pub const UNTIL_MAX: Duration = DAY.saturating_mul(90);
/// How long an ended silence is still listed.
pub const LISTED_AFTER_END: Duration = DAY.saturating_mul(7);
/// A note says so long before that a silence ends.
pub const NOTE_BEFORE_END: Duration = DAY.saturating_mul(3);
/// The most silences.
pub const SILENCES_MAX: usize = 1_000;

/// The silences that a process knows now.
pub type CurrentSilences = Current<Silences>;

/// Keeps findings from being posted for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    /// Unique among the silences.
    pub id: String,
    /// All of its rules name the finding.
    pub matcher: Matcher,
    /// The product's ids of findings. If there are some, the finding has one of them.
    pub findings: Vec<String>,
    /// Patterns for the resource, or one word of it. If there are some, the resource fits one.
    pub resources: Vec<Glob>,
    /// The most severe level that it keeps back.
    pub covers: Level,
    pub from: Wall,
    pub until: Wall,
    /// Why, in the words of the person who added it.
    pub because: Text,
    pub owner: Option<Text>,
}

impl Silence {
    pub fn is_in_force(&self, now: Wall) -> bool {
        let late = if mutation::is(Mutation::SilenceEndsLate) { 600 } else { 0 };
        self.from <= now && now < self.until.plus(Duration::from_secs(late))
    }

    pub fn has_ended(&self, now: Wall) -> bool {
        self.until <= now
    }

    /// It ends within [`NOTE_BEFORE_END`], and lasts longer than that: who silences something for
    /// two days knows when that ends.
    pub fn is_ending(&self, now: Wall) -> bool {
        self.is_in_force(now)
            && self.until.since(now) <= NOTE_BEFORE_END
            && self.until.since(self.from) > NOTE_BEFORE_END
    }

    /// Whether it keeps the finding back.
    fn names(&self, subject: &Subject<'_>, finding: &Finding) -> bool {
        let resource = finding.resource.as_ref().map(Text::as_str);
        self.would_keep_back(subject, &finding.fingerprint.id, resource)
    }

    /// Whether it would keep back a finding of this id and resource, if it were in force.
    pub fn would_keep_back(&self, subject: &Subject<'_>, id: &str, resource: Option<&str>) -> bool {
        (subject.level() <= self.covers || mutation::is(Mutation::SilenceCoversAll))
            && (self.findings.is_empty() || self.findings.iter().any(|known| known == id))
            && (self.resources.is_empty() || self.names_resource(resource))
            && self.matcher.matches(subject)
    }

    fn names_resource(&self, resource: Option<&str>) -> bool {
        let fits = |text: &str| self.resources.iter().any(|glob| glob.matches(text));
        resource.is_some_and(|resource| resource_texts(resource).any(fits))
    }

    pub fn has_resources(&self) -> bool {
        !self.resources.is_empty()
    }

    /// Whether it has a rule for this key, below `not` or not.
    pub fn has_rule(&self, key: MatchKey) -> bool {
        self.matcher.rules().any(|(_, known, _)| known == key)
    }

    /// The patterns that `type` must fit. Empty: there is no such rule.
    fn types(&self) -> Vec<&str> {
        self.patterns(MatchKey::Type)
    }

    fn patterns(&self, wanted: MatchKey) -> Vec<&str> {
        let all = self.matcher.rules().filter(|(not, key, _)| !not && *key == wanted);
        all.flat_map(|(_, _, patterns)| patterns).collect()
    }

    /// The rules, ids and resources in one line.
    pub fn in_words(&self) -> String {
        let resources: Vec<String> = self.resources.iter().map(ToString::to_string).collect();
        let list = |name: &str, all: &[String]| {
            (!all.is_empty()).then(|| [name, " ", &all.join(", ")].concat())
        };
        let rules = self.matcher.in_words(|_| true);
        let parts = [list("id", &self.findings), list("resource", &resources), rules];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// The resource as a whole, and each of its words: `EC2 instance i-0abc (t3.micro, web-1)`.
fn resource_texts(resource: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "(),".contains(c);
    let words = resource.split(ends).filter(|word| !word.is_empty());
    std::iter::once(resource).chain(words)
}

/// The product's id in an id, an ARN or a fingerprint of a finding.
pub fn product_id(written: &str) -> String {
    let written = written.trim();
    if let Some(named) = Fingerprint::named_by(written) {
        return named.id;
    }
    let mut parts = written.splitn(4, '/');
    let is_product = parts.next().is_some_and(|name| Fingerprint::PRODUCTS.contains(&name));
    parts.nth(2).filter(|_| is_product).unwrap_or(written).to_owned()
}

/// All silences, at most [`SILENCES_MAX`] with different ids.
#[derive(Debug, Default)]
pub struct Silences {
    /// Ordered by id.
    all: Vec<Arc<Silence>>,
    index: Index,
}

impl Silences {
    /// # Errors
    /// There are too many, or two have the same id.
    pub fn new(mut all: Vec<Silence>) -> Result<Silences, BadSilence> {
        if all.len() > SILENCES_MAX {
            return Err(BadSilence::TooMany);
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        if all.windows(2).any(|pair| pair[0].id == pair[1].id) {
            return Err(BadSilence::Twice);
        }
        let index = Index::of(&all);
        Ok(Silences { all: all.into_iter().map(Arc::new).collect(), index })
    }

    /// The silence that keeps a finding back now. Of several, the first by id. Never one for what a
    /// person sent on purpose, for a canary, or for a closed finding, whose closing is recorded.
    pub fn find(
        &self,
        subject: &Subject<'_>,
        finding: &Finding,
        now: Wall,
    ) -> Option<&Arc<Silence>> {
        let is_exempt = (finding.requested_by.is_some()
            && !mutation::is(Mutation::RequestedSilenced))
            || finding.canary.is_some()
            || (finding.condition.is_closed() && !mutation::is(Mutation::ClosingSilenced));
        if self.all.is_empty() || is_exempt {
            return None;
        }
        let mut found: Option<usize> = None;
        self.index.candidates(finding, self.all.len(), |at| {
            if found.is_none_or(|found| at < found)
                && self.all.get(at).is_some_and(|silence| {
                    silence.is_in_force(now) && silence.names(subject, finding)
                })
            {
                found = Some(at);
            }
        });
        self.all.get(found?)
    }

    pub fn get(&self, id: &str) -> Option<&Silence> {
        let at = self.all.binary_search_by(|silence| silence.id.as_str().cmp(id)).ok()?;
        self.all.get(at).map(|silence| &**silence)
    }

    /// Ordered by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Silence> {
        self.all.iter().map(|silence| &**silence)
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many are in force.
    pub fn in_force(&self, now: Wall) -> usize {
        self.all.iter().filter(|silence| silence.is_in_force(now)).count()
    }
}

impl PartialEq for Silences {
    fn eq(&self, other: &Silences) -> bool {
        self.all == other.all
    }
}

#[cfg(test)]
mod tests;

//! One finding, whichever product reported it.

use super::condition::Condition;
use super::fact::Fact;
use super::fingerprint::{Fingerprint, requested_id};
use super::partition::Partition;
use super::severity::Severity;
use super::text::Text;
use crate::instants::Wall;

/// One security finding, parsed and normalised.
///
/// All text in it is bounded and free of control and bidirectional characters. It is still text
/// that an attacker may have written: code that shows it must escape it for its target.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub fingerprint: Fingerprint,
    pub partition: Partition,
    /// The account that the finding is about, or else the envelope's: 12 digits. Empty: unknown.
    pub account: Text,
    /// The region that the finding is about, or else the envelope's, in the form of a
    /// [`RegionName`](super::region::RegionName). Empty: unknown. A canary has its start's name.
    pub region: Text,
    /// GuardDuty's finding type, Security Hub's first type, or the source's nearest field.
    pub kind: Text,
    pub title: Text,
    /// The only text with line ends: that of an attack sequence has some.
    pub description: Option<Text>,
    pub severity: Severity,
    pub created_at: Option<Wall>,
    pub updated_at: Option<Wall>,
    pub first_seen: Option<Wall>,
    pub last_seen: Option<Wall>,
    /// The number of times that the source saw the activity.
    pub count: Option<u64>,
    pub sample: bool,
    /// Set if this is a canary of hansho and no real finding.
    pub canary: Option<Canary>,
    /// Open or closed, and since when.
    pub condition: Condition,
    /// Set if several findings share the fingerprint, such as one control of several standards:
    /// names this one among them, in at most [`Finding::MEMBER_CHARS_MAX`] characters.
    pub member: Option<Text>,
    /// Set if a person sent the finding on purpose: the name of Security Hub's custom action. Such
    /// a finding is posted to every destination, whatever its severity, its state and the ledger
    /// say. Its fingerprint names the event.
    pub requested_by: Option<Text>,
    /// The names of the standards that the control belongs to, at most [`Finding::STANDARDS_MAX`].
    /// Only findings about controls have some.
    pub standards: Vec<Text>,
    /// Set if findings like this one come in numbers: they are drawn together.
    pub group: Option<Group>,
    /// The type of the affected resource, the first if there are several, in Security Hub's
    /// spelling: `AwsEc2Instance`. See [`resource_type`](super::resource_type).
    pub resource_type: Option<Text>,
    /// The affected resource in short, e.g. `EC2 instance i-0abc (t3.micro, web-1)`.
    pub resource: Option<Text>,
    /// The actor in short: address, country, organisation, domain, principal. The label says which
    /// of these it is.
    pub actor: Option<Fact>,
    /// At most [`Fact::MAX`], the most important first.
    pub facts: Vec<Fact>,
    /// Keys and values of the resource's tags, at most 50. A card shows those that the
    /// configuration names, and routes may ask for them.
    pub tags: Vec<(Text, Text)>,
    /// Doubts about the finding that a card has to show.
    pub remarks: Vec<Remark>,
}

impl Finding {
    /// The length of [`Finding::member`].
    pub const MEMBER_CHARS_MAX: usize = 16;
    /// The most [`Finding::standards`].
    pub const STANDARDS_MAX: usize = 16;
    /// The longest of [`Finding::standards`].
    pub const STANDARD_CHARS_MAX: usize = 64;

    /// Adds the name of a standard, once, and only if there is room for it.
    pub(crate) fn add_standard(standards: &mut Vec<Text>, name: &str) {
        let name = Text::of(name.into(), Finding::STANDARD_CHARS_MAX);
        if standards.len() < Finding::STANDARDS_MAX
            && !name.is_empty()
            && !standards.contains(&name)
        {
            standards.push(name);
        }
    }

    /// The product's own id of the finding. The fingerprint of a requested one has the event before
    /// it: `event/EVENT/ID`.
    pub fn product_id(&self) -> &str {
        let id = self.fingerprint.id.as_str();
        self.requested_by.as_ref().and_then(|_| requested_id(id)).map_or(id, |(_, own)| own)
    }
}

/// What findings have in common that are drawn together: `CVE-2021-44228` in many `images of
/// repository web`. Each is an alert of its own all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub problem: Text,
    pub resources: Text,
}

/// The fields of a canary's event, see [`canary`](super::canary).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canary {
    /// When it was put on the bus: the sender's own time, or else EventBridge's, to the second.
    pub put_at: Option<Wall>,
    /// Whether it is posted, to every destination. Otherwise it is not posted at all.
    pub post: bool,
}

/// A doubt about a finding that a card has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The severity was missing or unreadable, so the finding counts as high. Holds the text that
    /// was found in its place.
    UnreadableSeverity(Text),
    /// The finding has several severities, and the worst counts. Holds what another one says.
    OtherSeverity(Text),
    /// The finding says that it is open and that it is closed, so it counts as open.
    DisputedState,
    /// The envelope comes from another account than the finding is about. The administrator's copy
    /// looks like that, and so would a forged one.
    SentByAccount(Text),
}

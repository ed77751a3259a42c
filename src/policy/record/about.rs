//! What the finding of an alert is about, in short.

use crate::finding::Finding;
use crate::finding::text::{KEPT_BYTES_MAX, kept_bytes};

/// The type and the resource of a finding as a record keeps them, for `hansho report`. Nothing is
/// decided by them. Both are empty if they are not known, as in the records of earlier versions.
///
/// They are text of a finding: whoever shows them escapes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// [`Finding::kind`], in at most [`About::BYTES_MAX`].
    pub kind: String,
    /// [`Finding::resource`], in at most [`About::BYTES_MAX`].
    pub resource: String,
}

impl About {
    /// The longest type or resource, in bytes. The row of an alert of an AWS product then still
    /// costs one write unit.
    pub const BYTES_MAX: usize = KEPT_BYTES_MAX;

    pub fn of(finding: &Finding) -> About {
        let cut = |text: &str| kept_bytes(text, About::BYTES_MAX).into_owned();
        About {
            kind: cut(finding.kind.as_str()),
            resource: cut(finding.resource.as_ref().map_or("", |text| text.as_str())),
        }
    }

    pub fn is_unknown(&self) -> bool {
        self.kind.is_empty() && self.resource.is_empty()
    }
}

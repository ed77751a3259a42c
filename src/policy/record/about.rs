//! What the finding of an alert is about, in short.

use crate::finding::Finding;
use crate::finding::text::CUT;

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
    pub const BYTES_MAX: usize = 100;

    pub fn of(finding: &Finding) -> About {
        About {
            kind: cut(finding.kind.as_str()),
            resource: cut(finding.resource.as_ref().map_or("", |text| text.as_str())),
        }
    }

    pub fn is_unknown(&self) -> bool {
        self.kind.is_empty() && self.resource.is_empty()
    }
}

/// The text, or its beginning with [`CUT`] at the end.
fn cut(text: &str) -> String {
    if text.len() <= About::BYTES_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(About::BYTES_MAX - CUT.len_utf8());
    let mut kept = text.get(..end).unwrap_or_default().to_owned();
    kept.push(CUT);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        for (text, kept) in [
            (String::new(), String::new()),
            ("é".repeat(50), "é".repeat(50)),
            ("x".repeat(100), "x".repeat(100)),
            ("x".repeat(101), ["x".repeat(97), CUT.to_string()].concat()),
            ("é".repeat(51), ["é".repeat(48), CUT.to_string()].concat()),
            ("日".repeat(900), ["日".repeat(32), CUT.to_string()].concat()),
        ] {
            assert_eq!(cut(&text), kept);
            assert!(kept.len() <= About::BYTES_MAX);
        }
    }
}

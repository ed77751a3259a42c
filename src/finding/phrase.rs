//! Short descriptions, put together from whatever parts of a finding are there.

use super::arn::short_name;
use super::lenient::Str;
use super::text::cut;

/// One part of a description is not let push the others out.
const PART_CHARS_MAX: usize = 100;

/// A part, cut to a length that leaves room for others.
pub(super) fn part(text: &str) -> String {
    cut(text.trim(), PART_CHARS_MAX)
}

/// `head (detail, detail)`; without details only `head`; without a head only the details.
#[derive(Debug, Default)]
pub(super) struct Phrase {
    head: String,
    details: Vec<String>,
}

impl Phrase {
    /// `label name`, or the label alone.
    pub fn new(label: &str, name: Option<&str>) -> Phrase {
        let mut head = label.to_owned();
        if let Some(name) = name.filter(|name| !name.trim().is_empty()) {
            if !head.is_empty() {
                head.push(' ');
            }
            head.push_str(&part(name));
        }
        Phrase { head, details: Vec::new() }
    }

    /// `label list`, the list being made by [`several`], whose parts are cut already.
    pub fn of_list(label: &str, list: Option<String>) -> Phrase {
        let head = joined([Some(label.to_owned()), list], " ").unwrap_or_default();
        Phrase { head, details: Vec::new() }
    }

    /// A detail that speaks for itself. One that was already said, whatever the case of its
    /// letters, is left out.
    pub fn with(mut self, detail: Option<&str>) -> Phrase {
        if let Some(detail) = detail.map(part).filter(|detail| !detail.is_empty())
            && !self.details.iter().any(|said| same(said, &detail))
        {
            self.details.push(detail);
        }
        self
    }

    /// A detail that needs a label, as in `access key AKIA…`.
    pub fn with_labelled(mut self, label: &str, detail: Option<&str>) -> Phrase {
        if let Some(detail) = detail.map(part).filter(|detail| !detail.is_empty()) {
            self.details.push(format!("{label} {detail}"));
        }
        self
    }

    /// Like [`Phrase::with_labelled`], of a list made by [`several`].
    pub fn with_list(mut self, label: &str, list: Option<String>) -> Phrase {
        self.details.extend(list.map(|list| format!("{label} {list}").trim_start().to_owned()));
        self
    }

    /// None if there is nothing to say.
    pub fn build(self) -> Option<String> {
        let details = self.details.join(", ");
        match (self.head.is_empty(), details.is_empty()) {
            (true, true) => None,
            (true, false) => Some(details),
            (false, true) => Some(self.head),
            (false, false) => Some(format!("{} ({details})", self.head)),
        }
    }
}

/// The first names, cut as [`part`] does, and how many more there are: `a, b +3 more`.
pub(super) fn several<'a>(
    names: impl IntoIterator<Item = &'a str>,
    total: usize,
) -> Option<String> {
    listed(names.into_iter().map(part).collect(), total)
}

/// Like [`several`], of phrases, whose parts are cut already.
pub(super) fn listed(mut shown: Vec<String>, total: usize) -> Option<String> {
    shown.retain(|phrase| !phrase.is_empty());
    if shown.is_empty() {
        return None;
    }
    let more = total.saturating_sub(shown.len());
    let list = shown.join(", ");
    Some(if more == 0 { list } else { format!("{list} +{more} more") })
}

/// Like [`listed`], of at most `max` of those things that are not `alike` one before them. `total`
/// counts the repeated ones too.
pub(super) fn listed_once<T>(
    things: &[&T],
    total: usize,
    max: usize,
    alike: impl Fn(&T, &T) -> bool,
    describe: impl Fn(&T) -> Option<String>,
) -> Option<String> {
    let mut once: Vec<&T> = Vec::new();
    for thing in things {
        if !once.iter().any(|before| alike(before, thing)) {
            once.push(thing);
        }
    }
    let repeated = things.len() - once.len();
    let shown = once.into_iter().filter_map(describe).take(max).collect();
    listed(shown, total.saturating_sub(repeated))
}

/// The same, whatever the case of its letters.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// The text, unless it is the word `Unknown`, as sources write where they know no country.
pub(super) fn known<'t>(text: &'t Str<'_>) -> Option<&'t str> {
    text.as_deref().filter(|text| !same(text, "unknown"))
}

/// `IAMUser alice`. The root user is its account's only one, so neither `Root` nor the account's
/// number is told as its name.
pub(super) fn principal(kind: Option<&str>, otherwise: &str, name: Option<&str>) -> Phrase {
    match kind {
        Some(kind) if same(kind, "root") => Phrase::new("root user", name.filter(|n| !is_root(n))),
        kind => Phrase::new(kind.unwrap_or(otherwise), name),
    }
}

fn is_root(name: &str) -> bool {
    let name = short_name(name);
    same(name, "root") || name.bytes().all(|byte| byte.is_ascii_digit())
}

/// What there is of the parts, put together.
pub(super) fn joined(
    parts: impl IntoIterator<Item = Option<String>>,
    between: &str,
) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_there_is() {
        let full = Phrase::new("EC2 instance", Some("i-1")).with(Some("t3.micro")).with(None);
        let full = full.with_labelled("tag", Some("web")).with(Some("t3.micro"));
        assert_eq!(full.build().as_deref(), Some("EC2 instance i-1 (t3.micro, tag web)"));
        let twice = Phrase::new("", Some("a")).with(Some("Example Net")).with(Some("EXAMPLE NET"));
        assert_eq!(twice.build().as_deref(), Some("a (Example Net)"));
        assert_eq!(Phrase::new("S3 bucket", None).build().as_deref(), Some("S3 bucket"));
        assert_eq!(Phrase::new("", None).with(Some("a")).build().as_deref(), Some("a"));
        assert_eq!(Phrase::new("", Some(" ")).with(Some("")).build(), None);
        assert_eq!(several(["a", "b"], 5).as_deref(), Some("a, b +3 more"));
        assert_eq!(several([], 5), None);
    }

    #[test]
    fn the_root_user_has_no_name() {
        for (kind, name, said) in [
            (Some("IAMUser"), Some("alice"), "IAMUser alice"),
            (None, Some("alice"), "principal alice"),
            (Some("Root"), Some("Root"), "root user"),
            (Some("ROOT"), Some("111122223333"), "root user"),
            (Some("Root"), Some("arn:aws:iam::111122223333:root"), "root user"),
            (Some("Root"), Some("shop-production"), "root user shop-production"),
            (Some("Root"), None, "root user"),
        ] {
            let phrase = principal(kind, "principal", name).build();
            assert_eq!(phrase.as_deref(), Some(said), "{kind:?} {name:?}");
        }
    }

    #[test]
    fn what_is_repeated_is_listed_once() {
        let list = |things: &[&str], total| {
            let things: Vec<&&str> = things.iter().collect();
            listed_once(&things, total, 2, |a, b| a == b, |thing| Some((*thing).to_owned()))
        };
        for (things, total, said) in [
            (["a", "a", "b", "a"].as_slice(), 4, Some("a, b")),
            (&["a", "a", "b", "c"], 4, Some("a, b +1 more")),
            (&["a", "a"], 12, Some("a +10 more")),
            (&[], 0, None),
        ] {
            assert_eq!(list(things, total).as_deref(), said, "{things:?} of {total}");
        }
    }

    #[test]
    fn no_part_pushes_the_others_out() {
        let long = "x".repeat(1 << 20);
        let text = Phrase::new("bucket", Some(&long)).with(Some("detail")).build().unwrap();
        assert!(text.len() < 200 && text.ends_with("… (detail)"), "{text}");
    }
}

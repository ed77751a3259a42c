//! Short descriptions, built from the parts that a finding has.

use std::borrow::Cow;

use super::arn::short_name;
use super::lenient::Str;
use super::text::{cut, trimmed};

/// Longer parts are cut, so that one part cannot push the others out.
const PART_CHARS_MAX: usize = 100;

/// Cuts a part to a length that leaves room for others.
pub(super) fn part(text: &str) -> Cow<'_, str> {
    cut(trimmed(text), PART_CHARS_MAX)
}

/// `label text`, of which either may be empty.
#[derive(Debug, Default)]
struct Part<'t> {
    label: &'t str,
    text: Cow<'t, str>,
}

impl Part<'_> {
    fn is_empty(&self) -> bool {
        self.label.is_empty() && self.text.is_empty()
    }

    fn len(&self) -> usize {
        self.label.len() + 1 + self.text.len()
    }

    /// Returns whether `whole` has this label and text, ignoring case.
    fn says(&self, whole: &str) -> bool {
        let text = match self.label {
            "" => Some(whole),
            label => whole
                .get(..label.len())
                .filter(|start| same(start, label))
                .and_then(|_| whole.get(label.len()..).and_then(|rest| rest.strip_prefix(' '))),
        };
        text.is_some_and(|text| same(&self.text, text))
    }

    fn write_to(&self, line: &mut String) {
        line.push_str(self.label);
        if !self.label.is_empty() && !self.text.is_empty() {
            line.push(' ');
        }
        line.push_str(&self.text);
    }
}

/// Builds `head (detail, detail)`. Without details it is `head`, without a head `detail, detail`.
#[derive(Debug, Default)]
pub(super) struct Phrase<'t> {
    head: Part<'t>,
    details: Vec<Part<'t>>,
}

impl<'t> Phrase<'t> {
    /// `label name`, or the label alone.
    pub fn new(label: &'t str, name: Option<&'t str>) -> Phrase<'t> {
        let text = name.map(part).unwrap_or_default();
        Phrase { head: Part { label, text }, details: Vec::new() }
    }

    /// `label list`. The list is made by [`several`], which has cut its parts.
    pub fn of_list(label: &'t str, list: Option<String>) -> Phrase<'t> {
        let text = list.map_or(Cow::Borrowed(""), Cow::Owned);
        Phrase { head: Part { label, text }, details: Vec::new() }
    }

    /// Adds a detail that needs no label. A detail that is already there is left out; case does not
    /// count.
    pub fn with(mut self, detail: Option<&'t str>) -> Phrase<'t> {
        let said = |text: &str| self.details.iter().any(|said| said.says(text));
        if let Some(text) = detail.map(part).filter(|text| !text.is_empty() && !said(text)) {
            self.details.push(Part { label: "", text });
        }
        self
    }

    /// Adds a detail with a label, as in `access key AKIA…`.
    pub fn with_labelled(mut self, label: &'t str, detail: Option<&'t str>) -> Phrase<'t> {
        if let Some(text) = detail.map(part).filter(|text| !text.is_empty()) {
            self.details.push(Part { label, text });
        }
        self
    }

    /// Adds a list made by [`several`], with a label.
    pub fn with_list(mut self, label: &'t str, list: Option<String>) -> Phrase<'t> {
        self.details.extend(list.map(|list| Part { label, text: Cow::Owned(list) }));
        self
    }

    /// Returns None if the phrase is empty.
    pub fn build(self) -> Option<String> {
        let Phrase { head, details } = self;
        if head.is_empty() && details.is_empty() {
            return None;
        }
        let length = details.iter().map(|detail| detail.len() + 2).sum::<usize>();
        let mut phrase = String::with_capacity(head.len() + length + 3);
        head.write_to(&mut phrase);
        let brackets = !head.is_empty() && !details.is_empty();
        if brackets {
            phrase.push_str(" (");
        }
        for (index, detail) in details.iter().enumerate() {
            if index > 0 {
                phrase.push_str(", ");
            }
            detail.write_to(&mut phrase);
        }
        if brackets {
            phrase.push(')');
        }
        Some(phrase)
    }
}

/// Lists the first names, each cut by [`part`], and the number of others: `a, b +3 more`.
pub(super) fn several<'a>(
    names: impl IntoIterator<Item = &'a str>,
    total: usize,
) -> Option<String> {
    listed(names.into_iter().map(part).collect(), total)
}

/// Like [`several`], for phrases, which have cut their parts.
pub(super) fn listed<S: AsRef<str>>(mut shown: Vec<S>, total: usize) -> Option<String> {
    shown.retain(|phrase| !phrase.as_ref().is_empty());
    let more = total.saturating_sub(shown.len());
    let length = shown.iter().map(|phrase| phrase.as_ref().len() + 2).sum();
    let mut list = String::with_capacity(length);
    for phrase in &shown {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(phrase.as_ref());
    }
    if more > 0 {
        list.push_str(&format!(" +{more} more"));
    }
    (!shown.is_empty()).then_some(list)
}

/// Like [`listed`], for at most `max` of the `things`. A thing that is `alike` an earlier one is
/// left out. `total` includes the repeated ones.
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

/// Compares two texts; case and white space around them do not count.
pub(super) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (trimmed(one), trimmed(other));
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
}

/// Returns the text unless it is the word `Unknown`, which sources write for an unknown country.
pub(super) fn known<'t>(text: &'t Str<'_>) -> Option<&'t str> {
    text.as_deref().filter(|text| !trimmed(text).eq_ignore_ascii_case("unknown"))
}

/// Returns the name unless it is the word `null` or `None`, which programs write if there is none.
pub(super) fn real_name(name: &str) -> Option<&str> {
    (!matches!(trimmed(name), "" | "null" | "None")).then_some(name)
}

/// `IAMUser alice`. An account has only one root user, so neither `Root` nor the account's number
/// is shown as its name. A name that is no [`real_name`] is left out.
pub(super) fn principal<'t>(
    kind: Option<&'t str>,
    otherwise: &'t str,
    name: Option<&'t str>,
) -> Phrase<'t> {
    let name = name.and_then(real_name);
    match kind {
        Some(kind) if same(kind, "root") => Phrase::new("root user", name.filter(|n| !is_root(n))),
        kind => Phrase::new(kind.unwrap_or(otherwise), name),
    }
}

/// `IAM user alice`: the owner of an access key, if the key itself has no id.
pub(super) fn key_owner<'t>(kind: Option<&'t str>, name: Option<&'t str>) -> Phrase<'t> {
    let kind = kind.map(|kind| match kind {
        "IAMUser" => "IAM user",
        "AssumedRole" | "Role" => "IAM role",
        "FederatedUser" => "federated user",
        other => other,
    });
    principal(kind, "principal", name)
}

/// `AWS 999988887777`: somebody who was given access, of a kind that may be empty. `*`, of AWS or
/// of no kind, means everybody, people without an account included.
pub(super) fn grantee(kind: &str, name: &str) -> String {
    match (kind, name.trim()) {
        ("AWS" | "", "*") => "anyone".to_owned(),
        ("", name) => part(name).into_owned(),
        (kind, name) => format!("{} {}", part(kind), part(name)),
    }
}

fn is_root(name: &str) -> bool {
    let name = short_name(name);
    same(name, "root") || name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Joins the texts that are there, each cut to a part of a phrase.
pub(super) fn words<const N: usize>(texts: [&Str<'_>; N]) -> Option<String> {
    joined(texts.map(|text| text.as_deref().map(part)), " ")
}

/// `iam:CreateUser`, as policies write it, of a service such as `iam.amazonaws.com` and its API.
pub(super) fn api_call(service: &Str<'_>, api: &Str<'_>) -> Option<String> {
    let service = service.as_deref().map(trimmed);
    let service =
        service.map(|service| part(service.strip_suffix(".amazonaws.com").unwrap_or(service)));
    joined([service, api.as_deref().map(part)], ":")
}

/// Joins the parts that are there.
pub(super) fn joined<S: AsRef<str> + Into<String>>(
    parts: impl IntoIterator<Item = Option<S>>,
    between: &str,
) -> Option<String> {
    let mut parts = parts.into_iter().flatten().peekable();
    let mut all: String = parts.next()?.into();
    if parts.peek().is_some() {
        // Enough for most texts, so that the text is moved at most once.
        all.reserve(PART_CHARS_MAX);
    }
    for part in parts {
        all.push_str(between);
        all.push_str(part.as_ref());
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_holds_the_parts_there_are() {
        let full = Phrase::new("EC2 instance", Some("i-1")).with(Some("t3.micro")).with(None);
        let full = full.with_labelled("tag", Some("web")).with(Some("t3.micro"));
        assert_eq!(full.build().as_deref(), Some("EC2 instance i-1 (t3.micro, tag web)"));
        let labelled = Phrase::new("a", None).with_labelled("port", Some("443"));
        let labelled = labelled.with(Some("PORT 443")).with(Some("port 44")).with(Some("443"));
        assert_eq!(labelled.build().as_deref(), Some("a (port 443, port 44, 443)"));
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
            (Some("IAMUser"), Some("null"), "IAMUser"),
            (Some("AssumedRole"), Some("None"), "AssumedRole"),
            (Some("IAMUser"), Some("nullable"), "IAMUser nullable"),
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
    fn repeated_things_are_listed_once() {
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

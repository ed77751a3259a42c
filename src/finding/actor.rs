//! The actor of a finding: its label, and the text beside the label.

use super::phrase::joined;

/// What an actor may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An address outside.
    Remote,
    Domain,
    Malware,
    /// Whoever called an API.
    Caller,
    /// Somebody who was given access.
    Principal,
    /// Anything else, such as a process.
    Other,
}

impl Role {
    fn label(self) -> &'static str {
        match self {
            Role::Remote => "Remote",
            Role::Domain => "Domain",
            Role::Malware => "Malware",
            Role::Caller => "Caller",
            Role::Principal => "Principal",
            Role::Other => "",
        }
    }

    /// The word before a text that the label does not explain.
    fn word(self) -> &'static str {
        match self {
            Role::Domain => "domain ",
            Role::Malware => "malware ",
            Role::Remote | Role::Caller | Role::Principal | Role::Other => "",
        }
    }
}

/// Joins the parts that are there, and returns them with the first one's label.
pub(super) fn labelled(
    parts: impl IntoIterator<Item = Option<(Role, String)>>,
) -> (&'static str, Option<String>) {
    let mut parts = parts.into_iter().flatten();
    let Some((first, text)) = parts.next() else { return ("", None) };
    let others = parts.map(|(role, text)| Some([role.word(), &text].concat()));
    (first.label(), joined([Some(text)].into_iter().chain(others), ", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_part_gives_the_label() {
        let part = |role, text: &str| Some((role, text.to_owned()));
        for (parts, label, text) in [
            ([part(Role::Domain, "a.example"), None], "Domain", Some("a.example")),
            (
                [part(Role::Other, "process x"), part(Role::Domain, "a.example")],
                "",
                Some("process x, domain a.example"),
            ),
            ([None, part(Role::Malware, "EICAR")], "Malware", Some("EICAR")),
            (
                [part(Role::Remote, "from a"), part(Role::Malware, "EICAR")],
                "Remote",
                Some("from a, malware EICAR"),
            ),
            ([None, None], "", None),
        ] {
            let got = labelled(parts);
            assert_eq!((got.0, got.1.as_deref()), (label, text));
        }
    }
}

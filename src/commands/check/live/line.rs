//! One line of the answer of `check --live`.

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Ok,
    Wrong,
    NotChecked,
}

impl State {
    pub fn as_str(&self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Wrong => "wrong",
            State::NotChecked => "not checked",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The thing that was checked, e.g. `queue hansho-standard`.
    pub subject: String,
    pub state: State,
    pub detail: String,
    /// The remedy. Only for [`State::Wrong`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Line {
    pub fn ok(subject: &str, detail: impl Into<String>) -> Line {
        Line::new(subject, State::Ok, detail.into(), None)
    }

    pub fn wrong(subject: &str, detail: impl Into<String>, fix: impl Into<String>) -> Line {
        Line::new(subject, State::Wrong, detail.into(), Some(fix.into()))
    }

    pub fn not_checked(subject: &str, why: impl Into<String>) -> Line {
        Line::new(subject, State::NotChecked, why.into(), None)
    }

    fn new(subject: &str, state: State, detail: String, fix: Option<String>) -> Line {
        Line { subject: subject.to_owned(), state, detail, fix }
    }
}

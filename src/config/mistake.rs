//! Mistakes in a configuration, gathered while it is read, so that all are reported at once.

use std::fmt;

use super::keys::variable_of;
use super::raw::{Given, Origin};

/// A file with more mistakes is not a configuration. Further mistakes are not reported.
pub(super) const MISTAKES_MAX: usize = 100;

/// One mistake, and what to do about it. Never holds a value, which may be a misplaced secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, e.g. `queue.standard` or `destination[2].pace` (counted from 1), or the name of a
    /// variable without a key.
    pub key: String,
    /// The variable that the value came from. None: from the file, or from nowhere.
    pub variable: Option<&'static str>,
    /// What is wrong and what to do: a fragment in lower case.
    pub what: String,
}

impl Mistake {
    pub(super) fn of(key: impl Into<String>, what: impl Into<String>) -> Mistake {
        Mistake { key: key.into(), variable: None, what: what.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) => write!(f, "{} (from {variable}): {}", self.key, self.what),
            None => write!(f, "{}: {}", self.key, self.what),
        }
    }
}

/// The mistakes and warnings so far.
#[derive(Default)]
pub(super) struct Gathered {
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<Mistake>,
}

impl Gathered {
    pub fn mistake(&mut self, key: impl Into<String>, what: impl Into<String>) {
        self.mistakes.push(Mistake::of(key, what));
    }

    pub fn warning(&mut self, key: impl Into<String>, what: impl Into<String>) {
        self.warnings.push(Mistake::of(key, what));
    }

    /// Reads an optional value. Returns None if it is not given, or if it is a mistake.
    pub fn read<T>(
        &mut self,
        key: &str,
        given: &Option<Given>,
        read: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        let given = given.as_ref()?;
        read(given).map_err(|what| self.wrong(key, given, what)).ok()
    }

    /// Reads a required value. `why` follows "is missing".
    pub fn need<T>(
        &mut self,
        key: &str,
        given: &Option<Given>,
        why: &str,
        read: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        if given.is_none() {
            let or = variable_of(key).map_or(String::new(), |name| format!(", or set {name}"));
            self.mistake(key, format!("is missing{why}: write it{or}"));
        }
        self.read(key, given, read)
    }

    fn wrong(&mut self, key: &str, given: &Given, what: String) {
        let variable = match given.origin {
            Origin::Variable(name) => Some(name),
            Origin::File => None,
        };
        self.mistakes.push(Mistake { key: key.to_owned(), variable, what });
    }
}

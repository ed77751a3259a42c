//! Text that must never be shown: webhook addresses and tokens.

use std::fmt;

/// A secret. Neither `Debug` nor `Display` shows anything of it, its length included, so it can be
/// part of anything that is logged. [`Secret::expose`] is for the place that sends it, and for
/// comparing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is shown in a secret's place.
const REDACTED: &str = "[secret]";

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The secret itself. What is made of it must not end in a log, an error or a metric.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_of_itself() {
        let secret = Secret::new("swordfish");
        for shown in [format!("{secret}"), format!("{secret:?}"), format!("{:#?}", Some(&secret))] {
            assert!(!shown.contains("sword"), "{shown}");
            assert!(shown.contains(REDACTED), "{shown}");
        }
        assert_eq!(secret.expose(), "swordfish");
    }
}

//! What a worker knows of the account directory.

use crate::instants::Wall;
use crate::policy::directory::STALE_AFTER;

/// The outcome of the last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryState {
    /// How many accounts are known, those of the configuration among them.
    pub known: usize,
    /// When the directory was synced, by the last read that the ledger answered. None: there is no
    /// directory.
    pub synced_at: Option<Wall>,
    /// Whether the last read failed. The log says why.
    pub failed: bool,
}

impl DirectoryState {
    /// What a person should know. A worker without a directory is ready all the same.
    pub(super) fn note(&self, now: Wall) -> Option<String> {
        let known = self.known;
        let age = |at: Wall| now.since(at);
        Some(match (self.failed, self.synced_at) {
            (true, _) => format!("the directory can't be read, {known} are known: see the log"),
            (false, None) => format!(
                "the ledger has no directory, {known} are known: run `hansho accounts sync`"
            ),
            (false, Some(at)) if age(at) > STALE_AFTER => {
                let hours = age(at).as_secs() / 3600;
                format!("the directory is stale, synced {hours} h ago: run `hansho accounts sync`")
            }
            (false, Some(_)) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_not_as_it_should_be_is_said() {
        let now = Wall(1_790_000_000_000);
        let ago = |hours: u64| Some(now.minus(Duration::from_secs(3600 * hours)));
        for (synced_at, failed, said) in [
            (ago(1), false, None),
            (ago(48), false, None),
            (ago(50), false, Some("the directory is stale, synced 50 h ago: run")),
            (None, false, Some("the ledger has no directory, 3 are known: run")),
            (ago(1), true, Some("the directory can't be read, 3 are known: see the log")),
        ] {
            let note = DirectoryState { known: 3, synced_at, failed }.note(now);
            assert_eq!(note.is_some(), said.is_some(), "{note:?}");
            assert!(note.unwrap_or_default().starts_with(said.unwrap_or_default()));
        }
    }
}

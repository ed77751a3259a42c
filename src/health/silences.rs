//! What a worker knows of the silences.

/// The outcome of the last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilenceState {
    pub in_force: usize,
    /// Why the last read failed.
    pub failed: Option<String>,
}

impl SilenceState {
    /// What a person should know. A worker without silences is ready all the same.
    pub(super) fn note(&self) -> Option<String> {
        let why = self.failed.as_ref()?;
        let known = self.in_force;
        Some(format!("they can't be read, {known} that are known stay in force: {why}"))
    }
}

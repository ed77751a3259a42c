//! Where findings can be asked for that may never have come by a queue. A port of its own: only
//! [`crate::commands::reconcile`] needs it.

use std::fmt;
use std::future::Future;

use crate::instants::Wall;

/// So many findings a page, and a call that reads them.
/// Source: GuardDuty API reference, ListFindings (`maxResults`) and GetFindings (`findingIds`).
pub const FINDINGS_PAGE_MAX: usize = 50;

/// What to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListAsk {
    pub region: String,
    pub detector: String,
    /// Findings updated at or after this moment.
    pub since: Wall,
    /// Of this severity or more, in whole numbers from 0 to 10: the API takes no others here.
    pub severity: u8,
    /// Where the page before ended; None for the first.
    pub page: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// At most [`FINDINGS_PAGE_MAX`].
    pub ids: Vec<String>,
    /// Where the next page begins; None if this is the last.
    pub next: Option<String>,
}

/// Why a call failed, in a line that says what to do. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError(pub String);

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SourceError {}

/// A product that keeps its findings and can be asked for them, region by region.
pub trait FindingsSource: Send + Sync {
    /// What has the findings of a region; None if nothing has.
    fn detector(
        &self,
        region: &str,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;

    /// One page of the ids of findings that are not archived, the one that was updated first first.
    fn list(&self, ask: &ListAsk) -> impl Future<Output = Result<Listed, SourceError>> + Send;

    /// The findings themselves, each as the JSON text that the source gave, in no certain order. One
    /// that is gone is left out. At most [`FINDINGS_PAGE_MAX`] ids.
    fn get(
        &self,
        region: &str,
        detector: &str,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<String>, SourceError>> + Send;
}

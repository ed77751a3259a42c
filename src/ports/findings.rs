//! Port to a product that keeps its findings. Only [`crate::commands::reconcile`] uses it, to find
//! those that no queue delivered.

use std::future::Future;

use crate::instants::Wall;

/// The most findings in a page, and in a call that reads them.
/// Source: GuardDuty API reference, ListFindings (`maxResults`) and GetFindings (`findingIds`).
pub const FINDINGS_PAGE_MAX: usize = 50;

/// A request for one page of ids.
#[derive(Clone, Debug, PartialEq)]
pub struct ListAsk {
    pub region: String,
    pub detector: String,
    /// Findings updated at or after this moment.
    pub since: Wall,
    /// The least severity, a whole number from 0 to 10: the API accepts no others here.
    pub severity: u8,
    /// The token of the page before. None asks for the first page.
    pub page: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// At most [`FINDINGS_PAGE_MAX`].
    pub ids: Vec<String>,
    /// The token of the next page. None: this is the last.
    pub next: Option<String>,
}

/// Why a call failed, and what to do, in one line. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// A product that returns its findings, region by region.
pub trait FindingsSource: Send + Sync {
    /// The id of the region's detector. None: the region has none.
    fn detector(
        &self,
        region: &str,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;

    /// One page of ids of findings that are not archived, in the order of their last update.
    fn list(&self, ask: &ListAsk) -> impl Future<Output = Result<Listed, SourceError>> + Send;

    /// The findings of at most [`FINDINGS_PAGE_MAX`] ids, each as the JSON text of the source, in
    /// any order. Ids that the source no longer has are left out.
    fn get(
        &self,
        region: &str,
        detector: &str,
        ids: &[String],
    ) -> impl Future<Output = Result<Vec<String>, SourceError>> + Send;
}

//! All metrics of a process.

use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Error, Gauge, Registry, TextEncoder};

use super::calls::CallMetrics;
use super::coverage::CoverageMetrics;
use super::directory::DirectoryMetrics;
use super::findings::FindingMetrics;
use super::memory;
use super::posts::PostMetrics;
use super::queue::QueueMetrics;
use super::reconcile::ReconcileMetrics;
use super::register::{Register, set};
use super::silences::SilenceMetrics;
use super::store::StoreMetrics;
use super::waits::WaitMetrics;
use crate::desk::{Report, Snapshot};
use crate::instants::{Now, Wall};
use crate::ports::{Delivery, FailureKind};

/// All metrics of a process. Their number depends only on the configuration, and that of silences
/// is bounded.
pub struct Metrics {
    registry: Registry,
    findings: FindingMetrics,
    pub(super) waits: WaitMetrics,
    pub(super) posts: PostMetrics,
    queue: QueueMetrics,
    pub(super) calls: CallMetrics,
    reconcile: ReconcileMetrics,
    pub(super) coverage: CoverageMetrics,
    directory: DirectoryMetrics,
    silences: SilenceMetrics,
    store: StoreMetrics,
    memory: Gauge,
}

impl Metrics {
    /// # Errors
    /// Two metrics have the same name, which the tests rule out.
    pub fn new() -> Result<Metrics, Error> {
        let registry = Registry::new();
        let register = Register(&registry);
        let help = "The version of hansho that runs.";
        let version = register.gauges("hansho_build_info", help, &["version"])?;
        set(&version, &[env!("CARGO_PKG_VERSION")], 1);
        Ok(Metrics {
            findings: FindingMetrics::register(&register)?,
            waits: WaitMetrics::register(&register)?,
            posts: PostMetrics::register(&register)?,
            queue: QueueMetrics::register(&register)?,
            calls: CallMetrics::register(&register)?,
            reconcile: ReconcileMetrics::register(&register)?,
            coverage: CoverageMetrics::register(&register)?,
            directory: DirectoryMetrics::register(&register)?,
            silences: SilenceMetrics::register(&register)?,
            store: StoreMetrics::register(&register)?,
            memory: register.gauge(
                "process_resident_memory_bytes",
                "Bytes of memory that this process has in use.",
            )?,
            registry,
        })
    }

    /// Counts a report of the desk.
    pub fn record(&self, report: &Report) {
        self.findings.record(report);
        self.silences.record(report);
        self.waits.record(report);
        self.posts.record(report);
        self.queue.record(report);
    }

    /// Counts the messages of a receive.
    pub fn received(&self, deliveries: &[Delivery]) {
        self.queue.received(deliveries);
    }

    /// Counts `findings` of a region that were compared with the ledger with this result. Both
    /// labels are words of the configuration and of the code.
    pub fn reconciled(&self, region: &str, outcome: &str, findings: u64) {
        self.reconcile.compared(region, outcome, findings);
    }

    /// Counts the comparison of a region, by how it ended.
    pub fn reconcile_ended(&self, region: &str, outcome: &str) {
        self.reconcile.ended(region, outcome);
    }

    /// Sets what a look at GuardDuty's coverage found: the gaps of each kind, and how many facts
    /// could not be read.
    pub fn coverage_looked(
        &self,
        gaps: &[(&str, usize)],
        unreadable: usize,
        complete: bool,
        at: Wall,
    ) {
        self.coverage.looked(gaps, unreadable, complete, at);
    }

    /// Counts a look that failed.
    pub fn coverage_failed(&self) {
        self.coverage.failed();
    }

    /// Forgets what the last look found, because another worker has looked since.
    pub fn coverage_elsewhere(&self) {
        self.coverage.elsewhere();
    }

    /// Sets how many accounts are known, and when their directory was synced.
    pub fn accounts(&self, known: usize, synced_at: Option<Wall>) {
        self.directory.record(known, synced_at);
    }

    /// Sets how many silences are in force.
    pub fn silences(&self, in_force: usize) {
        self.silences.known(in_force);
    }

    /// Sets why the embedded store accepts nothing new. None: it does.
    pub fn store(&self, failing: Option<FailureKind>) {
        self.store.record(failing);
    }

    /// Sets all gauges from a snapshot of the desk.
    pub fn update(&self, snapshot: &Snapshot, now: Now) {
        self.waits.update(snapshot, now);
        self.posts.update(snapshot);
        self.queue.update(snapshot);
        self.calls.update(snapshot);
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn text(&self) -> Result<String, Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// All metrics. The memory is measured now.
    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        if let Some(bytes) = memory::resident_bytes() {
            self.memory.set(bytes as f64);
        }
        self.registry.gather()
    }
}

//! The worker processes: each place has one at a time, which is killed, frozen and started again.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::load::DESTINATIONS;
use super::observe::Observer;
use super::observe::slack::webhook_path;
use super::proxy::{Route, listen};
use crate::commands::run_e2e::{hansho, on_aws};
use crate::sim::history::{What, Who};

/// The part of each webhook that no output may have.
pub const SECRET: &str = "S3cretPart";
pub const TABLE: &str = "hansho-ledger";
/// The pace at which the workers are to post.
pub const PACE_MS: u64 = 200;
pub const POST_TIMEOUT: Duration = Duration::from_secs(2);
/// The lease, by `TimeBudget`'s rules the least that this time for a post allows.
pub const LEASE_MS: u64 = 15_000;
pub const SKEW_MS: u64 = 1_000;
pub const VISIBILITY_MS: u64 = 19_000;

/// What happens to a worker, and when.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    /// Milliseconds after the start.
    pub at: u64,
    pub kind: StrikeKind,
}

#[derive(Clone, Copy, Debug)]
pub enum StrikeKind {
    /// SIGKILL, and the next life begins so many milliseconds later.
    Kill { away: u64 },
    /// SIGSTOP, and SIGCONT so many milliseconds later.
    Freeze { ms: u64 },
}

/// What all places share.
pub struct Ground {
    pub routes: [Arc<Route>; 3],
    pub observer: Arc<Observer>,
    pub folder: PathBuf,
    /// The pace in their configuration.
    pub pace_ms: u64,
}

impl Ground {
    /// Two destinations, one of them for high and critical findings alone.
    pub fn configuration(&self) -> String {
        let pace = self.pace_ms;
        let destination = |(name, lowest): &(&str, u8)| {
            let level = ["informational", "low", "medium", "high"][usize::from(*lowest)];
            format!(
                "[[destination]]\nname = {name:?}\nwebhook = \"env:HOOK_{name}\"\npace = \"{pace}ms\"\n\
                 min_severity = {level:?}\nmention = {{ critical = \"<!subteam^S0ONCALL0>\" }}\n"
            )
        };
        let (lease, skew, visibility) = (LEASE_MS, SKEW_MS, VISIBILITY_MS);
        let worker = format!(
            "[worker]\nfleet = 3\nlease = \"{lease}ms\"\nskew = \"{skew}ms\"\n\
             visibility = \"{visibility}ms\"\nheartbeat = \"2s\"\npost_timeout = \"{}ms\"\n",
            POST_TIMEOUT.as_millis()
        );
        DESTINATIONS.iter().map(destination).chain([worker]).collect()
    }
}

pub struct Place {
    ground: Arc<Ground>,
    who: Who,
    worker: Child,
    /// The connections of this life that are open.
    open: Arc<AtomicU32>,
}

impl Place {
    pub async fn start(ground: &Arc<Ground>, slot: u8) -> Place {
        Place::begin(Arc::clone(ground), Who { slot, life: 0 }).await
    }

    async fn begin(ground: Arc<Ground>, who: Who) -> Place {
        let open = Arc::new(AtomicU32::new(0));
        let mut urls = Vec::new();
        for route in &ground.routes {
            let address = listen(Arc::clone(route), who, Arc::clone(&open)).await.unwrap();
            urls.push(format!("http://{address}"));
        }
        let [sqs, dynamodb, slack] = &urls[..] else { panic!("three routes") };
        let queues = ["standard", "express", "quarantine"];
        let queues = queues.map(|name| format!("{sqs}/000000000000/{name}"));
        let mut command = hansho(&ground.folder);
        command.args(["run", "--json", "--config", "hansho.toml"]);
        on_aws(&mut command, &queues, TABLE, sqs, dynamodb);
        for (name, _) in DESTINATIONS {
            command.env(format!("HOOK_{name}"), slack.clone() + &webhook_path(name, SECRET));
        }
        let log = File::create(ground.folder.join(format!("{who}.log"))).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        ground.observer.note(Some(who), What::Started { skew_ms: 0 });
        let worker = command.spawn().unwrap();
        Place { ground, who, worker, open }
    }

    /// Lives through its strikes.
    pub async fn live(mut self, strikes: Vec<Strike>) -> Place {
        for strike in strikes {
            let now = self.ground.observer.now();
            sleep(Duration::from_millis(strike.at.saturating_sub(now))).await;
            if let Some(status) = self.worker.try_wait().unwrap() {
                self.ended_by_itself(status);
                self = self.next_life(0).await;
            }
            self = match strike.kind {
                StrikeKind::Kill { away } => {
                    self.worker.start_kill().unwrap();
                    self.worker.wait().await.unwrap();
                    self.next_life(away).await
                }
                StrikeKind::Freeze { ms } => {
                    self.freeze(ms).await;
                    self
                }
            };
        }
        self
    }

    fn ended_by_itself(&self, status: ExitStatus) {
        self.ground.observer.odd(format!("{} ended by itself: {status}", self.who));
    }

    /// What the dead worker had sent may still arrive. Its death is noted after that.
    async fn next_life(self, away: u64) -> Place {
        let Place { ground, who, open, .. } = self;
        let observer = Arc::clone(&ground.observer);
        tokio::spawn(async move {
            // Once more after the last one, for a connection that was not yet accepted.
            for _ in 0..2 {
                sleep(Duration::from_millis(500)).await;
                while open.load(Ordering::SeqCst) > 0 {
                    sleep(Duration::from_millis(20)).await;
                }
            }
            observer.note(Some(who), What::Crashed);
        });
        sleep(Duration::from_millis(away)).await;
        Place::begin(ground, Who { slot: who.slot, life: who.life + 1 }).await
    }

    async fn freeze(&self, ms: u64) {
        let entry = self.ground.observer.note(Some(self.who), What::Frozen { ms });
        self.signal("-STOP").await;
        sleep(Duration::from_millis(ms)).await;
        self.signal("-CONT").await;
        self.ground.observer.thawed(entry);
    }

    async fn signal(&self, signal: &str) {
        if let Some(pid) = self.worker.id() {
            let sent = Command::new("kill").args([signal, &pid.to_string()]).status().await;
            assert!(sent.unwrap().success(), "kill {signal}");
        }
    }

    /// Asks the worker to stop, and waits until it has.
    pub async fn stop(mut self) {
        if let Some(status) = self.worker.try_wait().unwrap() {
            return self.ended_by_itself(status);
        }
        self.signal("-TERM").await;
        match timeout(Duration::from_secs(60), self.worker.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(ExitStatus::success) => {}
            Ok(status) => {
                let status = status.unwrap();
                let what = format!("{} stops on an empty queue with {status}", self.who);
                self.ground.observer.odd(what);
            }
            Err(_) => self.ground.observer.odd(format!("{} does not stop", self.who)),
        }
        self.ground.observer.note(Some(self.who), What::Ended);
    }
}

//! A worker whose store is on a disk that is really full, with the real binary. `tests/disk/run`
//! mounts that disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use hansho::commands::demo::slack_standin::Behaviour;
use hansho::embedded::upkeep;
use reqwest::Client;
use serde_json::Value;
use tokio::process::Child;

use super::health::{Scene, terminate};
use crate::support::fakes::event;

const FAILING: &str = "hansho_store_failing{reason=\"disk_full\"} 1";

/// A folder on the small disk, and a worker's scene on a large one.
struct SmallDisk {
    scene: Scene,
    folder: tempfile::TempDir,
    http: Client,
}

impl SmallDisk {
    async fn new() -> SmallDisk {
        let mount = std::env::var("HANSHO_TEST_SMALL_DISK").expect("tests/disk/run sets it");
        let folder = tempfile::tempdir_in(mount).unwrap();
        let http = Client::builder().no_proxy().build().unwrap();
        SmallDisk { scene: Scene::new().await, folder, http }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("hansho.db")
    }

    /// Starts a worker, and returns the URL that takes findings.
    async fn worker(&self) -> (Child, String) {
        let store = self.store();
        let worker = self.scene.worker(&[("HANSHO_EMBEDDED_PATH", store.to_str().unwrap())]);
        (worker, self.scene.events_url().await)
    }

    /// The worker is ready by itself, and takes and posts a finding beside those of before.
    async fn takes_one_more(&self, url: &str, mut posted: BTreeSet<String>) {
        self.scene.ask_until(&["--ready"], 0, "ready").await;
        let metrics = self.get("/metrics").await.1;
        assert!(metrics.contains(FAILING.trim_end_matches('1')), "{metrics}");
        assert!(!metrics.contains(FAILING), "{metrics}");
        assert_eq!(self.send(url, padded("finding-more")).await.0, 202);
        posted.insert("finding-more".to_owned());
        self.has_posted(&posted).await;
    }

    /// The status and the text of the answer.
    async fn send(&self, url: &str, body: String) -> (u16, String) {
        let answer = self.http.post(url).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Sends findings until one is refused, and returns the ids of those that were accepted.
    async fn send_until_full(&self, url: &str) -> BTreeSet<String> {
        let mut accepted = BTreeSet::new();
        for i in 0..1_000 {
            let id = format!("finding-{i}");
            match self.send(url, padded(&id)).await {
                (202, _) => _ = accepted.insert(id),
                (status, said) => {
                    assert_eq!(status, 503, "{said}");
                    assert!(said.contains("its disk is full"), "{said}");
                    return accepted;
                }
            }
        }
        panic!("the disk is never full");
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("http://{}{path}", self.scene.listen)).send();
        let answer = answer.await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn says_that_it_is_full(&self) {
        self.scene.ask_until(&["--ready"], 1, "its disk is full").await;
        let (status, said) = self.get("/readyz").await;
        assert_eq!(status, 503, "{said}");
        assert!(said.contains("its disk is full"), "{said}");
        assert_eq!(self.get("/healthz").await.0, 200, "a restart does not help");
        let metrics = self.get("/metrics").await.1;
        assert!(metrics.lines().any(|line| line == FAILING), "{metrics}");
        let logged = |level: &str, message: &str| {
            let log = self.scene.log();
            log.iter().filter(|l| l["level"] == level && l["message"] == message).count()
        };
        assert_eq!(logged("ERROR", "the store is not sound"), 1);
    }

    /// All of these were posted, each once. A digest names no ids, so the log says which.
    async fn has_posted(&self, ids: &BTreeSet<String>) {
        let lines = || self.scene.log().into_iter().filter(|line| line["message"] == "posted");
        let posted = || -> Vec<String> {
            let last = |line: Value| {
                line["finding"].as_str().unwrap().rsplit('/').next().map(str::to_owned)
            };
            lines().filter_map(last).collect()
        };
        self.scene.until(|| posted().len() >= ids.len()).await;
        assert_eq!(posted().into_iter().collect::<BTreeSet<_>>(), *ids);
        assert_eq!(posted().len(), ids.len(), "some were posted twice");
        let posts: BTreeSet<String> = lines().map(|line| line["post_id"].to_string()).collect();
        let accepted = self.scene.slack.received().iter().filter(|post| post.accepted).count();
        assert_eq!(accepted, posts.len());
    }
}

/// A finding of 100 KB.
fn padded(id: &str) -> String {
    event(id, 9.5).replacen('{', &format!("{{\"padding\":\"{}\",", "x".repeat(100_000)), 1)
}

/// Fills what is free, and returns the file that does.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("another program's");
    let mut file = File::create(&path).unwrap();
    while file.write_all(&[0; 1 << 10]).is_ok() {}
    path
}

fn messages(store: &Path) -> u64 {
    upkeep::check(store).unwrap().messages
}

/// The worker's own findings fill the disk while Slack takes nothing.
#[ignore = "needs HANSHO_TEST_SMALL_DISK: run tests/disk/run"]
#[tokio::test(flavor = "multi_thread")]
async fn findings_fill_the_disk_and_are_posted_on_a_small_disk() {
    let disk = SmallDisk::new().await;
    disk.scene.slack.otherwise(Behaviour::RateLimited { retry_after_s: Some(1) });
    let (mut worker, url) = disk.worker().await;
    let accepted = disk.send_until_full(&url).await;
    assert!(accepted.len() > 100, "{}", accepted.len());
    disk.says_that_it_is_full().await;
    assert_eq!(disk.send(&url, event("refused", 9.5)).await.0, 503);

    disk.scene.slack.otherwise(Behaviour::Ok);
    disk.has_posted(&accepted).await;
    disk.takes_one_more(&url, accepted).await;
    assert!(terminate(&mut worker).await.success());
    assert_eq!(messages(&disk.store()), 0);
}

/// Another program fills the disk. It has room again when that program's file is removed.
#[ignore = "needs HANSHO_TEST_SMALL_DISK: run tests/disk/run"]
#[tokio::test(flavor = "multi_thread")]
async fn another_program_fills_the_disk_and_ends_on_a_small_disk() {
    let disk = SmallDisk::new().await;
    disk.scene.slack.otherwise(Behaviour::RateLimited { retry_after_s: Some(1) });
    let (mut worker, url) = disk.worker().await;
    let mut accepted: BTreeSet<String> = BTreeSet::new();
    for id in ["finding-a", "finding-b", "finding-c"] {
        assert_eq!(disk.send(&url, padded(id)).await.0, 202);
        accepted.insert(id.to_owned());
    }
    let filler = fill(disk.folder.path());
    accepted.append(&mut disk.send_until_full(&url).await);
    disk.says_that_it_is_full().await;
    disk.scene.slack.otherwise(Behaviour::Ok);
    disk.has_posted(&accepted).await;
    // What is posted left no room for 4 MiB.
    disk.scene.ask_until(&["--ready"], 1, "its disk is full").await;
    fs::remove_file(filler).unwrap();
    disk.takes_one_more(&url, accepted).await;
    assert!(terminate(&mut worker).await.success());
    assert_eq!(messages(&disk.store()), 0);
}

/// A worker ends, and another program fills the disk. The next worker starts with what was kept
/// back, and posts what waits.
#[ignore = "needs HANSHO_TEST_SMALL_DISK: run tests/disk/run"]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_starts_again_on_a_small_disk() {
    for killed in [false, true] {
        let disk = SmallDisk::new().await;
        disk.scene.slack.otherwise(Behaviour::RateLimited { retry_after_s: Some(1) });
        let (mut worker, url) = disk.worker().await;
        assert_eq!(disk.send(&url, padded("finding-a")).await.0, 202);
        match killed {
            true => worker.kill().await.unwrap(),
            false => assert!(terminate(&mut worker).await.success()),
        }
        let filler = fill(disk.folder.path());
        let (mut worker, url) = disk.worker().await;
        disk.scene.slack.otherwise(Behaviour::Ok);
        disk.has_posted(&BTreeSet::from(["finding-a".to_owned()])).await;
        disk.says_that_it_is_full().await;
        fs::remove_file(filler).unwrap();
        disk.takes_one_more(&url, BTreeSet::from(["finding-a".to_owned()])).await;
        assert!(terminate(&mut worker).await.success());
        assert_eq!(messages(&disk.store()), 0);
    }
}

/// A worker is killed after it used what was kept back, and no byte is left. The next one starts
/// all the same, and needs no restart once there is space.
#[ignore = "needs HANSHO_TEST_SMALL_DISK: run tests/disk/run"]
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_starts_without_a_byte_on_a_small_disk() {
    let disk = SmallDisk::new().await;
    disk.scene.slack.otherwise(Behaviour::RateLimited { retry_after_s: Some(1) });
    let (mut worker, url) = disk.worker().await;
    let accepted = disk.send_until_full(&url).await;
    disk.says_that_it_is_full().await;
    worker.kill().await.unwrap();
    let filler = fill(disk.folder.path());
    let (mut worker, url) = disk.worker().await;
    disk.says_that_it_is_full().await;
    fs::remove_file(filler).unwrap();
    disk.scene.slack.otherwise(Behaviour::Ok);
    disk.has_posted(&accepted).await;
    disk.takes_one_more(&url, accepted).await;
    assert!(terminate(&mut worker).await.success());
    assert_eq!(messages(&disk.store()), 0);
}

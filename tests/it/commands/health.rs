//! `hansho health` and the HTTP answers of a worker, with the real binary: healthy, not ready, and
//! without a worker.

use std::fs::File;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use hansho::clock::SystemClock;
use hansho::commands::demo::slack_standin::{Behaviour, SlackStandIn};
use hansho::ports::Clock;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::commands::run_e2e::{SECRET, assert_no_secret_in, hansho};
use crate::support::fakes::event;

const LONGEST: Duration = Duration::from_secs(60);

pub(super) struct Scene {
    pub slack: SlackStandIn,
    pub folder: TempDir,
    /// The address of the worker's health and metrics.
    pub listen: String,
}

/// An address that is free now. Another process rarely takes it before the worker does.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Asks a worker to end, and returns how it did.
pub(super) async fn terminate(worker: &mut Child) -> ExitStatus {
    let pid = worker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    tokio::time::timeout(LONGEST, worker.wait()).await.expect("it ends").unwrap()
}

impl Scene {
    pub async fn new() -> Scene {
        let clock = SystemClock::start();
        let slack = SlackStandIn::start(None, move || clock.now().mono.0).await.unwrap();
        Scene { slack, folder: tempfile::tempdir().unwrap(), listen: free_address() }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = hansho(self.folder.path());
        command.args(args).envs([
            ("SLACK_WEBHOOK_URL", self.slack.webhook(SECRET).as_str()),
            ("HANSHO_EMBEDDED_LISTEN", "127.0.0.1:0"),
            ("HANSHO_DESTINATION_PACE", "50ms"),
            ("HANSHO_METRICS_LISTEN", &self.listen),
        ]);
        command
    }

    async fn ask(&self, more: &[&str]) -> Output {
        let mut command = self.command(&["health"]);
        let output = tokio::time::timeout(LONGEST, command.args(more).output());
        let output = output.await.expect("it ends").unwrap();
        assert_no_secret_in(&output.stdout);
        assert_no_secret_in(&output.stderr);
        output
    }

    pub fn worker(&self, more: &[(&str, &str)]) -> Child {
        let log = File::create(self.folder.path().join("log")).unwrap();
        self.command(&["run"]).envs(more.iter().copied()).stderr(Stdio::from(log)).spawn().unwrap()
    }

    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        assert_no_secret_in(text.as_bytes());
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The URL that takes findings.
    pub async fn events_url(&self) -> String {
        let mut address = None;
        self.until(|| {
            let opened = |l: &&Value| l["message"] == "listening for POST /events";
            address =
                self.log().iter().find(opened).map(|l| l["address"].as_str().unwrap().to_owned());
            address.is_some()
        })
        .await;
        format!("http://{}/events", address.unwrap())
    }

    pub async fn until(&self, mut is_so: impl FnMut() -> bool) {
        let waited = tokio::time::timeout(LONGEST, async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        waited.await.expect("it happens");
    }

    /// Asks until `hansho health` ends with this code and says this.
    pub async fn ask_until(&self, more: &[&str], code: i32, saying: &str) -> Output {
        let waited = tokio::time::timeout(LONGEST, async {
            loop {
                let output = self.ask(more).await;
                if output.status.code() == Some(code) && said(&output).contains(saying) {
                    return output;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        waited.await.expect("it happens")
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_for_its_health() {
    let scene = Scene::new().await;
    let mut worker = scene.worker(&[("HANSHO_METRICS_EMF", "on")]);
    let url = scene.events_url().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let no_directory = "ready\naccounts: the ledger has no directory, 0 are known: run ";
    scene.ask_until(&["--ready"], 0, no_directory).await;
    assert_eq!(said(&scene.ask(&[]).await), "healthy\n");
    for (id, severity) in [("a", 9.5), ("b", 5.0), ("noise", 2.0)] {
        http.post(&url).body(event(id, severity)).send().await.unwrap();
    }
    scene.until(|| scene.slack.received().len() >= 2).await;

    let get = |path: &str| http.get(format!("http://{}{path}", scene.listen)).send();
    let metrics = get("/metrics").await.unwrap();
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    // Slack knows of a post before the worker counts it.
    let mut tries = 0;
    let mut metrics = metrics.text().await.unwrap();
    for line in [
        "hansho_below_threshold_total{level=\"low\"} 1",
        "hansho_posts_total{answer=\"accepted\",destination=\"slack\",form=\"cards\"} 2",
        "hansho_calls_total{call=\"post\",port=\"slack\",result=\"ok\"} 2",
    ] {
        while !metrics.lines().any(|l| l == line) {
            tries += 1;
            assert!(tries < 200, "{line}\nin\n{metrics}");
            tokio::time::sleep(Duration::from_millis(50)).await;
            metrics = get("/metrics").await.unwrap().text().await.unwrap();
        }
    }
    assert_no_secret_in(metrics.as_bytes());
    assert_eq!(get("/other").await.unwrap().status(), 404);

    // A dead destination makes the worker unready, not unhealthy: a restart does not help.
    scene.slack.otherwise(Behaviour::Status(404, "no_service".to_owned()));
    http.post(&url).body(event("c", 9.5)).send().await.unwrap();
    scene.ask_until(&["--ready"], 1, "destination slack: Slack rejects its webhook").await;
    assert_eq!(said(&scene.ask(&[]).await), "healthy\n");

    assert!(terminate(&mut worker).await.success());
    let log = scene.log();
    let last = log.iter().rfind(|line| line.get("_aws").is_some()).expect("a line for CloudWatch");
    assert_eq!((&last["posted"], &last["findings"]), (&2.into(), &4.into()), "{last}");
    assert_eq!(last["destination_dead"], 1, "{last}");
}

/// The webhook of one destination can't be read. The other is served. When the webhook is there,
/// the first is served as well, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_can_not_be_read_holds_its_own_destination() {
    let scene = Scene::new().await;
    let folder = scene.folder.path();
    let destination = |name: &str| {
        format!("[[destination]]\nname = '{name}'\nwebhook = 'file:{name}.url'\npace = '50ms'\n")
    };
    let config = [destination("security"), destination("audit")].concat();
    std::fs::write(folder.join("hansho.toml"), config).unwrap();
    let put = |name: &str| {
        let webhook = scene.slack.webhook(&format!("{name}-{SECRET}"));
        std::fs::write(folder.join(format!("{name}.url")), webhook).unwrap();
    };
    let run = || {
        let mut command = hansho(folder);
        command.arg("run").envs([
            ("HANSHO_EMBEDDED_LISTEN", "127.0.0.1:0"),
            ("HANSHO_METRICS_LISTEN", &scene.listen),
        ]);
        command
    };
    let to = |name: &str| {
        let path = format!("/{name}-{SECRET}");
        scene.slack.received().iter().filter(|r| r.accepted && r.path.ends_with(&path)).count()
    };
    // No destination can be served.
    let neither = tokio::time::timeout(LONGEST, run().output()).await.unwrap().unwrap();
    assert_eq!(neither.status.code(), Some(2));
    assert!(said(&neither).contains("webhook of security: file:security.url can't"), "{neither:?}");
    assert_no_secret_in(&neither.stderr);

    put("audit");
    let check = hansho(folder).arg("check").output().await.unwrap();
    assert_eq!(check.status.code(), Some(2));
    let named = "destination[1] \"security\" webhook: file:security.url can't";
    assert!(said(&check).contains(named), "{check:?}");
    let log = File::create(folder.join("log")).unwrap();
    let mut worker = run().stderr(Stdio::from(log)).spawn().unwrap();
    let url = scene.events_url().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = || async {
        let answer = http.get(format!("http://{}/readyz", scene.listen)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    tokio::time::timeout(LONGEST, async {
        while !ready().await.contains("destination security: its webhook can't be read") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is said");
    let logged = |l: &Value| l["level"] == "ERROR" && l["destination"] == "security";
    assert!(scene.log().iter().any(logged));
    http.post(&url).body(event("a", 9.5)).send().await.unwrap();
    scene.until(|| to("audit") == 1).await;
    assert_eq!(to("security"), 0);

    put("security");
    scene.until(|| to("security") == 1).await;
    tokio::time::timeout(LONGEST, async {
        while !ready().await.starts_with("ready\n") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .expect("it is ready");
    assert!(terminate(&mut worker).await.success());
    assert_eq!((to("audit"), to("security")), (1, 1));
    scene.log();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_worker_and_a_missing_address_are_failures() {
    let scene = Scene::new().await;
    let nobody = scene.ask(&[]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(said(&nobody).contains("is the worker running, with metrics.listen"), "{nobody:?}");
    let off =
        scene.command(&["health"]).env("HANSHO_METRICS_LISTEN", "off").output().await.unwrap();
    assert_eq!(off.status.code(), Some(2));
    assert!(said(&off).contains("metrics.listen is off"), "{off:?}");
    // The server of another program.
    let other = axum::Router::new().fallback(|| async { "x".repeat(100_000) });
    let endpoint = crate::adapters::dynamodb::serve(other).await;
    let listen = endpoint.trim_start_matches("http://").to_owned();
    let other = scene.command(&["health"]).env("HANSHO_METRICS_LISTEN", listen).output();
    let other = other.await.unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(said(&other).contains("is not a hansho worker"), "{other:?}");
    // A worker fails at once if its address is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let worker = scene.command(&["run"]).env("HANSHO_METRICS_LISTEN", address).output();
    let worker = tokio::time::timeout(LONGEST, worker).await.expect("it ends").unwrap();
    assert_eq!(worker.status.code(), Some(1));
    assert!(said(&worker).contains("metrics.listen: 127.0.0.1"), "{worker:?}");
}

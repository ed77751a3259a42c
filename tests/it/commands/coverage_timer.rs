//! Looks at the coverage on a timer: one worker at a time, each set of gaps posted once a day.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use hansho::commands::coverage::timer::{Looked, Looks};
use hansho::commands::note::NotePorts;
use hansho::config::{self, Config, Environment};
use hansho::estate::{
    Caller, Detector, Fact, Forwarder, Frequency, Member, OrganisationAccount,
    OrganisationConfiguration, Plans, RegionStatus, Unreadable,
};
use hansho::metrics::Metrics;
use hansho::policy::watermark::Manner;
use hansho::ports::estate::{EstateSource, Login, MemberDetectors, RegionsOf};
use hansho::ports::{Clock, RetryReason, Verdict};
use tokio::time::sleep;

use crate::support::fakes::{PausedClock, ScriptedNotifier, retry};
use crate::support::memory_ledger::MemoryLedger;

const HOUR: Duration = Duration::from_secs(3600);
const ACCOUNT: &str = "222222222222";

/// One account in one region: whether its detector is on, missing, or nobody can be asked.
struct Source(Mutex<Fact<Option<bool>>>);

impl Source {
    fn set(&self, state: Fact<Option<bool>>) {
        *self.0.lock().unwrap() = state;
    }
}

impl EstateSource for Source {
    async fn caller(&self) -> Fact<Caller> {
        self.0.lock().unwrap().clone()?;
        Ok(Caller { account: ACCOUNT.to_owned(), partition: "aws".to_owned() })
    }

    async fn accounts(&self) -> Fact<Option<Vec<OrganisationAccount>>> {
        Ok(None)
    }

    async fn delegated(&self, _: &str) -> Fact<Vec<String>> {
        Ok(Vec::new())
    }

    async fn regions(&self, _: RegionsOf<'_>) -> Fact<BTreeMap<String, RegionStatus>> {
        Ok(BTreeMap::from([("eu-west-1".to_owned(), RegionStatus::ByDefault)]))
    }

    async fn detector(&self, _: Login<'_>, _: &str) -> Fact<Option<Detector>> {
        let state = self.0.lock().unwrap().clone()?;
        let (id, frequency) = ("d".to_owned(), Some(Frequency::SixHours));
        Ok(state.map(|on| Detector { id, on, frequency, plans: Plans::new() }))
    }

    async fn members(&self, _: &str, _: &str) -> Fact<Vec<Member>> {
        Ok(Vec::new())
    }

    async fn member_detectors(&self, _: &str, _: &str, _: &[String]) -> Fact<MemberDetectors> {
        Ok(MemberDetectors::default())
    }

    async fn organisation_configuration(
        &self,
        _: &str,
        _: &str,
    ) -> Fact<Option<OrganisationConfiguration>> {
        Ok(None)
    }

    async fn forwarder(&self, _: &str, _: &str) -> Fact<Option<Forwarder>> {
        let arn = "arn:aws:events:eu-west-1:222222222222:event-bus/hansho".to_owned();
        let target = hansho::estate::ForwarderTarget { id: "t".to_owned(), arn };
        Ok(Some(Forwarder { enabled: true, targets: vec![target] }))
    }
}

fn configured() -> Config {
    let given = [("SLACK_WEBHOOK_URL", "https://x"), ("HANSHO_COVERAGE_EVERY", "1d")];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    config::load(None, &Environment::from_iter(given)).outcome.unwrap()
}

struct Scene {
    clock: PausedClock,
    slack: ScriptedNotifier,
    ledger: MemoryLedger,
    source: Source,
}

impl Scene {
    fn new(script: Vec<Verdict>) -> Scene {
        let clock = PausedClock::start();
        let slack = ScriptedNotifier::new(clock, script);
        let source = Source(Mutex::new(Ok(Some(true))));
        Scene { clock, slack, ledger: MemoryLedger::default(), source }
    }

    async fn turn(&self, looks: &mut Looks, metrics: &Metrics) -> Looked {
        let Scene { clock, slack: notifier, ledger, source } = self;
        let until = clock.now().mono.plus(Duration::from_secs(60));
        let ports = NotePorts { ledger, notifier, clock };
        looks.turn(source, &ports, metrics, Manner::Timed(HOUR * 24), until).await
    }
}

fn says(metrics: &Metrics, line: &str) -> bool {
    metrics.text().unwrap().lines().any(|is| is == line)
}

const SUSPENDED: &str = "hansho_coverage_gaps{kind=\"detector_suspended\"}";

#[tokio::test(start_paused = true)]
async fn one_of_two_workers_looks_and_the_same_gaps_are_posted_once_a_day() {
    let scene = Scene::new(Vec::new());
    let (mut one, mut other) = (Looks::new(&configured(), "w1"), Looks::new(&configured(), "w2"));
    let (of_one, of_other) = (Metrics::new().unwrap(), Metrics::new().unwrap());
    assert!(matches!(scene.turn(&mut one, &of_one).await, Looked::Report(_)));
    assert_eq!(scene.slack.seen().len(), 0, "it is complete");
    assert!(says(&of_one, &format!("{SUSPENDED} 0")));
    assert!(says(&of_one, "hansho_coverage_looks_total{outcome=\"complete\"} 1"));
    assert!(matches!(scene.turn(&mut other, &of_other).await, Looked::NotNow));
    scene.source.set(Ok(Some(false)));
    sleep(HOUR * 24).await;
    assert!(matches!(scene.turn(&mut other, &of_other).await, Looked::Report(_)));
    assert!(says(&of_other, &format!("{SUSPENDED} 1")));
    assert_eq!(scene.slack.seen().len(), 1);
    assert!(matches!(scene.turn(&mut one, &of_one).await, Looked::NotNow));
    // The other one knows better.
    assert!(!of_one.text().unwrap().contains("hansho_coverage_gaps{"));
    // A person may have asked for a look on the same day: the same gaps are known.
    let ports = NotePorts { ledger: &scene.ledger, notifier: &scene.slack, clock: &scene.clock };
    let until = scene.clock.now().mono.plus(HOUR);
    let again = one.turn(&scene.source, &ports, &of_one, Manner::Timed(Duration::ZERO), until);
    assert!(matches!(again.await, Looked::Report(_)));
    assert_eq!(scene.slack.seen().len(), 1, "the same gaps on the same day");
    scene.source.set(Ok(None));
    let again = one.turn(&scene.source, &ports, &of_one, Manner::Timed(Duration::ZERO), until);
    assert!(matches!(again.await, Looked::Report(_)));
    assert_eq!(scene.slack.seen().len(), 2, "another gap");
    sleep(HOUR * 24).await;
    assert!(matches!(scene.turn(&mut one, &of_one).await, Looked::Report(_)));
    assert_eq!(scene.slack.seen().len(), 3, "the next day");
}

#[tokio::test(start_paused = true)]
async fn a_look_or_a_post_that_fails_is_counted_and_retried_at_the_next_check() {
    let dead = Verdict::Dead { status: 404, detail: "no_service".to_owned() };
    let scene = Scene::new(vec![dead]);
    let (mut looks, metrics) = (Looks::new(&configured(), "w1"), Metrics::new().unwrap());
    scene.source.set(Err(Unreadable::new("sts:GetCallerIdentity: denied")));
    let looked = scene.turn(&mut looks, &metrics).await;
    assert!(matches!(&looked, Looked::Failed(why) if why.contains("sts:")), "{looked:?}");
    assert!(says(&metrics, "hansho_coverage_looks_total{outcome=\"failed\"} 1"));
    scene.source.set(Ok(Some(false)));
    sleep(Duration::from_secs(600)).await;
    let looked = scene.turn(&mut looks, &metrics).await;
    assert!(matches!(&looked, Looked::Failed(why) if why.contains("posted")), "{looked:?}");
    sleep(Duration::from_secs(600)).await;
    assert!(matches!(scene.turn(&mut looks, &metrics).await, Looked::Report(_)));
    let accepted: Vec<bool> = scene.slack.seen().iter().map(|seen| seen.accepted).collect();
    assert_eq!(accepted, [false, true], "refused, then posted");
    sleep(Duration::from_secs(600)).await;
    assert!(matches!(scene.turn(&mut looks, &metrics).await, Looked::NotNow));
}

#[tokio::test(start_paused = true)]
async fn slack_that_is_unreachable_keeps_no_worker_for_long() {
    let down = || retry(RetryReason::Connection, None, false);
    let scene = Scene::new((0..9).map(|_| down()).collect());
    let (mut looks, metrics) = (Looks::new(&configured(), "w1"), Metrics::new().unwrap());
    scene.source.set(Ok(Some(false)));
    let began = scene.clock.now().mono;
    assert!(matches!(scene.turn(&mut looks, &metrics).await, Looked::Failed(_)));
    assert!(scene.clock.now().mono.since(began) < Duration::from_secs(60));
}

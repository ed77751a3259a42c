//! The notes about silences: each is posted once, whatever happens to the workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hansho::commands::counts::counter::Counter;
use hansho::commands::note::{NotePorts, NoteSender};
use hansho::commands::silence::notes::Notes;
use hansho::finding::{Level, Text};
use hansho::instants::Wall;
use hansho::policy::ledger::Terms;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::policy::record::Record;
use hansho::policy::silence::{CurrentSilences, Silence, Silences};
use hansho::ports::{Clock, Ledger, Note, Notifier, Post, RetryReason, Verdict};
use hansho::slack::{Guide, Mentions, payload};
use tokio::time::sleep;

use crate::commands::counts::silenced;
use crate::support::fakes::{
    BEGAN, Failing, FailingLedger, PausedClock, ScriptedNotifier, UnreachableLedger, retry,
};
use crate::support::memory_ledger::MemoryLedger;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: None,
};

fn silence(id: &str, until: Wall) -> Silence {
    let mut matcher = Matcher::default();
    matcher.add(false, MatchKey::Type, ["Recon:*"]).unwrap();
    Silence {
        id: id.to_owned(),
        matcher,
        findings: Vec::new(),
        resources: Vec::new(),
        covers: Level::High,
        from: BEGAN,
        until: until.whole_second(),
        because: Text::new("<!channel> *weekly* scan", 100),
        owner: Some(Text::new("team <@U1>", 100)),
    }
}

/// A world whose ledger knows that `scan` kept two alerts from each of two destinations.
struct Scene {
    clock: PausedClock,
    slack: ScriptedNotifier,
    ledger: MemoryLedger,
    current: CurrentSilences,
}

impl Scene {
    async fn new(script: Vec<Verdict>, silences: Vec<Silence>) -> Scene {
        let clock = PausedClock::start();
        let (ledger, current) = (MemoryLedger::default(), CurrentSilences::default());
        let counter = Counter::new("counts");
        counter.record(&silenced("scan"), BEGAN);
        counter.record(&silenced("scan"), BEGAN);
        counter.write(&ledger).await.unwrap();
        current.set(Silences::new(silences).unwrap());
        Scene { clock, slack: ScriptedNotifier::new(clock, script), ledger, current }
    }

    fn notes(&self, worker: &str, weekly: Option<&str>) -> Notes {
        let pace = Duration::from_millis(1100);
        let destinations = ["security", "other"].map(|name| (name.to_owned(), pace)).to_vec();
        let sender = NoteSender { id: format!("{worker}n"), terms: TERMS, destinations };
        Notes::of(sender, self.current.clone(), weekly.map(|weekly| weekly.parse().unwrap()))
    }

    /// Runs two workers for so long.
    async fn run(&self, time: Duration, weekly: Option<&str>) {
        self.run_on(&self.ledger, time, weekly).await;
    }

    async fn run_on(&self, ledger: &impl Ledger, time: Duration, weekly: Option<&str>) {
        let ports = NotePorts { ledger, notifier: &self.slack, clock: &self.clock };
        tokio::select! {
            () = sleep(time) => {}
            never = self.notes("w1", weekly).follow(&ports) => match never {},
            never = self.notes("w2", weekly).follow(&ports) => match never {},
        }
    }

    /// Destination and title of the accepted notes.
    fn accepted(&self) -> Vec<(String, String)> {
        let seen = self.slack.seen().into_iter().filter(|seen| seen.accepted);
        seen.map(|seen| (seen.post.destination.clone(), title(&seen.post))).collect()
    }
}

fn title(post: &Post) -> String {
    match &post.notes[..] {
        [Note::Own { title, .. }] => title.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_note_for_each_end_to_the_destinations_that_missed_alerts() {
    let end = BEGAN.plus(DAY * 5);
    let idle = silence("idle", end);
    let scene = Scene::new(vec![], vec![silence("scan", end), idle.clone()]).await;
    scene.run(DAY + 23 * HOUR, None).await;
    assert_eq!(scene.accepted(), []);
    scene.run(2 * HOUR, None).await;
    let accepted = scene.accepted();
    let [(destination, title)] = &accepted[..] else { panic!("{accepted:?}") };
    assert_eq!(
        destination, "security",
        "the other missed nothing, and `shop` is configured no more"
    );
    let until = end.to_rfc3339()[..16].replace('T', " ");
    let expected = format!("2 alerts kept back by silence scan, which ends on {until} UTC");
    assert_eq!(*title, expected);
    let post = scene.slack.seen()[0].post.clone();
    let drawn = payload(&post, &Mentions::default(), &Guide::default()).to_string();
    assert!(!drawn.contains('<') && drawn.contains("&lt;!channel&gt;"), "{drawn}");

    // Restarted workers, and the rest of its time: nothing more.
    scene.run(DAY, None).await;
    assert_eq!(scene.accepted().len(), 1);
    // It is extended: a note before the new end.
    let later = end.plus(DAY * 20);
    scene.current.set(Silences::new(vec![silence("scan", later), idle]).unwrap());
    scene.run(DAY * 18, None).await;
    assert_eq!(scene.accepted().len(), 1);
    scene.run(DAY * 2, None).await;
    assert_eq!(scene.accepted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_note_for_what_is_short_or_ended_early() {
    let scene = Scene::new(vec![], vec![silence("scan", BEGAN.plus(DAY * 3))]).await;
    scene.run(DAY * 4, None).await;
    assert_eq!(scene.accepted(), []);
    let scene = Scene::new(vec![], vec![silence("scan", BEGAN.plus(DAY * 5))]).await;
    scene.run(DAY, None).await;
    let expired = silence("scan", scene.clock.now().wall);
    scene.current.set(Silences::new(vec![expired]).unwrap());
    scene.run(DAY * 5, None).await;
    assert_eq!(scene.accepted(), []);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_killed_between_post_and_mark_costs_one_duplicate() {
    let scene = Scene::new(vec![], vec![silence("scan", BEGAN.plus(DAY * 4))]).await;
    sleep(DAY + HOUR).await;
    let broken = FailingLedger {
        inner: scene.ledger.clone(),
        fails: Arc::new(|record: &Record| match record {
            Record::Alert(alert) if alert.is_posted() => Failing::Yes,
            _ => Failing::No,
        }),
    };
    let ports = NotePorts { ledger: &broken, notifier: &scene.slack, clock: &scene.clock };
    let mut killed = scene.notes("w0", None);
    tokio::select! {
        () = sleep(Duration::from_secs(5)) => {}
        () = killed.check(&ports) => panic!("it still tries to mark"),
    }
    assert_eq!(scene.accepted().len(), 1);
    drop(killed);
    scene.run(DAY, None).await;
    assert_eq!(scene.accepted().len(), 2, "one more, and it is marked");
}

#[tokio::test(start_paused = true)]
async fn slack_and_the_ledger_fail_for_a_while() {
    let script = vec![
        retry(RetryReason::RateLimited, Some(3), false),
        retry(RetryReason::ServerError, None, true),
        retry(RetryReason::RateLimited, Some(120), false),
        Verdict::Dead { status: 404, detail: "no_service".to_owned() },
    ];
    let scene = Scene::new(script, vec![silence("scan", BEGAN.plus(DAY * 4))]).await;
    sleep(DAY + HOUR).await;
    let unreachable = Arc::new(AtomicBool::new(true));
    let is_unreachable = Arc::clone(&unreachable);
    let ledger = UnreachableLedger {
        inner: scene.ledger.clone(),
        unreachable: move || is_unreachable.load(Ordering::Relaxed),
    };
    scene.run_on(&ledger, HOUR, None).await;
    assert_eq!(scene.slack.seen().len(), 0, "no note without the ledger");
    unreachable.store(false, Ordering::Relaxed);
    scene.run_on(&ledger, 3 * HOUR, None).await;
    let seen = scene.slack.seen();
    assert_eq!(
        seen.iter().map(|seen| seen.accepted).collect::<Vec<_>>(),
        [false, false, false, false, true]
    );
    let gaps: Vec<u64> = seen.windows(2).map(|two| two[1].at.0 - two[0].at.0).collect();
    assert!(gaps[0] >= 3_000 && gaps[2] >= 120_000, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn the_weekly_summary_comes_once_to_those_who_missed_alerts() {
    // BEGAN is Monday, 2026-09-21, 14:13 UTC.
    let scene = Scene::new(vec![], vec![silence("scan", BEGAN.plus(DAY * 60))]).await;
    let weekly = Some("mon 09:00 Europe/Berlin");
    scene.run(DAY * 6 + 16 * HOUR, weekly).await;
    assert_eq!(scene.accepted(), [], "the first Monday comes after six days and 16.8 hours");
    scene.run(DAY, weekly).await;
    let title = "2 alerts kept back by silences from 2026-09-21 to 2026-09-27".to_owned();
    assert_eq!(scene.accepted(), [("security".to_owned(), title)]);
    scene.run(DAY * 7, weekly).await;
    assert_eq!(scene.accepted().len(), 1, "the next week nothing was kept back");
}

#[tokio::test(start_paused = true)]
async fn a_summary_that_is_a_day_late_is_left_out() {
    let scene = Scene::new(vec![], vec![silence("scan", BEGAN.plus(DAY * 60))]).await;
    sleep(DAY * 8).await;
    scene.run(DAY, Some("mon 09:00 Europe/Berlin")).await;
    assert_eq!(scene.accepted(), []);
}

/// The note's post is a notifier's as any other, also that of the adapter.
#[tokio::test(start_paused = true)]
async fn a_note_keeps_the_pace_of_the_workers() {
    let scene = Scene::new(vec![], vec![]).await;
    let sender = NoteSender {
        id: "cmd".to_owned(),
        terms: TERMS,
        destinations: vec![("security".to_owned(), Duration::from_secs(5))],
    };
    let ports = NotePorts { ledger: &scene.ledger, notifier: &scene.slack, clock: &scene.clock };
    let within = Duration::from_secs(60);
    for n in 0..3 {
        let (id, now) = (format!("cmd-{n}"), scene.clock.now().wall);
        let note = Post::note(id, "security", now, "a title".to_owned(), Vec::new());
        hansho::commands::note::post(&ports, &sender, &note, within).await.unwrap();
    }
    let at: Vec<u64> = scene.slack.seen().iter().map(|seen| seen.at.0).collect();
    assert!(at.windows(2).all(|two| two[1] - two[0] >= 5_000), "{at:?}");
    assert!(scene.slack.refresh("security").await.is_ok());
}

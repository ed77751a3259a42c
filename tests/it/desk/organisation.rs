//! Two workers, one of which is killed and started again, carry thousands of findings while
//! operators change the silences: each finding reaches just the destinations that an independent
//! evaluation of the rules names.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use hansho::commands::accounts::directory;
use hansho::commands::silence::follow;
use hansho::commands::silence::import::apply;
use hansho::commands::silence::store::{self, Reader};
use hansho::desk::Settings;
use hansho::desk::worker::{Ports, run};
use hansho::finding::parse;
use hansho::instants::Wall;
use hansho::policy::directory::Source;
use hansho::policy::route::Routes;
use hansho::policy::silence::{CurrentSilences, Silence};
use hansho::ports::{AccountEntry, Accounts, Clock, CurrentAccounts, Lane};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::desk::buffer::{World, world};
use crate::support::fakes::settings;
use crate::support::lane::ByLane;
use crate::support::naive::{Facts, Silenced};
use crate::support::organisation::{
    Written, accounts, imported, message, naively, routes, silence, toml, written,
};

const FINDINGS: ByLane = ByLane { all: 600, deep: 5_000 };
const DESTINATIONS: usize = 12;
const SILENCES: usize = 40;
const MINUTE: Duration = Duration::from_secs(60);

struct Organisation {
    accounts: Vec<AccountEntry>,
    rules: Vec<Written>,
    routes: Routes,
}

/// A worker with its own view of the directory and of the silences.
fn start(world: &Arc<World>, organisation: &Organisation, name: &str) -> JoinHandle<()> {
    let (directory, silences) = (CurrentAccounts::default(), CurrentSilences::default());
    let mut routes = organisation.routes.clone().knowing(directory.clone());
    routes.silences = silences.clone();
    let settings = Settings {
        routes,
        paces: vec![Duration::from_millis(1_100); DESTINATIONS],
        fallbacks: vec![None; DESTINATIONS],
        fleet: 2,
        ..settings(name, false)
    };
    let world = Arc::clone(world);
    tokio::spawn(async move {
        let (ledger, clock) = (&world.ledger, &world.clock);
        let ports = Ports { queue: &world.queue, ledger, notifier: &world.slack, clock };
        let mut reader = Reader::new(silences);
        follow::first(&mut reader, ledger, clock).await;
        directory::show(&directory, ledger).await;
        tokio::select! {
            biased;
            _ = run(settings, &ports, pending(), pending(), |_| {}, |_| {}) => {}
            never = follow::follow(reader, ledger, clock, |_| {}) => match never {},
        }
    })
}

/// Puts findings into the queue within two minutes. Returns for each the destinations that it has
/// to reach, by its id.
async fn feed(
    world: &World,
    organisation: &Organisation,
    rng: &mut Rng,
    numbers: std::ops::Range<usize>,
    silences: &[Silenced],
) -> BTreeMap<String, BTreeSet<String>> {
    let pause = MINUTE * 2 / u32::try_from(numbers.len()).unwrap();
    let mut expected = BTreeMap::new();
    for number in numbers {
        let body = message(rng, number);
        let finding = parse(&body).findings.remove(0);
        let facts = Facts::of(&finding, &organisation.accounts);
        let is_silenced =
            finding.requested_by.is_none() && silences.iter().any(|silence| silence.names(&facts));
        let owed = naively(&organisation.rules, &finding, &organisation.accounts);
        let owed = owed.into_iter().filter(|_| !is_silenced).map(|d| format!("d{d}")).collect();
        let known = expected.insert(finding.fingerprint.id.clone(), owed);
        assert_eq!(known, None, "each finding has an id of its own");
        let lane = if rng.u8(..8) == 0 { Lane::Express } else { Lane::Standard };
        world.queue.send(lane, &body);
        sleep(pause).await;
    }
    expected
}

/// Two operators import their silences at the same moment. Those of the file without some end.
async fn import(world: &World, silences: &[Silenced]) {
    let now = world.clock.now().wall;
    let (one, two) = silences.split_at(silences.len() / 2);
    let file = |part: &[Silenced]| imported(part, now);
    let (one, two) = (file(one), file(two));
    let change = |file: Vec<Silence>| {
        store::change(&world.ledger, now, move |all| apply(all, &file, false, now))
    };
    let (one, two) = tokio::join!(change(one), change(two));
    one.unwrap();
    two.unwrap();
}

fn reached(world: &World) -> BTreeMap<String, BTreeSet<String>> {
    let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for seen in world.slack.seen().iter().filter(|seen| seen.accepted) {
        for card in &seen.post.cards {
            let id = card.finding.fingerprint.id.clone();
            reached.entry(id).or_default().insert(seen.post.destination.clone());
        }
    }
    reached
}

#[tokio::test(start_paused = true)]
async fn each_finding_reaches_the_destinations_that_it_is_owed_to() {
    let world = Arc::new(world(vec![]));
    let rng = &mut Rng::with_seed(18);
    let accounts = accounts(rng);
    let rules: Vec<Written> = (0..DESTINATIONS).map(|_| written(rng)).collect();
    let routes = routes(&toml(&rules), &accounts);
    let organisation = Organisation { accounts, rules, routes };
    let now = || world.clock.now().wall;
    let mut directory = Accounts::default();
    organisation.accounts.iter().for_each(|account| directory.insert(account).unwrap());
    directory::write(&world.ledger, &directory, &Source::File, now()).await.unwrap();

    let draw = |rng: &mut Rng, until: Wall| -> Vec<Silenced> {
        let from = world.clock.now().wall;
        (0..SILENCES).map(|n| silence(rng, format!("s{n:02}"), from, until)).collect()
    };
    let silences = draw(rng, now().plus(MINUTE * 600));
    import(&world, &silences).await;
    let one = start(&world, &organisation, "one");
    let two = start(&world, &organisation, "two");

    let third = usize::try_from(FINDINGS.get()).unwrap() / 3;
    let mut again = None;
    let killed = async {
        sleep(MINUTE).await;
        one.abort();
        sleep(Duration::from_secs(10)).await;
        again = Some(start(&world, &organisation, "one again"));
    };
    let fed = feed(&world, &organisation, rng, 0..third, &silences);
    let (mut expected, ()) = tokio::join!(fed, killed);
    // A message of the killed worker is visible again after two minutes.
    sleep(MINUTE * 6).await;
    assert_eq!(world.queue.len(), 0);

    // Other silences with the same ids. They end after twenty minutes.
    let silences = draw(rng, now().plus(MINUTE * 20));
    import(&world, &silences).await;
    sleep(Duration::from_secs(30)).await;
    expected.extend(feed(&world, &organisation, rng, third..2 * third, &silences).await);
    sleep(MINUTE * 20).await;
    expected.extend(feed(&world, &organisation, rng, 2 * third..3 * third, &[]).await);
    sleep(MINUTE * 6).await;
    assert_eq!((world.queue.len(), world.queue.quarantined().len()), (0, 0));
    two.abort();
    again.unwrap().abort();

    let reached = reached(&world);
    for (id, owed) in &expected {
        let reached = reached.get(id).cloned().unwrap_or_default();
        assert_eq!(reached, *owed, "{id}");
    }
    let posted = expected.values().filter(|owed| !owed.is_empty()).count();
    assert!((third / 2..3 * third - third / 2).contains(&posted), "{posted}");
    assert!(reached.keys().all(|id| expected.contains_key(id)));
}

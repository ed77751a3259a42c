//! The cost of a finding, in what can be counted. Times are for `benches/`.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use allocation_counter::measure;
use hansho::commands::demo::night::{Event, Night};
use hansho::desk::Capacity;
use hansho::finding::{MAX_BYTES, parse, parse_wanted};
use hansho::instants::Wall;
use hansho::ports::{
    ACCOUNTS_BYTES_MAX, ACCOUNTS_MAX, AccountEntry, AccountStatus, Accounts, BadAccount,
};

use crate::desk::alone::DeskAlone;
use crate::support::fakes::settings;

/// The most allocations for a dropped finding. Today it makes 6: the positions of values in the
/// message, four parts of the fingerprint, and the list of findings. The bound leaves space for a
/// change of a dependency, and is far below one allocation for each value of the message.
const DROPPED_MAX: u64 = 12;
/// The most allocations for a kept finding of any type. Today it makes 137 on average, most of them
/// for the facts of its card.
const KEPT_MAX: u64 = 220;

fn corpus(count: usize) -> Vec<Event> {
    Night::new(5, Wall(1_790_000_000_000)).corpus(count)
}

/// Those that a piece of work makes.
fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    measure(|| drop(black_box(work()))).count_total
}

#[test]
fn what_is_dropped_asks_for_memory_a_few_times() {
    for event in corpus(300) {
        let count = allocations(|| parse_wanted(&event.body, &|_| false));
        assert!((1..=DROPPED_MAX).contains(&count), "{count} for {}", event.body);
        let kept = allocations(|| parse(&event.body));
        assert!((count + 1..=KEPT_MAX).contains(&kept), "{kept} for {}", event.body);
    }
}

/// The most that a hostile message can make of its size while it is read.
#[test]
fn the_notes_of_a_message_are_bounded() {
    for body in ["[".repeat(MAX_BYTES), format!("[{}1]", "1,".repeat(MAX_BYTES / 2 - 2))] {
        let most = measure(|| drop(black_box(parse(&body)))).bytes_max;
        // A list grows by doubling, and is copied then.
        assert!(most <= 24 * MAX_BYTES as u64, "{most} bytes");
    }
}

#[test]
fn the_corpus_is_as_large_as_what_comes() {
    let corpus = corpus(300);
    for event in &corpus {
        assert!(
            (2_500..=9_500).contains(&event.body.len()),
            "{}: {}",
            event.body.len(),
            event.body
        );
        let parsed = parse(&event.body);
        assert_eq!(parsed.rejections, []);
        let finding = &parsed.findings[0];
        assert_eq!(finding.fingerprint.id, event.finding);
        assert!(finding.resource.is_some() && finding.actor.is_some(), "{}", event.body);
    }
    let bytes: usize = corpus.iter().map(|event| event.body.len()).sum();
    assert!(
        (3_500..=6_500).contains(&(bytes / corpus.len())),
        "{} on average",
        bytes / corpus.len()
    );
}

thread_local! {
    static WEIGHED: Cell<usize> = const { Cell::new(0) };
}

/// One digest of fifty costs about the same, however many other alerts wait, and whether or not the
/// buffer is full.
#[test]
fn a_long_queue_makes_no_post_dearer() {
    costs_the_same(|_| 4_000);
    // An eighth is kept for the express lane.
    costs_the_same(|waiting| waiting + waiting / 7);
}

fn costs_the_same(findings_max: fn(usize) -> usize) {
    let round = |waiting: usize| {
        let mut settings = settings("w", false);
        (settings.findings_max, settings.bytes_max) = (findings_max(waiting), 64 << 20);
        settings.capacity = Capacity {
            weigh: Arc::new(|_| {
                WEIGHED.set(WEIGHED.get() + 1);
                1_000
            }),
            ..settings.capacity
        };
        let mut alone = DeskAlone::with_waiting(settings, waiting);
        // The ageing turn comes round within six.
        (0..6).for_each(|_| alone.post_and_fill_up());
        let (weighed, orders) = (WEIGHED.get(), alone.orders);
        let allocations = allocations(|| (0..6).for_each(|_| alone.post_and_fill_up()));
        (WEIGHED.get() - weighed, alone.orders - orders, allocations)
    };
    let (weighed, orders, allocations) = round(250);
    let (weighed_of_many, orders_of_many, allocations_of_many) = round(2_000);
    assert_eq!((weighed_of_many, orders_of_many), (weighed, orders));
    assert!(
        allocations_of_many <= allocations + allocations / 10,
        "{allocations_of_many} with 2,000 waiting, {allocations} with 250"
    );
}

/// A large organisation: 10,000 accounts in 60 units, with four tags each.
#[test]
fn ten_thousand_accounts_take_less_than_two_mebibytes() {
    let account = |n: usize| AccountEntry {
        id: format!("{n:012}"),
        name: format!("team-{:03}-service-{n:05}-prod", n % 400),
        email: format!("aws+team-{:03}-service-{n:05}@corp.example", n % 400),
        ou: format!("/workloads/unit-{:02}/prod", n % 60),
        status: Some(AccountStatus::Active),
        tags: [("env", n % 4), ("team", n % 400), ("cost-centre", n % 900), ("tier", n % 5)]
            .map(|(key, value)| (key.to_owned(), format!("{key}-{value:04}")))
            .into(),
    };
    // AWS lists them in no order.
    let entries: Vec<_> = (0..ACCOUNTS_MAX).map(|n| account(n * 7_919 % ACCOUNTS_MAX)).collect();
    let mut accounts = Accounts::default();
    let taken = measure(|| {
        for entry in &entries {
            accounts.insert(entry).unwrap();
        }
    });
    assert_eq!(accounts.len(), ACCOUNTS_MAX);
    let bytes = usize::try_from(taken.bytes_current).unwrap();
    assert!(bytes < ACCOUNTS_BYTES_MAX, "{bytes}");
    assert_eq!(accounts.add("999999999999", "n"), Err(BadAccount::TooMany));
}

/// Tags that no two accounts share would take more, so they are refused.
#[test]
fn accounts_never_take_more_than_two_mebibytes() {
    let mut accounts = Accounts::default();
    let taken = measure(|| {
        let refused = (0..ACCOUNTS_MAX).find_map(|n| {
            let tags = (0..50).map(|key| (format!("key {key}"), format!("{n} {key}")));
            let id = format!("{n:012}");
            let entry = AccountEntry { id, tags: tags.collect(), ..AccountEntry::default() };
            accounts.insert(&entry).err()
        });
        assert_eq!(refused, Some(BadAccount::TooLarge));
    });
    let bytes = usize::try_from(taken.bytes_current).unwrap();
    assert!((ACCOUNTS_BYTES_MAX / 2..ACCOUNTS_BYTES_MAX).contains(&bytes), "{bytes}");
}

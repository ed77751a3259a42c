//! Counts how many calls to AWS a finding costs, at the wire over nights of 1,000 findings, and the
//! cost in dollars. The counts are bounds: a change that makes more calls fails here.
//!
//! `HANSHO_WRITE_COSTS=1 cargo test --test it calls` rewrites the table of docs/costs.md.

mod money;
mod wire;

use money::{Night, table};
use wire::{Counts, Wire};

use crate::support::fakes::event;

/// A finding of GuardDuty's is some 4.8 KB.
const BODY_BYTES: usize = 4_800;

fn body(id: &str, severity: f64) -> String {
    let short = event(id, severity);
    let more = "x".repeat(BODY_BYTES - short.len() - 20);
    short.replace("\"title\"", &format!("\"description\":\"{more}\",\"title\""))
}

fn bodies(ids: impl IntoIterator<Item = (String, f64)>) -> Vec<String> {
    ids.into_iter().map(|(id, severity)| body(&id, severity)).collect()
}

/// Of ten, nine with this name and severity, and one that is new and medium.
fn nine_of_ten(name: &str, severity: f64) -> Vec<String> {
    bodies((0..1000).map(|n| match n % 10 {
        9 => (format!("new-{name}-{n}"), 5.0),
        _ => (format!("{name}-{n}"), severity),
    }))
}

/// The number of calls beyond those for the messages depends on how the run ends.
fn print(name: &str, counts: &Counts) {
    println!("{name}: {counts:?}");
}

/// A patch day: old vulnerabilities that were never posted are closed.
#[tokio::test]
async fn closings_of_what_was_never_posted_cost_no_write() {
    let closed = include_str!("../../../fixtures/life/inspector-closed.json");
    let closed: serde_json::Value = serde_json::from_str(closed).unwrap();
    let all: Vec<String> = (0..1000)
        .map(|n| {
            let mut event = closed.clone();
            let detail = &mut event["detail"];
            detail["findingArn"] =
                format!("arn:aws:inspector2:eu-west-1:444455556666:finding/{n:032x}").into();
            event.to_string()
        })
        .collect();
    let (counts, tally, _) = Wire::new().await.night(&all, None).await;
    print("closed", &counts);
    assert_eq!((tally.closed, tally.ended, tally.posted), (1000, 0, 0));
    let Counts { writes, pace_writes, prefetched_half_units, reads, deletes, .. } = counts;
    assert_eq!((writes, pace_writes), (0, 0));
    assert!(
        prefetched_half_units + 2 * reads <= 1002 && deletes <= 112,
        "half read units: {prefetched_half_units} + 2 x {reads}"
    );
}

async fn nights() -> Vec<Night> {
    let mut nights = Vec::new();
    let mut wire = Wire::new().await;
    let all = bodies((0..1000).map(|n| (format!("low-{n}"), 2.0)));
    let (below, tally, _) = wire.night(&all, None).await;
    assert_eq!((tally.received, tally.below_threshold), (1000, 1000));
    nights.push(Night { name: "all below the threshold", counts: below });

    let (quiet, tally, _) = wire.night(&nine_of_ten("quiet", 2.0), None).await;
    assert_eq!((tally.below_threshold, tally.posted), (900, 100));
    nights.push(Night { name: "nine of ten below it", counts: quiet });

    // All of them are new and are posted in digests.
    let storm = bodies((0..1000).map(|n| (format!("storm-{n}"), 5.0)));
    let (counts, tally, memory) = wire.night(&storm, None).await;
    assert_eq!(tally.posted, 1000);
    nights.push(Night { name: "all new, posted as digests", counts });

    let again = nine_of_ten("storm", 5.0);
    let (counts, tally, _) = wire.night(&again, Some(memory)).await;
    assert_eq!((tally.already_posted, tally.posted), (900, 100));
    nights.push(Night { name: "nine of ten posted before, by this worker lately", counts });

    // The new ones of that night are known by now as well.
    let again: Vec<String> = again.into_iter().filter(|body| !body.contains("\"new-")).collect();
    let new = |name: &str| bodies((0..100).map(|n| (format!("{name}-{n}"), 5.0)));
    let (counts, tally, _) = wire.night(&[again.clone(), new("last")].concat(), None).await;
    assert_eq!((tally.already_posted, tally.posted), (900, 100));
    nights.push(Night { name: "nine of ten posted before, by another worker or long ago", counts });

    // Each update is newer than what the records know.
    let day_later = |body: &String| body.replace("2026-09-21T10", "2026-09-22T10");
    let updated = again.iter().map(day_later).chain(new("more"));
    let (counts, tally, _) = wire.night(&updated.collect::<Vec<_>>(), None).await;
    assert_eq!((tally.already_posted, tally.posted), (900, 100));
    nights.push(Night { name: "nine of ten posted before, each updated since", counts });
    nights
}

#[tokio::test]
async fn a_finding_costs_so_many_calls_and_no_more() {
    let mut nights = nights().await;
    nights.iter().for_each(|night| print(night.name, &night.counts));
    let [below, quiet, storm, own, others, updates] = nights.as_slice() else {
        panic!("six nights")
    };
    let Counts { receives, deletes, hides, writes, reads, .. } = below.counts;
    assert_eq!((receives, deletes, hides, writes, reads), (100, 100, 0, 0, 0));
    // New findings are deleted when they are posted, about five at a time where they are few. In a
    // storm, findings that the buffer of 500 cannot hold are returned and come again.
    for (night, receives, deletes, hides) in [
        (below, 100, 100, 0),
        (quiet, 100, 112, 0),
        (own, 100, 112, 0),
        (others, 100, 112, 0),
        (updates, 120, 120, 20),
        (storm, 170, 110, 70),
    ] {
        let Night { name, counts } = night;
        assert!(counts.receives <= receives, "{name}: {counts:?}");
        assert!(counts.deletes <= deletes, "{name}: {counts:?}");
        assert!(counts.hides <= hides, "{name}: {counts:?}");
        // Several receives at once find out together that nothing is left. A run that ends by
        // itself also makes calls at its end.
        assert!(counts.empty + counts.others <= 24, "{name}: {counts:?}");
    }
    // (records written, half units read): a new finding costs two writes and a unit of reading. A
    // known one costs a unit, and a write if it was updated. One that this worker knows in the same
    // revision costs nothing.
    for (night, writes, prefetched_half_units) in [
        (below, 0, 0),
        (quiet, 200, 200),
        (storm, 2000, 2000),
        (own, 200, 200),
        (others, 200, 2000),
    ] {
        let Night { name, counts } = night;
        assert_eq!(counts.writes, writes, "{name}: {counts:?}");
        assert!(counts.prefetched_half_units <= prefetched_half_units, "{name}: {counts:?}");
        // A post takes a slot by one write. A worker that begins reads the pace record once.
        assert!(counts.pace_writes <= counts.posts, "{name}: {counts:?}");
        assert!(counts.reads <= 1, "{name}: {counts:?}");
    }
    // On a slow machine some updates are claimed before they are read, which is a refused write.
    let Counts { writes, prefetched_half_units, .. } = updates.counts;
    assert!((1100..=1400).contains(&writes), "{:?}", updates.counts);
    assert!(prefetched_half_units <= 2000, "{:?}", updates.counts);
    assert_eq!(
        own.counts.prefetched_half_units, 200,
        "the worker reads no record of its own posts"
    );
    assert!(storm.counts.posts <= 25, "{:?}", storm.counts);
    // Reads are shared: so many records in a call, on average.
    assert!(
        others.counts.prefetches * 20 <= others.counts.prefetched_half_units,
        "{:?}",
        others.counts
    );
    // How many alerts are claimed before their records are read depends on the machine. Of a storm
    // the page states the most that it reads, and the night of updates is not on it.
    nights[2].counts.prefetched_half_units = 2000;
    costs_page_says(&table(&nights[..5]));
}

const BEGIN: &str =
    "<!-- costs, written by `HANSHO_WRITE_COSTS=1 cargo test --test it calls` -->\n";
const END: &str = "<!-- end of costs -->";

fn costs_page_says(table: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/costs.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("docs/costs.md has a place for it");
    let (there, after) = rest.split_once(END).expect("and an end of it");
    if std::env::var_os("HANSHO_WRITE_COSTS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    let alike = numbers(there).zip(numbers(table)).all(|((_, said), (_, counted))| {
        // The page may say less by a delete or two, and more by what a slow machine sends together.
        let slack = (counted * 0.05).max(0.011);
        counted - said <= slack && said - counted <= slack.max(said * 0.3)
    });
    let words = |text: &str| numbers(text).map(|(word, _)| word.to_owned()).collect::<Vec<_>>();
    assert!(
        alike && words(there) == words(table),
        "docs/costs.md says otherwise, see the text of this file: {there}\nand it is: {table}"
    );
}

/// The numbers in a text, each with the words before it; at the end the last words, and 0.
fn numbers(text: &str) -> impl Iterator<Item = (&str, f64)> {
    let digit = |c: char| c.is_ascii_digit();
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest.take()?;
        let Some(at) = now.find(digit) else { return Some((now, 0.0)) };
        let (word, tail) = now.split_at(at);
        let inner = |c: char| digit(c) || c == ',' || c == '.';
        let end = tail.find(|c: char| !inner(c)).unwrap_or(tail.len());
        let number = tail[..end].trim_end_matches(['.', ',']);
        rest = Some(&tail[number.len()..]);
        Some((word, number.replace(',', "").parse().unwrap()))
    })
}

#[test]
fn a_number_that_differs_is_seen() {
    let all: Vec<_> = numbers("| a | 1,211.5 | 0.63 |\n 80 %.").collect();
    assert_eq!(all, [("| a | ", 1211.5), (" | ", 0.63), (" |\n ", 80.0), (" %.", 0.0)]);
}

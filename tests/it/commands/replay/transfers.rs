//! `export` and `import`, on the fake.

use std::sync::Arc;

use hansho::commands::replay::commands::{self, Selection};
use hansho::commands::replay::look::Hands;
use hansho::commands::replay::{lines, transfer};

use super::contract::parked;
use super::crashes::never;
use super::memory::{Call, Fault, MemoryParked};
use crate::support::fakes::PausedClock;

fn fresh() -> (Arc<PausedClock>, MemoryParked<PausedClock>) {
    let clock = Arc::new(PausedClock::start());
    let queue = MemoryParked::new(Arc::clone(&clock));
    (clock, queue)
}

#[tokio::test(start_paused = true)]
async fn to_a_file_and_back_is_the_same() {
    let (clock, queue) = fresh();
    for (number, body) in ["{}", "", "nul \u{0}\nline", "半鐘 \u{202e}"].iter().enumerate() {
        queue.quarantine(parked(number, body));
    }
    let mut hands = Hands::new(&queue, &*clock, never());
    let selected = commands::select(&mut hands, &Selection::default(), true).await.unwrap();
    let mut file = Vec::new();
    transfer::write(&selected.found.items, &mut file).unwrap();
    assert_eq!(transfer::remove(&mut hands, &selected.found.items).await, 0);
    assert!(queue.bodies().is_empty());

    let (clock, other) = fresh();
    let mut hands = Hands::new(&other, &*clock, never());
    let tally = transfer::import(&mut hands, &file[..]).await.unwrap();
    assert_eq!((tally.parked, tally.known), (4, 0));
    let mut hands = Hands::new(&other, &*clock, never());
    let again = hands.look(|_| true, true).await.unwrap();
    hands.release_all().await;
    for item in &again.items {
        let was = selected.found.items.iter().find(|i| i.parked.body == item.parked.body).unwrap();
        let id = item.parked.id.clone();
        assert_eq!(item.parked, hansho::ports::DeadLetter { id, ..was.parked.clone() });
    }
    // A second time: everything is there.
    let tally = transfer::import(&mut hands, &file[..]).await.unwrap();
    assert_eq!((tally.parked, tally.known), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_leaves_its_neighbours_alone() {
    let (clock, queue) = fresh();
    let good = |n: usize| lines::write(&parked(n, &format!("m{n}")));
    let cut = &good(3)[..40];
    let file = format!("{}\n\nnot a line\n{}\r\n{{\"id\":1}}\n{cut}", good(1), good(2));
    let mut hands = Hands::new(&queue, &*clock, never());
    let tally = transfer::import(&mut hands, file.as_bytes()).await.unwrap();
    assert_eq!(tally.parked, 2);
    let lines: Vec<&str> = tally.mistakes.iter().map(|m| &m[..7]).collect();
    assert_eq!(lines, ["line 3 ", "line 5 ", "line 6 "]);
    assert!(tally.mistakes[2].contains("cut off"), "{:?}", tally.mistakes);
    // Many are counted, not told.
    let many = "x\n".repeat(1000);
    let tally = transfer::import(&mut hands, many.as_bytes()).await.unwrap();
    assert_eq!(tally.mistakes.len() + tally.more_mistakes, 1000);
    assert!(tally.mistakes.len() <= 20);
    assert!(tally.text().contains("1000 lines are no message"));
}

#[tokio::test(start_paused = true)]
async fn an_import_tries_again_and_says_where_it_gave_up() {
    let file: String = (0..5).map(|n| lines::write(&parked(n, &format!("m{n}"))) + "\n").collect();
    let (clock, queue) = fresh();
    queue.inject(Call::Put, 3, Fault::Refuse);
    let mut hands = Hands::new(&queue, &*clock, never());
    assert_eq!(transfer::import(&mut hands, file.as_bytes()).await.unwrap().parked, 5);

    let (clock, queue) = fresh();
    let mut hands = Hands::new(&queue, &*clock, never());
    let first: String = file.lines().take(2).map(|l| format!("{l}\n")).collect();
    assert_eq!(transfer::import(&mut hands, first.as_bytes()).await.unwrap().parked, 2);
    queue.inject(Call::Put, 100, Fault::Refuse);
    let why = transfer::import(&mut hands, file.as_bytes()).await.unwrap_err();
    let why = format!("{why:#}");
    assert!(why.contains("line 3") && why.contains("Run it again"), "{why}");
    assert_eq!(queue.bodies().len(), 2);
}

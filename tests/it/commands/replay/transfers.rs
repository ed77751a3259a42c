//! `export` and `import`, on the fake.

use std::sync::Arc;

use hansho::commands::replay::holds::Holds;
use hansho::commands::replay::selection::{Selection, select};
use hansho::commands::replay::{export, export_line, import};

use super::contract::dead_letter;
use super::crashes::never;
use super::memory::{Call, Fault, MemoryDeadLetters};
use crate::support::fakes::PausedClock;

fn fresh() -> (Arc<PausedClock>, MemoryDeadLetters<PausedClock>) {
    let clock = Arc::new(PausedClock::start());
    let queue = MemoryDeadLetters::new(Arc::clone(&clock));
    (clock, queue)
}

#[tokio::test(start_paused = true)]
async fn to_a_file_and_back_is_the_same() {
    let (clock, queue) = fresh();
    for (number, body) in ["{}", "", "nul \u{0}\nline", "半鐘 \u{202e}"].iter().enumerate() {
        queue.quarantine(dead_letter(number, body));
    }
    let mut holds = Holds::new(&queue, &*clock, never());
    let selected = select(&mut holds, &Selection::default(), true).await.unwrap();
    let mut file = Vec::new();
    export::write(&selected.scan.admitted, &mut file).unwrap();
    assert_eq!(export::remove(&mut holds, &selected.scan.admitted).await, 0);
    assert!(queue.bodies().is_empty());

    let (clock, other) = fresh();
    let mut holds = Holds::new(&other, &*clock, never());
    let tally = import::import(&mut holds, &file[..]).await.unwrap();
    assert_eq!((tally.imported, tally.known), (4, 0));
    let mut holds = Holds::new(&other, &*clock, never());
    let again = holds.scan(|_| true, true).await.unwrap();
    holds.release_all().await;
    for item in &again.admitted {
        let was = selected
            .scan
            .admitted
            .iter()
            .find(|i| i.dead_letter.body == item.dead_letter.body)
            .unwrap();
        let id = item.dead_letter.id.clone();
        assert_eq!(item.dead_letter, hansho::ports::DeadLetter { id, ..was.dead_letter.clone() });
    }
    // A second time: everything is there.
    let tally = import::import(&mut holds, &file[..]).await.unwrap();
    assert_eq!((tally.imported, tally.known), (0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_leaves_its_neighbours_alone() {
    let (clock, queue) = fresh();
    let good = |n: usize| export_line::write(&dead_letter(n, &format!("m{n}")));
    let cut = &good(3)[..40];
    let file = format!("{}\n\nnot a line\n{}\r\n{{\"id\":1}}\n{cut}", good(1), good(2));
    let mut holds = Holds::new(&queue, &*clock, never());
    let tally = import::import(&mut holds, file.as_bytes()).await.unwrap();
    assert_eq!(tally.imported, 2);
    let lines: Vec<&str> = tally.mistakes.iter().map(|m| &m[..7]).collect();
    assert_eq!(lines, ["line 3 ", "line 5 ", "line 6 "]);
    assert!(tally.mistakes[2].contains("cut off"), "{:?}", tally.mistakes);
    // Many are counted, not named.
    let many = "x\n".repeat(1000);
    let tally = import::import(&mut holds, many.as_bytes()).await.unwrap();
    assert_eq!(tally.mistakes.len() + tally.more_mistakes, 1000);
    assert!(tally.mistakes.len() <= 20);
    assert!(tally.text().contains("1000 wrong lines"));
}

#[tokio::test(start_paused = true)]
async fn an_import_tries_again_and_says_where_it_gave_up() {
    let file: String =
        (0..5).map(|n| export_line::write(&dead_letter(n, &format!("m{n}"))) + "\n").collect();
    let (clock, queue) = fresh();
    queue.inject(Call::Put, 3, Fault::Refuse);
    let mut holds = Holds::new(&queue, &*clock, never());
    assert_eq!(import::import(&mut holds, file.as_bytes()).await.unwrap().imported, 5);

    let (clock, queue) = fresh();
    let mut holds = Holds::new(&queue, &*clock, never());
    let first: String = file.lines().take(2).map(|l| format!("{l}\n")).collect();
    assert_eq!(import::import(&mut holds, first.as_bytes()).await.unwrap().imported, 2);
    queue.inject(Call::Put, 100, Fault::Refuse);
    let why = import::import(&mut holds, file.as_bytes()).await.unwrap_err();
    let why = format!("{why:#}");
    assert!(why.contains("line 3") && why.contains("Run it again"), "{why}");
    assert_eq!(queue.bodies().len(), 2);
}

//! How many posts a burst of findings makes.

use crate::desk::alone::DeskAlone;
use crate::support::fakes::settings;

/// The most that wait at once in this table.
const MOST: usize = 400;

fn posts(waiting: usize, fleet: u32) -> usize {
    let mut settings = settings("bursts", false);
    settings.fleet = fleet;
    settings.findings_max = 2 * MOST;
    settings.bytes_max = 64 << 20;
    DeskAlone::with_waiting(settings, waiting).post_all()
}

#[test]
fn more_findings_never_make_fewer_posts() {
    for fleet in [1, 3] {
        let mut before = 0;
        // All small bursts, and some of the large ones, which take long.
        for waiting in (1..=60).chain((67..=MOST).step_by(9)) {
            let now = posts(waiting, fleet);
            assert!(now >= before, "{waiting} findings make {now} posts, fewer make {before}");
            // Digests of 50, after four posts that may carry one card each.
            assert!(now <= 5 + waiting / 50 + 1, "{waiting} findings make {now} posts");
            before = now;
        }
    }
}

#[test]
fn a_few_findings_are_full_cards_and_many_are_digests() {
    assert_eq!(posts(1, 1), 1);
    let (few, some, many) = (posts(25, 1), posts(120, 1), posts(300, 1));
    assert!(few >= 5 && some <= 7 && many <= 11, "{few}, {some}, {many}");
}

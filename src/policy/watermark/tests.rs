use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);
const QUARTER: Duration = Duration::from_secs(900);
const NOW: Wall = Wall(1_790_000_000_000);

fn terms() -> Terms {
    Terms {
        lease: Duration::from_secs(45),
        skew: Duration::from_secs(5),
        retention: DAY * 90,
        remind_after: None,
    }
}

fn go(
    row: Option<&WatermarkRecord>,
    manner: Manner,
    since: Option<Wall>,
    now: Wall,
) -> (Expect, Held) {
    match turn(row, "me", manner, since, &terms(), now) {
        Turn::Go { expect, held } => (expect, held),
        other => panic!("{other:?}"),
    }
}

/// A row after a run that began at `NOW` and ended so.
fn after(ending: Ending) -> WatermarkRecord {
    let (_, held) = go(None, Manner::Asked, None, NOW);
    end(&held, ending, &terms(), NOW.plus(Duration::from_secs(2))).1
}

#[test]
fn a_region_that_was_never_compared_begins_a_day_back() {
    let (expect, held) = go(None, Manner::Timed(QUARTER), None, NOW);
    assert_eq!(expect, Expect::Absent);
    assert_eq!(held.from, NOW.minus(DAY));
    // Killed now, the next run begins at the same moment, not a day before its own time.
    let later = NOW.plus(DAY);
    let (expect, again) = go(Some(&held.record), Manner::Timed(QUARTER), None, later);
    assert_eq!(again.from, held.from);
    assert_eq!(expect, held.record.as_seen());
    assert_eq!(again.record.fence, 2);
}

#[test]
fn a_whole_run_is_followed_with_an_overlap_and_a_cut_one_without() {
    let later = NOW.plus(QUARTER);
    for (ending, from) in [
        (Ending::Whole(NOW), NOW.minus(OVERLAP)),
        (Ending::Cut, NOW.minus(DAY)),
        (Ending::Failed, NOW.minus(DAY)),
    ] {
        let (_, held) = go(Some(&after(ending)), Manner::Timed(QUARTER), None, later);
        assert_eq!(held.from, from, "{ending:?}");
    }
    let (_, held) = go(None, Manner::Asked, None, NOW);
    let (expect, row) = advance(&held, NOW.minus(QUARTER), &terms(), NOW);
    assert!(expect.holds(Some(&held.record)));
    let held = Held { record: row, ..held };
    let (_, row) = end(&held, Ending::Cut, &terms(), NOW);
    assert_eq!(go(Some(&row), Manner::Asked, None, later).1.from, NOW.minus(QUARTER));
}

#[test]
fn timers_wait_for_their_time_and_for_one_another() {
    let timed = |row: &WatermarkRecord, at| {
        turn(Some(row), "other", Manner::Timed(QUARTER), None, &terms(), at)
    };
    let due = NOW.plus(QUARTER);
    let soon = NOW.plus(Duration::from_secs(60));
    for ending in [Ending::Whole(NOW), Ending::Failed] {
        assert_eq!(timed(&after(ending), soon), Turn::NotDue { until: due }, "{ending:?}");
        assert!(matches!(timed(&after(ending), due), Turn::Go { .. }), "{ending:?}");
    }
    // A run that was cut short continues at the next turn.
    assert!(matches!(timed(&after(Ending::Cut), soon), Turn::Go { .. }));
    let (_, held) = go(None, Manner::Timed(QUARTER), None, NOW);
    let until = NOW.plus(LEASE).plus(terms().skew);
    assert_eq!(timed(&held.record, soon), Turn::Busy { until });
    assert!(matches!(timed(&held.record, until), Turn::Go { .. }));
    // A person need not wait, and whoever was at it has lost it.
    let (_, taken) = go(Some(&held.record), Manner::Asked, None, soon);
    let (expect, _) = advance(&held, soon, &terms(), soon);
    assert!(!expect.holds(Some(&taken.record)));
}

#[test]
fn asked_to_begin_later_a_run_leaves_the_row_as_it_was() {
    let row = after(Ending::Whole(NOW));
    let later = NOW.plus(DAY);
    let (_, held) = go(Some(&row), Manner::Asked, Some(later.minus(QUARTER)), later);
    assert!(!held.joins);
    let (_, advanced) = advance(&held, later, &terms(), later);
    let held = Held { record: advanced, ..held };
    let (_, ended) = end(&held, Ending::Whole(later), &terms(), later);
    assert_eq!(ended.progress, row.progress);
    assert_eq!(go(Some(&ended), Manner::Asked, None, later).1.from, NOW.minus(OVERLAP));
}

#[test]
fn asked_to_begin_earlier_a_run_that_is_cut_is_gone_on_with() {
    let row = after(Ending::Whole(NOW));
    let (_, held) = go(Some(&row), Manner::Asked, Some(NOW.minus(DAY * 30)), NOW);
    assert!(held.joins);
    let (_, advanced) = advance(&held, NOW.minus(DAY * 20), &terms(), NOW);
    let (_, ended) = end(&Held { record: advanced, ..held }, Ending::Cut, &terms(), NOW);
    let soon = NOW.plus(Duration::from_secs(60));
    assert_eq!(go(Some(&ended), Manner::Timed(QUARTER), None, soon).1.from, NOW.minus(DAY * 20));
}

#[test]
fn a_row_that_expired_or_is_of_the_future_is_no_watermark() {
    let row = after(Ending::Whole(NOW));
    let late = NOW.plus(DAY * 91);
    let (expect, held) = go(Some(&row), Manner::Timed(QUARTER), None, late);
    assert_eq!(held.from, late.minus(DAY));
    assert_eq!((expect, held.record.fence), (row.as_seen(), row.fence + 1));
    let early = NOW.minus(DAY * 2);
    let (_, held) = go(Some(&row), Manner::Asked, None, early);
    assert_eq!(held.from, early.minus(OVERLAP));
}

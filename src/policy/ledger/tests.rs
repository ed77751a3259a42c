//! The design's table of transitions, row by row, and the corners between the rows.

use super::*;
use Level::{Critical, High, Low, Medium};

const NOW: Wall = Wall(1_000_000_000);
const TERMS: Terms = Terms {
    lease: Duration::from_secs(45),
    skew: Duration::from_secs(5),
    retention: Duration::from_secs(90 * 86_400),
    remind_after: Some(Duration::from_secs(86_400)),
};
/// A lease that ends after `NOW`, one that ended but within the skew, and one that is over.
const ALIVE: Wall = Wall(NOW.0 + 1);
const IN_SKEW: Wall = Wall(NOW.0 - 4_999);
const OVER: Wall = Wall(NOW.0 - 5_000);

fn free() -> Row {
    Row { expires_at: Wall(NOW.0 + 1), ..blank(7) }
}

fn sent(level: Level) -> Row {
    Row {
        state: State::Sent,
        owner: "other".into(),
        level_sent: Some(level),
        revision_sent: Some(Wall(500)),
        sent_at: Some(Wall(600)),
        due_at: Some(Wall(NOW.0 + 1)),
        digest: "d0".into(),
        attempts: 3,
        ambiguous: 1,
        ..free()
    }
}

fn claimed(before: Row, level: Level, lease_until: Wall) -> Row {
    Row {
        state: State::Claimed,
        owner: "other".into(),
        level_claimed: Some(level),
        lease_until,
        ..before
    }
}

fn mine(row: Row) -> Row {
    Row { owner: "me".into(), ..row }
}

fn due(row: Row) -> Row {
    Row { due_at: Some(NOW), ..row }
}

fn expired(row: Row) -> Row {
    Row { expires_at: Wall(NOW.0 - 1), ..row }
}

fn want(level: Level) -> Want<'static> {
    Want { owner: "me", level, revision: Some(Wall(501)) }
}

/// The answer in a line: what is done, and for a write the fence, and what is kept of earlier posts.
fn brief(answer: &Claim) -> String {
    match answer {
        Claim::AlreadyPosted { level } => format!("covered at {level}"),
        Claim::Busy { until } => format!("busy until {:+}", until.0 - NOW.0),
        Claim::Write { row, kind, .. } => {
            let before = row.level_sent.map_or("nothing", Level::as_str);
            format!("{}, fence {}, after {before}", kind.as_str(), row.fence)
        }
    }
}

#[test]
fn each_row_of_the_table() {
    for (what, row, level, answer) in [
        ("no row", None, Low, "new, fence 1, after nothing"),
        ("free", Some(free()), Low, "take_over, fence 8, after nothing"),
        ("sent, lower", Some(sent(Medium)), High, "escalate, fence 8, after medium"),
        ("sent, same", Some(sent(High)), High, "covered at high"),
        ("sent, higher", Some(sent(Critical)), High, "covered at critical"),
        ("sent, due", Some(due(sent(High))), High, "remind, fence 8, after high"),
        ("sent by me", Some(mine(sent(High))), High, "covered at high"),
        ("alive", Some(claimed(free(), High, ALIVE)), High, "busy until +5001"),
        ("within the skew", Some(claimed(free(), High, IN_SKEW)), High, "busy until +1"),
        ("over", Some(claimed(free(), High, OVER)), High, "take_over, fence 8, after nothing"),
        ("mine", Some(mine(claimed(free(), High, ALIVE))), High, "renew, fence 8, after nothing"),
        (
            "mine, over",
            Some(mine(claimed(free(), High, OVER))),
            High,
            "renew, fence 8, after nothing",
        ),
    ] {
        assert_eq!(brief(&claim(row.as_ref(), &want(level), &TERMS, NOW)), answer, "{what}");
    }
}

#[test]
fn the_corners_between_claims_levels_and_reminders() {
    let raising = |lease| Some(claimed(sent(High), Critical, lease));
    let reminding = |lease| Some(claimed(due(sent(High)), High, lease));
    for (what, row, level, answer) in [
        // High was posted; somebody raises it to critical, or died while doing so.
        ("being raised, less is wanted", raising(ALIVE), Medium, "covered at high"),
        ("being raised, as much as was sent is wanted", raising(ALIVE), High, "covered at high"),
        ("being raised, the same is wanted", raising(ALIVE), Critical, "busy until +5001"),
        ("raise crashed, less is wanted", raising(OVER), Medium, "covered at high"),
        (
            "raise crashed, the same is wanted",
            raising(OVER),
            Critical,
            "escalate, fence 8, after high",
        ),
        // Nothing was posted; somebody died posting critical, and only medium is wanted now.
        (
            "first post crashed",
            Some(claimed(free(), Critical, OVER)),
            Medium,
            "take_over, fence 8, after nothing",
        ),
        // A reminder is owed as much as a post is: it is not settled while somebody is at it.
        ("being reminded", reminding(ALIVE), High, "busy until +5001"),
        ("reminder crashed", reminding(OVER), High, "remind, fence 8, after high"),
        ("reminder is mine", reminding(ALIVE).map(mine), High, "renew, fence 8, after high"),
        (
            "due, but more is wanted",
            Some(due(sent(High))),
            Critical,
            "escalate, fence 8, after high",
        ),
        ("due, less is wanted", Some(due(sent(High))), Medium, "remind, fence 8, after high"),
        // A row that broke its own rule is posted again rather than trusted.
        (
            "sent, but at no level",
            Some(Row { level_sent: None, ..sent(High) }),
            Low,
            "take_over, fence 8, after nothing",
        ),
    ] {
        assert_eq!(brief(&claim(row.as_ref(), &want(level), &TERMS, NOW)), answer, "{what}");
    }
}

#[test]
fn an_expired_row_is_as_none_but_for_its_fence_and_a_live_lease() {
    for (what, row, answer) in [
        ("free", expired(free()), "take_over, fence 8, after nothing"),
        ("sent", expired(sent(Critical)), "take_over, fence 8, after nothing"),
        ("due", expired(due(sent(High))), "take_over, fence 8, after nothing"),
        ("alive", expired(claimed(sent(High), High, ALIVE)), "busy until +5001"),
        ("over", expired(claimed(sent(High), Critical, OVER)), "take_over, fence 8, after nothing"),
        ("mine", mine(expired(claimed(free(), High, ALIVE))), "renew, fence 8, after nothing"),
        ("at its last moment", Row { expires_at: NOW, ..sent(High) }, "covered at high"),
    ] {
        assert_eq!(brief(&claim(Some(&row), &want(High), &TERMS, NOW)), answer, "{what}");
    }
    let Claim::Write { row, .. } = claim(Some(&expired(sent(High))), &want(Low), &TERMS, NOW)
    else {
        panic!("an expired row is taken over");
    };
    assert_eq!(row, taken(blank(7), &want(Low), &TERMS, NOW), "nothing else is kept");
}

#[test]
fn a_reminder_needs_the_setting_the_time_and_a_change() {
    let never = Terms { remind_after: None, ..TERMS };
    let same = Want { revision: Some(Wall(500)), ..want(High) };
    let older = Want { revision: Some(Wall(499)), ..want(High) };
    let unknown = Want { revision: None, ..want(High) };
    let unknown_before = Row { revision_sent: None, ..due(sent(High)) };
    for (what, row, want, terms, answer) in [
        ("all three", due(sent(High)), want(High), TERMS, "remind, fence 8, after high"),
        ("first known change", unknown_before, want(High), TERMS, "remind, fence 8, after high"),
        ("not set up", due(sent(High)), want(High), never, "covered at high"),
        ("not yet due", sent(High), want(High), TERMS, "covered at high"),
        ("never due", Row { due_at: None, ..sent(High) }, want(High), TERMS, "covered at high"),
        ("not changed", due(sent(High)), same, TERMS, "covered at high"),
        ("an old copy", due(sent(High)), older, TERMS, "covered at high"),
        ("change unknown", due(sent(High)), unknown, TERMS, "covered at high"),
    ] {
        assert_eq!(brief(&claim(Some(&row), &want, &terms, NOW)), answer, "{what}");
    }
}

#[test]
fn a_claim_expects_exactly_what_it_saw() {
    let lapsed = claimed(sent(High), Critical, OVER);
    let seen = |row: &Row| Expect::Seen {
        state: row.state,
        fence: row.fence,
        lease_until: row.lease_until,
    };
    let held = Expect::Held { owner: "me".into(), fence: 7 };
    for (row, expected) in [
        (None, Expect::Absent),
        (Some(free()), seen(&free())),
        (Some(sent(Low)), seen(&sent(Low))),
        (Some(lapsed.clone()), seen(&lapsed)),
        (Some(mine(lapsed.clone())), held),
    ] {
        let Claim::Write { expect, .. } = claim(row.as_ref(), &want(Critical), &TERMS, NOW) else {
            panic!("{row:?} can be claimed");
        };
        assert_eq!(expect, expected);
        assert!(expect.holds(row.as_ref()));
    }
    // The hazard that the state and the lease are there for: a mark does not move the fence.
    let (_, marked) = mark(&lapsed, "d1", None, &TERMS, NOW);
    assert_eq!(marked.fence, lapsed.fence);
    assert!(!seen(&lapsed).holds(Some(&marked)));
}

#[test]
fn a_claim_keeps_what_is_known_and_says_what_the_post_is() {
    let Claim::Write { row, .. } = claim(Some(&sent(Medium)), &want(Critical), &TERMS, NOW) else {
        panic!("a raise is a write");
    };
    let expected = Row {
        state: State::Claimed,
        owner: "me".into(),
        fence: 8,
        lease_until: NOW.plus(TERMS.lease),
        level_claimed: Some(Critical),
        expires_at: NOW.plus(TERMS.retention),
        ..sent(Medium)
    };
    assert_eq!(row, expected);
    for (level_sent, level_claimed, escalated_from, reminder) in [
        (None, Some(High), None, false),
        (Some(Medium), Some(High), Some(Medium), false),
        (Some(High), Some(High), None, true),
        (Some(High), Some(Medium), None, true),
        (Some(High), None, None, false),
        (None, None, None, false),
    ] {
        let row = Row { level_sent, level_claimed, ..row.clone() };
        assert_eq!((row.escalated_from(), row.is_reminder()), (escalated_from, reminder));
    }
}

#[test]
fn a_renewed_claim_is_for_what_is_wanted_now() {
    let row = mine(claimed(sent(Medium), High, OVER));
    let Claim::Write { row: longer, .. } = claim(Some(&row), &want(Critical), &TERMS, NOW) else {
        panic!("a renewal is a write");
    };
    let expected = Row {
        level_claimed: Some(Critical),
        fence: row.fence + 1,
        lease_until: NOW.plus(TERMS.lease),
        expires_at: NOW.plus(TERMS.retention),
        ..row.clone()
    };
    assert_eq!(longer, expected);
    // A release of the earlier claim that arrives late finds nothing to undo.
    assert!(!release(&row, false, &TERMS, NOW).0.holds(Some(&longer)));
    assert_eq!(longer.escalated_from(), Some(Medium));
}

#[test]
fn a_mark_says_what_was_posted_and_can_be_recognised() {
    let held = mine(claimed(sent(Medium), High, ALIVE));
    let (expect, row) = mark(&held, "d1", Some(Wall(700)), &TERMS, NOW);
    let expected = Row {
        state: State::Sent,
        level_claimed: None,
        level_sent: Some(High),
        revision_sent: Some(Wall(700)),
        sent_at: Some(NOW),
        due_at: Some(Wall(NOW.0 + 86_400_000)),
        digest: "d1".into(),
        expires_at: NOW.plus(TERMS.retention),
        ..held.clone()
    };
    assert_eq!(row, expected);
    assert!(expect.holds(Some(&held)) && !expect.holds(Some(&row)));
    assert!(held_by(&held, "me", 7) && !held_by(&held, "me", 8) && !held_by(&held, "other", 7));
    assert!(marked_by(&row, "me", 7, "d1") && !held_by(&row, "me", 7));
    for (owner, fence, digest) in [("other", 7, "d1"), ("me", 8, "d1"), ("me", 7, "d2")] {
        assert!(!marked_by(&row, owner, fence, digest));
    }
    assert!(!marked_by(&held, "me", 7, "d0"), "a claim is no mark");
}

#[test]
fn a_mark_never_lowers_what_was_sent() {
    let held = mine(claimed(due(sent(High)), Medium, ALIVE));
    let never = Terms { remind_after: None, ..TERMS };
    let (_, row) = mark(&held, "d1", Some(Wall(1)), &never, NOW);
    assert_eq!((row.level_sent, row.revision_sent), (Some(High), Some(Wall(500))));
    assert_eq!(row.due_at, None);
}

#[test]
fn a_release_goes_back_to_where_the_claim_came_from() {
    for (before, ambiguous, state, attempts, maybe) in [
        (free(), false, State::Free, 1, 0),
        (free(), true, State::Free, 1, 1),
        (sent(Medium), false, State::Sent, 4, 1),
        (sent(Medium), true, State::Sent, 4, 2),
        (
            Row { attempts: u32::MAX, ambiguous: u32::MAX, ..free() },
            true,
            State::Free,
            u32::MAX,
            u32::MAX,
        ),
    ] {
        let held = mine(claimed(before.clone(), High, ALIVE));
        let (expect, row) = release(&held, ambiguous, &TERMS, NOW);
        let expected = Row {
            state,
            owner: String::new(),
            lease_until: ALIVE,
            attempts,
            ambiguous: maybe,
            expires_at: NOW.plus(TERMS.retention),
            ..before
        };
        assert_eq!(row, expected);
        assert!(expect.holds(Some(&held)) && !expect.holds(Some(&row)));
    }
}

#[test]
fn rows_expire_in_whole_seconds_and_times_saturate() {
    for (now, retention_ms, at) in [
        (1_000, 0, 1_000),
        (1_001, 0, 2_000),
        (1_000, 999, 2_000),
        (-1, 0, 0),
        (i64::MAX, 1, i64::MAX / 1000 * 1000),
        (i64::MIN, 0, i64::MIN / 1000 * 1000),
    ] {
        let terms = Terms { retention: Duration::from_millis(retention_ms), ..TERMS };
        assert_eq!(terms.expiry(Wall(now)), Wall(at), "{now} + {retention_ms}");
    }
    let far = Row { fence: u64::MAX, ..claimed(free(), High, Wall(i64::MAX)) };
    assert_eq!(claim(Some(&far), &want(High), &TERMS, NOW), Claim::Busy { until: Wall(i64::MAX) });
}

#[test]
fn a_post_without_a_claim_is_recorded_once_the_ledger_is_back() {
    let post = Unclaimed {
        level: High,
        digest: "d9".into(),
        revision: Some(Wall(501)),
        sent_at: Wall(NOW.0 - 60_000),
    };
    let later = |row: Row| Row { sent_at: Some(post.sent_at), ..row };
    let brief = |answer: &Record| match answer {
        Record::Known => "known".to_owned(),
        Record::Busy { until } => format!("busy until {:+}", until.0 - NOW.0),
        Record::Write { row, .. } => {
            assert_eq!((row.state, row.level_claimed), (State::Sent, None));
            assert!(row.level_sent >= Some(High));
            assert_eq!(row.sent_at, Some(post.sent_at));
            format!("sent, fence {}, digest {}", row.fence, row.digest)
        }
    };
    for (what, row, answer) in [
        ("no row", None, "sent, fence 1, digest d9"),
        ("free", Some(free()), "sent, fence 8, digest d9"),
        ("sent, lower", Some(sent(Medium)), "sent, fence 8, digest d9"),
        ("sent, same, before", Some(sent(High)), "sent, fence 8, digest d9"),
        ("sent, same, later", Some(later(sent(High))), "known"),
        ("sent, higher", Some(later(sent(Critical))), "known"),
        ("sent long ago", Some(expired(sent(Critical))), "sent, fence 8, digest d9"),
        ("another posts it", Some(claimed(free(), High, ALIVE)), "busy until +5001"),
        ("another is gone", Some(claimed(free(), High, OVER)), "sent, fence 8, digest d9"),
        ("another raises it", Some(claimed(later(sent(High)), Critical, ALIVE)), "known"),
        ("another reminds", Some(claimed(sent(High), High, ALIVE)), "busy until +5001"),
        ("my own claim", Some(mine(claimed(free(), High, ALIVE))), "sent, fence 8, digest d9"),
    ] {
        let record = record(row.as_ref(), "me", &post, &TERMS, NOW);
        assert_eq!(brief(&record), answer, "{what}");
        if let Record::Write { expect, row: written } = record {
            assert!(expect.holds(row.as_ref()) && !expect.holds(Some(&written)), "{what}");
        }
    }
}

/// What [`rewind`] answers, in a line.
fn rewound(row: Option<Row>) -> String {
    match rewind(row.as_ref(), &TERMS, NOW) {
        Rewind::Nothing => "nothing".to_owned(),
        Rewind::Busy { until } => format!("busy until {:+}", until.0 - NOW.0),
        Rewind::Write { expect, row: new } => {
            assert!(expect.holds(row.as_ref()), "it expects what was seen");
            let before = new.level_sent.map_or("nothing", Level::as_str);
            format!("{}, fence {}, after {before}", new.state.as_str(), new.fence)
        }
    }
}

#[test]
fn a_rewind_frees_what_was_posted_and_nothing_else() {
    for (what, row, answer) in [
        ("no row", None, "nothing"),
        ("free", Some(free()), "nothing"),
        ("claimed, never posted", Some(claimed(free(), High, ALIVE)), "nothing"),
        ("sent", Some(sent(High)), "free, fence 8, after nothing"),
        ("sent, long ago", Some(expired(sent(High))), "nothing"),
        ("being raised", Some(claimed(sent(Low), High, ALIVE)), "busy until +5001"),
        (
            "raised by one who is gone",
            Some(claimed(sent(Low), High, OVER)),
            "free, fence 8, after nothing",
        ),
        ("perhaps gone", Some(claimed(sent(Low), High, IN_SKEW)), "busy until +1"),
    ] {
        assert_eq!(rewound(row), answer, "{what}");
    }
}

#[test]
fn after_a_rewind_it_is_posted_once_and_says_that_it_may_be_a_repeat() {
    let seen = sent(High);
    let Rewind::Write { row, .. } = rewind(Some(&seen), &TERMS, NOW) else { panic!("not rewound") };
    assert!(row.perhaps_repeats() && row.expires_at > NOW);
    let Claim::Write { row: held, kind, .. } = claim(Some(&row), &want(High), &TERMS, NOW) else {
        panic!("not claimed")
    };
    assert_eq!(
        (kind, held.escalated_from(), held.is_reminder()),
        (ClaimKind::TakeOver, None, false)
    );
    let (_, marked) = mark(&held, "d1", None, &TERMS, NOW);
    assert_eq!(
        claim(Some(&marked), &want(High), &TERMS, NOW),
        Claim::AlreadyPosted { level: High }
    );
    // What was on its way before finds another row.
    let (late, _) = mark(&claimed(sent(Low), High, OVER), "late", None, &TERMS, NOW);
    assert!(!late.holds(Some(&row)));
    assert!(!seen.as_seen().holds(Some(&row)));
}

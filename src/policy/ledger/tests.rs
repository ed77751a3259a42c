//! The table of transitions, case by case, and the corners between the cases.

use std::time::Duration;

use super::claim::{claimed as claim_of, earlier};
use super::*;
use crate::finding::Level;
use crate::finding::Level::{Critical, High, Low, Medium};
use crate::instants::Wall;
use crate::policy::record::{About, AcceptedPost, AlertRecordState, Earlier, Incident, Sighting};

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

fn free() -> AlertRecord {
    AlertRecord { expires_at: Wall(NOW.0 + 1), ..AlertRecord::unposted(7) }
}

fn post(level: Level) -> AcceptedPost {
    AcceptedPost {
        level,
        revision: Some(Wall(500)),
        sent_at: Wall(600),
        due_at: Some(Wall(NOW.0 + 1)),
        post_id: "d0".into(),
    }
}

fn posted(post: AcceptedPost, marked_by: Option<&str>) -> AlertRecord {
    let marked_by = marked_by.map(str::to_owned);
    let state = AlertRecordState::Posted { post, marked_by };
    // A state that is newer than the post was seen since.
    let (incident, _) = Incident::default().see(&open_at(Low, 501), None);
    AlertRecord { state, attempts: 3, ambiguous: 1, incident, ..free() }
}

fn sent(level: Level) -> AlertRecord {
    posted(post(level), Some("other"))
}

fn claimed(before: AlertRecord, level: Level, lease_until: Wall) -> AlertRecord {
    let state =
        AlertRecordState::Claimed { owner: "other".into(), level, earlier: earlier(before.state) };
    AlertRecord { state, lease_until, ..before }
}

fn mine(mut record: AlertRecord) -> AlertRecord {
    match &mut record.state {
        AlertRecordState::Claimed { owner, .. } => *owner = "me".into(),
        AlertRecordState::Posted { marked_by, .. } => *marked_by = Some("me".into()),
        AlertRecordState::Free { .. } => panic!("a free record is nobody's"),
    }
    record
}

/// With another last post.
fn having(mut record: AlertRecord, change: impl FnOnce(&mut AcceptedPost)) -> AlertRecord {
    match &mut record.state {
        AlertRecordState::Posted { post, .. }
        | AlertRecordState::Claimed { earlier: Earlier::Posted(post), .. } => change(post),
        state => panic!("nothing was posted: {state:?}"),
    }
    record
}

fn due(record: AlertRecord) -> AlertRecord {
    having(record, |post| post.due_at = Some(NOW))
}

fn expired(record: AlertRecord) -> AlertRecord {
    AlertRecord { expires_at: Wall(NOW.0 - 1), ..record }
}

fn want(level: Level) -> Want<'static> {
    Want { owner: "me", sighting: open_at(level, 501) }
}

fn open_at(level: Level, at: i64) -> Sighting {
    Sighting::open(level, Some(Wall(at)))
}

/// The answer in a line: the transition, and for a write the fence and the level of earlier posts.
fn brief(answer: &Claim) -> String {
    match answer {
        Claim::AlreadyPosted { level } => format!("posted at {level}"),
        Claim::Join { level, record, .. } => format!("join {level}, fence {}", record.fence),
        Claim::Closed(closed) => format!("closed: {}", closed.why.as_str()),
        Claim::Busy { until } => format!("busy until {:+}", until.0 - NOW.0),
        Claim::Write { record, kind, .. } => {
            let before = record.level_posted().map_or("nothing", Level::as_str);
            format!("{}, fence {}, after {before}", kind.as_str(), record.fence)
        }
    }
}

#[test]
fn each_case_of_the_table() {
    for (what, seen, level, answer) in [
        ("no record", None, Low, "new, fence 1, after nothing"),
        ("free", Some(free()), Low, "take_over, fence 8, after nothing"),
        ("sent, lower", Some(sent(Medium)), High, "escalate, fence 8, after medium"),
        ("sent, same", Some(sent(High)), High, "posted at high"),
        ("sent, higher", Some(sent(Critical)), High, "posted at critical"),
        ("sent, due", Some(due(sent(High))), High, "remind, fence 8, after high"),
        ("sent by me", Some(mine(sent(High))), High, "posted at high"),
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
        assert_eq!(brief(&claim(seen.as_ref(), &want(level), &TERMS, NOW)), answer, "{what}");
    }
}

#[test]
fn the_corners_between_claims_levels_and_reminders() {
    let raising = |lease| Some(claimed(sent(High), Critical, lease));
    let reminding = |lease| Some(claimed(due(sent(High)), High, lease));
    for (what, seen, level, answer) in [
        // High was posted; another worker raises it to critical, or died meanwhile.
        ("being raised, less is wanted", raising(ALIVE), Medium, "posted at high"),
        ("being raised, as much as was sent is wanted", raising(ALIVE), High, "posted at high"),
        ("being raised, the same is wanted", raising(ALIVE), Critical, "busy until +5001"),
        ("raise crashed, less is wanted", raising(OVER), Medium, "posted at high"),
        (
            "raise crashed, the same is wanted",
            raising(OVER),
            Critical,
            "escalate, fence 8, after high",
        ),
        // Nothing was posted; a worker died posting critical, and only medium is wanted now.
        (
            "first post crashed",
            Some(claimed(free(), Critical, OVER)),
            Medium,
            "take_over, fence 8, after nothing",
        ),
        // A reminder is owed as any post is: it is not settled while another worker posts it.
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
    ] {
        assert_eq!(brief(&claim(seen.as_ref(), &want(level), &TERMS, NOW)), answer, "{what}");
    }
}

#[test]
fn a_newer_state_is_written_before_it_is_settled() {
    let newer = Want { sighting: open_at(High, 502), ..want(High) };
    for (what, seen, answer) in [
        ("sent", sent(High), "join high, fence 8"),
        ("being raised", claimed(sent(High), Critical, ALIVE), "busy until +5001"),
        ("raise crashed", claimed(sent(High), Critical, OVER), "join high, fence 8"),
        ("sent, lower", sent(Medium), "escalate, fence 8, after medium"),
    ] {
        assert_eq!(brief(&claim(Some(&seen), &newer, &TERMS, NOW)), answer, "{what}");
    }
}

#[test]
fn an_expired_record_is_as_none_but_for_its_fence_and_a_live_lease() {
    for (what, seen, answer) in [
        ("free", expired(free()), "take_over, fence 8, after nothing"),
        ("sent", expired(sent(Critical)), "take_over, fence 8, after nothing"),
        ("due", expired(due(sent(High))), "take_over, fence 8, after nothing"),
        ("alive", expired(claimed(sent(High), High, ALIVE)), "busy until +5001"),
        ("over", expired(claimed(sent(High), Critical, OVER)), "take_over, fence 8, after nothing"),
        ("mine", mine(expired(claimed(free(), High, ALIVE))), "renew, fence 8, after nothing"),
        ("at its last moment", AlertRecord { expires_at: NOW, ..sent(High) }, "posted at high"),
    ] {
        assert_eq!(brief(&claim(Some(&seen), &want(High), &TERMS, NOW)), answer, "{what}");
    }
    let Claim::Write { record, .. } = claim(Some(&expired(sent(High))), &want(Low), &TERMS, NOW)
    else {
        panic!("an expired record is taken over");
    };
    let new = claim_of(AlertRecord::unposted(7), &want(Low), &TERMS, NOW);
    assert_eq!(record, new, "nothing else is kept");
}

#[test]
fn a_reminder_needs_the_setting_the_time_and_a_change() {
    let never = Terms { remind_after: None, ..TERMS };
    let same = Want { sighting: open_at(High, 500), ..want(High) };
    let older = Want { sighting: open_at(High, 499), ..want(High) };
    let unknown = Want { sighting: Sighting::open(High, None), ..want(High) };
    let unknown_before = having(due(sent(High)), |post| post.revision = None);
    let never_due = having(sent(High), |post| post.due_at = None);
    for (what, seen, want, terms, answer) in [
        ("all three", due(sent(High)), want(High), TERMS, "remind, fence 8, after high"),
        ("first known change", unknown_before, want(High), TERMS, "remind, fence 8, after high"),
        ("not set up", due(sent(High)), want(High), never, "posted at high"),
        ("not yet due", sent(High), want(High), TERMS, "posted at high"),
        ("never due", never_due, want(High), TERMS, "posted at high"),
        ("not changed", due(sent(High)), same, TERMS, "posted at high"),
        ("an old copy", due(sent(High)), older, TERMS, "posted at high"),
        ("change unknown", due(sent(High)), unknown, TERMS, "posted at high"),
    ] {
        assert_eq!(brief(&claim(Some(&seen), &want, &terms, NOW)), answer, "{what}");
    }
}

#[test]
fn a_claim_expects_exactly_what_it_saw() {
    let lapsed = claimed(sent(High), Critical, OVER);
    let seen = |record: &AlertRecord| Expect::Seen {
        state: record.version().state,
        fence: record.fence,
        lease_until: record.lease_until,
    };
    let held = Expect::Held { owner: "me".into(), fence: 7 };
    for (seen, expected) in [
        (None, Expect::Absent),
        (Some(free()), seen(&free())),
        (Some(sent(Low)), seen(&sent(Low))),
        (Some(lapsed.clone()), seen(&lapsed)),
        (Some(mine(lapsed.clone())), held),
    ] {
        let Claim::Write { expect, .. } = claim(seen.as_ref(), &want(Critical), &TERMS, NOW) else {
            panic!("{seen:?} can be claimed");
        };
        assert_eq!(expect, expected);
        assert!(expect.holds(seen.as_ref()));
    }
    // The hazard that the state and the lease are there for: a mark does not move the fence.
    let (_, marked) = mark(&lapsed, "d1", &Sighting::open(High, None), &TERMS, NOW);
    assert_eq!(marked.fence, lapsed.fence);
    assert!(!seen(&lapsed).holds(Some(&marked)));
}

#[test]
fn a_claim_keeps_what_is_known_and_says_what_the_post_is() {
    let Claim::Write { record, .. } = claim(Some(&sent(Medium)), &want(Critical), &TERMS, NOW)
    else {
        panic!("a raise is a write");
    };
    let state = AlertRecordState::Claimed {
        owner: "me".into(),
        level: Critical,
        earlier: Earlier::Posted(post(Medium)),
    };
    let expected = AlertRecord {
        state,
        fence: 8,
        lease_until: NOW.plus(TERMS.lease),
        expires_at: NOW.plus(TERMS.retention),
        ..sent(Medium)
    };
    assert_eq!(record, expected);
    for (record, escalated_from, reminder) in [
        (claimed(free(), High, ALIVE), None, false),
        (claimed(sent(Medium), High, ALIVE), Some(Medium), false),
        (claimed(sent(High), High, ALIVE), None, true),
        (claimed(sent(High), Medium, ALIVE), None, true),
        (sent(High), None, false),
        (free(), None, false),
    ] {
        assert_eq!((record.escalated_from(), record.is_reminder()), (escalated_from, reminder));
    }
}

#[test]
fn a_renewed_claim_is_for_what_is_wanted_now() {
    let before = mine(claimed(sent(Medium), High, OVER));
    let Claim::Write { record: longer, .. } = claim(Some(&before), &want(Critical), &TERMS, NOW)
    else {
        panic!("a renewal is a write");
    };
    let expected = AlertRecord {
        fence: before.fence + 1,
        expires_at: NOW.plus(TERMS.retention),
        ..mine(claimed(sent(Medium), Critical, NOW.plus(TERMS.lease)))
    };
    assert_eq!(longer, expected);
    // A release of the earlier claim that arrives late finds nothing to undo.
    assert!(!release(&before, false, &TERMS, NOW).0.holds(Some(&longer)));
    assert_eq!(longer.escalated_from(), Some(Medium));
}

#[test]
fn a_mark_says_what_was_posted_and_can_be_recognised() {
    let held = mine(claimed(sent(Medium), High, ALIVE));
    let (expect, record) = mark(&held, "d1", &open_at(High, 700), &TERMS, NOW);
    let post = AcceptedPost {
        level: High,
        revision: Some(Wall(700)),
        sent_at: NOW,
        due_at: Some(Wall(NOW.0 + 86_400_000)),
        post_id: "d1".into(),
    };
    let expected = AlertRecord {
        state: AlertRecordState::Posted { post, marked_by: Some("me".into()) },
        expires_at: NOW.plus(TERMS.retention),
        incident: Incident::default().see(&open_at(High, 700), None).0.open(NOW, false),
        ..held.clone()
    };
    assert_eq!(record, expected);
    assert!(expect.holds(Some(&held)) && !expect.holds(Some(&record)));
    assert!(held_by(&held, "me", 7) && !held_by(&held, "me", 8) && !held_by(&held, "other", 7));
    assert!(marked_by(&record, "me", 7, "d1") && !held_by(&record, "me", 7));
    for (owner, fence, post_id) in [("other", 7, "d1"), ("me", 8, "d1"), ("me", 7, "d2")] {
        assert!(!marked_by(&record, owner, fence, post_id));
    }
    assert!(!marked_by(&held, "me", 7, "d0"), "a claim is no mark");
}

/// Kept by every transition after the post, and replaced by the next post.
#[test]
fn a_record_says_what_its_last_post_was_about() {
    let about = |kind: &str| About { kind: kind.into(), resource: "i-1".into() };
    let seen = |kind: &str| Sighting { about: about(kind), ..open_at(High, 700) };
    let held = mine(claimed(sent(Medium), High, OVER));
    let (_, marked) = mark(&held, "d1", &seen("a"), &TERMS, NOW);
    assert_eq!((&held.about, &marked.about), (&About::default(), &about("a")));
    let post = UnclaimedPost { post_id: "d2".into(), sighting: seen("b"), sent_at: NOW };
    let post = UnclaimedPost { sighting: Sighting { level: Critical, ..post.sighting }, ..post };
    let Recording::Write { record: recorded, .. } = record(Some(&marked), "me", &post, &TERMS, NOW)
    else {
        panic!("not recorded")
    };
    assert_eq!(recorded.about, about("b"));
    let again = mine(claimed(marked.clone(), Critical, ALIVE));
    let (_, released) = release(&again, false, &TERMS, NOW);
    let Rewind::Write { record: rewound, .. } = rewind(Some(&marked), &TERMS, NOW) else {
        panic!("not rewound")
    };
    assert_eq!((again.about, released.about, rewound.about), (about("a"), about("a"), about("a")));
    assert_eq!(expired(marked).unexpired(NOW).about, About::default());
}

#[test]
fn a_mark_never_lowers_what_was_posted() {
    let held = mine(claimed(due(sent(High)), Medium, ALIVE));
    let never = Terms { remind_after: None, ..TERMS };
    let (_, record) = mark(&held, "d1", &open_at(High, 1), &never, NOW);
    let post = record.accepted().unwrap();
    assert_eq!((post.level, post.revision, post.due_at), (High, Some(Wall(500)), None));
}

#[test]
fn a_record_that_is_not_claimed_is_neither_marked_nor_released() {
    for record in [free(), sent(High)] {
        for (expect, after) in [
            mark(&record, "d1", &Sighting::open(High, None), &TERMS, NOW),
            release(&record, true, &TERMS, NOW),
        ] {
            assert!(!expect.holds(Some(&record)));
            assert_eq!(after, record);
        }
    }
}

#[test]
fn a_release_goes_back_to_where_the_claim_came_from() {
    let most = AlertRecord { attempts: u32::MAX, ambiguous: u32::MAX, ..free() };
    let rewound = AlertRecordState::Free { rewound: Some("d0".into()) };
    let rewound = AlertRecord { state: rewound, ..free() };
    for (before, after, ambiguous, attempts, maybe) in [
        (free(), free(), false, 1, 0),
        (free(), free(), true, 1, 1),
        (rewound.clone(), rewound, false, 1, 0),
        (sent(Medium), posted(post(Medium), None), false, 4, 1),
        (sent(Medium), posted(post(Medium), None), true, 4, 2),
        (most, free(), true, u32::MAX, u32::MAX),
    ] {
        let held = mine(claimed(before, High, ALIVE));
        let (expect, record) = release(&held, ambiguous, &TERMS, NOW);
        let expected = AlertRecord {
            lease_until: ALIVE,
            attempts,
            ambiguous: maybe,
            expires_at: NOW.plus(TERMS.retention),
            ..after
        };
        assert_eq!(record, expected);
        assert!(expect.holds(Some(&held)) && !expect.holds(Some(&record)));
    }
}

#[test]
fn records_expire_in_whole_seconds_and_times_saturate() {
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
    let far = AlertRecord { fence: u64::MAX, ..claimed(free(), High, Wall(i64::MAX)) };
    assert_eq!(claim(Some(&far), &want(High), &TERMS, NOW), Claim::Busy { until: Wall(i64::MAX) });
}

/// A record that an operator had freed then.
fn freed(at: Wall) -> AlertRecord {
    match rewind(Some(&sent(High)), &TERMS, at) {
        Rewind::Write { record, .. } => record,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_post_without_a_claim_is_recorded_once_the_ledger_is_back() {
    let post = UnclaimedPost {
        post_id: "d9".into(),
        sighting: open_at(High, 501),
        sent_at: Wall(NOW.0 - 60_000),
    };
    let later = |record| having(record, |known| known.sent_at = post.sent_at);
    let brief = |answer: &Recording<AlertRecord>| match answer {
        Recording::Known => "known".to_owned(),
        Recording::Busy { until } => format!("busy until {:+}", until.0 - NOW.0),
        Recording::Write { record, .. } => {
            assert!(record.is_posted() && record.level_posted() >= Some(High));
            let accepted = record.accepted().unwrap();
            assert_eq!(accepted.sent_at, post.sent_at);
            format!("posted, fence {}, in {}", record.fence, accepted.post_id)
        }
    };
    for (what, seen, answer) in [
        ("no record", None, "posted, fence 1, in d9"),
        ("free", Some(free()), "posted, fence 8, in d9"),
        ("sent, lower", Some(sent(Medium)), "posted, fence 8, in d9"),
        ("sent, same, before", Some(sent(High)), "posted, fence 8, in d9"),
        ("sent, same, later", Some(later(sent(High))), "known"),
        ("sent, higher", Some(later(sent(Critical))), "known"),
        ("sent long ago", Some(expired(sent(Critical))), "posted, fence 8, in d9"),
        ("another posts it", Some(claimed(free(), High, ALIVE)), "busy until +5001"),
        ("another is gone", Some(claimed(free(), High, OVER)), "posted, fence 8, in d9"),
        (
            "rewound before",
            Some(freed(NOW.minus(Duration::from_secs(66)))),
            "posted, fence 9, in d9",
        ),
        ("rewound since", Some(freed(NOW.minus(Duration::from_secs(59)))), "known"),
        ("rewound, by another clock", Some(freed(NOW.minus(Duration::from_secs(64)))), "known"),
        ("claimed since", Some(claimed(freed(NOW), High, OVER)), "known"),
        ("another raises it", Some(claimed(later(sent(High)), Critical, ALIVE)), "known"),
        ("another reminds", Some(claimed(sent(High), High, ALIVE)), "busy until +5001"),
        ("my own claim", Some(mine(claimed(free(), High, ALIVE))), "posted, fence 8, in d9"),
    ] {
        let answered = record(seen.as_ref(), "me", &post, &TERMS, NOW);
        assert_eq!(brief(&answered), answer, "{what}");
        if let Recording::Write { expect, record: written } = answered {
            assert!(expect.holds(seen.as_ref()) && !expect.holds(Some(&written)), "{what}");
        }
    }
}

/// What [`rewind`] answers, in a line.
fn rewound(seen: Option<AlertRecord>) -> String {
    match rewind(seen.as_ref(), &TERMS, NOW) {
        Rewind::Nothing => "nothing".to_owned(),
        Rewind::Busy { until } => format!("busy until {:+}", until.0 - NOW.0),
        Rewind::Write { expect, record: new } => {
            assert!(expect.holds(seen.as_ref()), "it expects the record that was read");
            assert_eq!(new.post_id(), Some("d0"), "the id of the earlier post is kept");
            let before = new.level_posted().map_or("nothing", Level::as_str);
            format!("{}, fence {}, after {before}", new.version().state.as_str(), new.fence)
        }
    }
}

#[test]
fn a_rewind_frees_what_was_posted_and_nothing_else() {
    for (what, seen, answer) in [
        ("no record", None, "nothing"),
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
        assert_eq!(rewound(seen), answer, "{what}");
    }
}

#[test]
fn after_a_rewind_it_is_posted_once_and_says_that_it_may_be_a_repeat() {
    let seen = sent(High);
    let Rewind::Write { record: freed, .. } = rewind(Some(&seen), &TERMS, NOW) else {
        panic!("not rewound")
    };
    assert!(freed.perhaps_repeats() && freed.expires_at > NOW);
    let Claim::Write { record: held, kind, .. } = claim(Some(&freed), &want(High), &TERMS, NOW)
    else {
        panic!("not claimed")
    };
    assert_eq!(
        (kind, held.escalated_from(), held.is_reminder()),
        (ClaimKind::TakeOver, None, false)
    );
    let (_, marked) = mark(&held, "d1", &want(High).sighting, &TERMS, NOW);
    assert_eq!(
        claim(Some(&marked), &want(High), &TERMS, NOW),
        Claim::AlreadyPosted { level: High }
    );
    // A mark that was on its way before finds another record.
    let (late, _) =
        mark(&claimed(sent(Low), High, OVER), "late", &Sighting::open(High, None), &TERMS, NOW);
    assert!(!late.holds(Some(&freed)));
    assert!(!seen.as_seen().holds(Some(&freed)));
}

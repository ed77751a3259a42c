//! What a place is, by what the administrator and the account itself say.

use super::*;
use crate::estate::Plan;

fn why(text: &str) -> Unreadable {
    Unreadable::new(text)
}

fn own(on: bool) -> Option<Fact<Option<Detector>>> {
    let plans = Plans::from([("P".to_owned(), Plan { on: true, by_policy: false })]);
    let frequency = Some(Frequency::OneHour);
    Some(Ok(Some(Detector { id: "d".to_owned(), on, frequency, plans })))
}

fn seen(on: bool) -> Option<Fact<MemberDetector>> {
    Some(Ok(MemberDetector { on, plans: Plans::new() }))
}

fn member(word: &str, detector: Option<&str>) -> Member {
    Member {
        account: "111122223333".to_owned(),
        detector: detector.map(str::to_owned),
        relationship: Relationship::of_api(word),
        email: String::new(),
    }
}

#[test]
fn a_detector_is_known_by_the_account_itself_or_else_by_its_administrator() {
    use DetectorState::{Missing, On, Suspended};
    let is = |word, id| Ok(Some(member(word, id)));
    let denied = || Some(Err(why("own")));
    for (case, own, member, seen, expected) in [
        ("seen on", None, is("Enabled", Some("d")), seen(true), Ok(On)),
        ("seen off", None, is("Enabled", Some("d")), seen(false), Ok(Suspended)),
        ("deleted", None, is("Enabled", None), None, Ok(Missing)),
        ("no id, and seen", None, is("Enabled", None), seen(true), Ok(On)),
        ("no id, and denied", None, is("Enabled", None), Some(Err(why("seen"))), Err("seen")),
        ("stopped", None, is("Disabled", Some("d")), None, Ok(Suspended)),
        ("own wins", own(false), is("Enabled", Some("d")), seen(true), Ok(Suspended)),
        ("own none", Some(Ok(None)), is("Enabled", Some("d")), seen(true), Ok(Missing)),
        ("own denied", denied(), is("Enabled", Some("d")), seen(true), Ok(On)),
        ("own only", own(true), Ok(None), None, Ok(On)),
        ("left", None, is("Removed", Some("d")), None, Err(NO_MEMBER)),
        ("left, denied", denied(), is("Removed", None), None, Err("own")),
        ("no member", None, Ok(None), None, Err(NO_MEMBER)),
        ("no list", None, Err(why("list")), None, Err("list")),
        ("not seen", None, is("Enabled", Some("d")), Some(Err(why("seen"))), Err("seen")),
    ] {
        let member = member.as_ref().map(Option::as_ref).map_err(Clone::clone);
        let administrator = Some(Frequency::FifteenMinutes);
        let reads = Reads { own, is_administrator: false, member, seen, administrator };
        let facts = reads.facts();
        assert_eq!(facts.detector, expected.map_err(why), "{case}");
        // Of a stopped member the administrator is not asked for plans.
        let no_plans = facts.detector.is_err() || case == "stopped";
        assert_eq!(facts.plans.is_err(), no_plans, "{case}");
        if case == "own only" {
            assert_eq!(facts.frequency, Ok(Some(Frequency::OneHour)));
        }
        if case == "seen on" {
            assert_eq!(facts.frequency, Ok(administrator), "{case}");
        }
    }
}

#[test]
fn the_administrator_is_no_member_of_itself() {
    let reads = Reads {
        own: own(true),
        is_administrator: true,
        member: Err(why("list")),
        seen: None,
        administrator: Some(Frequency::OneHour),
    };
    let facts = reads.facts();
    assert_eq!((facts.detector, facts.member), (Ok(DetectorState::On), Ok(None)));
    assert_eq!(facts.frequency, Ok(Some(Frequency::OneHour)));
}

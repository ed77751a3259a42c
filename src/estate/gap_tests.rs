//! Gaps: one table of what is broken, and what is found.

use super::*;
use crate::estate::matrix::AccountFacts;
use crate::estate::{Caller, Detector, ForwarderTarget, OrganisationConfiguration, Plan, Plans};

const SECURITY: &str = "222222222222";
const MEMBER: &str = "333333333333";
const HERE: &str = "eu-west-1";
const THERE: &str = "us-east-1";
const BUS_ARN: &str = "arn:aws:events:eu-west-1:222222222222:event-bus/hansho";

fn plans(on: &[&str]) -> Plans {
    ["S3", "EKS"]
        .into_iter()
        .map(|name| (name.to_owned(), Plan { on: on.contains(&name), by_policy: false }))
        .collect()
}

fn place(is_administrator: bool) -> Place {
    Place::Enabled(Box::new(PlaceFacts {
        detector: Ok(DetectorState::On),
        member: Ok((!is_administrator).then_some(Relationship::Enabled)),
        plans: Ok(plans(&["S3"])),
        frequency: Ok(Some(Frequency::SixHours)),
    }))
}

fn region() -> RegionFacts {
    let frequency = Some(Frequency::SixHours);
    RegionFacts {
        detector: Ok(Some(Detector { id: "d".into(), on: true, frequency, plans: plans(&["S3"]) })),
        configuration: Ok(Some(OrganisationConfiguration {
            members: AutoEnable::All,
            plans: BTreeMap::from([
                ("S3".to_owned(), AutoEnable::All),
                ("EKS".to_owned(), AutoEnable::New),
            ]),
            limit_reached: false,
        })),
        forwarder: Some(Ok(Some(Forwarder {
            enabled: true,
            targets: vec![ForwarderTarget { id: "t".into(), arn: BUS_ARN.into() }],
        }))),
    }
}

/// Two accounts in two regions, complete.
fn complete() -> Matrix {
    let regions = BTreeMap::from([
        (HERE.to_owned(), RegionStatus::ByDefault),
        (THERE.to_owned(), RegionStatus::ByDefault),
        ("ap-east-1".to_owned(), RegionStatus::Disabled),
    ]);
    let account = |_| AccountFacts { name: Text::default(), regions: Some(Ok(regions.clone())) };
    let mut places = BTreeMap::new();
    for region in [HERE, THERE] {
        for account in [SECURITY, MEMBER] {
            let key = (region.to_owned(), account.to_owned());
            places.insert(key, place(account == SECURITY));
        }
    }
    Matrix {
        caller: Caller { account: SECURITY.into(), partition: "aws".into() },
        in_organisation: Ok(true),
        delegated: Some(Ok(vec![SECURITY.to_owned()])),
        accounts: [SECURITY, MEMBER].map(|id| (id.to_owned(), account(id))).into(),
        regions: [HERE, THERE].map(|name| (name.to_owned(), region())).into(),
        places,
        regions_given: true,
    }
}

fn change(matrix: &mut Matrix, account: &str, change: impl FnOnce(&mut PlaceFacts)) {
    let place = matrix.places.get_mut(&(HERE.to_owned(), account.to_owned())).unwrap();
    let Place::Enabled(facts) = place else { panic!("not enabled") };
    change(facts);
}

/// What a case breaks.
type Break = fn(&mut Matrix);

/// Kind, region, account, detail.
type Found = (GapKind, &'static str, &'static str, &'static str);

/// Each case with the gaps that it makes.
const CASES: [(&str, Break, &[Found]); 19] = [
    ("nothing", |_| {}, &[]),
    (
        "a detector is deleted",
        |m| {
            change(m, MEMBER, |p| {
                p.detector = Ok(DetectorState::Missing);
                p.plans = Ok(Plans::new());
            })
        },
        &[(GapKind::DetectorMissing, HERE, MEMBER, "")],
    ),
    (
        "a detector is suspended",
        |m| {
            change(m, MEMBER, |p| {
                p.detector = Ok(DetectorState::Suspended);
                p.plans = Ok(plans(&[]));
            })
        },
        &[(GapKind::DetectorSuspended, HERE, MEMBER, "")],
    ),
    (
        "a plan is off",
        |m| change(m, MEMBER, |p| p.plans = Ok(plans(&[]))),
        &[(GapKind::PlanOff, HERE, MEMBER, "S3")],
    ),
    (
        "a policy switches a plan off",
        |m| {
            change(m, MEMBER, |p| {
                p.plans = Ok(Plans::from([("S3".into(), Plan { on: false, by_policy: true })]));
            })
        },
        &[(GapKind::PlanOff, HERE, MEMBER, "S3 (an Organizations policy manages it)")],
    ),
    (
        "a member is removed",
        |m| change(m, MEMBER, |p| p.member = Ok(Some(Relationship::Removed))),
        &[(GapKind::NotAMember, HERE, MEMBER, "removed")],
    ),
    (
        "an account was never a member",
        |m| {
            change(m, MEMBER, |p| {
                p.member = Ok(None);
                p.detector = Err(Unreadable::new("no member"));
                p.plans = Err(Unreadable::new("no member"));
            })
        },
        &[(GapKind::NotAMember, HERE, MEMBER, "")],
    ),
    (
        "a member is suspended",
        |m| {
            change(m, MEMBER, |p| {
                p.member = Ok(Some(Relationship::Suspended));
                p.detector = Ok(DetectorState::Suspended);
            })
        },
        &[(GapKind::DetectorSuspended, HERE, MEMBER, "")],
    ),
    (
        "a detector can't be read",
        |m| {
            change(m, MEMBER, |p| {
                p.detector = Err(Unreadable::denied("x"));
                p.plans = Err(Unreadable::denied("x"));
            })
        },
        &[],
    ),
    (
        "an account has not enabled a region",
        |m| {
            m.places.insert((HERE.to_owned(), MEMBER.to_owned()), Place::NotEnabled);
        },
        &[],
    ),
    (
        "the administrator has not enabled a region",
        |m| {
            m.places.insert((HERE.to_owned(), SECURITY.to_owned()), Place::NotEnabled);
        },
        &[(GapKind::Administrator, HERE, "", "this account has not enabled the region")],
    ),
    (
        "a region is enabled that no list names",
        |m| {
            let regions = m.accounts.get_mut(MEMBER).unwrap().regions.as_mut().unwrap();
            let regions = regions.as_mut().unwrap();
            regions.insert("ap-east-1".into(), RegionStatus::Enabled);
            // One that every account has is no gap.
            regions.insert("sa-east-1".into(), RegionStatus::ByDefault);
        },
        &[(GapKind::RegionUnlisted, "ap-east-1", MEMBER, "enabled")],
    ),
    (
        "a rule is gone",
        |m| m.regions.get_mut(HERE).unwrap().forwarder = Some(Ok(None)),
        &[(GapKind::ForwarderMissing, HERE, "", "")],
    ),
    (
        "a rule is disabled",
        |m| {
            let rule = Forwarder { enabled: false, targets: Vec::new() };
            m.regions.get_mut(HERE).unwrap().forwarder = Some(Ok(Some(rule)));
        },
        &[(GapKind::ForwarderDisabled, HERE, "", "")],
    ),
    (
        "a rule has no target",
        |m| {
            let rule = Forwarder { enabled: true, targets: Vec::new() };
            m.regions.get_mut(HERE).unwrap().forwarder = Some(Ok(Some(rule)));
        },
        &[(GapKind::ForwarderTarget, HERE, "", "the rule has no target")],
    ),
    (
        "a rule sends to somebody else",
        |m| {
            let targets = vec![ForwarderTarget { id: "t".into(), arn: "arn:x".into() }];
            let rule = Forwarder { enabled: true, targets };
            m.regions.get_mut(HERE).unwrap().forwarder = Some(Ok(Some(rule)));
        },
        &[(GapKind::ForwarderTarget, HERE, "", "the rule sends to arn:x")],
    ),
    (
        "another account administers GuardDuty",
        |m| {
            m.delegated = Some(Ok(vec![MEMBER.to_owned()]));
            m.regions.get_mut(HERE).unwrap().configuration = Ok(None);
        },
        &[
            (GapKind::Administrator, "", "", "GuardDuty's delegated administrator is 333333333333"),
            (GapKind::Administrator, HERE, "", "this account does not administer GuardDuty there"),
        ],
    ),
    (
        "new accounts are not enrolled",
        |m| {
            let region = m.regions.get_mut(HERE).unwrap();
            let Ok(Some(configuration)) = &mut region.configuration else { panic!() };
            configuration.members = AutoEnable::None;
        },
        &[(GapKind::AutoEnable, HERE, "", "new accounts of the organisation are not enrolled")],
    ),
    (
        "nothing is on, and nothing can be read",
        |m| {
            let why = || Unreadable::denied("x");
            m.in_organisation = Err(why());
            m.delegated = Some(Err(why()));
            m.regions.values_mut().for_each(|region| {
                region.configuration = Err(why());
                region.forwarder = Some(Err(why()));
            });
        },
        &[],
    ),
];

#[test]
fn each_break_makes_its_gaps_and_no_others() {
    for (case, breaks, expected) in CASES {
        let mut matrix = complete();
        breaks(&mut matrix);
        let found = gaps(&matrix, &Wanted::default());
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let found: Vec<_> = found
            .iter()
            .map(|gap| (gap.kind, text(&gap.region), text(&gap.account), gap.detail.clone()))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, region, account, detail)| {
                (*kind, (*region).to_owned(), (*account).to_owned(), (*detail).to_owned())
            })
            .collect();
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn what_can_t_be_read_is_listed_once() {
    let mut matrix = complete();
    assert!(unread(&matrix).is_empty());
    change(&mut matrix, MEMBER, |place| {
        place.detector = Err(Unreadable::denied("x"));
        place.plans = Err(Unreadable::denied("x"));
    });
    matrix.accounts.get_mut(MEMBER).unwrap().regions = Some(Err(Unreadable::new("y")));
    matrix.regions.get_mut(THERE).unwrap().forwarder = Some(Err(Unreadable::new("z")));
    let facts = |matrix: &Matrix| unread(matrix).iter().map(|one| one.fact).collect::<Vec<_>>();
    assert_eq!(facts(&matrix), ["enabled regions", "detector", "forwarder"]);
    // Of an account that is no member, the gap says it.
    change(&mut matrix, MEMBER, |place| place.member = Ok(None));
    assert_eq!(facts(&matrix), ["enabled regions", "forwarder"]);
}

#[test]
fn wishes_of_the_command_line_win() {
    let matrix = complete();
    let kinds = |wanted: &Wanted| -> Vec<(GapKind, String)> {
        gaps(&matrix, wanted).into_iter().map(|gap| (gap.kind, gap.detail)).collect()
    };
    // EKS is off in all four places. Nobody offers LAMBDA.
    let plans = Some(BTreeSet::from(["EKS".to_owned(), "LAMBDA".to_owned()]));
    let wanted = Wanted { plans, ..Wanted::default() };
    assert_eq!(kinds(&wanted), vec![(GapKind::PlanOff, "EKS".to_owned()); 4]);
    // The frequency is the administrator's, in each region.
    let wanted = Wanted { frequency: Some(Frequency::FifteenMinutes), ..Wanted::default() };
    assert_eq!(kinds(&wanted), vec![(GapKind::Frequency, "6h instead of 15m".to_owned()); 2]);
    let wanted = Wanted { target: Some("arn:other".to_owned()), ..Wanted::default() };
    assert_eq!(kinds(&wanted).len(), 2);
    let wanted = Wanted { target: Some(BUS_ARN.to_owned()), ..Wanted::default() };
    assert!(kinds(&wanted).is_empty());
}

#[test]
fn without_an_organisation_the_plans_are_those_of_the_administrator() {
    let mut matrix = complete();
    matrix.in_organisation = Ok(false);
    matrix.delegated = None;
    matrix.regions.values_mut().for_each(|region| region.configuration = Ok(None));
    assert!(gaps(&matrix, &Wanted::default()).is_empty());
    change(&mut matrix, MEMBER, |place| place.plans = Ok(plans(&[])));
    let found = gaps(&matrix, &Wanted::default());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].detail.as_str()), (GapKind::PlanOff, "S3"));
}

#[test]
fn regions_that_every_account_has_are_a_note() {
    let mut matrix = complete();
    let regions = matrix.accounts.get_mut(MEMBER).unwrap().regions.as_mut().unwrap();
    regions.as_mut().unwrap().insert("sa-east-1".into(), RegionStatus::ByDefault);
    assert_eq!(unlisted_by_default(&matrix), BTreeSet::from(["sa-east-1"]));
    matrix.regions_given = false;
    assert!(unlisted_by_default(&matrix).is_empty());
}

//! One difference each, and its steps.

use std::collections::BTreeMap;

use super::world::{HOME, MANAGEMENT, SECURITY, World, WorldRegion, desired, detector, member};
use crate::estate::{Plan, Relationship, Unreadable};
use crate::finding::Text;
use crate::rollout::{
    Action, Actual, Desired, Directory, Listed, Mode, Processor, SecretState, StackState,
    StepState, WorkerCode, plan,
};

/// A world in which all is done.
fn done(desired: &Desired) -> World {
    let mut world = World::empty(desired);
    world.secret_set = true;
    for _ in 0..2 {
        for step in plan(desired, &world.facts(desired)) {
            assert_eq!(step.state, StepState::Planned, "{step:?}");
            world.apply(&step, desired);
        }
    }
    world
}

/// `subject action account state`, with `*` for the security account.
fn lines(desired: &Desired, actual: &Actual) -> Vec<String> {
    let line = |step: crate::rollout::Step| {
        let account = if step.account == SECURITY { "*" } else { &step.account };
        let (subject, action) = (step.subject.as_str(), step.action.as_str());
        format!("{subject} {action} {account} {}", step.state.as_str())
    };
    plan(desired, actual).into_iter().map(line).collect()
}

const A: &str = "444455556600";

#[test]
fn an_empty_organisation_gets_everything_in_order() {
    let desired = desired(Mode::Organisation, 1, 1);
    let world = World::empty(&desired);
    let expected = [
        "detector create 000000000001 planned",
        "detector create * planned",
        "administrator designate * planned",
        "organization configure * planned",
        "member enroll 000000000001 planned",
        "member enroll 444455556600 planned",
        "forwarder enable * planned",
        "canary send * planned",
    ];
    assert_eq!(lines(&desired, &world.facts(&desired)), expected);
}

#[test]
fn an_invitation_has_its_steps_in_order() {
    let mut desired = desired(Mode::Invitation, 1, 1);
    let mut world = World::empty(&desired);
    let home = world.regions.get_mut(HOME).unwrap();
    (home.forwarder_on, home.proven) = (true, true);
    let expected = [
        "detector create * planned",
        "detector create 444455556600 planned",
        "member create 444455556600 planned",
        "member invite 444455556600 planned",
        "member accept 444455556600 planned",
        "sample create 444455556600 planned",
    ];
    assert_eq!(lines(&desired, &world.facts(&desired)), expected);
    desired.member_role = false;
    let expected = [
        "detector create * planned",
        "member create 444455556600 planned",
        "member invite 444455556600 planned",
        "member accept 444455556600 waiting",
    ];
    assert_eq!(lines(&desired, &world.facts(&desired)), expected);
}

/// A change of the world and the only lines that it gives.
type Broken<'a> = (&'a str, fn(&mut World), &'a [&'a str]);

const BROKEN: [Broken<'_>; 9] = [
    ("nothing", |_| {}, &[]),
    (
        "the own detector suspended",
        |world| home(world).detectors.get_mut(SECURITY).unwrap().on = false,
        &["detector resume * planned"],
    ),
    (
        "a plan off in a member",
        |world| {
            home(world).detectors.insert(A.to_owned(), detector(true, &["S3_DATA_EVENTS"]));
        },
        &["plans enable 444455556600 planned"],
    ),
    (
        "a plan off by policy",
        |world| {
            let plans = &mut home(world).detectors.get_mut(A).unwrap().plans;
            plans.insert("S3_DATA_EVENTS".to_owned(), Plan { on: false, by_policy: true });
        },
        &["plans none 444455556600 left_alone"],
    ),
    (
        "a member removed",
        |world| relate(world, Relationship::Removed),
        &["member enroll 444455556600 planned"],
    ),
    (
        "a member suspended",
        |world| relate(world, Relationship::Suspended),
        &["member resume 444455556600 planned"],
    ),
    (
        "a word that nobody knows",
        |world| relate(world, Relationship::Other(Text::new("RegionDisabled", 40))),
        &["member none 444455556600 left_alone"],
    ),
    (
        "the rule disabled",
        |world| home(world).forwarder_on = false,
        &["forwarder enable * planned", "canary send * planned"],
    ),
    (
        "the management account's detector deleted",
        |world| {
            home(world).detectors.remove(MANAGEMENT);
            home(world).members.remove(MANAGEMENT);
        },
        &["detector create 000000000001 planned", "member enroll 000000000001 planned"],
    ),
];

fn home(world: &mut World) -> &mut WorldRegion {
    world.regions.get_mut(HOME).unwrap()
}

fn relate(world: &mut World, relationship: Relationship) {
    home(world).members.insert(A.to_owned(), member(A, relationship));
}

#[test]
fn what_is_broken_by_hand_is_the_only_thing_that_is_planned() {
    let desired = desired(Mode::Organisation, 2, 2);
    for (name, break_it, expected) in BROKEN {
        let mut world = done(&desired);
        break_it(&mut world);
        assert_eq!(lines(&desired, &world.facts(&desired)), expected, "{name}");
    }
}

#[test]
fn without_the_management_login_its_steps_are_by_hand() {
    let mut desired = desired(Mode::Organisation, 1, 0);
    desired.management_login = false;
    let actual = World::empty(&desired).facts(&desired);
    let steps = plan(&desired, &actual);
    let by_hand: Vec<_> = steps.iter().filter(|s| s.state == StepState::ByHand).collect();
    assert_eq!(by_hand.len(), 2, "{by_hand:?}");
    for step in by_hand {
        assert!(step.reason.contains("--management-profile"), "{step:?}");
    }
}

#[test]
fn another_administrator_keeps_its_place() {
    let desired = desired(Mode::Organisation, 1, 1);
    let mut world = World::empty(&desired);
    let region = world.regions.get_mut(HOME).unwrap();
    region.administrator = Some("999988887777".to_owned());
    region.detectors.insert(SECURITY.to_owned(), detector(true, &[]));
    (region.forwarder_on, region.proven) = (true, true);
    let lines = lines(&desired, &world.facts(&desired));
    assert_eq!(
        lines,
        ["frequency set * planned", "administrator none * by_hand", "plans enable * planned"]
    );
}

#[test]
fn what_cannot_be_read_is_neither_planned_nor_taken_for_done() {
    let desired = desired(Mode::Organisation, 1, 1);
    let why = || Unreadable::denied("guardduty:ListMembers in eu-central-1: the right is missing");
    let mut actual = done(&desired).facts(&desired);
    actual.regions.get_mut(HOME).unwrap().members = Some(Err(why()));
    assert_eq!(lines(&desired, &actual), ["member none * unreadable"]);
    let facts = actual.regions.get_mut(HOME).unwrap();
    facts.detector = Some(Err(why()));
    facts.forwarder = Some(Err(why()));
    actual.secret = Some(Err(why()));
    let expected =
        ["secret none * unreadable", "detector none * unreadable", "forwarder none * unreadable"];
    assert_eq!(lines(&desired, &actual), expected);
}

#[test]
fn stacks_that_are_missing_are_deployed_and_broken_ones_are_by_hand() {
    let desired = desired(Mode::Organisation, 1, 0);
    let mut actual = done(&desired).facts(&desired);
    actual.bus = Some(Ok(false));
    actual.secret = Some(Ok(SecretState::Missing));
    actual.regions.get_mut(HOME).unwrap().forwarder = Some(Ok(None));
    actual.worker = Some(Ok(None));
    actual.code = Some(Ok(None));
    actual.program = Some(Ok(Processor::Arm64));
    let expected = [
        "pipeline deploy * planned",
        "secret put * planned",
        "code deploy * planned",
        "worker deploy * planned",
        "forwarder deploy * planned",
        "canary send * planned",
    ];
    assert_eq!(lines(&desired, &actual), expected);
    actual.pipeline = Some(Ok(Some(StackState::Broken(Text::new("ROLLBACK_COMPLETE", 60)))));
    actual.worker = Some(Ok(Some(StackState::Made)));
    let stack = &mut actual.regions.get_mut(HOME).unwrap().forwarder_stack;
    *stack = Some(Ok(Some(StackState::Made)));
    let expected =
        ["pipeline deploy * by_hand", "secret put * by_hand", "forwarder deploy * by_hand"];
    assert_eq!(lines(&desired, &actual), expected);
    actual.pipeline = Some(Ok(Some(StackState::Busy)));
    assert_eq!(lines(&desired, &actual)[0], "pipeline deploy * planned");
    actual.regions.get_mut(HOME).unwrap().enabled = false;
    assert_eq!(lines(&desired, &actual)[0], "region enable * by_hand");
}

#[test]
fn a_worker_that_is_missing_is_made_of_a_program_that_starts() {
    let desired = desired(Mode::Organisation, 1, 0);
    let done = done(&desired).facts(&desired);
    let broken = || Some(Ok(Some(StackState::Broken(Text::new("ROLLBACK_COMPLETE", 60)))));
    let good = || Some(Ok(Processor::X86_64));
    let bad = || Some(Err("hansho: it needs glibc 2.39".to_owned()));
    let made = || Some(Ok(Some(StackState::Made)));
    let why = || Unreadable::denied("cloudformation:DescribeStacks: the right is missing");
    type Stack = Option<crate::estate::Fact<Option<StackState>>>;
    type Case<'a> = (Stack, Stack, Option<Result<Processor, String>>, &'a [&'a str]);
    let cases: [Case<'_>; 8] = [
        (made(), None, None, &[]),
        (Some(Ok(None)), made(), good(), &["worker deploy * planned", "canary send * planned"]),
        (
            Some(Ok(None)),
            Some(Ok(Some(StackState::Busy))),
            good(),
            &["code deploy * planned", "worker deploy * planned", "canary send * planned"],
        ),
        (
            Some(Ok(None)),
            broken(),
            good(),
            &["code deploy * by_hand", "worker deploy * planned", "canary send * planned"],
        ),
        (Some(Ok(None)), Some(Ok(None)), bad(), &["worker deploy * by_hand"]),
        (
            Some(Ok(Some(StackState::Busy))),
            None,
            None,
            &["worker deploy * planned", "canary send * planned"],
        ),
        (broken(), None, None, &["worker deploy * by_hand"]),
        (Some(Err(why())), None, None, &["worker none * unreadable"]),
    ];
    for (worker, code, program, expected) in cases {
        let actual = Actual { worker, code, program, ..done.clone() };
        assert_eq!(lines(&desired, &actual), expected, "{:?}", actual.worker);
    }
    let actual = Actual { worker: Some(Ok(None)), program: bad(), ..done };
    let steps = plan(&desired, &actual);
    assert!(steps[0].reason.contains("needs glibc 2.39"), "{steps:?}");
}

#[test]
fn a_worker_whose_code_differs_is_updated_and_one_that_no_rollout_sent_is_left_alone() {
    let desired = desired(Mode::Organisation, 1, 0);
    let done = done(&desired).facts(&desired);
    let differs = || Some(Ok(WorkerCode::Differs("it is a, and b would be sent".to_owned())));
    let why = || Unreadable::denied("s3:GetObject: the right is missing");
    type Case<'a> = (Option<crate::estate::Fact<WorkerCode>>, Option<StackState>, &'a [&'a str]);
    let cases: [Case<'_>; 5] = [
        (Some(Ok(WorkerCode::Same)), None, &[]),
        (differs(), Some(StackState::Made), &["worker update * planned", "canary send * planned"]),
        (
            differs(),
            None,
            &["code deploy * planned", "worker update * planned", "canary send * planned"],
        ),
        (
            Some(Ok(WorkerCode::Kept("no rollout sent it".to_owned()))),
            None,
            &["worker none * left_alone"],
        ),
        (Some(Err(why())), None, &["worker none * unreadable"]),
    ];
    for (worker_code, code, expected) in cases {
        let actual = Actual { worker_code, code: Some(Ok(code)), ..done.clone() };
        assert_eq!(lines(&desired, &actual), expected, "{:?}", actual.worker_code);
    }
    let actual = Actual { worker_code: differs(), ..done };
    let step = plan(&desired, &actual).into_iter().find(|step| step.action == Action::Update);
    assert_eq!(step.unwrap().reason, "code differs: it is a, and b would be sent");
}

#[test]
fn a_worker_on_ecs_is_named_by_its_own_stack() {
    let desired = desired(Mode::Organisation, 1, 0);
    let done = done(&desired).facts(&desired);
    let broken = StackState::Broken(Text::new("UPDATE_ROLLBACK_FAILED", 60));
    for state in [StackState::Busy, broken] {
        let worker = Some(Ok(Some(state)));
        let actual = Actual { worker, worker_on_ecs: true, ..done.clone() };
        let step = plan(&desired, &actual).remove(0);
        assert_eq!(step.target, "stack hansho-worker-ecs");
        assert!(!step.reason.contains("delete it"), "{}", step.reason);
    }
}

#[test]
fn a_directory_that_lacks_accounts_is_written() {
    let desired = desired(Mode::Organisation, 1, 1);
    let done = done(&desired).facts(&desired);
    let all = [SECURITY, MANAGEMENT, A, "999988887777"];
    let list = |ids: &[&str], name: &str| -> BTreeMap<String, Listed> {
        let listed = Listed { name: name.to_owned(), ..Listed::default() };
        ids.iter().map(|&id| (id.to_owned(), listed.clone())).collect()
    };
    let of = |known: Option<BTreeMap<String, Listed>>, wanted| {
        Some(Ok(Directory { known, wanted, left_alone: None }))
    };
    for (directory, planned) in [
        (None, false),
        (of(None, BTreeMap::new()), true),
        (of(Some(list(&all, "a")), list(&all[..3], "a")), false),
        (of(Some(list(&all[1..], "a")), list(&all, "a")), true),
        // Accounts have other names.
        (of(Some(list(&all, "a")), list(&all[..3], "b")), true),
    ] {
        let actual = Actual { directory, ..done.clone() };
        let expected: &[&str] = if planned { &["directory put * planned"] } else { &[] };
        assert_eq!(lines(&desired, &actual), expected, "{:?}", actual.directory);
    }
    let left_alone = Some("it came from a file");
    let directory = Some(Ok(Directory { left_alone, ..Directory::default() }));
    let actual = Actual { directory, ..done.clone() };
    assert_eq!(lines(&desired, &actual), ["directory none * left_alone"]);
    let why = Unreadable::denied("dynamodb:GetItem: the right is missing");
    let actual = Actual { directory: Some(Err(why)), ..done };
    assert_eq!(lines(&desired, &actual), ["directory none * unreadable"]);
}

#[test]
fn a_canary_that_has_not_arrived_is_sent_unless_the_way_is_broken() {
    let desired = desired(Mode::Organisation, 2, 0);
    let mut actual = done(&desired).facts(&desired);
    actual.regions.get_mut("eu-west-1").unwrap().proven = Some(Ok(false));
    assert_eq!(lines(&desired, &actual), ["canary send * planned"]);
    let step = plan(&desired, &actual).remove(0);
    assert_eq!((step.region.as_str(), step.state), ("eu-west-1", StepState::Planned));
    let why = || Unreadable::denied("events:DescribeRule: the right is missing");
    // Another region's forwarder is not on the way.
    let facts = actual.regions.get_mut(HOME).unwrap();
    facts.forwarder = Some(Err(why()));
    let expected = ["forwarder none * unreadable", "canary send * planned"];
    assert_eq!(lines(&desired, &actual), expected);
    actual.regions.get_mut("eu-west-1").unwrap().forwarder = Some(Err(why()));
    assert_eq!(lines(&desired, &actual), ["forwarder none * unreadable"; 2]);
    let mut actual = done(&desired).facts(&desired);
    actual.regions.get_mut(HOME).unwrap().proven = Some(Err(why()));
    assert_eq!(lines(&desired, &actual), ["canary none * unreadable"]);
}

#[test]
fn accounts_that_are_suspended_or_have_not_the_region_get_nothing() {
    let mut desired = desired(Mode::Organisation, 1, 2);
    let mut actual = World::empty(&desired).facts(&desired);
    desired.targets.get_mut(A).unwrap().active = false;
    actual.closed.insert(("444455556601".to_owned(), HOME.to_owned()));
    let lines = lines(&desired, &actual);
    assert!(!lines.iter().any(|line| line.contains(A)), "{lines:?}");
    assert!(lines.contains(&"member none 444455556601 left_alone".to_owned()), "{lines:?}");
}

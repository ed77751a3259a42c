use super::*;
use crate::estate::Frequency;
use crate::rollout::Mode;

pub fn desired(regions: usize) -> Desired {
    Desired {
        mode: Mode::Organisation,
        security: "111122223333".to_owned(),
        home: "eu-central-1".to_owned(),
        partition: "aws".to_owned(),
        regions: (0..regions).map(|n| format!("xx-west-{n}")).collect(),
        targets: BTreeMap::new(),
        management: None,
        plans: BTreeSet::new(),
        frequency: Frequency::FifteenMinutes,
        management_login: true,
        member_role: false,
    }
}

fn enroll(account: usize, region: usize) -> Step {
    let account = format!("{account:012}");
    Step::new(Subject::Member, Action::Enroll, &account, &format!("xx-west-{region}"))
        .because("member", "it is not a member")
}

#[test]
fn sixty_accounts_in_seventeen_regions_are_a_few_lines() {
    let desired = desired(17);
    let places = (0..60).flat_map(|a| (0..17).map(move |r| (a, r)));
    // Two accounts have one region already.
    let mut steps: Vec<Step> = places
        .filter(|place| !matches!(place, (3 | 4, 5)))
        .map(|(account, region)| enroll(account, region))
        .collect();
    steps.push(Step {
        error: Some("guardduty:ListMembers in xx-west-1: the right is missing".to_owned()),
        ..enroll(7, 1).in_state(StepState::Unreadable)
    });
    let text = text(&desired, &steps, Some(120));
    assert!(text.lines().count() < 16, "{text}");
    assert!(text.contains("1018 steps to do"), "{text}");
    assert!(text.contains("58 accounts"), "{text}");
    assert!(text.contains("all 17"), "{text}");
    assert!(text.contains("000000000003, 000000000004"), "{text}");
    assert!(text.contains("16 regions"), "{text}");
    assert!(text.contains("security login: guardduty:CreateMembers"), "{text}");
    let narrow = super::text(&desired, &steps, Some(60));
    assert!(
        narrow.contains("guardduty:ListMembers in xx-west-1: the right is missing"),
        "{narrow}"
    );
    let widest = text.lines().filter(|l| !l.contains("login:")).map(|l| l.chars().count()).max();
    assert!(widest <= Some(120), "{text}");
}

#[test]
fn an_empty_plan_says_so() {
    assert!(text(&desired(3), &[], None).ends_with("Nothing is left to do.\n"));
    let waiting = enroll(1, 1).in_state(StepState::Waiting);
    let all = text(&desired(3), &[waiting], None);
    assert!(all.contains("1 step on its way") && all.contains("Nothing is left"), "{all}");
    for state in [StepState::Failed, StepState::Skipped] {
        let all = text(&desired(3), &[enroll(1, 1).in_state(state)], None);
        assert!(!all.contains("Nothing is left"), "{all}");
    }
}

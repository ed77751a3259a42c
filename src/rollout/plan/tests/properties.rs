//! Properties of plans on random states.

use super::world::{World, desired};
use crate::rollout::{Desired, Mode, Step, StepState, Subject, plan};

const RUNS: u64 = 400;

fn planned(world: &World, desired: &Desired) -> Vec<Step> {
    let all = plan(desired, &world.facts(desired));
    all.into_iter().filter(|step| step.state == StepState::Planned).collect()
}

fn apply(world: &mut World, desired: &Desired, steps: &[Step]) {
    steps.iter().for_each(|step| world.apply(step, desired));
}

/// Plans and applies until nothing is planned. A suspended member shows its plans only once it is
/// resumed, so a second round may be needed.
fn finish(world: &mut World, desired: &Desired) -> usize {
    for round in 0..3 {
        let steps = planned(world, desired);
        if steps.is_empty() {
            return round;
        }
        apply(world, desired, &steps);
    }
    panic!("the plan is never empty: {:?}", planned(world, desired));
}

fn each_world(mut check: impl FnMut(&Desired, &World, &mut fastrand::Rng)) {
    for seed in 0..RUNS {
        let mut random = fastrand::Rng::with_seed(seed);
        let mode = Mode::ALL[random.usize(..2)];
        let desired = desired(mode, random.usize(1..=3), random.usize(0..=3));
        let world = World::random(&desired, &mut random);
        check(&desired, &world, &mut random);
    }
}

#[test]
fn after_apply_the_plan_is_empty() {
    let mut rounds = [0; 3];
    each_world(|desired, world, _| {
        let mut world = world.clone();
        rounds[finish(&mut world, desired)] += 1;
        let left = plan(desired, &world.facts(desired));
        assert!(left.iter().all(|step| !step.is_open()), "{left:?}");
        for region in world.regions.values() {
            for account in desired.targets.keys() {
                let detector = &region.detectors[account];
                assert!(detector.on && desired.plans.iter().all(|p| detector.plans[p].on));
            }
        }
    });
    assert!(rounds[1] > 100, "{rounds:?}");
}

#[test]
fn an_empty_organisation_takes_one_round() {
    for mode in Mode::ALL {
        let desired = desired(mode, 3, 3);
        let mut world = World::empty(&desired);
        assert_eq!(finish(&mut world, &desired), 1, "{mode:?}");
    }
}

#[test]
fn a_run_that_is_killed_anywhere_ends_as_one_that_is_not() {
    each_world(|desired, world, random| {
        let steps = planned(world, desired);
        let mut whole = world.clone();
        finish(&mut whole, desired);
        let cuts =
            [0, steps.len() / 2, steps.len().saturating_sub(1), random.usize(..=steps.len())];
        for cut in cuts {
            let mut killed = world.clone();
            apply(&mut killed, desired, &steps[..cut]);
            finish(&mut killed, desired);
            assert_eq!(killed, whole, "killed after {cut} of {steps:?}");
        }
    });
}

#[test]
fn the_order_of_regions_does_not_matter() {
    each_world(|desired, world, random| {
        let steps = planned(world, desired);
        let mut one = world.clone();
        apply(&mut one, desired, &steps);
        let mut other = world.clone();
        // The steps of the home region that the others need come first.
        let is_first = |step: &Step| {
            use Subject::{Code, Directory, Secret, Worker};
            matches!(step.subject, Code | Directory | Secret | Worker)
        };
        let (first, mut steps): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_first);
        apply(&mut other, desired, &first);
        // Then any mixture that keeps the order within each region.
        while !steps.is_empty() {
            let region = steps[random.usize(..steps.len())].region.clone();
            let at = steps.iter().position(|step| step.region == region).unwrap();
            let step = steps.remove(at);
            other.apply(&step, desired);
        }
        assert_eq!(one, other);
    });
}

/// A step is only made after all steps of the same plan that it needs.
#[test]
fn what_a_step_needs_comes_before_it() {
    each_world(|desired, world, _| {
        let steps = planned(world, desired);
        for (at, step) in steps.iter().enumerate() {
            let needed = |other: &&Step| {
                other.region == step.region
                    && *other != step
                    && step.needs(other.subject, &other.account, &desired.security)
            };
            let late: Vec<_> = steps[at..]
                .iter()
                .filter(needed)
                .filter(|other| other.subject != step.subject || other.account != step.account)
                .collect();
            assert!(late.is_empty(), "{step:?} needs {late:?}");
        }
    });
}

#[test]
fn no_step_takes_anything_away() {
    each_world(|desired, world, _| {
        let mut world = world.clone();
        for _ in 0..2 {
            for step in planned(&world, desired) {
                let before = world.clone();
                world.apply(&step, desired);
                assert!(!step.calls().is_empty() && !step.rights().is_empty(), "{step:?}");
                for call in step.calls() {
                    let name = call.split(':').nth(1).unwrap_or_default();
                    let takes = ["Delete", "Disable", "Disassociate", "Stop", "Archive", "Decline"];
                    assert!(!takes.iter().any(|verb| name.starts_with(verb)), "{call}");
                }
                for (name, region) in &before.regions {
                    let after = &world.regions[name];
                    for (account, detector) in &region.detectors {
                        let now = &after.detectors[account];
                        assert!(now.on || !detector.on, "{step:?}");
                        let off = |plan: &String| detector.plans[plan].on && !now.plans[plan].on;
                        assert!(!detector.plans.keys().any(off), "{step:?}");
                    }
                    assert!(region.members.keys().all(|one| after.members.contains_key(one)));
                }
            }
        }
    });
}

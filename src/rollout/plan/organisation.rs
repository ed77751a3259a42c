//! GuardDuty through AWS Organizations, in one region.

use super::{Place, members};
use crate::estate::{AutoEnable, OrganisationConfiguration};
use crate::rollout::step::{Action, LoginOf, Step, StepState, Subject};

pub fn steps(place: &Place<'_>, steps: &mut Vec<Step>) {
    let configuration = match &place.facts.configuration {
        None => None,
        Some(Ok(configuration)) => configuration.as_ref(),
        Some(Err(why)) => {
            let security = &place.desired.security;
            return steps.push(place.unreadable(Subject::Organization, security, why));
        }
    };
    if configuration.is_none() && !designate(place, steps) {
        return;
    }
    configure(place, configuration, steps);
    members::enrolled(place, steps);
}

/// Makes the security account the delegated administrator. False: another account is, and nobody
/// takes that away from it.
fn designate(place: &Place<'_>, steps: &mut Vec<Step>) -> bool {
    let security = &place.desired.security;
    let step = place
        .step(Subject::Administrator, Action::Designate, security)
        .because("delegated administrator", "the security account is not GuardDuty's")
        .by(LoginOf::Management);
    match &place.facts.administrator {
        Some(Ok(Some(other))) if other == security => {}
        Some(Ok(Some(_))) => {
            let reason = "another account is the delegated administrator: nothing is taken away \
                          from it; run hansho there, or change the administrator by hand";
            let step = Step { action: Action::Nothing, ..step };
            steps.push(step.because("delegated administrator", reason).in_state(StepState::ByHand));
            return false;
        }
        Some(Err(why)) => {
            steps.push(place.unreadable(Subject::Administrator, security, why));
            return false;
        }
        Some(Ok(None)) | None => steps.push(place.if_login(step)),
    }
    true
}

/// All accounts get GuardDuty and the plans by themselves.
fn configure(
    place: &Place<'_>,
    configuration: Option<&OrganisationConfiguration>,
    steps: &mut Vec<Step>,
) {
    let security = &place.desired.security;
    let is = |plan: &str| configuration.and_then(|one| one.plans.get(plan)).copied();
    let wanted = place.desired.plans.iter();
    let plans: Vec<String> =
        wanted.filter(|plan| is(plan) != Some(AutoEnable::All)).cloned().collect();
    let members = configuration.map_or(AutoEnable::None, |one| one.members);
    if members != AutoEnable::All || !plans.is_empty() {
        let reason = match members {
            AutoEnable::All => "these plans are not on for all accounts by themselves".to_owned(),
            other => format!("GuardDuty switches itself on for {} accounts", word(other)),
        };
        let mut target = "all accounts".to_owned();
        if !plans.is_empty() {
            target = format!("{target}, {}", plans.join(", "));
        }
        let step = place.step(Subject::Organization, Action::Configure, security);
        steps.push(Step { plans, ..step.because(&target, &reason) });
    }
    if configuration.is_some_and(|one| one.limit_reached) {
        steps.push(place.left_alone(
            Subject::Organization,
            security,
            "number of members",
            "the administrator has as many members as GuardDuty allows",
        ));
    }
}

fn word(enable: AutoEnable) -> &'static str {
    match enable {
        AutoEnable::All => "all",
        AutoEnable::New => "new",
        AutoEnable::None => "no",
    }
}

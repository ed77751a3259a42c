//! The members of the administrator in one region.

use std::collections::BTreeMap;

use super::Place;
use crate::estate::{Member, Relationship};
use crate::rollout::facts::{Invitee, Target};
use crate::rollout::step::{Action, LoginOf, Step, StepState, Subject};

/// The members of an organisation. They need not consent.
pub fn enrolled(place: &Place<'_>, steps: &mut Vec<Step>) {
    let Some(members) = members(place, steps) else { return };
    for (account, target) in targets(place, steps) {
        let member = members.get(account);
        if place.desired.management.as_deref() == Some(account) {
            management_detector(place, account, steps);
        }
        match member.map(|one| &one.relationship) {
            None => steps.push(enroll(place, account, target, "it is not a member")),
            Some(
                known @ (Relationship::Created
                | Relationship::Invited
                | Relationship::Removed
                | Relationship::Resigned),
            ) => {
                let reason = format!("it is a member that is {}", known.as_str());
                steps.push(enroll(place, account, target, &reason));
            }
            Some(_) => associated(place, account, member, steps),
        }
    }
}

/// Enrols an account. GuardDuty switches itself on there, with the organisation's plans.
/// Source: GuardDuty API reference, CreateMembers.
fn enroll(place: &Place<'_>, account: &str, target: &Target, reason: &str) -> Step {
    let step = place.step(Subject::Member, Action::Enroll, account).because("member", reason);
    Step { email: target.email.clone(), ..step }
}

/// GuardDuty must be on in the management account before it is enrolled.
/// Source: GuardDuty API reference, CreateMembers.
fn management_detector(place: &Place<'_>, account: &str, steps: &mut Vec<Step>) {
    let known = place.facts.members.as_ref().and_then(|members| members.as_ref().ok());
    let is_member = known.and_then(|members| members.get(account)).is_some_and(|member| {
        member.detector.is_some() && member.relationship == Relationship::Enabled
    });
    match &place.facts.management_detector {
        Some(Err(why)) => steps.push(place.unreadable(Subject::Detector, account, why)),
        Some(Ok(detector)) => {
            place.own_detector(detector.as_ref(), account, LoginOf::Management, steps);
        }
        // Without the login nobody knows. The administrator sees it once it is a member.
        None if is_member => {}
        None => place.own_detector(None, account, LoginOf::Management, steps),
    }
}

/// The members that are invited, and accept.
pub fn invited(place: &Place<'_>, steps: &mut Vec<Step>) {
    let Some(members) = members(place, steps) else { return };
    for (account, target) in targets(place, steps) {
        let member = members.get(account);
        let first = match member.map(|one| &one.relationship) {
            None => Action::Create,
            Some(Relationship::Created | Relationship::Removed | Relationship::Resigned) => {
                Action::Invite
            }
            Some(Relationship::Invited) => Action::Accept,
            Some(_) => {
                associated(place, account, member, steps);
                continue;
            }
        };
        invite(place, account, target, first, steps);
    }
}

/// Creates, invites and accepts, from `first` on.
fn invite(place: &Place<'_>, account: &str, target: &Target, first: Action, steps: &mut Vec<Step>) {
    let invitee = place.facts.invitees.get(account);
    match invitee {
        Some(Err(why)) => return steps.push(place.unreadable(Subject::Member, account, why)),
        Some(Ok(Invitee { administrator: Some(other), .. }))
            if *other != place.desired.security =>
        {
            let reason = "it has another administrator, and nothing is taken away";
            return steps.push(place.left_alone(Subject::Member, account, "member", reason));
        }
        _ => {}
    }
    let step = |action, reason: &str| {
        let step = place.step(Subject::Member, action, account).because("member", reason);
        Step { email: target.email.clone(), ..step }
    };
    if first == Action::Create {
        steps.push(step(Action::Create, "it is not a member"));
    }
    if first != Action::Accept {
        steps.push(step(Action::Invite, "it is not invited"));
    }
    let Some(Ok(invitee)) = invitee else {
        let reason = "its owner accepts the invitation; --member-role accepts it at once";
        return steps.push(step(Action::Accept, reason).in_state(StepState::Waiting));
    };
    place.own_detector(invitee.detector.as_ref(), account, LoginOf::Member, steps);
    steps.push(step(Action::Accept, "the invitation is not accepted").by(LoginOf::Member));
    // A new detector is made with its plans.
    if let Some(detector) = &invitee.detector {
        place.plans(&detector.plans, account, &target.email, steps);
    }
}

/// A member that the administrator is associated with.
fn associated(place: &Place<'_>, account: &str, member: Option<&Member>, steps: &mut Vec<Step>) {
    let Some(member) = member else { return };
    let resume = |reason: &str| {
        place.step(Subject::Member, Action::Resume, account).because("member", reason)
    };
    if let Relationship::Other(word) = &member.relationship {
        let reason = format!("GuardDuty calls its relationship {word}");
        return steps.push(place.left_alone(Subject::Member, account, "member", &reason));
    }
    let email = if member.email.is_empty() { account } else { &member.email };
    match place.facts.member_detectors.get(account) {
        _ if member.relationship == Relationship::Suspended => {
            steps.push(resume("it is suspended by its administrator"));
        }
        None if member.detector.is_none() => steps.push(
            place
                .step(Subject::Detector, Action::Nothing, account)
                .because("detector", "GuardDuty makes it; that takes up to 24 h")
                .in_state(StepState::Waiting),
        ),
        None => {}
        Some(Err(why)) => steps.push(place.unreadable(Subject::Plans, account, why)),
        Some(Ok(detector)) => {
            if !detector.on {
                steps.push(resume("its detector is suspended"));
            }
            place.plans(&detector.plans, account, email, steps);
        }
    }
}

fn members<'a>(place: &Place<'a>, steps: &mut Vec<Step>) -> Option<&'a BTreeMap<String, Member>> {
    const NO_MEMBERS: &BTreeMap<String, Member> = &BTreeMap::new();
    match &place.facts.members {
        // Without a detector, or without the administrator, there are none yet.
        None => Some(NO_MEMBERS),
        Some(Ok(members)) => Some(members),
        Some(Err(why)) => {
            steps.push(place.unreadable(Subject::Member, &place.desired.security, why));
            None
        }
    }
}

/// The accounts that can be members in this region.
fn targets<'a>(place: &Place<'a>, steps: &mut Vec<Step>) -> Vec<(&'a str, &'a Target)> {
    let mut targets = Vec::new();
    for (account, target) in place.desired.targets.iter().filter(|(_, target)| target.active) {
        if place.actual.closed.contains(&(account.clone(), place.region.to_owned())) {
            let reason = "the account has not enabled the region";
            steps.push(place.left_alone(Subject::Member, account, "member", reason));
        } else {
            targets.push((account.as_str(), target));
        }
    }
    targets
}

//! From steps to calls: which steps one call carries out.

use super::MEMBERS_CALL_MAX;
use super::step::{Action, LoginOf, Step, StepState, Subject};

/// A call that writes. The region and the steps are those of its [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    PutSecret,
    CreateDetector {
        plans: Vec<String>,
    },
    ResumeDetector,
    SetFrequency,
    /// Plans of the login's own detector.
    EnablePlans {
        plans: Vec<String>,
    },
    Designate,
    Configure {
        plans: Vec<String>,
    },
    /// Accounts with their addresses.
    CreateMembers(Vec<(String, String)>),
    InviteMembers(Vec<String>),
    AcceptInvitation,
    ResumeMembers(Vec<String>),
    EnableMemberPlans {
        accounts: Vec<String>,
        plans: Vec<String>,
    },
    EnableRule,
    CreateSample,
    /// Writes the account directory.
    SyncDirectory,
    SendCanary,
    /// A new stack of CloudFormation.
    Deploy,
    /// The worker's code, and then its stack.
    DeployWorker,
    /// The worker's code, and then the parameters of its stack.
    UpdateWorker,
}

/// A call, and the steps that it carries out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub call: Call,
    pub login: LoginOf,
    /// The account of the login, or the first of the members.
    pub account: String,
    pub region: String,
    /// Indices into the steps.
    pub steps: Vec<usize>,
}

/// The next call for the planned steps from `from` on, all of one region. None: nothing is left to
/// do. Steps whose needs were not met must not be planned any more.
pub fn next_batch(steps: &[Step], from: usize) -> Option<Batch> {
    let at = (from..steps.len()).find(|at| steps[*at].state == StepState::Planned)?;
    let first = &steps[at];
    let joins = |step: &&(usize, &Step)| {
        let key = |step: &Step| (step.subject, step.action, step.login, step.plans.clone());
        step.1.state == StepState::Planned && key(step.1) == key(first)
    };
    let following: Vec<(usize, &Step)> = (at..).zip(&steps[at..]).collect();
    let joined: Vec<(usize, &Step)> = match is_of_many(first) {
        true => following.iter().filter(joins).take(MEMBERS_CALL_MAX).copied().collect(),
        false => vec![(at, first)],
    };
    let accounts = || joined.iter().map(|(_, step)| step.account.clone()).collect();
    let plans = first.plans.clone();
    let call = match (first.subject, first.action) {
        (Subject::Secret, _) => Call::PutSecret,
        (Subject::Detector, Action::Create) => Call::CreateDetector { plans },
        (Subject::Detector, _) => Call::ResumeDetector,
        (Subject::Frequency, _) => Call::SetFrequency,
        (Subject::Administrator, _) => Call::Designate,
        (Subject::Organization, _) => Call::Configure { plans },
        (Subject::Member, Action::Create | Action::Enroll) => {
            let details = joined.iter().map(|(_, step)| (step.account.clone(), step.email.clone()));
            Call::CreateMembers(details.collect())
        }
        (Subject::Member, Action::Invite) => Call::InviteMembers(accounts()),
        (Subject::Member, Action::Resume) => Call::ResumeMembers(accounts()),
        (Subject::Member, _) => Call::AcceptInvitation,
        (Subject::Plans, _) if is_of_many(first) => {
            Call::EnableMemberPlans { accounts: accounts(), plans }
        }
        (Subject::Plans, _) => Call::EnablePlans { plans },
        (Subject::Worker, Action::Deploy) => Call::DeployWorker,
        (Subject::Worker, Action::Update) => Call::UpdateWorker,
        (Subject::Pipeline | Subject::Code | Subject::Forwarder, Action::Deploy) => Call::Deploy,
        (Subject::Forwarder, _) => Call::EnableRule,
        (Subject::Sample, _) => Call::CreateSample,
        (Subject::Directory, _) => Call::SyncDirectory,
        (Subject::Canary, _) => Call::SendCanary,
        // These are never planned: a person does them.
        (Subject::Region | Subject::Pipeline | Subject::Code | Subject::Worker, _) => return None,
    };
    let (login, account, region) = (first.login, first.account.clone(), first.region.clone());
    Some(Batch { call, login, account, region, steps: joined.iter().map(|(at, _)| *at).collect() })
}

/// Whether one call does the step for many accounts.
fn is_of_many(step: &Step) -> bool {
    match step.subject {
        Subject::Member => step.action != Action::Accept,
        // The administrator's own detector has no address.
        Subject::Plans => !step.email.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(action: Action, n: usize) -> Step {
        let step = Step::new(Subject::Member, action, &format!("{n:012}"), "eu-west-1");
        Step { email: format!("{n}@a.example"), ..step }
    }

    #[test]
    fn fifty_members_go_into_a_call_and_a_step_into_one_call_only() {
        let mut steps: Vec<Step> = (0..120).map(|n| member(Action::Enroll, n)).collect();
        steps.extend((0..3).map(|n| member(Action::Invite, n)));
        steps.push(member(Action::Accept, 1).by(LoginOf::Member));
        steps.push(member(Action::Accept, 2).by(LoginOf::Member));
        steps[7].state = StepState::Skipped;
        let mut sizes = Vec::new();
        while let Some(batch) = next_batch(&steps, 0) {
            sizes.push(batch.steps.len());
            for at in batch.steps {
                assert_eq!(steps[at].state, StepState::Planned);
                steps[at].state = StepState::Done;
            }
        }
        assert_eq!(sizes, [50, 50, 19, 3, 1, 1]);
    }

    #[test]
    fn members_with_other_plans_need_another_call() {
        let plans = |n: usize, plans: &[&str]| {
            let step = Step::new(Subject::Plans, Action::Enable, &format!("{n:012}"), "eu-west-1");
            let plans = plans.iter().map(|&plan| plan.to_owned()).collect();
            Step { plans, email: "a@a.example".to_owned(), ..step }
        };
        let own = Step { email: String::new(), ..plans(9, &["A"]) };
        let steps = [own, plans(1, &["A"]), plans(2, &["B"]), plans(3, &["A"])];
        let batch = next_batch(&steps, 0).unwrap();
        assert_eq!(
            (batch.call, batch.steps),
            (Call::EnablePlans { plans: vec!["A".into()] }, vec![0])
        );
        assert_eq!(next_batch(&steps, 1).unwrap().steps, [1, 3]);
        assert_eq!(next_batch(&steps, 2).unwrap().steps, [2]);
    }
}

//! The pipeline, the webhook's secret, the worker and the forwarders.

use super::{GUIDE, Place};
use crate::estate::{FORWARDER_RULE, Fact, Unreadable};
use crate::rollout::facts::{
    Actual, CODE_STACK, Desired, FORWARDER_STACK, PIPELINE_STACK, SecretState, StackState,
    WORKER_ECS_STACK, WORKER_STACK, WorkerCode, hansho_bus_arn,
};
use crate::rollout::step::{Action, Step, StepState, Subject};

const SECRET: &str = "hansho/slack";

pub fn steps(desired: &Desired, actual: &Actual, steps: &mut Vec<Step>) {
    let step = |subject, action| Step::new(subject, action, &desired.security, &desired.home);
    let mut pipeline_planned = false;
    match &actual.bus {
        None | Some(Ok(true)) => {}
        Some(Ok(false)) => {
            let deploy = step(Subject::Pipeline, Action::Deploy);
            let pipeline = stack(deploy, PIPELINE_STACK, "there is no bus", &actual.pipeline);
            pipeline_planned = pipeline.state == StepState::Planned;
            steps.push(pipeline);
        }
        Some(Err(why)) => steps.push(unreadable(step(Subject::Pipeline, Action::Deploy), why)),
    }
    let put = step(Subject::Secret, Action::Put);
    match &actual.secret {
        None | Some(Ok(SecretState::Set)) => {}
        Some(Ok(SecretState::Missing)) if !pipeline_planned => steps.push(
            put.because(
                SECRET,
                "there is none, and the pipeline's stack is not hansho's to change",
            )
            .in_state(StepState::ByHand),
        ),
        Some(Ok(SecretState::Empty | SecretState::Missing)) => {
            steps.push(put.because(SECRET, "the secret has no value yet"));
        }
        Some(Err(why)) => steps.push(unreadable(put, why)),
    }
    worker(actual, &step, steps);
    directory(desired, actual, step(Subject::Directory, Action::Put), steps);
}

/// The names of accounts, as posts show them.
fn directory(desired: &Desired, actual: &Actual, put: Step, steps: &mut Vec<Step>) {
    let directory = match &actual.directory {
        None => return,
        Some(Err(why)) => return steps.push(unreadable(put, why)),
        Some(Ok(directory)) => directory,
    };
    if let Some(why) = directory.left_alone {
        let step = Step { action: Action::Nothing, ..put };
        let step = step.because("account directory", why).in_state(StepState::LeftAlone);
        return steps.push(step);
    }
    let mut all = desired.targets.keys().chain([&desired.security]);
    let reason = match &directory.known {
        None => "the ledger has none, so posts would show ids of accounts alone",
        Some(known) if all.any(|account| !known.contains_key(account)) => {
            "it lacks accounts of the organisation"
        }
        Some(known) if directory.wanted.iter().any(|(id, is)| known.get(id) != Some(is)) => {
            "names, units, addresses, states or tags of accounts have changed"
        }
        Some(_) => return,
    };
    steps.push(put.because("account directory", reason));
}

/// The bucket for the worker's code, and the worker.
fn worker(actual: &Actual, step: &dyn Fn(Subject, Action) -> Step, steps: &mut Vec<Step>) {
    const MISSING: &str = "there is no worker";
    let worker = step(Subject::Worker, Action::Deploy);
    let name = if actual.worker_on_ecs { WORKER_ECS_STACK } else { WORKER_STACK };
    match &actual.worker {
        None => return,
        Some(Ok(Some(StackState::Made))) => return worker_code(actual, step, steps),
        Some(Err(why)) => return steps.push(unreadable(worker, why)),
        Some(Ok(None)) => {}
        Some(Ok(Some(StackState::Busy))) if actual.worker_on_ecs => {
            let waiting = stack(worker, name, MISSING, &actual.worker);
            return steps.push(waiting.in_state(StepState::Waiting));
        }
        some => return steps.push(stack(worker, name, MISSING, some)),
    }
    if let Some(Err(why)) = &actual.program {
        let reason = format!("{MISSING}, and this program can't be it: {why}");
        return steps.push(worker.because(WORKER_STACK, &reason).in_state(StepState::ByHand));
    }
    bucket(actual, step, steps);
    steps.push(stack(worker, WORKER_STACK, MISSING, &None));
}

fn bucket(actual: &Actual, step: &dyn Fn(Subject, Action) -> Step, steps: &mut Vec<Step>) {
    if !matches!(actual.code, None | Some(Ok(Some(StackState::Made)))) {
        let deploy = step(Subject::Code, Action::Deploy);
        steps.push(stack(deploy, CODE_STACK, "there is no bucket for its code", &actual.code));
    }
}

/// The code of a worker that is there.
fn worker_code(actual: &Actual, step: &dyn Fn(Subject, Action) -> Step, steps: &mut Vec<Step>) {
    match &actual.worker_code {
        None | Some(Ok(WorkerCode::Same)) => {}
        Some(Err(why)) => steps.push(unreadable(step(Subject::Worker, Action::Update), why)),
        Some(Ok(WorkerCode::Kept(why))) => steps.push(
            step(Subject::Worker, Action::Nothing)
                .because(WORKER_STACK, why)
                .in_state(StepState::LeftAlone),
        ),
        Some(Ok(WorkerCode::Differs(what))) => {
            bucket(actual, step, steps);
            let reason = format!("code differs: {what}");
            steps.push(step(Subject::Worker, Action::Update).because(WORKER_STACK, &reason));
        }
    }
}

/// A stack that is missing, by what CloudFormation says of it.
fn stack(step: Step, name: &str, missing: &str, fact: &Option<Fact<Option<StackState>>>) -> Step {
    let target = format!("stack {name}");
    match fact {
        None | Some(Ok(None)) => step.because(&target, missing),
        Some(Ok(Some(StackState::Busy))) => step.because(&target, "it is being made or changed"),
        Some(Ok(Some(StackState::Made))) => step
            .because(&target, &format!("{missing}, but there is the stack: see its resources"))
            .in_state(StepState::ByHand),
        Some(Ok(Some(StackState::Broken(status)))) => {
            let status = status.as_str();
            let remedy = match status.starts_with("UPDATE_") {
                true => "continue the rollback of its update in CloudFormation",
                false => "delete it",
            };
            let reason = format!("it is in {status}: {remedy}, and run this again");
            step.because(&target, &reason).in_state(StepState::ByHand)
        }
        Some(Err(why)) => unreadable(step, why),
    }
}

fn unreadable(step: Step, why: &Unreadable) -> Step {
    let target = step.subject.as_str();
    let error = Some(why.why().to_owned());
    let step = step.because(target, "it can't be read").in_state(StepState::Unreadable);
    Step { action: Action::Nothing, error, ..step }
}

/// The rule in the security account that sends findings of the region to the hansho bus.
pub fn forwarder(place: &Place<'_>, steps: &mut Vec<Step>) {
    let desired = place.desired;
    let Some(fact): Option<&Fact<_>> = place.facts.forwarder.as_ref() else { return };
    let deploy = place.step(Subject::Forwarder, Action::Deploy, &desired.security);
    let forwarder = match fact {
        Err(why) => {
            return steps.push(place.unreadable(Subject::Forwarder, &desired.security, why));
        }
        Ok(None) => {
            let missing = "there is no rule hansho-forwarder";
            let found = &place.facts.forwarder_stack;
            return steps.push(stack(deploy, FORWARDER_STACK, missing, found));
        }
        Ok(Some(forwarder)) => forwarder,
    };
    let bus = hansho_bus_arn(&desired.partition, &desired.home, &desired.security);
    if !forwarder.targets.iter().any(|target| target.arn == bus) {
        let home = &desired.home;
        let reason =
            format!("the rule does not send to the hansho bus of {home}: step 5 of {GUIDE}");
        steps.push(deploy.because(FORWARDER_RULE, &reason).in_state(StepState::ByHand));
    }
    if !forwarder.enabled {
        steps.push(
            place
                .step(Subject::Forwarder, Action::Enable, &desired.security)
                .because(FORWARDER_RULE, "the rule is disabled"),
        );
    }
}

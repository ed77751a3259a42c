//! `hansho rollout`: GuardDuty in all accounts and regions, connected to hansho.
//!
//! [`gather`] reads what is, [`crate::rollout::plan`] makes the steps, [`apply`] carries them out,
//! and [`text`] and [`json`] show them.

pub mod apply;
pub mod args;
mod ask;
mod code;
mod configuration;
pub mod gather;
pub mod home;
pub mod json;
mod on_aws;
pub mod stacks;
pub mod targets;
pub mod text;
pub mod worker;

use crate::commands::exit::Exit;
use crate::rollout::{Step, StepState, Subject};

use args::{Action, RolloutCommand};

/// The name of the bus and of the secret that infra/pipeline.yaml makes.
pub const BUS: &str = "hansho";
pub const SECRET: &str = "hansho/slack";

/// Runs the command. Prints wrong usage to stderr.
///
/// # Errors
/// What is needed for any plan can't be read, or the output can't be written.
pub async fn start(args: &RolloutCommand) -> anyhow::Result<Exit> {
    let (options, apply) = match &args.action {
        Action::Plan(options) => (options, None),
        Action::Apply(apply) => (&apply.options, Some(apply.yes)),
    };
    let files = match targets::files(options) {
        Ok(files) => files,
        Err(mistakes) => return Ok(usage(&mistakes)),
    };
    on_aws::run(options, files, apply).await
}

/// Reports wrong usage, all of it.
fn usage(mistakes: &[String]) -> Exit {
    mistakes.iter().for_each(|mistake| eprintln!("hansho: {mistake}"));
    Exit::Usage
}

/// Keeps the steps that were asked for.
pub fn keep_only(steps: &mut Vec<Step>, only: &[Subject]) {
    steps.retain(|step| only.is_empty() || only.contains(&step.subject));
}

/// The exit code of a plan.
pub fn exit_of_plan(steps: &[Step]) -> Exit {
    let any = |state: StepState| steps.iter().any(|step| step.state == state);
    match () {
        () if any(StepState::Planned) || any(StepState::ByHand) => Exit::Open,
        () if any(StepState::Unreadable) => Exit::Failure,
        () => Exit::Done,
    }
}

/// The exit code of an apply.
pub fn exit_of_apply(steps: &[Step]) -> Exit {
    let done = |step: &Step| !step.is_open() && !step.is_undone();
    Exit::of(steps.iter().all(done))
}

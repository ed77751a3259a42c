//! Carries out the steps of a plan: first those of the home region that others need, then regions
//! side by side, and in each region one call after the other. A failure never stops steps that do
//! not need the failed one.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use super::SECRET;
use super::home::Home;
use super::stacks::{Choices, deployment};
use super::worker::{self, Worker};
use crate::estate::{Fact, Unreadable};
use crate::finding::Text;
use crate::ports::rollout::{RolloutCalls, Terms, Unprocessed};
use crate::rollout::{Batch, Call, Desired, Step, StepState, Subject, WORKER_STACK, next_batch};
use crate::secret::Secret;

/// Regions in which steps are made at the same time. Each makes one call at a time, and GuardDuty
/// allows more in each region.
const REGIONS_AT_A_TIME: usize = 8;
/// The longest reason of GuardDuty that is kept, in characters.
const WHY_CHARS_MAX: usize = 300;

/// What all calls of a run share.
pub struct Run<'a, R> {
    pub calls: &'a R,
    pub home: &'a Home,
    pub desired: &'a Desired,
    pub terms: &'a Terms,
    pub choices: &'a Choices,
    pub webhook: Option<&'a Secret>,
    /// The worker, if a step deploys it.
    pub worker: Option<&'a Worker>,
    /// The regions from which a canary has arrived.
    pub proven: &'a BTreeSet<String>,
}

impl<R: RolloutCalls> Run<'_, R> {
    /// Makes all planned steps. Calls `done` after each call, with its steps.
    pub async fn apply(&self, mut steps: Vec<Step>, done: impl Fn(&[&Step])) -> Vec<Step> {
        self.forget_proofs(&mut steps).await;
        let is_first = |step: &Step| {
            matches!(
                step.subject,
                Subject::Pipeline
                    | Subject::Secret
                    | Subject::Code
                    | Subject::Worker
                    | Subject::Directory
            )
        };
        let (first, rest): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_first);
        let mut home = Region { run: self, steps: first, before: &[] };
        home.run(&done).await;
        let first = home.steps;
        let mut by_region: BTreeMap<String, Vec<Step>> = BTreeMap::new();
        for step in rest {
            by_region.entry(step.region.clone()).or_default().push(step);
        }
        let (before, done) = (first.as_slice(), &done);
        let work = by_region.into_values().map(|steps| async move {
            let mut region = Region { run: self, steps, before };
            region.run(done).await;
            region.steps
        });
        let rest: Vec<Vec<Step>> = stream::iter(work).buffered(REGIONS_AT_A_TIME).collect().await;
        let mut all: Vec<Step> = rest.into_iter().flatten().chain(first).collect();
        all.sort();
        all
    }

    /// What a canary proved does not hold any more once the way is changed.
    async fn forget_proofs(&self, steps: &mut [Step]) {
        let canary =
            |step: &&mut Step| step.subject == Subject::Canary && step.state == StepState::Planned;
        for step in steps.iter_mut().filter(canary) {
            if self.proven.contains(&step.region)
                && let Err(why) = self.home.prove(&step.region, false).await
            {
                (step.state, step.error) = (StepState::Failed, Some(why.why().to_owned()));
            }
        }
    }
}

/// The work in one region.
struct Region<'a, R> {
    run: &'a Run<'a, R>,
    steps: Vec<Step>,
    /// Steps of the home region that were made before.
    before: &'a [Step],
}

impl<R: RolloutCalls> Region<'_, R> {
    async fn run(&mut self, done: &impl Fn(&[&Step])) {
        self.skip();
        while let Some(batch) = next_batch(&self.steps, 0) {
            let outcome = self.carry_out(&batch).await;
            for &at in &batch.steps {
                let step = &mut self.steps[at];
                (step.state, step.error) = state(&step.account, &outcome);
            }
            done(&batch.steps.iter().map(|at| &self.steps[*at]).collect::<Vec<_>>());
            self.skip();
        }
    }

    async fn carry_out(&self, batch: &Batch) -> Fact<Unprocessed> {
        let Run { calls, home, desired, terms, choices, webhook, worker, .. } = self.run;
        match &batch.call {
            Call::PutSecret => {
                let none = || Unreadable::new("no webhook was given on the standard input");
                let value = webhook.ok_or_else(none)?;
                calls.put_secret(&batch.region, SECRET, value).await?;
            }
            Call::Deploy => {
                let step = batch.steps.first().map(|at| &self.steps[*at]);
                let made = step.and_then(|step| deployment(step, desired, choices));
                let none = || Unreadable::new("the step has no stack");
                calls.deploy(&batch.region, &made.ok_or_else(none)?).await?;
            }
            Call::DeployWorker => {
                match worker {
                    Some(worker) => worker::deploy(*calls, desired, choices, worker).await?,
                    // Its stack is being made or changed.
                    None => calls.settled(&batch.region, WORKER_STACK).await?,
                }
            }
            Call::UpdateWorker => {
                let none = || Unreadable::new("there is no program for the worker");
                worker::update(*calls, desired, choices, worker.ok_or_else(none)?).await?;
            }
            Call::SyncDirectory => home.sync().await?,
            Call::SendCanary => {
                home.canary(&batch.region).await?;
                home.prove(&batch.region, true).await?;
            }
            _ => return calls.carry_out(batch, terms).await,
        }
        Ok(Unprocessed::new())
    }

    /// Skips planned steps that need a step that was not done.
    fn skip(&mut self) {
        let security = &self.run.desired.security;
        for at in 0..self.steps.len() {
            if self.steps[at].state != StepState::Planned {
                continue;
            }
            let step = &self.steps[at];
            let undone = |other: &&Step| {
                !matches!(other.state, StepState::Planned | StepState::Done | StepState::LeftAlone)
                    && step.needs(other.subject, &other.account, security)
            };
            let mut earlier = self.before.iter().chain(&self.steps[..at]);
            let Some(needed) = earlier.find(undone) else { continue };
            let error = format!(
                "it needs the step {} of {}, which is not done",
                needed.subject.as_str(),
                needed.account
            );
            let step = &mut self.steps[at];
            (step.state, step.error) = (StepState::Skipped, Some(error));
        }
    }
}

fn state(account: &str, outcome: &Fact<Unprocessed>) -> (StepState, Option<String>) {
    match outcome {
        Err(why) => (StepState::Failed, Some(why.why().to_owned())),
        Ok(unprocessed) => match unprocessed.get(account) {
            None => (StepState::Done, None),
            Some(why) => {
                let why = Text::new(why, WHY_CHARS_MAX).as_str().to_owned();
                (StepState::Failed, Some(why))
            }
        },
    }
}

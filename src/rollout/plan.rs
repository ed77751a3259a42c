//! From facts to steps.

mod home;
mod members;
mod organisation;

use super::facts::{Actual, Desired, Mode, RegionFacts};
use super::step::{Action, LoginOf, Step, StepState, Subject};
use crate::estate::{Detector, Plans, Unreadable};

/// The page of the guide for what a person does.
const GUIDE: &str = "infra/README.md";

/// All steps, in the order of the work. Steps of different regions don't need each other.
pub fn plan(desired: &Desired, actual: &Actual) -> Vec<Step> {
    let mut steps = Vec::new();
    home::steps(desired, actual, &mut steps);
    for region in &desired.regions {
        let Some(facts) = actual.regions.get(region) else { continue };
        let place = Place { desired, actual, facts, region };
        place.steps(&mut steps);
    }
    samples(desired, &mut steps);
    canaries(desired, actual, &mut steps);
    steps.sort();
    steps
}

/// A sample finding in a member of each region in which something is done.
fn samples(desired: &Desired, steps: &mut Vec<Step>) {
    if !desired.member_role {
        return;
    }
    for region in &desired.regions {
        let active = |step: &&Step| step.region == *region && step.state == StepState::Planned;
        let members = |step: &&Step| desired.targets.contains_key(&step.account);
        let Some(step) = steps.iter().filter(active).find(members) else { continue };
        let sample = Step::new(Subject::Sample, Action::Create, &step.account, region)
            .because("a sample finding", "it shows that findings of members arrive")
            .by(LoginOf::Member);
        steps.push(sample);
    }
}

/// A canary from each region whose way to the ledger is changed, or from which none has arrived
/// since it was.
fn canaries(desired: &Desired, actual: &Actual, steps: &mut Vec<Step>) {
    for (region, facts) in actual.regions.iter().filter(|(_, facts)| facts.enabled) {
        let step = Step::new(Subject::Canary, Action::Send, &desired.security, region);
        let on_the_way = |other: &&Step| {
            let here = other.subject != Subject::Forwarder || other.region == *region;
            here && step.needs(other.subject, &other.account, &desired.security)
        };
        let planned = |other: &Step| other.state == StepState::Planned;
        let changed = steps.iter().filter(on_the_way).any(planned);
        // A way that a person has to repair first would only lose it.
        let blocked = steps.iter().filter(on_the_way).any(Step::is_open);
        let step = match &facts.proven {
            _ if changed && facts.forwarder.is_some() => step
                .because("a canary", "it shows that events arrive from there; nothing is posted"),
            Some(Ok(false)) if !blocked => step
                .because("a canary", "none has arrived from there since the way was last changed"),
            Some(Err(why)) => Step {
                action: Action::Nothing,
                error: Some(why.why().to_owned()),
                ..step.because("a canary", "whether one has arrived can't be read")
            }
            .in_state(StepState::Unreadable),
            _ => continue,
        };
        steps.push(step);
    }
}

/// One region, with all that is known of it.
struct Place<'a> {
    desired: &'a Desired,
    actual: &'a Actual,
    facts: &'a RegionFacts,
    region: &'a str,
}

impl Place<'_> {
    fn steps(&self, steps: &mut Vec<Step>) {
        let security = &self.desired.security;
        if !self.facts.enabled {
            let reason = "the security account has not enabled the region: enable it in the \
                          account's settings, in all accounts first";
            steps.push(
                self.step(Subject::Region, Action::Enable, security)
                    .because(self.region, reason)
                    .in_state(StepState::ByHand),
            );
            return;
        }
        home::forwarder(self, steps);
        match &self.facts.detector {
            None => {}
            Some(Err(why)) => steps.push(self.unreadable(Subject::Detector, security, why)),
            Some(Ok(detector)) => {
                self.own_detector(detector.as_ref(), security, LoginOf::Security, steps);
                self.frequency(detector.as_ref(), steps);
                match self.desired.mode {
                    Mode::Organisation => organisation::steps(self, steps),
                    Mode::Invitation => members::invited(self, steps),
                }
            }
        }
    }

    fn step(&self, subject: Subject, action: Action, account: &str) -> Step {
        Step::new(subject, action, account, self.region)
    }

    fn unreadable(&self, subject: Subject, account: &str, why: &Unreadable) -> Step {
        Step {
            error: Some(why.why().to_owned()),
            ..self
                .step(subject, Action::Nothing, account)
                .because(subject.as_str(), "it can't be read")
                .in_state(StepState::Unreadable)
        }
    }

    fn left_alone(&self, subject: Subject, account: &str, target: &str, reason: &str) -> Step {
        self.step(subject, Action::Nothing, account)
            .because(target, reason)
            .in_state(StepState::LeftAlone)
    }

    /// A step that the login's owner takes by hand, if hansho was not given the login.
    fn if_login(&self, step: Step) -> Step {
        let given = match step.login {
            LoginOf::Security => true,
            LoginOf::Management => self.desired.management_login,
            LoginOf::Member => self.desired.member_role,
        };
        if given {
            return step;
        }
        let option = match step.login {
            LoginOf::Management => "--management-profile or --management-role",
            _ => "--member-role",
        };
        let reason = format!("{}: give {option}, or see step 6 of {GUIDE}", step.reason);
        Step { reason, ..step.in_state(StepState::ByHand) }
    }

    /// The detector of an account, by its own login: there, on, and with its plans.
    fn own_detector(
        &self,
        detector: Option<&Detector>,
        account: &str,
        login: LoginOf,
        steps: &mut Vec<Step>,
    ) {
        let Some(detector) = detector else {
            let step = self
                .step(Subject::Detector, Action::Create, account)
                .because("detector", "there is none")
                .by(login);
            let plans = self.desired.plans.iter().cloned().collect();
            steps.push(self.if_login(Step { plans, ..step }));
            return;
        };
        if !detector.on {
            let step = self
                .step(Subject::Detector, Action::Resume, account)
                .because("detector", "it is suspended")
                .by(login);
            steps.push(self.if_login(step));
        }
        // A member's plans are its administrator's.
        if login == LoginOf::Security {
            self.plans(&detector.plans, account, "", steps);
        }
    }

    fn frequency(&self, detector: Option<&Detector>, steps: &mut Vec<Step>) {
        let wanted = self.desired.frequency;
        let Some(detector) = detector.filter(|one| one.frequency != Some(wanted)) else { return };
        let is = detector.frequency.map_or("unknown", |one| one.as_str());
        let reason = format!("updates of findings are published every {is}");
        let step = self.step(Subject::Frequency, Action::Set, &self.desired.security);
        steps.push(step.because(wanted.as_str(), &reason));
    }

    /// Plans that should be on and are not. `email` is empty for the security account itself.
    fn plans(&self, plans: &Plans, account: &str, email: &str, steps: &mut Vec<Step>) {
        let mut off = Vec::new();
        for name in &self.desired.plans {
            match plans.get(name) {
                Some(plan) if plan.on => {}
                Some(plan) if plan.by_policy => steps.push(self.left_alone(
                    Subject::Plans,
                    account,
                    name,
                    "it is off, and a policy of AWS Organizations manages it",
                )),
                // GuardDuty lists every plan that it has in the region.
                None if !plans.is_empty() => steps.push(self.left_alone(
                    Subject::Plans,
                    account,
                    name,
                    "GuardDuty does not have this plan in the region",
                )),
                _ => off.push(name.clone()),
            }
        }
        if !off.is_empty() {
            let step = self
                .step(Subject::Plans, Action::Enable, account)
                .because(&off.join(", "), "these plans are off");
            steps.push(Step { plans: off, email: email.to_owned(), ..step });
        }
    }
}

#[cfg(test)]
mod tests;

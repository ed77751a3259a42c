//! `hansho rollout` on AWS.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;

use super::args::{MentionOf, Options, Regions};
use super::gather::{Sources, gather};
use super::home::Home;
use super::stacks::Choices;
use super::targets::{self, Files};
use super::worker::{Program, Worker};
use super::{apply, ask, code, exit_of_apply, exit_of_plan, json, keep_only, text, usage};
use crate::aws;
use crate::aws::estate::{Estate, ManagementLogin, Rollout};
use crate::commands::exit::Exit;
use crate::commands::replay::console::print;
use crate::estate::{Caller, FORWARDER_RULE, Fact, OrganisationAccount, RegionStatus, Unreadable};
use crate::ports::estate::{EstateSource, Login, RegionsOf};
use crate::ports::rollout as ports;
use crate::ports::rollout::{RolloutCalls, Terms};
use crate::rollout::{
    Action, Actual, CODE_STACK, Desired, Directory, Mode, StackState, Step, StepState, Subject,
    plan,
};
use crate::secret::Secret;
use crate::terminal::terminal_columns;
use crate::words::number_of;

/// The logins of a rollout.
struct Logins {
    own: aws::SdkConfig,
    estate: Estate,
    /// With the login of the management account, if it is given.
    management: Option<Estate>,
    calls: Rollout,
    region: Option<String>,
}

impl Logins {
    /// The organisation is read with the login of the management account, if it is given.
    async fn home(&self, region: &str) -> Fact<Home> {
        let home = aws::in_region(&self.own, region);
        let organisation = match &self.management {
            Some(_) => self.calls.management().await?,
            None => home.clone(),
        };
        Ok(Home::new(home, &organisation))
    }
}

/// Reads what the ledger has: the account directory, and from where canaries have arrived. It is
/// there once the pipeline is.
async fn read_ledger(home: &Home, scope: &Scope, actual: &mut Actual) {
    let is_there = matches!(actual.bus, Some(Ok(true)));
    if scope.desired.mode == Mode::Organisation && scope.accounts.is_ok() {
        actual.directory = match &actual.bus {
            Some(Ok(true)) => Some(home.directory().await),
            Some(Ok(false)) => Some(Ok(Directory::default())),
            _ => None,
        };
    }
    for (region, facts) in actual.regions.iter_mut().filter(|_| is_there) {
        if facts.forwarder.is_some() {
            facts.proven = Some(home.proven(region).await);
        }
    }
}

/// The regions from which a canary has arrived.
fn proven(actual: &Actual) -> BTreeSet<String> {
    let proven = actual.regions.iter().filter(|(_, facts)| matches!(facts.proven, Some(Ok(true))));
    proven.map(|(region, _)| region.clone()).collect()
}

/// What a run is about.
struct Scope {
    desired: Desired,
    regions: BTreeMap<String, bool>,
    known: BTreeMap<String, RegionStatus>,
    /// Why the accounts of the organisation are not known.
    accounts: Fact<()>,
    organisation_id: Option<String>,
}

/// Plans, and applies if `yes` is given. `yes` says whether nobody is asked.
///
/// # Errors
/// Nobody knows whose login this is or which regions there are, or the output can't be written.
pub async fn run(options: &Options, mut files: Files, yes: Option<bool>) -> anyhow::Result<Exit> {
    let logins = logins(options).await?;
    let scope = match scope(options, &files, &logins).await? {
        Ok(scope) => scope,
        Err(mistakes) => return Ok(usage(&mistakes)),
    };
    let desired = &scope.desired;
    let sources = Sources { estate: &logins.estate, calls: &logins.calls };
    let mut actual = gather(&sources, desired, &scope.regions, &scope.known).await;
    let home = logins.home(&desired.home).await?;
    read_ledger(&home, &scope, &mut actual).await;
    let worker = worker(&logins.calls, desired, &mut files, &mut actual).await;
    let mut steps = plan(desired, &actual);
    steps.extend(scope.accounts.as_ref().err().map(|why| unknown_accounts(desired, why)));
    keep_only(&mut steps, &options.only);
    let Some(yes) = yes else {
        show(options, desired, &steps)?;
        return Ok(exit_of_plan(&steps));
    };
    if let Some(exit) = ends_before(options, desired, &steps, yes)? {
        return Ok(exit);
    }
    let configuration = files.configuration;
    let choices = Choices {
        configured: configuration.as_ref().map_or_else(Vec::new, |one| one.parameters.clone()),
        ..choices(options, &scope, yes, &steps)?
    };
    let webhook = webhook(&steps)?;
    let text = configuration.as_ref().map(|one| one.text.as_str());
    let worker = worker.map(|worker| worker.packed(text)).transpose()?;
    let run = apply::Run {
        calls: &logins.calls,
        home: &home,
        desired,
        terms: &terms(options, desired),
        choices: &choices,
        webhook: webhook.as_ref(),
        worker: worker.as_ref(),
        proven: &proven(&actual),
    };
    let steps = run.apply(steps, progress).await;
    show(options, desired, &steps)?;
    Ok(exit_of_apply(&steps))
}

/// Shows the plan, and asks. The exit if nothing is to be made.
fn ends_before(
    options: &Options,
    desired: &Desired,
    steps: &[Step],
    yes: bool,
) -> anyhow::Result<Option<Exit>> {
    if !options.json {
        print(&text::text(desired, steps, terminal_columns()))?;
    }
    let planned = steps.iter().filter(|step| step.state == StepState::Planned).count();
    if planned == 0 {
        if options.json {
            show(options, desired, steps)?;
        }
        return Ok(Some(exit_of_apply(steps)));
    }
    let makes = yes || ask::confirmed(&format!("Make {}?", number_of(planned, "planned step")))?;
    Ok((!makes).then_some(Exit::Usage))
}

/// What becomes the worker.
enum NextWorker {
    /// A new one.
    Program(Program),
    /// In place of one that is there.
    Packed(Worker),
}

impl NextWorker {
    fn packed(self, configuration: Option<&str>) -> Fact<Worker> {
        match self {
            NextWorker::Program(program) => Worker::new(&program, configuration),
            NextWorker::Packed(worker) => Ok(worker),
        }
    }
}

/// Reads the program that becomes the worker, if there is no worker. Where there is one on Lambda,
/// its code is compared.
async fn worker(
    calls: &Rollout,
    desired: &Desired,
    files: &mut Files,
    actual: &mut Actual,
) -> Option<NextWorker> {
    let given = files.program.take();
    match actual.worker {
        Some(Ok(None)) => {
            let read = given.map_or_else(|| Program::read(None), Ok);
            actual.program = Some(read.as_ref().map(|one| one.processor).map_err(Clone::clone));
            read.ok().map(NextWorker::Program)
        }
        Some(Ok(Some(StackState::Made))) if !actual.worker_on_ecs => {
            let text = files.configuration.as_ref().map(|one| one.text.as_str());
            let (code, worker) = code::compare(calls, desired, given, text)
                .await
                .map_or_else(|why| (Err(why), None), |(code, worker)| (Ok(code), worker));
            if worker.is_some() {
                actual.code = Some(calls.stack(&desired.home, CODE_STACK).await);
            }
            actual.worker_code = Some(code);
            worker.map(NextWorker::Packed)
        }
        _ => None,
    }
}

/// What the options say, and a person is asked.
fn choices(options: &Options, scope: &Scope, yes: bool, steps: &[Step]) -> anyhow::Result<Choices> {
    Ok(Choices {
        organisation_id: scope.organisation_id.clone(),
        alarm_email: options.alarm_email.clone().unwrap_or_default(),
        mentions: mentions(options, yes, steps)?,
        configured: Vec::new(),
    })
}

/// Whom findings mention: as the options say, else as a person answers.
fn mentions(
    options: &Options,
    yes: bool,
    steps: &[Step],
) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let mut given = options.mention.clone();
    // A file may say whom.
    if given.is_empty() && options.config.is_none() && !yes && makes_worker(steps) {
        given.extend(ask::mention()?);
    }
    let mut mentions = BTreeMap::new();
    for MentionOf { parameters, mention } in given {
        let text = mention.map_or_else(String::new, |one| one.to_string());
        mentions.extend(parameters.into_iter().map(|parameter| (parameter, text.clone())));
    }
    Ok(mentions)
}

async fn logins(options: &Options) -> anyhow::Result<Logins> {
    let config = aws::sdk_config().await;
    let role = options.member_role.as_deref();
    let management = match (&options.management_profile, &options.management_role) {
        (Some(profile), _) => {
            Some(ManagementLogin::Config(Box::new(aws::sdk_config_of_profile(profile).await)))
        }
        (None, Some(arn)) => Some(ManagementLogin::Role(arn.clone())),
        (None, None) => None,
    };
    let calls = Rollout::new(&config, management.clone(), role);
    let management = match management {
        Some(_) => Some(Estate::new(&calls.management().await?, None)),
        None => None,
    };
    let region = config.region().map(ToString::to_string);
    let estate = Estate::new(&config, role);
    Ok(Logins { own: config, estate, management, calls, region })
}

/// Who asks, for which accounts and regions. The inner error is wrong usage.
async fn scope(
    options: &Options,
    files: &Files,
    logins: &Logins,
) -> anyhow::Result<Result<Scope, Vec<String>>> {
    let Caller { account: security, partition } = logins.estate.caller().await?;
    let home = options.home.as_ref().map(ToString::to_string).or(logins.region.clone());
    let Some(home) = home else {
        return Ok(Err(vec!["no home region is known: give --home, or set AWS_REGION".to_owned()]));
    };
    let known = known_regions(options, logins).await?;
    let regions = match targets::regions(&options.regions, &known) {
        Ok(regions) => regions,
        Err(why) => return Ok(Err(vec![why])),
    };
    let organisation = match organisation(options, logins, &security).await? {
        Ok(organisation) => organisation,
        Err(why) => return Ok(Err(vec![why.to_owned()])),
    };
    let targets = match (options.mode, &organisation.accounts) {
        (Mode::Invitation, _) => targets::invited(files, &security),
        (Mode::Organisation, Ok(accounts)) => targets::enrolled(files, &security, accounts),
        (Mode::Organisation, Err(_)) => Ok(BTreeMap::new()),
    };
    let targets = match targets {
        Ok(targets) => targets,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    let desired = Desired {
        mode: options.mode,
        security,
        home,
        partition,
        regions: regions.keys().cloned().collect(),
        targets,
        management: organisation.head.as_ref().map(|head| head.management.clone()),
        plans: options.plans.iter().filter(|plan| *plan != "none").cloned().collect(),
        frequency: options.frequency,
        management_login: logins.management.is_some(),
        member_role: options.member_role.is_some(),
    };
    let accounts = organisation.accounts.map(drop);
    let organisation_id = organisation.head.map(|head| head.id);
    Ok(Ok(Scope { desired, regions, known, accounts, organisation_id }))
}

struct Organisation {
    head: Option<ports::Organisation>,
    accounts: Fact<Vec<OrganisationAccount>>,
}

/// The regions of the security account. With a list of regions none need be known.
async fn known_regions(
    options: &Options,
    logins: &Logins,
) -> anyhow::Result<BTreeMap<String, RegionStatus>> {
    match logins.estate.regions(RegionsOf::Login(Login::Own)).await {
        Err(why) if options.regions == Regions::All => {
            Err(why).context("give --regions with a list, or the right")
        }
        known => Ok(known.unwrap_or_default()),
    }
}

/// The accounts, by the login of the management account if there is one. The security account may
/// list them too, once it is a delegated administrator. The inner error is wrong usage.
async fn organisation(
    options: &Options,
    logins: &Logins,
    security: &str,
) -> Fact<Result<Organisation, &'static str>> {
    if options.mode == Mode::Invitation {
        return Ok(Ok(Organisation { head: None, accounts: Ok(Vec::new()) }));
    }
    let head = logins.calls.organisation().await?;
    match &head {
        None => {
            return Ok(Err(
                "this account is in no organisation: give --mode invitation and --members",
            ));
        }
        Some(head) if head.management == security => {
            return Ok(Err("this is the management account: run hansho with a login of the \
                           security account, and give --management-profile for this one"));
        }
        Some(_) => {}
    }
    let listed = match &logins.management {
        Some(management) => management.accounts().await,
        None => logins.estate.accounts().await,
    };
    Ok(Ok(Organisation { head, accounts: listed.map(Option::unwrap_or_default) }))
}

/// Nobody knows which accounts there are, so nobody knows which members are missing.
fn unknown_accounts(desired: &Desired, why: &Unreadable) -> Step {
    let step = Step::new(Subject::Member, Action::Nothing, &desired.security, &desired.home);
    let reason = "the accounts of the organisation can't be listed: give --management-profile or \
                  --management-role, or run this again when GuardDuty has its administrator";
    Step {
        error: Some(why.why().to_owned()),
        ..step.because("members", reason).in_state(StepState::Unreadable)
    }
}

fn terms(options: &Options, desired: &Desired) -> Terms {
    Terms {
        security: desired.security.clone(),
        frequency: desired.frequency,
        rule: FORWARDER_RULE.to_owned(),
        mail_invitations: options.member_role.is_none(),
    }
}

/// The webhook, if a step needs it.
fn webhook(steps: &[Step]) -> anyhow::Result<Option<Secret>> {
    if is_planned(steps, Subject::Secret) { ask::webhook() } else { Ok(None) }
}

fn is_planned(steps: &[Step], subject: Subject) -> bool {
    steps.iter().any(|step| step.subject == subject && step.state == StepState::Planned)
}

fn makes_worker(steps: &[Step]) -> bool {
    let makes = |step: &Step| step.subject == Subject::Worker && step.action == Action::Deploy;
    steps.iter().any(|step| makes(step) && step.state == StepState::Planned)
}

fn show(options: &Options, desired: &Desired, steps: &[Step]) -> anyhow::Result<()> {
    print(&match options.json {
        true => json::json(desired, steps)?,
        false => text::text(desired, steps, terminal_columns()),
    })
}

/// One line for each call.
fn progress(steps: &[&Step]) {
    let Some(first) = steps.first() else { return };
    let failed = steps.iter().filter(|step| step.state == StepState::Failed).count();
    let places = match steps.len() {
        1 => first.account.clone(),
        many => format!("{many} accounts"),
    };
    let outcome = match failed {
        0 => "done".to_owned(),
        failed => format!("{failed} failed"),
    };
    let (subject, action) = (first.subject.as_str(), first.action.as_str());
    eprintln!("{}: {subject} {action}, {places}: {outcome}", first.region);
}

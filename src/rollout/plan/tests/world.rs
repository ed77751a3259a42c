//! A model of GuardDuty in some regions. It refuses a step that AWS would refuse.

use std::collections::{BTreeMap, BTreeSet};

use crate::estate::detector::MemberDetector;
use crate::estate::{
    AutoEnable, Detector, Forwarder, ForwarderTarget, Frequency, Member, OrganisationConfiguration,
    Plan, Plans, Relationship,
};
use crate::rollout::{
    Action, Actual, Desired, Directory, Invitee, Listed, LoginOf, Mode, Processor, RegionFacts,
    SecretState, StackState, Step, Subject, Target, WorkerCode, hansho_bus_arn,
};

pub const SECURITY: &str = "111122223333";
pub const MANAGEMENT: &str = "000000000001";
pub const HOME: &str = "eu-central-1";
const PLANS: [&str; 3] = ["S3_DATA_EVENTS", "RDS_LOGIN_EVENTS", "RUNTIME_MONITORING"];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorldRegion {
    /// Of all accounts.
    pub detectors: BTreeMap<String, Detector>,
    pub administrator: Option<String>,
    pub configuration: Option<OrganisationConfiguration>,
    pub members: BTreeMap<String, Member>,
    pub forwarder_on: bool,
    /// A canary has arrived since the way was last changed.
    pub proven: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    pub regions: BTreeMap<String, WorldRegion>,
    pub secret_set: bool,
    pub bucket: bool,
    pub worker: bool,
    /// The worker has the code that would be sent.
    pub code_is_new: bool,
    pub directory: bool,
}

pub fn desired(mode: Mode, regions: usize, accounts: usize) -> Desired {
    let all = [HOME, "eu-west-1", "us-east-1", "ap-southeast-4"];
    let mut ids: Vec<String> = (0..accounts).map(|n| format!("4444555566{n:02}")).collect();
    if mode == Mode::Organisation {
        ids.push(MANAGEMENT.to_owned());
    }
    let target = |id: String| {
        let email = format!("{id}@a.example");
        (id, Target { email, active: true })
    };
    Desired {
        mode,
        security: SECURITY.to_owned(),
        home: HOME.to_owned(),
        partition: "aws".to_owned(),
        regions: all[..regions].iter().map(|&region| region.to_owned()).collect(),
        targets: ids.into_iter().map(target).collect(),
        management: (mode == Mode::Organisation).then(|| MANAGEMENT.to_owned()),
        plans: PLANS[..2].iter().map(|&plan| plan.to_owned()).collect(),
        frequency: Frequency::FifteenMinutes,
        management_login: mode == Mode::Organisation,
        member_role: mode == Mode::Invitation,
    }
}

pub fn detector(on: bool, plans_on: &[&str]) -> Detector {
    let plan =
        |name: &&str| ((*name).to_owned(), Plan { on: plans_on.contains(name), by_policy: false });
    Detector {
        id: "d".to_owned(),
        on,
        frequency: Some(Frequency::SixHours),
        plans: PLANS.iter().map(plan).collect::<Plans>(),
    }
}

impl World {
    /// Nothing at all.
    pub fn empty(desired: &Desired) -> World {
        let regions = desired.regions.iter().map(|one| (one.clone(), WorldRegion::default()));
        World {
            regions: regions.collect(),
            secret_set: true,
            bucket: true,
            worker: true,
            code_is_new: true,
            directory: true,
        }
    }

    /// Any state that AWS can be in.
    pub fn random(desired: &Desired, random: &mut fastrand::Rng) -> World {
        let mut world = World::empty(desired);
        world.secret_set = random.bool();
        world.bucket = random.bool();
        world.worker = random.bool();
        world.code_is_new = !world.worker || random.bool();
        world.directory = random.bool();
        for region in world.regions.values_mut() {
            region.forwarder_on = random.bool();
            region.proven = random.bool();
            let accounts: Vec<&String> = desired.targets.keys().collect();
            let own = SECURITY.to_owned();
            for account in accounts.iter().copied().chain([&own]) {
                if random.bool() {
                    let plans = &PLANS[..random.usize(..=3)];
                    region.detectors.insert(account.clone(), detector(random.bool(), plans));
                }
            }
            if !region.detectors.contains_key(SECURITY) {
                continue;
            }
            if desired.mode == Mode::Organisation && random.bool() {
                region.administrator = Some(own.clone());
                let enable = |n| AutoEnable::ALL[n];
                let plans = PLANS.iter().map(|p| ((*p).to_owned(), enable(random.usize(..3))));
                region.configuration = Some(OrganisationConfiguration {
                    plans: plans.collect(),
                    members: enable(random.usize(..3)),
                    limit_reached: false,
                });
            }
            if desired.mode == Mode::Organisation && region.administrator.is_none() {
                continue;
            }
            for account in accounts {
                let has_detector = region.detectors.contains_key(account);
                let relationship = match random.u8(..7) {
                    0 if has_detector => Relationship::Enabled,
                    1 if has_detector => Relationship::Suspended,
                    2 => Relationship::Created,
                    3 => Relationship::Invited,
                    4 => Relationship::Removed,
                    5 => Relationship::Resigned,
                    _ => continue,
                };
                region.members.insert(account.clone(), member(account, relationship));
            }
        }
        world
    }

    pub fn facts(&self, desired: &Desired) -> Actual {
        let region =
            |(name, region): (&String, &WorldRegion)| (name.clone(), region.facts(desired));
        Actual {
            regions: self.regions.iter().map(region).collect(),
            closed: BTreeSet::new(),
            bus: Some(Ok(true)),
            worker: Some(Ok(self.worker.then_some(StackState::Made))),
            worker_code: self.worker.then(|| Ok(self.worker_code())),
            code: Some(Ok(self.bucket.then_some(StackState::Made))),
            program: Some(Ok(Processor::Arm64)),
            directory: Some(Ok(self.directory(desired))),
            secret: Some(Ok(if self.secret_set { SecretState::Set } else { SecretState::Empty })),
            ..Actual::default()
        }
    }

    fn worker_code(&self) -> WorkerCode {
        match self.code_is_new {
            true => WorkerCode::Same,
            false => WorkerCode::Differs("it is another".to_owned()),
        }
    }

    fn directory(&self, desired: &Desired) -> Directory {
        let all = desired.targets.keys().cloned().chain([SECURITY.to_owned()]);
        let wanted: BTreeMap<String, Listed> = all.map(|id| (id, Listed::default())).collect();
        Directory { known: self.directory.then(|| wanted.clone()), wanted, left_alone: None }
    }

    /// Carries out a step.
    pub fn apply(&mut self, step: &Step, desired: &Desired) {
        if matches!(step.subject, Subject::Secret | Subject::Worker) {
            self.regions.values_mut().for_each(|region| region.proven = false);
        }
        match step.subject {
            Subject::Secret => return self.secret_set = true,
            Subject::Code => {
                assert!(!self.bucket, "{step:?}");
                return self.bucket = true;
            }
            Subject::Worker => {
                assert!(self.bucket && self.secret_set, "{step:?}");
                assert_eq!(self.worker, step.action == Action::Update, "{step:?}");
                assert!(!self.worker || !self.code_is_new, "{step:?}");
                (self.worker, self.code_is_new) = (true, true);
                return;
            }
            Subject::Directory => return self.directory = true,
            _ => {}
        }
        let region = self.regions.get_mut(&step.region).unwrap();
        region.apply(step, desired);
    }
}

pub fn member(account: &str, relationship: Relationship) -> Member {
    let email = format!("{account}@a.example");
    Member { account: account.to_owned(), detector: Some("d".to_owned()), relationship, email }
}

impl WorldRegion {
    fn facts(&self, desired: &Desired) -> RegionFacts {
        let own = self.detectors.get(SECURITY);
        let enabled = |member: &&Member| member.relationship == Relationship::Enabled;
        let seen = |member: &Member| {
            let detector = &self.detectors[&member.account];
            let seen = MemberDetector { on: detector.on, plans: detector.plans.clone() };
            (member.account.clone(), Ok(seen))
        };
        let invitee = |account: &String| {
            let detector = self.detectors.get(account).cloned();
            (account.clone(), Ok(Invitee { detector, administrator: None }))
        };
        let bus = hansho_bus_arn("aws", HOME, SECURITY);
        RegionFacts {
            enabled: true,
            detector: Some(Ok(own.cloned())),
            administrator: Some(Ok(self.administrator.clone())),
            configuration: own.map(|_| Ok(self.configuration.clone())),
            members: own.map(|_| Ok(self.members.clone())),
            member_detectors: self.members.values().filter(enabled).map(seen).collect(),
            management_detector: desired
                .management_login
                .then(|| Ok(self.detectors.get(MANAGEMENT).cloned())),
            invitees: match desired.member_role {
                true => desired.targets.keys().map(invitee).collect(),
                false => BTreeMap::new(),
            },
            forwarder: Some(Ok(Some(Forwarder {
                enabled: self.forwarder_on,
                targets: vec![ForwarderTarget { id: "bus".to_owned(), arn: bus }],
            }))),
            proven: Some(Ok(self.proven)),
            forwarder_stack: None,
        }
    }

    fn apply(&mut self, step: &Step, desired: &Desired) {
        let account = &step.account;
        let is_own = account == SECURITY;
        match (step.subject, step.action) {
            (Subject::Detector, Action::Create) => {
                let plans: Vec<&str> = step.plans.iter().map(String::as_str).collect();
                let made =
                    Detector { frequency: Some(desired.frequency), ..detector(true, &plans) };
                assert!(self.detectors.insert(account.clone(), made).is_none(), "{step:?}");
            }
            (Subject::Detector, Action::Resume) => self.detector(account).on = true,
            (Subject::Frequency, _) => {
                self.detector(SECURITY).frequency = Some(desired.frequency);
            }
            (Subject::Administrator, _) => {
                assert_eq!(step.login, LoginOf::Management);
                assert!(self.administrator.is_none() && self.detectors.contains_key(SECURITY));
                self.administrator = Some(SECURITY.to_owned());
                self.configuration = Some(OrganisationConfiguration {
                    members: AutoEnable::New,
                    plans: BTreeMap::new(),
                    limit_reached: false,
                });
            }
            (Subject::Organization, _) => {
                let configuration = self.configuration.as_mut().expect("no administrator");
                configuration.members = AutoEnable::All;
                let plans = step.plans.iter().map(|plan| (plan.clone(), AutoEnable::All));
                configuration.plans.extend(plans);
            }
            (Subject::Member, action) => self.member(step, action),
            (Subject::Plans, _) => {
                let is_member = |one: &Member| one.relationship == Relationship::Enabled;
                assert!(is_own || self.members.get(account).is_some_and(is_member), "{step:?}");
                for plan in &step.plans {
                    self.detector(account).plans.get_mut(plan).unwrap().on = true;
                }
            }
            (Subject::Forwarder, Action::Enable) => {
                (self.forwarder_on, self.proven) = (true, false);
            }
            (Subject::Canary, _) => self.proven = self.forwarder_on,
            (Subject::Sample, _) => {
                assert_eq!(self.members[account].relationship, Relationship::Enabled);
                assert!(self.detectors[account].on, "{step:?}");
            }
            _ => panic!("nobody can do this: {step:?}"),
        }
    }

    fn member(&mut self, step: &Step, action: Action) {
        let account = &step.account;
        let is = self.members.get(account).map(|member| member.relationship.clone());
        let becomes = match action {
            Action::Enroll => {
                let configuration = self.configuration.clone().expect("no administrator");
                assert!(!step.email.is_empty() && configuration.members == AutoEnable::All);
                assert!(account != MANAGEMENT || self.detectors.contains_key(MANAGEMENT));
                let detector =
                    self.detectors.entry(account.clone()).or_insert_with(|| detector(true, &[]));
                detector.on = true;
                let all = configuration.plans.iter().filter(|(_, to)| **to == AutoEnable::All);
                for (plan, _) in all {
                    detector.plans.get_mut(plan).unwrap().on = true;
                }
                Relationship::Enabled
            }
            Action::Create => {
                assert!(is.is_none() && !step.email.is_empty(), "{step:?}");
                Relationship::Created
            }
            Action::Invite => {
                assert!(!matches!(is, None | Some(Relationship::Enabled)), "{step:?}");
                Relationship::Invited
            }
            Action::Accept => {
                assert_eq!(is, Some(Relationship::Invited), "{step:?}");
                assert_eq!(step.login, LoginOf::Member);
                assert!(self.detectors[account].on, "{step:?}");
                Relationship::Enabled
            }
            Action::Resume => {
                assert!(is.is_some());
                self.detector(account).on = true;
                Relationship::Enabled
            }
            _ => panic!("nobody can do this: {step:?}"),
        };
        self.members.insert(account.clone(), member(account, becomes));
    }

    fn detector(&mut self, account: &str) -> &mut Detector {
        self.detectors.get_mut(account).expect("no detector")
    }
}

//! What should be, and what is.

use std::collections::{BTreeMap, BTreeSet};

use super::binary::Processor;
use crate::estate::detector::MemberDetector;
use crate::estate::{Detector, Fact, Forwarder, Frequency, Member, OrganisationConfiguration};
use crate::finding::Text;
use crate::words::words;

words! {
    /// How accounts become members of the security account.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Mode {
        /// Through AWS Organizations. GuardDuty needs nobody's consent.
        Organisation = "organization",
        /// Each account is invited, and accepts.
        Invitation = "invitation",
    }
}

impl Mode {
    pub const ALL: [Mode; 2] = [Self::Organisation, Self::Invitation];
}

/// An account that should be a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// GuardDuty asks for it when a member is created.
    pub email: String,
    /// False while the account is suspended or closed. Nothing is done there.
    pub active: bool,
}

/// What should be.
#[derive(Clone, Debug)]
pub struct Desired {
    pub mode: Mode,
    /// The account that hansho runs in, and that is GuardDuty's administrator.
    pub security: String,
    /// Where the pipeline is.
    pub home: String,
    pub partition: String,
    pub regions: BTreeSet<String>,
    /// All accounts that should be members. The security account is not one of them.
    pub targets: BTreeMap<String, Target>,
    /// The account that the organisation belongs to.
    pub management: Option<String>,
    /// Protection plans that should be on, by their names in [`crate::estate::Plans`].
    pub plans: BTreeSet<String>,
    pub frequency: Frequency,
    /// Whether a login of the management account was given.
    pub management_login: bool,
    /// Whether a role in the members was named.
    pub member_role: bool,
}

/// The ARN of the bus that the pipeline makes.
pub fn hansho_bus_arn(partition: &str, home: &str, security: &str) -> String {
    format!("arn:{partition}:events:{home}:{security}:event-bus/hansho")
}

/// The names of the stacks in the guide.
pub const PIPELINE_STACK: &str = "hansho-pipeline";
pub const CODE_STACK: &str = "hansho-code";
pub const FORWARDER_STACK: &str = "hansho-forwarder";
pub const WORKER_STACK: &str = "hansho-worker-lambda";
pub const WORKER_ECS_STACK: &str = "hansho-worker-ecs";

/// How a stack of CloudFormation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackState {
    Made,
    /// It is being made or changed.
    Busy,
    /// It failed, with the word of CloudFormation.
    Broken(Text),
}

/// The code of a worker on Lambda, compared with what would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerCode {
    Same,
    /// What differs, in words.
    Differs(String),
    /// It is left alone, for this reason.
    Kept(String),
}

/// What is.
#[derive(Clone, Debug, Default)]
pub struct Actual {
    /// Regions that are left out were not read.
    pub regions: BTreeMap<String, RegionFacts>,
    /// Regions that a member has not enabled.
    pub closed: BTreeSet<(String, String)>,
    /// Whether the hansho bus is in the home region.
    pub bus: Option<Fact<bool>>,
    pub secret: Option<Fact<SecretState>>,
    /// The pipeline's stack, if there is no bus.
    pub pipeline: Option<Fact<Option<StackState>>>,
    /// The worker's stack, on Lambda or on ECS.
    pub worker: Option<Fact<Option<StackState>>>,
    /// None: it is not asked for, as in [`Mode::Invitation`], where nobody knows names of accounts.
    pub directory: Option<Fact<Directory>>,
    /// Whether that stack is the one on ECS.
    pub worker_on_ecs: bool,
    /// None: there is no worker on Lambda.
    pub worker_code: Option<Fact<WorkerCode>>,
    /// The stack of the bucket for its code, if there is no worker, or if its code differs.
    pub code: Option<Fact<Option<StackState>>>,
    /// The processor of the program that becomes the worker, or why it can't. Read if there is no
    /// worker.
    pub program: Option<Result<Processor, String>>,
}

/// The account directory in the ledger, and what should be in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Its accounts by id. None: there is no directory.
    pub known: Option<BTreeMap<String, Listed>>,
    /// The accounts of the organisation by id. Read only where there is a directory that came from
    /// there.
    pub wanted: BTreeMap<String, Listed>,
    /// Why a rollout leaves it alone: it did not come from the organisation.
    pub left_alone: Option<&'static str>,
}

/// An account as a directory lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub email: String,
    /// The path of its organisational unit.
    pub unit: String,
    /// In the words of AWS Organizations. Empty: not known.
    pub status: String,
    /// Those that the directory keeps.
    pub tags: BTreeMap<String, String>,
}

/// The secret with the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    Missing,
    /// It has no value yet.
    Empty,
    Set,
}

/// What is in one region. None: it was not asked for.
#[derive(Clone, Debug, Default)]
pub struct RegionFacts {
    /// Whether the security account has the region.
    pub enabled: bool,
    /// The security account's detector.
    pub detector: Option<Fact<Option<Detector>>>,
    /// The delegated administrator, as the management account sees it.
    pub administrator: Option<Fact<Option<String>>>,
    /// None inside: the security account is not the delegated administrator.
    pub configuration: Option<Fact<Option<OrganisationConfiguration>>>,
    pub members: Option<Fact<BTreeMap<String, Member>>>,
    /// The detectors of enabled members, as the administrator sees them.
    pub member_detectors: BTreeMap<String, Fact<MemberDetector>>,
    /// The management account's detector.
    pub management_detector: Option<Fact<Option<Detector>>>,
    /// What was read with the role in a member that is not enabled yet.
    pub invitees: BTreeMap<String, Fact<Invitee>>,
    pub forwarder: Option<Fact<Option<Forwarder>>>,
    /// Whether a canary has arrived from the region since the way was last changed. Not asked for
    /// where there is no ledger or no forwarder.
    pub proven: Option<Fact<bool>>,
    /// The forwarder's stack, if there is no rule.
    pub forwarder_stack: Option<Fact<Option<StackState>>>,
}

/// What a member that is not enabled says of itself.
#[derive(Clone, Debug, Default)]
pub struct Invitee {
    pub detector: Option<Detector>,
    /// Another account that is its administrator already.
    pub administrator: Option<String>,
}

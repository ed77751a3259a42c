//! A step: one change in one place.

use crate::words::words;

words! {
    /// What a step is about. The names are those of `--only`, in the order of the work.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Subject {
        Region = "region",
        Pipeline = "pipeline",
        Secret = "secret",
        Code = "code",
        Worker = "worker",
        Directory = "directory",
        Detector = "detector",
        Frequency = "frequency",
        Administrator = "administrator",
        Organization = "organization",
        Member = "member",
        Plans = "plans",
        Forwarder = "forwarder",
        Sample = "sample",
        Canary = "canary",
    }
}

impl Subject {
    pub const ALL: [Subject; 15] = [
        Self::Region,
        Self::Pipeline,
        Self::Secret,
        Self::Code,
        Self::Worker,
        Self::Directory,
        Self::Detector,
        Self::Frequency,
        Self::Administrator,
        Self::Organization,
        Self::Member,
        Self::Plans,
        Self::Forwarder,
        Self::Sample,
        Self::Canary,
    ];

    pub fn parse(word: &str) -> Option<Subject> {
        Subject::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

words! {
    /// What a step does, in the order of the work on one subject.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Action {
        Deploy = "deploy",
        Update = "update",
        Put = "put",
        Create = "create",
        Resume = "resume",
        Enable = "enable",
        Set = "set",
        Designate = "designate",
        Configure = "configure",
        Enroll = "enroll",
        Invite = "invite",
        Accept = "accept",
        Send = "send",
        Nothing = "none",
    }
}

words! {
    /// How a step stands.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum StepState {
        /// `apply` does it.
        Planned = "planned",
        /// A person does it. hansho can't.
        ByHand = "by_hand",
        /// AWS or the owner of an account does it in their own time.
        Waiting = "waiting",
        /// It differs, and is not hansho's to change.
        LeftAlone = "left_alone",
        /// A fact could not be read, so nobody knows what is to do.
        Unreadable = "unreadable",
        Done = "done",
        Failed = "failed",
        /// A step that it needs was not done.
        Skipped = "skipped",
    }
}

/// Whose rights a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoginOf {
    Security,
    Management,
    /// The role in the step's account.
    Member,
}

impl LoginOf {
    pub fn as_str(self) -> &'static str {
        match self {
            LoginOf::Security => "security",
            LoginOf::Management => "management",
            LoginOf::Member => "member",
        }
    }
}

/// One change in one place. Steps are ordered by the work: by region, then by what comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    pub region: String,
    pub subject: Subject,
    pub action: Action,
    pub account: String,
    pub login: LoginOf,
    /// What is changed: a detector, a plan, a rule.
    pub target: String,
    /// Why, and of a step by hand how. The same in all places, so that steps can be folded.
    pub reason: String,
    /// The protection plans that it switches on.
    pub plans: Vec<String>,
    /// The address that GuardDuty knows a member by. Empty: the account is not one.
    pub email: String,
    pub state: StepState,
    pub error: Option<String>,
}

impl Step {
    /// A planned step with the login of the security account.
    pub fn new(subject: Subject, action: Action, account: &str, region: &str) -> Step {
        Step {
            region: region.to_owned(),
            subject,
            action,
            account: account.to_owned(),
            login: LoginOf::Security,
            target: subject.as_str().to_owned(),
            reason: String::new(),
            plans: Vec::new(),
            email: String::new(),
            state: StepState::Planned,
            error: None,
        }
    }

    #[must_use]
    pub fn because(self, target: &str, reason: &str) -> Step {
        Step { target: target.to_owned(), reason: reason.to_owned(), ..self }
    }

    #[must_use]
    pub fn by(self, login: LoginOf) -> Step {
        Step { login, ..self }
    }

    #[must_use]
    pub fn in_state(self, state: StepState) -> Step {
        Step { state, ..self }
    }

    /// Whether somebody still has to do something: a machine, a person, or whoever can read the
    /// fact.
    pub fn is_open(&self) -> bool {
        matches!(self.state, StepState::Planned | StepState::ByHand | StepState::Unreadable)
    }

    /// Whether it was to be done and was not.
    pub fn is_undone(&self) -> bool {
        matches!(self.state, StepState::Failed | StepState::Skipped)
    }

    /// What must be done in the same region before this step. The security account's steps are
    /// needed by all others.
    pub fn needs(&self, subject: Subject, account: &str, security: &str) -> bool {
        let own = account == self.account;
        let shared = account == security;
        match self.subject {
            Subject::Secret | Subject::Directory | Subject::Forwarder => {
                subject == Subject::Pipeline
            }
            // Without a webhook the worker would fail at each message.
            Subject::Worker => {
                matches!(subject, Subject::Pipeline | Subject::Secret | Subject::Code)
            }
            Subject::Canary => matches!(
                subject,
                Subject::Pipeline | Subject::Secret | Subject::Worker | Subject::Forwarder
            ),
            Subject::Administrator => subject == Subject::Detector && shared,
            Subject::Organization => {
                matches!(subject, Subject::Detector | Subject::Administrator) && shared
            }
            Subject::Member => match subject {
                Subject::Administrator | Subject::Organization => shared,
                Subject::Detector => shared || own,
                Subject::Member => own && self.action > Action::Create,
                _ => false,
            },
            Subject::Frequency | Subject::Plans | Subject::Sample => match subject {
                Subject::Detector => shared || own,
                Subject::Member => own,
                _ => false,
            },
            _ => false,
        }
    }

    /// The calls that the step makes. None of them disables or deletes anything.
    pub fn calls(&self) -> &'static [&'static str] {
        match (self.subject, self.action) {
            (Subject::Worker, Action::Deploy) => &[
                "cloudformation:DescribeStacks",
                "s3:HeadObject",
                "s3:PutObject",
                "cloudformation:CreateStack",
                "cloudformation:DescribeStackEvents",
            ],
            (Subject::Worker, Action::Update) => &[
                "cloudformation:DescribeStacks",
                "s3:HeadObject",
                "s3:PutObject",
                "cloudformation:UpdateStack",
                "cloudformation:DescribeStackEvents",
            ],
            (Subject::Pipeline | Subject::Code | Subject::Forwarder, Action::Deploy) => &[
                "cloudformation:CreateStack",
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
            ],
            (Subject::Secret, _) => &["secretsmanager:PutSecretValue"],
            (Subject::Detector, Action::Create) => &["guardduty:CreateDetector"],
            (Subject::Detector | Subject::Frequency, _) => &["guardduty:UpdateDetector"],
            (Subject::Administrator, _) => &["guardduty:EnableOrganizationAdminAccount"],
            (Subject::Organization, _) => &["guardduty:UpdateOrganizationConfiguration"],
            (Subject::Member, Action::Create | Action::Enroll) => &["guardduty:CreateMembers"],
            (Subject::Member, Action::Invite) => &["guardduty:InviteMembers"],
            (Subject::Member, Action::Accept) => {
                &["guardduty:ListInvitations", "guardduty:AcceptAdministratorInvitation"]
            }
            (Subject::Member, Action::Resume) => &["guardduty:StartMonitoringMembers"],
            (Subject::Plans, _) if self.login == LoginOf::Security && self.email.is_empty() => {
                &["guardduty:UpdateDetector"]
            }
            (Subject::Plans, _) => &["guardduty:UpdateMemberDetectors"],
            (Subject::Forwarder, Action::Enable) => &["events:EnableRule"],
            (Subject::Directory, _) => &[
                "organizations:ListRoots",
                "organizations:ListOrganizationalUnitsForParent",
                "organizations:ListAccountsForParent",
                "organizations:ListTagsForResource",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
            ],
            (Subject::Canary, _) => &["events:PutEvents", "dynamodb:GetItem", "dynamodb:PutItem"],
            (Subject::Sample, _) => &["guardduty:CreateSampleFindings"],
            _ => &[],
        }
    }

    /// The rights that the calls need beside those of their own names. For a stack the
    /// login also needs the rights to make what is in its template.
    /// Source: GuardDuty user guide, "Permissions required to designate a delegated GuardDuty
    /// administrator account" and "Permissions required to enable GuardDuty".
    fn further_rights(&self) -> &'static [&'static str] {
        match (self.subject, self.action) {
            (Subject::Detector, Action::Create) => &["iam:CreateServiceLinkedRole"],
            // Lambda reads the code with the login's rights. Without ListBucket an object that is
            // not there looks like a right that is missing.
            (Subject::Worker, _) => &["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
            (Subject::Administrator, _) => &[
                "organizations:DescribeAccount",
                "organizations:DescribeOrganization",
                "organizations:DescribeOrganizationalUnit",
                "organizations:EnableAWSServiceAccess",
                "organizations:ListAWSServiceAccessForOrganization",
                "organizations:ListAccounts",
                "organizations:ListDelegatedAdministrators",
                "organizations:RegisterDelegatedAdministrator",
            ],
            _ => &[],
        }
    }

    /// The actions of IAM that the login must be allowed.
    pub fn rights(&self) -> Vec<&'static str> {
        // IAM has no action of this name. Source: S3 API reference, HeadObject, "Permissions".
        let named = self.calls().iter().filter(|call| **call != "s3:HeadObject").copied();
        named.chain(self.further_rights().iter().copied()).collect()
    }
}

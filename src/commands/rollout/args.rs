//! The arguments of `hansho rollout`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::config::RegionName;
use crate::estate::Frequency;
use crate::rollout::{Mode, Subject};
use crate::slack::Mention;

pub const ABOUT: &str = "\
Switch GuardDuty on in all accounts and regions, and connect it to hansho. Run it in the security
account, which becomes GuardDuty's administrator.

`plan` reads what is, and shows the steps to what should be, each with its calls and rights. `apply`
asks once, and makes the steps. It may be interrupted at any time and run again: it does what is
left. Nothing is ever disabled or deleted. Another account that is the administrator already keeps
its place.

The stacks are made of the templates in this program. The worker on Lambda is this program itself,
or that of --worker for another processor. A worker that a rollout made gets it when its code
differs. The webhook is read from the terminal or the standard input.";

const AFTER_HELP: &str = "\
Exit codes: plan: 0 nothing to do, 3 there are steps, 1 something could not be read. apply: 0 all
done, 1 something was not done; it is named with its reason.

Examples:
  hansho rollout plan --management-profile management
  hansho rollout apply --management-role arn:aws:iam::000000000001:role/hansho-rollout --regions all
  hansho rollout apply --mode invitation --members guardduty_member_accounts.csv --member-role hansho";

/// The plans that infra/guardduty.yaml switches on by default.
const PLANS: &str =
    "S3_DATA_EVENTS,EKS_AUDIT_LOGS,EBS_MALWARE_PROTECTION,RDS_LOGIN_EVENTS,LAMBDA_NETWORK_LOGS";

#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct RolloutCommand {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Show what is to do, and change nothing
    Plan(Options),
    /// Show what is to do, ask once, and do it
    Apply(Apply),
}

#[derive(Args, Debug)]
pub struct Apply {
    #[command(flatten)]
    pub options: Options,
    /// Do not ask. Without a terminal this is required
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args, Debug)]
pub struct Options {
    /// How accounts become members: `organization` or `invitation`
    #[arg(long, value_name = "MODE", value_parser = mode, default_value = "organization")]
    pub mode: Mode,
    /// `all` that the security account has enabled, or a list with commas
    #[arg(long, value_name = "all|LIST", default_value = "all")]
    pub regions: Regions,
    /// The region of the pipeline [default: the region of the login, such as AWS_REGION]
    #[arg(long, value_name = "REGION")]
    pub home: Option<RegionName>,
    /// Only these accounts: a file of ids (stacksets_accounts.csv), or a file of accounts
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,
    /// The accounts to invite: a file with account,email on each line
    #[arg(long, value_name = "FILE")]
    pub members: Option<PathBuf>,
    /// A profile with a login of the management account
    #[arg(long, value_name = "PROFILE", conflicts_with = "management_role")]
    pub management_profile: Option<String>,
    /// A role of the management account that trusts the security account
    #[arg(long, value_name = "ARN")]
    pub management_role: Option<String>,
    /// A role in each member that trusts the security account: it accepts invitations
    #[arg(long, value_name = "NAME")]
    pub member_role: Option<String>,
    /// Switch on these protection plans everywhere; `none` for no plan
    #[arg(long, value_name = "PLAN,…", value_delimiter = ',', value_parser = plan,
          default_value = PLANS)]
    pub plans: Vec<String>,
    /// How often GuardDuty publishes updates of a finding: 15m, 1h or 6h
    #[arg(long, value_name = "TIME", value_parser = frequency, default_value = "15m")]
    pub frequency: Frequency,
    /// Who gets the alarms of new stacks [default: nobody]
    #[arg(long, value_name = "ADDRESS")]
    pub alarm_email: Option<String>,
    /// The worker's program, if it is not this one: a hansho for Linux on x86_64 or aarch64. It
    /// also replaces code that no rollout sent
    #[arg(long, value_name = "FILE")]
    pub worker: Option<PathBuf>,
    /// The worker's configuration file, for more than one channel [default: the one that it has]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Whom medium and more severe findings of a new worker mention: <!here>, <!channel>,
    /// <!subteam^S…>, <@U…>, or `none`. Repeat it with medium=, high= or critical= for one level
    #[arg(long, value_name = "[LEVEL=]MENTION", value_parser = mention)]
    pub mention: Vec<MentionOf>,
    /// Only these steps: region, pipeline, secret, code, worker, directory, detector,
    /// frequency, administrator, organization, member, plans, forwarder, sample, canary
    #[arg(long, value_name = "STEP,…", value_delimiter = ',', value_parser = subject)]
    pub only: Vec<Subject>,
    /// Print the steps as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

/// All regions that are enabled, or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Regions {
    All,
    These(Vec<RegionName>),
}

impl FromStr for Regions {
    type Err = String;

    fn from_str(text: &str) -> Result<Regions, String> {
        if text.trim() == "all" {
            return Ok(Regions::All);
        }
        let names = text.split([',', ' ']).filter(|name| !name.is_empty());
        let names: Result<Vec<RegionName>, _> = names.map(str::parse).collect();
        match names {
            Ok(names) if names.is_empty() => Err("must name a region, or be `all`".to_owned()),
            Ok(names) => Ok(Regions::These(names)),
            Err(_) => Err("must be `all`, or regions such as eu-west-1,us-east-1".to_owned()),
        }
    }
}

/// The levels that may have a mention, each with the parameter of infra/worker-lambda.yaml.
pub const MENTIONED: [(&str, &str); 3] =
    [("medium", "MentionMedium"), ("high", "MentionHigh"), ("critical", "MentionCritical")];

/// Whom findings mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MentionOf {
    /// The parameters of the levels.
    pub parameters: Vec<&'static str>,
    /// None: nobody.
    pub mention: Option<Mention>,
}

/// `<!here>` or `critical=<!channel>`.
pub fn mention(text: &str) -> Result<MentionOf, String> {
    let level = text.split_once('=').filter(|(level, _)| !level.contains('<'));
    let (parameters, mention) = match level {
        None => (MENTIONED.iter().map(|(_, parameter)| *parameter).collect(), text),
        Some((level, mention)) => {
            let known = MENTIONED.iter().find(|(name, _)| *name == level.trim());
            let (_, parameter) = known.ok_or("a level is medium, high or critical")?;
            (vec![*parameter], mention)
        }
    };
    let mention = match mention.trim() {
        "none" => None,
        text => Some(text.parse::<Mention>().map_err(|why| why.to_string())?),
    };
    // The pattern of the template's parameters.
    let good = |c: char| c.is_ascii_alphanumeric() || "^|._ -".contains(c);
    let inner = mention.as_ref().and_then(|one| one.as_str().get(2..)?.strip_suffix('>'));
    if inner.is_some_and(|inner| inner.len() > 80 || !inner.chars().all(good)) {
        return Err(
            "the label of a mention has letters, digits, spaces and . _ - signs here".into()
        );
    }
    Ok(MentionOf { parameters, mention })
}

fn mode(text: &str) -> Result<Mode, String> {
    let known = Mode::ALL.into_iter().find(|mode| mode.as_str() == text);
    known.ok_or_else(|| "must be organization or invitation".to_owned())
}

fn frequency(text: &str) -> Result<Frequency, String> {
    Frequency::parse(text).ok_or_else(|| "must be 15m, 1h or 6h".to_owned())
}

fn subject(text: &str) -> Result<Subject, String> {
    let all = Subject::ALL.map(Subject::as_str).join(", ");
    Subject::parse(text).ok_or_else(|| format!("must be one of {all}"))
}

fn plan(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '/';
    match text == "none" || !text.is_empty() && text.len() <= 100 && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err("must be a name of GuardDuty, such as S3_DATA_EVENTS or \
                      RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT"
            .to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_all_or_a_list() {
        assert_eq!("all".parse(), Ok(Regions::All));
        let two: Regions = "eu-west-1, us-east-1".parse().unwrap();
        assert!(matches!(two, Regions::These(names) if names.len() == 2));
        for text in ["", ",", "everywhere", "eu-west-1;us-east-1"] {
            assert!(text.parse::<Regions>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mention_is_for_all_levels_or_for_one() {
        let of = |text: &str| {
            let MentionOf { parameters, mention } = mention(text)?;
            Ok::<_, String>((parameters.len(), mention.map(|one| one.to_string())))
        };
        assert_eq!(of("<!here>"), Ok((3, Some("<!here>".to_owned()))));
        assert_eq!(of("critical=<!channel>"), Ok((1, Some("<!channel>".to_owned()))));
        assert_eq!(of("none"), Ok((3, None)));
        for wrong in [
            "here",
            "low=<!here>",
            "<!here>=high",
            "high=",
            "",
            "<!subteam^S012|@é>",
            "<https://a.example>",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_plan_has_the_form_of_guarddutys() {
        for (text, good) in [
            ("S3_DATA_EVENTS", true),
            ("RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT", true),
            ("none", true),
            ("s3", false),
            ("", false),
        ] {
            assert_eq!(plan(text).is_ok(), good, "{text}");
        }
    }
}

//! The environment: each variable is laid over its key. Unknown variables are reported, because a
//! misspelled variable would have no effect.

use std::collections::BTreeMap;

use super::keys::{
    self, HANSHO_CONFIG, KEYS, SLACK_MENTION_ID, SLACK_MENTION_NAME, SLACK_WEBHOOK_URL,
};
use super::mistake::Mistake;
use super::raw::{Given, Origin, Raw, RawDestination, Scalar};
use super::reference::is_like_a_webhook;
use crate::slack::{Mention, NotAMention};

/// Variables by name. An empty variable counts as not set, as in `HANSHO_X=${X:-}`.
pub type Environment = BTreeMap<String, String>;

/// The process's environment. Invalid Unicode is replaced, and validation rejects it later.
pub fn environment() -> Environment {
    std::env::vars_os()
        .map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        })
        .collect()
}

/// The variables that were read, and what is wrong with them.
pub(super) struct Laid {
    pub read: Vec<&'static str>,
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<Mistake>,
}

pub(super) fn lay_over(raw: &mut Raw, environment: &Environment) -> Laid {
    let mut laid = Laid { read: Vec::new(), mistakes: Vec::new(), warnings: Vec::new() };
    laid.read.extend(value(environment, HANSHO_CONFIG).map(|_| HANSHO_CONFIG));
    simplest(raw, environment, &mut laid);
    for key in &KEYS {
        if let Some(text) = value(environment, key.variable) {
            *(key.slot)(raw) = Some(Given::variable(key.variable, text));
            laid.read.push(key.variable);
        }
    }
    laid.mistakes.extend(unknown(environment, &referred_to(raw)));
    laid
}

fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// The keys that were given, and where. Keys of a destination are those of the first.
pub(super) fn origins(raw: &mut Raw) -> BTreeMap<&'static str, Origin> {
    KEYS.iter().filter_map(|key| Some((key.path, (key.slot)(raw).as_ref()?.origin))).collect()
}

/// The simplest set-up: `SLACK_WEBHOOK_URL` makes a destination named `slack`, which mentions
/// `SLACK_MENTION_ID` for high and critical findings.
///
/// If destinations are configured, these three variables are not used, and a warning says so: they
/// may be set for another program, and a second destination would post everything twice.
fn simplest(raw: &mut Raw, environment: &Environment, laid: &mut Laid) {
    let configured =
        !raw.destination.is_empty() || value(environment, "HANSHO_DESTINATION_WEBHOOK").is_some();
    let has = |name| value(environment, name).is_some();
    if configured {
        let reference = format!("env:{SLACK_WEBHOOK_URL}");
        let is_referred_to = value(environment, "HANSHO_DESTINATION_WEBHOOK")
            == Some(reference.as_str())
            || raw.destination.iter().any(|d| text_of(&d.webhook) == Some(reference.as_str()));
        for name in [SLACK_WEBHOOK_URL, SLACK_MENTION_ID, SLACK_MENTION_NAME] {
            if has(name) && !(name == SLACK_WEBHOOK_URL && is_referred_to) {
                laid.warnings.push(Mistake::of(
                    name,
                    "is not used, because destinations are configured: unset it, or remove them",
                ));
            }
        }
    } else if has(SLACK_WEBHOOK_URL) {
        laid.read.push(SLACK_WEBHOOK_URL);
        let destination = RawDestination {
            name: Some(Given::variable(SLACK_WEBHOOK_URL, "slack")),
            webhook: Some(Given::variable(SLACK_WEBHOOK_URL, format!("env:{SLACK_WEBHOOK_URL}"))),
            ..RawDestination::default()
        };
        raw.destination.push(with_mention(destination, environment, laid));
    } else {
        for name in [SLACK_MENTION_ID, SLACK_MENTION_NAME] {
            if has(name) {
                laid.warnings
                    .push(Mistake::of(name, "is not used, because SLACK_WEBHOOK_URL is not set"));
            }
        }
    }
}

fn with_mention(
    mut destination: RawDestination,
    environment: &Environment,
    laid: &mut Laid,
) -> RawDestination {
    let label = value(environment, SLACK_MENTION_NAME);
    let Some(id) = value(environment, SLACK_MENTION_ID) else {
        if label.is_some() {
            laid.warnings.push(Mistake::of(
                SLACK_MENTION_NAME,
                "is not used, because SLACK_MENTION_ID is not set",
            ));
        }
        return destination;
    };
    laid.read.push(SLACK_MENTION_ID);
    laid.read.extend(label.map(|_| SLACK_MENTION_NAME));
    let like_a_webhook = label.is_some_and(is_like_a_webhook);
    match Mention::from_id(id, label.filter(|_| !like_a_webhook)) {
        Ok(_) if like_a_webhook => {
            laid.mistakes.push(Mistake::of(SLACK_MENTION_NAME, NotAMention::Label.to_string()));
        }
        Ok(mention) => {
            let given = Given::variable(SLACK_MENTION_ID, mention.as_str());
            destination.mention.high = Some(given.clone());
            destination.mention.critical = Some(given);
        }
        Err(why @ NotAMention::Label) => {
            laid.mistakes.push(Mistake::of(SLACK_MENTION_NAME, why.to_string()));
        }
        Err(why) => laid.mistakes.push(Mistake::of(SLACK_MENTION_ID, why.to_string())),
    }
    destination
}

fn text_of(given: &Option<Given>) -> Option<&str> {
    match given.as_ref().map(|given| &given.value) {
        Some(Scalar::Text(text)) => Some(text.trim()),
        _ => None,
    }
}

/// The variables that hold secrets: `webhook = "env:HANSHO_TEAM_WEBHOOK"` makes that name known.
fn referred_to(raw: &Raw) -> Vec<&str> {
    raw.destination
        .iter()
        .map(|destination| &destination.webhook)
        .chain([&raw.embedded.token])
        .filter_map(|given| text_of(given)?.strip_prefix("env:"))
        .collect()
}

fn unknown(environment: &Environment, referred_to: &[&str]) -> Vec<Mistake> {
    environment
        .iter()
        .filter(|(name, _)| name.starts_with("HANSHO_"))
        .filter(|(name, _)| !is_known(name) && !referred_to.contains(&name.as_str()))
        .map(|(name, _)| {
            let near = keys::nearest(name, keys::variables().map(|(name, _)| name));
            let what = match near {
                Some(near) => format!("unknown variable; did you mean {near}?"),
                None => "unknown variable; `hansho --help` lists all variables".to_owned(),
            };
            Mistake::of(presentable(name), what)
        })
        .collect()
}

fn is_known(name: &str) -> bool {
    keys::variables().any(|(known, _)| known == name)
        || name.starts_with("HANSHO_TEST_")
        || is_service_link(name)
}

/// Kubernetes puts such variables into every pod beside a Service whose name begins with `hansho`:
/// `HANSHO_SERVICE_HOST`, `HANSHO_PORT_8787_TCP_ADDR`. Nobody misspelled them.
/// Source: Kubernetes documentation, "Service: environment variables".
fn is_service_link(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || (name.contains("_PORT_") && (name.contains("_TCP") || name.contains("_UDP")))
}

/// The name, unless it may hold a misplaced secret.
fn presentable(name: &str) -> String {
    const NAME_LEN_MAX: usize = 64;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.len() <= NAME_LEN_MAX && name.chars().all(word) {
        name.to_owned()
    } else {
        "HANSHO_… (a name that is no plain word)".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn unknown_variables_are_reported_with_the_nearest_name() {
        for (name, expected) in [
            ("HANSHO_QUEUE_STANDART", Some("did you mean HANSHO_QUEUE_STANDARD?")),
            ("HANSHO_WEBHOOK", Some("`hansho --help` lists")),
            ("HANSHO_CONFIG", None),
            ("HANSHO_LOG", None),
            ("HANSHO_TEST_ANYTHING", None),
            ("HANSHO_SERVICE_HOST", None),
            ("HANSHO_PORT_8787_TCP_ADDR", None),
            ("HANSHO_WORKER_PORT", None),
            ("SLACK_ANYTHING", None),
            ("PATH", None),
        ] {
            let laid = lay_over(&mut Raw::default(), &environment(&[(name, "SECRET00")]));
            let text = laid.mistakes.iter().map(Mistake::to_string).collect::<String>();
            match expected {
                Some(part) => assert!(text.starts_with(name) && text.contains(part), "{text}"),
                None => assert_eq!(text, "", "{name}"),
            }
            assert!(!text.contains("SECRET"));
        }
    }

    #[test]
    fn a_variable_that_a_reference_names_is_known() {
        let laid = lay_over(
            &mut Raw::default(),
            &environment(&[
                ("HANSHO_DESTINATION_WEBHOOK", "env:HANSHO_TEAM_HOOK"),
                ("HANSHO_TEAM_HOOK", "SECRET00"),
                ("HANSHO_EMBEDDED_TOKEN", "env:HANSHO_TOKEN"),
                ("HANSHO_TOKEN", "SECRET00"),
            ]),
        );
        assert_eq!(laid.mistakes, []);
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let laid = lay_over(
            &mut Raw::default(),
            &environment(&[("SLACK_WEBHOOK_URL", ""), ("HANSHO_LEDGER_TABLE", " ")]),
        );
        assert!(laid.read.is_empty() && laid.mistakes.is_empty());
    }
}

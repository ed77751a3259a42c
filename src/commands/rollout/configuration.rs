//! The configuration file that the worker on Lambda gets beside its program.

use std::path::Path;

use crate::config::{self, Config, Environment, Reference};

/// What the template sets, so that the file needs none of it. Only the form matters here.
const SET_BY_TEMPLATE: [(&str, &str); 5] = [
    ("HANSHO_QUEUE_EXPRESS", "https://sqs.us-east-1.amazonaws.com/000000000000/hansho-express"),
    ("HANSHO_QUEUE_STANDARD", "https://sqs.us-east-1.amazonaws.com/000000000000/hansho-standard"),
    (
        "HANSHO_QUEUE_QUARANTINE",
        "https://sqs.us-east-1.amazonaws.com/000000000000/hansho-quarantine",
    ),
    ("HANSHO_LEDGER_TABLE", "hansho-ledger"),
    ("HANSHO_DESTINATION_WEBHOOK", "secretsmanager:hansho/slack"),
];
/// The default of the template, for a file without a destination.
const NAME: (&str, &str) = ("HANSHO_DESTINATION_NAME", "security");

/// A file that the worker can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    pub text: String,
    /// Parameters of the worker's template that would hide what is in the file.
    pub parameters: Vec<(&'static str, String)>,
}

/// Reads the file as the worker on Lambda will read it.
///
/// # Errors
/// All that is wrong with it.
pub fn read(path: &Path) -> Result<Configuration, Vec<String>> {
    let one = |why: &str| vec![format!("--config: {why}")];
    let file = config::find(Some(path), &Environment::new()).ok_or_else(|| one("no file"))?;
    let text = file.text.clone().map_err(|why| one(&why))?;
    let load = |variables: &[(&str, &str)]| {
        let environment = variables.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        config::load(Some(&file), &environment.collect())
    };
    let loaded = load(&SET_BY_TEMPLATE);
    let names_a_file = loaded.origins.contains_key("accounts_file");
    let config = loaded.outcome.or_else(|mistakes| {
        load(&[&SET_BY_TEMPLATE[..], &[NAME]].concat()).outcome.map_err(|_| mistakes)
    });
    let config = config.map_err(|mistakes| {
        mistakes.iter().map(|mistake| format!("--config: {mistake}")).collect::<Vec<_>>()
    })?;
    if names_a_file {
        return Err(one(
            "accounts_file: the file is not there on Lambda; the account directory in \
                        the ledger takes its place",
        ));
    }
    Ok(Configuration { text, parameters: parameters(&config)? })
}

fn parameters(config: &Config) -> Result<Vec<(&'static str, String)>, Vec<String>> {
    let mut parameters = vec![("MinSeverity", config.threshold.to_string())];
    let first = config.destinations.first().map(|one| one.name.to_string());
    parameters.extend(first.map(|name| ("DestinationName", name)));
    let (mut arns, mut wrong) = (Vec::new(), Vec::new());
    // The first one's webhook is in the pipeline's secret.
    for further in config.destinations.iter().skip(1) {
        match &further.webhook {
            Reference::SecretsManager { id, .. } if id.starts_with("arn:") => {
                arns.push(id.as_str())
            }
            _ => wrong.push(format!(
                "--config: destination {}: its webhook must be secretsmanager:ARN, so that the \
                 worker's role may read it",
                further.name
            )),
        }
    }
    parameters.push(("ExtraSecretArns", arns.join(",")));
    if wrong.is_empty() { Ok(parameters) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Configuration, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hansho.toml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hansho/oncall-AbCdEf";

    #[test]
    fn what_the_file_says_is_not_hidden_by_the_template() {
        let text = format!(
            "min_severity = \"high\"\n[[destination]]\nname = \"sre\"\nwebhook = \"env:A\"\n\
             mention.high = \"<!here>\"\n[[destination]]\nname = \"oncall\"\n\
             webhook = \"secretsmanager:{ARN}\"\n"
        );
        let read = of(&text).unwrap();
        assert_eq!(read.text, text);
        let expected =
            [("MinSeverity", "high"), ("DestinationName", "sre"), ("ExtraSecretArns", ARN)];
        assert_eq!(read.parameters, expected.map(|(key, value)| (key, value.to_owned())));
        let alone = of("min_severity = 5.5\n").unwrap();
        assert_eq!(alone.parameters[0].1, "5.5");
        assert_eq!(alone.parameters[1].1, "security");
    }

    #[test]
    fn what_the_worker_on_lambda_could_not_use_is_refused() {
        let further = |webhook: &str| {
            format!(
                "[[destination]]\nname = \"a\"\nwebhook = \"env:A\"\n[[destination]]\n\
                 name = \"b\"\nwebhook = \"{webhook}\"\n"
            )
        };
        for (text, why) in [
            (further("file:b"), "destination b: its webhook must be secretsmanager:ARN"),
            (further("secretsmanager:hansho/b"), "destination b: its webhook"),
            ("min_severity = \"loud\"\n".to_owned(), "min_severity"),
            ("colour = 1\n".to_owned(), "colour"),
        ] {
            let wrong = of(&text).unwrap_err().join("\n");
            assert!(wrong.starts_with("--config: ") && wrong.contains(why), "{why}: {wrong}");
        }
        assert!(read(Path::new("/nowhere/hansho.toml")).is_err());
    }
}

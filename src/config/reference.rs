//! References to secrets. The configuration holds no secret, so it can be committed, logged and
//! shown. The worker reads a secret at start, and again when Slack rejects its webhook.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

/// Far more than a webhook (about 80 bytes) or a JSON secret with a few webhooks needs.
pub const SECRET_BYTES_MAX: usize = 8 * 1024;

/// The place where a webhook or a token is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `env:NAME`: an environment variable.
    Env(String),
    /// `file:PATH`: a file, relative to the working directory.
    File(PathBuf),
    /// `secretsmanager:NAME-OR-ARN[#json-key]`. With a key, the secret is a JSON object, and the
    /// webhook or token is the value of that key.
    SecretsManager { id: String, json_key: Option<String> },
    /// `ssm:NAME`: a parameter of Parameter Store, read with decryption.
    #[cfg(feature = "ssm")]
    Ssm(String),
}

const EXPECTED: &str = "must say where the secret is kept: env:NAME, file:PATH, \
     secretsmanager:NAME-OR-ARN[#json-key] or ssm:NAME";

const A_SECRET: &str = "must not be the secret itself: keep it out of the configuration and write \
     where it is kept, e.g. env:NAME";

impl Reference {
    /// Parses a reference. The error never repeats the text, which may be the secret itself.
    pub fn parse(text: &str) -> Result<Reference, String> {
        if is_like_a_webhook(text) {
            return Err(A_SECRET.to_owned());
        }
        let (scheme, rest) = text.split_once(':').ok_or(EXPECTED)?;
        match scheme {
            "env" => variable(rest),
            "file" => file(rest),
            "secretsmanager" => secret(rest),
            "ssm" => parameter(rest),
            _ => Err(EXPECTED.to_owned()),
        }
    }

    /// Whether [`Reference::read_local`] can read it. The others need AWS's APIs.
    pub fn is_local(&self) -> bool {
        matches!(self, Reference::Env(_) | Reference::File(_))
    }

    /// Reads the secret from the process's environment or from a file, and trims it. It has at most
    /// [`SECRET_BYTES_MAX`]. The error never holds a part of the secret.
    pub fn read_local(&self) -> Result<String, String> {
        match self {
            Reference::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| not_set(name))?;
                let value = value.into_string().map_err(|_| format!("{self} is not UTF-8"))?;
                one_line(self, &value)
            }
            Reference::File(path) => {
                let file = std::fs::File::open(path)
                    .map_err(|e| format!("{self} can't be opened: {}", e.kind()))?;
                let mut bytes = Vec::new();
                file.take(SECRET_BYTES_MAX as u64 + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|e| format!("{self} can't be read: {}", e.kind()))?;
                let value = String::from_utf8(bytes).map_err(|_| format!("{self} is not UTF-8"))?;
                one_line(self, &value)
            }
            _ => Err(format!("{self} is not kept on this machine: the worker reads it from AWS")),
        }
    }
}

/// Whether a text is a URL, and so perhaps a webhook that must not be shown.
pub(super) fn is_like_a_webhook(text: &str) -> bool {
    text.contains("://") || is_slack(text)
}

/// Returns whether a text names the host of Slack's webhooks.
pub(super) fn is_slack(text: &str) -> bool {
    text.to_ascii_lowercase().contains("hooks.slack")
}

fn not_set(name: &str) -> String {
    format!("env:{name} can't be read: the variable is not set")
}

/// Rejects a text of several lines, which is not a webhook or a token.
fn one_line(from: &Reference, value: &str) -> Result<String, String> {
    let value = value.trim();
    if value.len() > SECRET_BYTES_MAX {
        Err(format!("{from} is longer than {SECRET_BYTES_MAX} bytes"))
    } else if value.is_empty() {
        Err(format!("{from} is empty"))
    } else if value.chars().any(char::is_control) {
        Err(format!("{from} holds more than one line"))
    } else {
        Ok(value.to_owned())
    }
}

/// The form of the configuration.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Env(name) => write!(f, "env:{name}"),
            Reference::File(path) => write!(f, "file:{}", path.display()),
            Reference::SecretsManager { id, json_key: None } => write!(f, "secretsmanager:{id}"),
            Reference::SecretsManager { id, json_key: Some(key) } => {
                write!(f, "secretsmanager:{id}#{key}")
            }
            #[cfg(feature = "ssm")]
            Reference::Ssm(name) => write!(f, "ssm:{name}"),
        }
    }
}

fn variable(name: &str) -> Result<Reference, String> {
    let starts_well = !name.starts_with(|c: char| c.is_ascii_digit());
    if starts_well && is_of(name, 128, |c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(Reference::Env(name.to_owned()))
    } else {
        Err("must be env: and the name of a variable, of letters, digits and _".to_owned())
    }
}

fn file(path: &str) -> Result<Reference, String> {
    if is_of(path, 1_024, |c| !c.is_control()) {
        Ok(Reference::File(PathBuf::from(path)))
    } else {
        Err("must be file: and a path of at most 1024 bytes".to_owned())
    }
}

/// Names are of letters, digits and `/_+=.@-`, at most 512; ARNs have colons too.
/// Source: Secrets Manager API reference, CreateSecret and GetSecretValue.
fn secret(text: &str) -> Result<Reference, String> {
    let (id, json_key) = match text.split_once('#') {
        Some((id, key)) => (id, Some(key)),
        None => (text, None),
    };
    let in_name = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if !is_arn_or_name(id, "secretsmanager", 512, in_name) {
        return Err("must be secretsmanager: and the name or the ARN of a secret".to_owned());
    }
    if json_key.is_some_and(|key| !is_of(key, 128, |c| c.is_ascii_graphic())) {
        return Err("must have after # the name of a key in the secret's JSON".to_owned());
    }
    Ok(Reference::SecretsManager { id: id.to_owned(), json_key: json_key.map(str::to_owned) })
}

#[cfg(feature = "ssm")]
fn parameter(name: &str) -> Result<Reference, String> {
    // Source: SSM API reference, PutParameter.
    let in_name = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    if is_arn_or_name(name, "ssm", 1_011, in_name) {
        Ok(Reference::Ssm(name.to_owned()))
    } else {
        Err("must be ssm: and the name or the ARN of a parameter".to_owned())
    }
}

#[cfg(not(feature = "ssm"))]
fn parameter(_: &str) -> Result<Reference, String> {
    Err("needs a hansho that can read SSM parameters: build it with `--features ssm`, or keep the \
         secret in Secrets Manager and write secretsmanager:NAME"
        .to_owned())
}

fn is_arn_or_name(text: &str, service: &str, len_max: usize, in_name: fn(char) -> bool) -> bool {
    if !text.starts_with("arn:") {
        return is_of(text, len_max, in_name);
    }
    let names_service = text.split(':').nth(2) == Some(service);
    let long_enough = text.split(':').count() >= 6;
    names_service && long_enough && is_of(text, 2_048, |c| c == ':' || c.is_ascii_graphic())
}

/// Whether a text has 1 to `len_max` bytes, and only allowed characters.
pub(super) fn is_of(text: &str, len_max: usize, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= len_max && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_parse_agree() {
        for text in [
            "env:SLACK_WEBHOOK_URL",
            "file:/run/secrets/slack",
            "file:secrets/slack url",
            "secretsmanager:hansho/slack",
            "secretsmanager:hansho/slack#url",
            "secretsmanager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:hansho-a1b2c3#url",
            "secretsmanager:arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:h-a1b2c3",
        ] {
            assert_eq!(Reference::parse(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_text_that_is_no_reference_is_rejected_and_not_repeated() {
        for text in [
            "https://hooks.slack.com/services/T000/B000/SECRET00",
            "hooks.slack.com/services/T000/B000/SECRET00",
            "http://127.0.0.1:1/SECRET00",
            "env:https://hooks.slack.com/services/T000/B000/SECRET00",
            "file:https://hooks.slack.com/services/T000/B000/SECRET00",
            "secretsmanager:hooks.slack.com/services/T000/B000/SECRET00",
            "SECRET00",
            "",
            "env:",
            "env:1SECRET00",
            "env:SECRET-00",
            "file:",
            "file:SECRET00\n",
            "vault:SECRET00",
            "secretsmanager:",
            "secretsmanager:a b SECRET00",
            "secretsmanager:name#",
            "secretsmanager:arn:aws:ssm:eu-west-1:111122223333:SECRET00",
            "secretsmanager:arn:SECRET00",
        ] {
            let why = Reference::parse(text).unwrap_err();
            assert!(why.starts_with("must ") && !why.contains("SECRET"), "{text}: {why}");
        }
    }

    #[cfg(not(feature = "ssm"))]
    #[test]
    fn ssm_parameters_need_the_feature() {
        assert!(Reference::parse("ssm:/hansho/slack").unwrap_err().contains("--features ssm"));
    }

    #[cfg(feature = "ssm")]
    #[test]
    fn parameters_are_read() {
        for text in ["ssm:/hansho/slack", "ssm:arn:aws:ssm:eu-west-1:111122223333:parameter/h"] {
            assert_eq!(Reference::parse(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn files_are_read_trimmed_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let reference = Reference::File(path.clone());
        let fits = "S".repeat(SECRET_BYTES_MAX - 1);
        for (content, expected) in [
            (b"  SECRET00\n".to_vec(), Ok("SECRET00")),
            (format!("{fits}\n").into_bytes(), Ok(fits.as_str())),
            (vec![b'S'; SECRET_BYTES_MAX + 1], Err("is longer than 8192 bytes")),
            (b"SECRET00\nSECRET01".to_vec(), Err("holds more than one line")),
            (b"\n \n".to_vec(), Err("is empty")),
            (b"SECRET\xff".to_vec(), Err("is not UTF-8")),
        ] {
            std::fs::write(&path, content).unwrap();
            match (reference.read_local(), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected),
                (Err(why), Err(expected)) => {
                    assert!(why.ends_with(expected) && !why.contains("SECRET"), "{why}");
                }
                (read, expected) => panic!("{:?} {expected:?}", read.is_ok()),
            }
        }
        std::fs::remove_file(&path).unwrap();
        assert!(reference.read_local().unwrap_err().contains("can't be opened"));
        assert!(Reference::File(folder.path().into()).read_local().is_err());
    }

    #[test]
    fn variables_are_read() {
        assert!(Reference::Env("PATH".to_owned()).read_local().is_ok());
        let unset = Reference::Env("HANSHO_TEST_THAT_NOBODY_SETS".to_owned());
        assert!(unset.read_local().unwrap_err().ends_with("the variable is not set"));
    }

    #[test]
    fn secrets_in_aws_are_not_read_locally() {
        let reference = Reference::parse("secretsmanager:hansho/slack").unwrap();
        assert!(!reference.is_local());
        assert!(reference.read_local().unwrap_err().contains("from AWS"));
    }
}

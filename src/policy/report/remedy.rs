//! The commands that keep a noisy pair back: a silence, or a suppression rule of GuardDuty.
//!
//! Types and resources are text of findings. Somebody may paste the command into a shell, so each
//! text is cleaned, is one word in single quotes, and stands behind `=`, so that it is no flag.

use serde_json::json;

use crate::finding::arn::is_account_id;
use crate::finding::text::CUT;
use crate::finding::{Level, Text};

use super::Noisy;

const TEXT_CHARS_MAX: usize = 200;
/// The longest name of a filter. Source: GuardDuty API reference, CreateFilter.
const NAME_BYTES_MAX: usize = 64;

impl Noisy {
    /// `hansho silence add …` for the type and the resource in this account. Its reason is left to
    /// the person.
    pub fn silence_command(&self) -> String {
        let subject = &self.subject;
        let mut command = format!("hansho silence add --type={}", exactly(&subject.kind));
        if is_account_id(&subject.account) {
            command.push_str(&format!(" --account={}", subject.account));
        }
        if !subject.resource.is_empty() {
            command.push_str(&format!(" --resource={}", exactly(&subject.resource)));
        }
        if self.level == Level::Critical {
            command.push_str(" --critical");
        }
        command.push_str(" --until=14d --because='REASON'");
        command
    }

    /// `aws guardduty create-filter …`, which archives such findings before anybody sees them.
    /// None: the finding is not GuardDuty's, or a rule would not name the resource.
    /// Source: GuardDuty API reference, CreateFilter.
    pub fn suppression_rule(&self) -> Option<String> {
        let subject = &self.subject;
        let (kind, region) = (subject.kind.as_str(), subject.region.as_str());
        let is_region = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let is_kind = kind.bytes().all(|byte| byte.is_ascii_graphic()) && !kind.is_empty();
        if subject.product != "guardduty"
            || !is_account_id(&subject.account)
            || !is_region(region)
            || !is_kind
        {
            return None;
        }
        let (attribute, id) = named_resource(&subject.resource)?;
        let criteria = json!({ "Criterion": {
            "accountId": { "Eq": [subject.account] },
            "type": { "Eq": [kind] },
            attribute: { "Eq": [id] },
        }});
        // As JSON a quote may also be written so, and no quote ends the word.
        let criteria = criteria.to_string().replace('\'', "\\u0027");
        let name = filter_name(&format!("hansho-{kind}-{id}"));
        Some(format!(
            "aws guardduty create-filter --region={region} --name={name} --action=ARCHIVE \
             --detector-id=\"$(aws guardduty list-detectors --region={region} \
             --query='DetectorIds[0]' --output=text)\" --finding-criteria='{criteria}'"
        ))
    }
}

/// The attribute of GuardDuty that names the resource, and its value, if the text has it.
fn named_resource(resource: &str) -> Option<(&'static str, &str)> {
    let after = |label: &str| {
        let name = resource.strip_prefix(label)?.split([' ', ',', '(', ')']).next()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        Some(name).filter(|name| !name.is_empty() && name.bytes().all(is_plain))
    };
    let instance = after("EC2 instance ").filter(|id| id.starts_with("i-"));
    let of = |attribute| move |name| (attribute, name);
    instance
        .map(of("resource.instanceDetails.instanceId"))
        .or_else(|| after("S3 bucket ").map(of("resource.s3BucketDetails.name")))
        .or_else(|| after("Lambda function ").map(of("resource.lambdaDetails.functionName")))
}

fn filter_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    text.chars().map(plain).take(NAME_BYTES_MAX).collect()
}

/// A pattern that fits this text, quoted for a shell. A pattern can't name a `*`, so `?` stands for
/// it. The rest of a text that was cut may be anything.
fn exactly(text: &str) -> String {
    let text = Text::new(text, TEXT_CHARS_MAX).into_string().replace('*', "?");
    let pattern = match text.strip_suffix(CUT) {
        Some(kept) => format!("{kept}*"),
        None => text,
    };
    quoted(&pattern)
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

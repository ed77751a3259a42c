//! The kinds of values: each function turns a written value into a type that is always valid.
//!
//! An error is a fragment that follows the key's name. It never repeats the value, which may be a
//! misplaced secret.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::duration;
use super::raw::{Given, Scalar};
use super::reference::{Reference, is_like_a_webhook, is_of};
use crate::finding::region::RegionName;
use crate::policy::filter::Threshold;
use crate::policy::weekly::{NotWeekly, Weekly};
use crate::slack::{Mention, NotAMention};

/// A text that was checked. Only the functions here make one.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text! {
    /// The URL of a standard SQS queue: https, or http on loopback. It has no user and no query,
    /// and its path is an account and a name.
    QueueUrl
}

checked_text! {
    /// The name of a DynamoDB table.
    TableName
}

checked_text! {
    /// The name of a destination. It is part of the ledger's keys, so a renamed destination gets
    /// everything again.
    DestinationName
}

/// Names with commas between them, as a variable can hold too. Repeated names count once.
pub fn regions(given: &Given) -> Result<Vec<RegionName>, String> {
    let mut names: Vec<RegionName> = Vec::new();
    for name in given.text()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = name.parse().map_err(|_| {
            "must be names of regions with commas between them, such as \
             \"eu-west-1, us-east-1\""
        })?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.len() {
        0 => Err("must name at least one region".to_owned()),
        n if n > REGIONS_MAX => Err(format!("must not name more than {REGIONS_MAX} regions")),
        _ => Ok(names),
    }
}

/// Keys of tags: a list, or a text with commas between them. Repeated keys count once.
pub fn tag_keys(given: &Given) -> Result<Vec<String>, String> {
    let written: Vec<&str> = match &given.value {
        Scalar::List(keys) => keys.iter().map(String::as_str).collect(),
        _ => given.text().map_err(|_| TAG_KEYS)?.split(',').collect(),
    };
    let mut keys: Vec<String> = Vec::new();
    for key in written.into_iter().map(str::trim).filter(|key| !key.is_empty()) {
        if !is_tag_key(key) {
            return Err(TAG_KEYS.to_owned());
        }
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
    }
    match keys.len() {
        0 => Err(TAG_KEYS.to_owned()),
        n if n > TAGS_MAX => Err(format!("must not name more than {TAGS_MAX} tags")),
        _ => Ok(keys),
    }
}

/// Letters, digits, spaces and some characters, none of which means anything in Slack's markup.
/// Source: Tagging AWS Resources user guide, "Tag naming limits and requirements".
fn is_tag_key(key: &str) -> bool {
    let is_good = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
    key.chars().count() <= TAG_KEY_CHARS_MAX && key.chars().all(is_good) && !is_like_a_webhook(key)
}

const TAG_KEYS: &str =
    "must be keys of tags, of at most 128 characters each, such as [\"Team\", \"Env\"]";
/// The most tags that a card shows.
const TAGS_MAX: usize = 10;
const TAG_KEY_CHARS_MAX: usize = 128;

impl FromStr for QueueUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<QueueUrl, String> {
        queue_url(&Given::variable("", text))
    }
}

impl QueueUrl {
    /// The queue's name: the last part of the path.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// A moment of each week, or `off`.
pub fn weekly(given: &Given) -> Result<Option<Weekly>, String> {
    match given.text()? {
        "off" => Ok(None),
        text => text.parse().map(Some).map_err(|why: NotWeekly| why.to_string()),
    }
}

pub fn threshold(given: &Given) -> Result<Threshold, String> {
    let read = match &given.value {
        Scalar::Text(text) => text.parse(),
        Scalar::Float(score) => Threshold::of_score(*score),
        Scalar::Integer(score) => Threshold::of_score(*score as f64),
        Scalar::Bool(_) | Scalar::List(_) | Scalar::Other(_) => {
            Err(crate::policy::filter::NotAThreshold)
        }
    };
    read.map_err(|e| e.to_string())
}

pub fn reference(given: &Given) -> Result<Reference, String> {
    Reference::parse(given.text()?)
}

pub fn queue_url(given: &Given) -> Result<QueueUrl, String> {
    let text = given.text()?;
    let (scheme, rest) = text.split_once("://").ok_or(QUEUE_URL)?;
    let (authority, path) = rest.split_once('/').ok_or(QUEUE_URL)?;
    if authority.contains('@') {
        return Err("must not hold a user or a password".to_owned());
    }
    let on_loopback = is_loopback(host(authority).ok_or(QUEUE_URL)?);
    match scheme {
        "https" => {}
        "http" if on_loopback => {}
        "http" => return Err("must be https; http is allowed on loopback only".to_owned()),
        _ => return Err(QUEUE_URL.to_owned()),
    }
    let (account, name) = path.split_once('/').ok_or(QUEUE_URL)?;
    if name.ends_with(".fifo") {
        return Err("must be a standard queue, not a FIFO one".to_owned());
    }
    // On loopback, for emulators with accounts such as `queue`.
    let account_is_good = is_of(account, 64, |c| c.is_ascii_alphanumeric())
        && (on_loopback || (account.len() == 12 && is_of(account, 12, |c| c.is_ascii_digit())));
    if !account_is_good || !is_of(name, 80, is_name) {
        return Err(QUEUE_URL.to_owned());
    }
    Ok(QueueUrl(text.to_owned()))
}

/// AWS has about forty regions, and no partition has more than this.
pub const REGIONS_MAX: usize = 50;

const QUEUE_URL: &str = "must be the URL of an SQS queue, such as \
     https://sqs.eu-west-1.amazonaws.com/111122223333/hansho-standard";

/// The host of `host`, `host:port` or `[v6]:port`.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return None;
    }
    is_of(host, 253, |c| c.is_ascii_alphanumeric() || ".-:".contains(c)).then_some(host)
}

/// LocalStack's queues have this suffix, which is published as an address of 127.0.0.1.
/// Source: LocalStack documentation, "SQS: queue URLs".
const LOCALSTACK_SUFFIX: &str = ".localhost.localstack.cloud";

fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || host == "localhost"
        || host.ends_with(".localhost")
        || host.ends_with(LOCALSTACK_SUFFIX)
}

/// Source: DynamoDB developer guide, "Naming rules".
pub fn table_name(given: &Given) -> Result<TableName, String> {
    let text = given.text()?;
    if text.len() >= 3 && is_of(text, 255, |c| is_name(c) || c == '.') {
        Ok(TableName(text.to_owned()))
    } else {
        Err("must be the name of a DynamoDB table: 3 to 255 of a-z A-Z 0-9 _ - .".to_owned())
    }
}

pub fn destination_name(given: &Given) -> Result<DestinationName, String> {
    let text = given.text()?;
    if is_of(text, 40, |c| is_name(c) && !c.is_ascii_uppercase()) {
        Ok(DestinationName(text.to_owned()))
    } else {
        Err("must be 1 to 40 of a-z 0-9 _ -".to_owned())
    }
}

pub fn mention(given: &Given) -> Result<Mention, String> {
    given.text()?.parse().map_err(|why: NotAMention| why.to_string())
}

pub fn path(given: &Given) -> Result<PathBuf, String> {
    let text = given.text()?;
    if is_like_a_webhook(text) {
        return Err("must be the path of a file, not a URL".to_owned());
    }
    if is_of(text, 1_024, |c| !c.is_control()) {
        Ok(PathBuf::from(text))
    } else {
        Err("must be the path of a file, of 1 to 1024 bytes".to_owned())
    }
}

/// An address with a port, or `off` for None. No name is resolved, except `localhost`.
pub fn listen(given: &Given) -> Result<Option<SocketAddr>, String> {
    let text = given.text()?;
    if text == "off" {
        return Ok(None);
    }
    let local = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    if let Some(port) = local {
        return Ok(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
    }
    let expected = "must be an address with a port, such as 127.0.0.1:8787, or off";
    text.parse().map(Some).map_err(|_| expected.to_owned())
}

pub fn on_or_off(given: &Given) -> Result<bool, String> {
    match given.text() {
        Ok("on") => Ok(true),
        Ok("off") => Ok(false),
        _ => Err("must be \"on\" or \"off\"".to_owned()),
    }
}

pub fn true_or_false(given: &Given) -> Result<bool, String> {
    match (&given.value, given.text()) {
        (Scalar::Bool(flag), _) => Ok(*flag),
        (_, Ok("true")) => Ok(true),
        (_, Ok("false")) => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// Whether findings that match no destination are dropped.
pub fn drop_or_refuse(given: &Given) -> Result<bool, String> {
    match given.text()? {
        "drop" => Ok(true),
        "refuse" => Ok(false),
        _ => Err("must be \"drop\" or \"refuse\"".to_owned()),
    }
}

/// Whether closed findings are named quietly.
pub fn quiet_or_off(given: &Given) -> Result<bool, String> {
    match given.text()? {
        "quiet" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be \"quiet\" or \"off\"".to_owned()),
    }
}

pub fn duration_within(given: &Given, least: Duration, most: Duration) -> Result<Duration, String> {
    let text = match &given.value {
        Scalar::Integer(_) | Scalar::Float(_) => {
            return Err("must be a time with its unit, in quotes, such as \"1.1s\"".to_owned());
        }
        _ => given.text()?,
    };
    let read = duration::parse(text)?;
    if (least..=most).contains(&read) {
        Ok(read)
    } else {
        let (least, most) = (duration::format(least), duration::format(most));
        Err(format!("must be from {least} to {most}"))
    }
}

pub fn count_within(given: &Given, least: usize, most: usize) -> Result<usize, String> {
    integer(given)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
}

/// A number of bytes, or a number with KiB, MiB or GiB.
pub fn bytes_within(given: &Given, least: usize, most: usize) -> Result<usize, String> {
    let written = match &given.value {
        Scalar::Text(text) => with_unit(text.trim()),
        _ => integer(given).and_then(|number| usize::try_from(number).ok()),
    };
    written.filter(|bytes| (least..=most).contains(bytes)).ok_or_else(|| {
        let mib = |bytes: usize| bytes >> 20;
        format!("must be a size such as 8 MiB, from {} MiB to {} MiB", mib(least), mib(most))
    })
}

fn with_unit(text: &str) -> Option<usize> {
    let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
    let (number, unit) = units
        .into_iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)))
        .unwrap_or((text, 1));
    number.trim_end().parse::<usize>().ok()?.checked_mul(unit)
}

pub fn seed(given: &Given) -> Result<u64, String> {
    integer(given)
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| "must be a whole number that is not negative".to_owned())
}

fn integer(given: &Given) -> Option<i128> {
    match &given.value {
        Scalar::Integer(number) => Some(i128::from(*number)),
        Scalar::Text(text) => text.trim().parse().ok(),
        Scalar::Float(_) | Scalar::Bool(_) | Scalar::List(_) | Scalar::Other(_) => None,
    }
}

/// Slack takes one post a second for each webhook, and may drop posts of a burst.
/// Source: Slack developer docs, "Rate limits".
const SLACK_PACE_MIN: Duration = Duration::from_secs(1);

/// Checks a destination's pace against the limit of its webhook's host.
pub fn pace_allowed(pace: Duration, host: &str) -> Result<(), String> {
    if pace < SLACK_PACE_MIN && !is_loopback(host) {
        let pace = duration::format(pace);
        return Err(format!("{pace} between posts is less than the 1s that Slack asks for"));
    }
    Ok(())
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use super::super::raw::Origin;
    use super::*;

    fn text(text: &str) -> Given {
        Given::variable("HANSHO_X", text)
    }

    #[test]
    fn queue_urls() {
        for (url, good) in [
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/hansho-standard", true),
            ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/h_1", true),
            ("https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com/111122223333/h", true),
            ("http://127.0.0.1:9324/queue/standard", true),
            ("http://localhost:4566/000000000000/standard", true),
            ("http://[::1]:4566/000000000000/standard", true),
            ("http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/h", true),
            ("http://sqs.eu-west-1.amazonaws.com/111122223333/h", false),
            ("http://localhost.example.com/111122223333/h", false),
            ("http://127.0.0.1.example.com/111122223333/h", false),
            ("ftp://127.0.0.1/111122223333/h", false),
            ("https://user:pass@sqs.eu-west-1.amazonaws.com/111122223333/h", false),
            ("http://127.0.0.1@example.com/111122223333/h", false),
            ("https://sqs.eu-west-1.amazonaws.com/111122223333", false),
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/", false),
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/a/b", false),
            ("https://sqs.eu-west-1.amazonaws.com/1111/h", false),
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/h?x=1", false),
            ("https://sqs.eu-west-1.amazonaws.com/111122223333/h.fifo", false),
            ("https://sqs.eu-west-1.amazonaws.com:0/111122223333/h", false),
            ("https://sqs.eu-west-1.amazonaws.com:x/111122223333/h", false),
            ("https:///111122223333/h", false),
            ("http://[::1/111122223333/h", false),
            ("hansho-standard", false),
            ("arn:aws:sqs:eu-west-1:111122223333:h", false),
        ] {
            assert_eq!(queue_url(&text(url)).is_ok(), good, "{url}");
        }
        let url = "http://localhost:4566/000000000000/standard";
        assert_eq!(queue_url(&text(url)).unwrap().name(), "standard");
    }

    #[test]
    fn names() {
        for (name, destination, table) in [
            ("security", true, true),
            ("a", true, false),
            ("Security", false, true),
            ("sec.urity", false, true),
            ("sec urity", false, false),
            ("sécurité", false, false),
            ("", false, false),
        ] {
            assert_eq!(destination_name(&text(name)).is_ok(), destination, "{name}");
            assert_eq!(table_name(&text(name)).is_ok(), table, "{name}");
        }
        assert!(destination_name(&text(&"a".repeat(41))).is_err());
        assert!(table_name(&text(&"a".repeat(256))).is_err());
    }

    #[test]
    fn addresses() {
        for (written, expected) in [
            ("127.0.0.1:8787", Ok(Some("127.0.0.1:8787"))),
            ("localhost:0", Ok(Some("127.0.0.1:0"))),
            ("[::1]:80", Ok(Some("[::1]:80"))),
            ("0.0.0.0:8787", Ok(Some("0.0.0.0:8787"))),
            ("off", Ok(None)),
            ("8787", Err(())),
            ("127.0.0.1", Err(())),
            ("example.com:80", Err(())),
            ("localhost:99999", Err(())),
        ] {
            let read = listen(&text(written)).map_err(|_| ());
            let expected = expected.map(|at| at.map(|at: &str| at.parse().unwrap()));
            assert_eq!(read, expected, "{written}");
        }
    }

    #[test]
    fn numbers_and_sizes() {
        for (written, bytes) in [
            ("8 MiB", Some(8 << 20)),
            ("8MiB", Some(8 << 20)),
            ("4096 KiB", Some(4 << 20)),
            ("8388608", Some(8 << 20)),
            ("1 GiB", Some(1 << 30)),
            ("2 GiB", None),
            ("99999999999999999 GiB", None),
            ("8 MB", None),
            ("-8", None),
            ("", None),
        ] {
            assert_eq!(bytes_within(&text(written), 2 << 20, 1 << 30).ok(), bytes, "{written}");
        }
        assert_eq!(count_within(&text("500"), 10, 1_000), Ok(500));
        assert!(count_within(&text("5"), 10, 1_000).is_err());
        assert!(count_within(&text("1e2"), 10, 1_000).is_err());
        assert_eq!(seed(&text("18446744073709551615")), Ok(u64::MAX));
        assert!(seed(&text("-1")).is_err());
    }

    #[test]
    fn slack_has_a_least_pace_and_loopback_has_none() {
        for (ms, host, good) in [
            (1_000, "hooks.slack.com", true),
            (999, "hooks.slack.com", false),
            (0, "hooks.slack-gov.com", false),
            (0, "127.0.0.1", true),
            (0, "localhost", true),
        ] {
            assert_eq!(pace_allowed(Duration::from_millis(ms), host).is_ok(), good, "{ms} {host}");
        }
    }

    #[test]
    fn lists_of_tags() {
        let list = |keys: &[&str]| {
            let value = Scalar::List(keys.iter().map(|key| (*key).to_owned()).collect());
            tag_keys(&Given { value, origin: Origin::File })
        };
        let long = "x".repeat(TAG_KEY_CHARS_MAX + 1);
        let many: Vec<String> = (0..=TAGS_MAX).map(|n| n.to_string()).collect();
        assert_eq!(list(&["Team", " Env ", "", "Team"]).unwrap(), ["Team", "Env"]);
        assert_eq!(tag_keys(&text("Team, Env")).unwrap(), ["Team", "Env"]);
        for bad in ["", &long, "a<!here>", "https://hooks.slack.com/services/T0/B0/x"] {
            assert!(list(&[bad]).unwrap_err().contains("must be keys of tags"), "{bad}");
        }
        assert!(tag_keys(&text(&many.join(","))).unwrap_err().contains("more than 10"));
        let number = Given { value: Scalar::Integer(1), origin: Origin::File };
        assert!(tag_keys(&number).unwrap_err().contains("must be keys of tags"));
    }

    #[test]
    fn lists_of_regions() {
        let read = |written: &str| {
            let names = regions(&text(written))?;
            Ok::<_, String>(names.iter().map(RegionName::to_string).collect::<Vec<_>>().join("+"))
        };
        assert_eq!(read("eu-west-1").unwrap(), "eu-west-1");
        assert_eq!(read(" us-east-1 ,eu-west-1,, us-east-1,").unwrap(), "us-east-1+eu-west-1");
        assert!(read(",").unwrap_err().contains("at least one region"));
        assert!(read("eu-west-1;us-east-1").unwrap_err().contains("commas"));
        let many: Vec<String> =
            (0..=REGIONS_MAX).map(|i| format!("a{}-bb-1", "b".repeat(1 + i % 20))).collect();
        assert!(read(&many.join(",")).is_ok(), "each counts once");
    }
}

//! What is asked for: a message, or a finding by one of its names. Pure.

use std::collections::BTreeSet;

use crate::finding::{self, Finding, Fingerprint, Rejection, Text};
use crate::ports::inquiry::Clue;

/// The most findings of one message file that are explained.
pub const FINDINGS_MAX: usize = finding::MAX_FINDINGS;
/// A finding's longest name: an id of 512 bytes and the parts before it, each byte perhaps escaped.
const NAME_BYTES_MAX: usize = 2048;
/// An id that was cut off has to say at least so much.
const PREFIX_CHARS_MIN: usize = 6;

/// What the command line says beside the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub product: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
}

impl Place {
    fn is_known(&self) -> bool {
        self.product.is_some() || self.account.is_some() || self.region.is_some()
    }
}

/// What is asked for.
#[derive(Debug)]
pub enum Asked {
    Message(Message),
    Name(Name),
}

/// The findings in a file, as the worker reads them.
#[derive(Debug, Default)]
pub struct Message {
    pub findings: Vec<Finding>,
    pub rejections: Vec<Rejection>,
    /// The texts of the messages, and of their parts, to find them again in a queue: as
    /// [`compact`] writes them.
    pub texts: BTreeSet<String>,
    /// Findings beyond [`FINDINGS_MAX`].
    pub left_out: usize,
}

/// A finding by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// Under these the ledger may know it.
    pub fingerprints: Vec<String>,
    /// What to search for, if it is known under none of them. None: they are all that there can be.
    pub clue: Option<Clue>,
    /// What its messages hold, as they write it.
    pub words: Vec<String>,
}

/// What is wrong with the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

/// Reads the messages of a file: the findings in them, and what was refused. `parts` are other forms
/// in which the same may have been sent.
pub fn message(bodies: &[String], parts: &[String]) -> Asked {
    let mut message = Message::default();
    for body in bodies {
        let parsed = finding::parse(body);
        message.findings.extend(parsed.findings);
        message.rejections.extend(parsed.rejections);
    }
    message.left_out = message.findings.len().saturating_sub(FINDINGS_MAX);
    message.findings.truncate(FINDINGS_MAX);
    message.texts = bodies.iter().chain(parts).map(|body| compact(body)).collect();
    Asked::Message(message)
}

/// A message without the white space between its parts, in which copies of the same differ.
pub fn compact(body: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let kept = body.chars().filter(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        in_string || !c.is_ascii_whitespace()
    });
    kept.collect()
}

/// Reads a name as people have it: from the log, from Slack, from a console or an API.
pub fn name(text: &str, place: &Place) -> Result<Asked, Wrong> {
    let text = bare(text);
    if text.is_empty() {
        return Err(Wrong(
            "nothing is asked for: give a finding's id, its ARN, its fingerprint from the log, or a \
             file"
            .to_owned(),
        ));
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(Wrong(format!(
            "that is no finding's name: it has {} bytes, and {NAME_BYTES_MAX} are the most. If it \
             is the finding itself, give it as a file, or as - on the standard input",
            text.len()
        )));
    }
    if text.starts_with('{') || text.starts_with('[') {
        return Err(Wrong(
            "that is JSON: give it as a file, or as - on the standard input".to_owned(),
        ));
    }
    if let Some(start) = text.strip_suffix('…').or_else(|| text.strip_suffix("...")) {
        return cut_off(start, place);
    }
    if let Some(print) = Fingerprint::named_by(text) {
        return Ok(by_arn(text, print, place));
    }
    if is_fingerprint(text) {
        let id = text.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        return Ok(Asked::Name(Name {
            fingerprints: vec![text.to_owned()],
            clue: None,
            words: vec![id],
        }));
    }
    Ok(by_id(text, place))
}

/// Without what comes along when it is copied: quotes, back-ticks, the rest of Slack's last line.
fn bare(text: &str) -> &str {
    let line = text.split('·').map(str::trim).find_map(|part| part.strip_prefix("finding "));
    let quotes = |c: char| c.is_whitespace() || matches!(c, '`' | '\'' | '"' | '<' | '>');
    let text = line.unwrap_or(text).trim_matches(quotes);
    ["finding ", "hansho ", "finding=", "digest="]
        .iter()
        .find_map(|label| text.strip_prefix(label))
        .unwrap_or(text)
        .trim_matches(quotes)
}

/// Slack's lists cut long ids off.
fn cut_off(start: &str, place: &Place) -> Result<Asked, Wrong> {
    if start.chars().count() < PREFIX_CHARS_MIN {
        return Err(Wrong(format!(
            "that begins too many findings: give {PREFIX_CHARS_MIN} characters or more"
        )));
    }
    let clue = Clue { prefix: true, ..clue(vec![written(start)], place) };
    Ok(Asked::Name(Name {
        fingerprints: Vec::new(),
        clue: Some(clue),
        words: vec![start.to_owned()],
    }))
}

/// An ARN says product, account and region, but not of every product those of the fingerprint.
fn by_arn(text: &str, print: Fingerprint, place: &Place) -> Asked {
    let says_all = ["guardduty", "inspector", "macie"].contains(&print.product.as_str());
    let ids = vec![print.id_text(), written(text)];
    let mut words = vec![print.id.clone(), text.to_owned()];
    words.dedup();
    let mut ids = ids;
    ids.dedup();
    Asked::Name(Name {
        clue: (!says_all).then(|| clue(ids, place)),
        fingerprints: vec![print.to_string()],
        words,
    })
}

/// With account and region, the products that are known are few enough to ask for each.
fn by_id(text: &str, place: &Place) -> Asked {
    let mut fingerprints = Vec::new();
    if text.matches('/').count() >= 3 {
        // One whose account is none of AWS's reads like an id with slashes in it.
        fingerprints.push(text.to_owned());
    }
    if let (Some(account), Some(region)) = (&place.account, &place.region) {
        let known = Fingerprint::PRODUCTS.map(str::to_owned).to_vec();
        for product in place.product.clone().map_or(known, |one| vec![one]) {
            let print = Fingerprint {
                product,
                account: account.clone(),
                region: region.clone(),
                id: text.to_owned(),
            };
            fingerprints.push(print.to_string());
        }
    }
    let says_all = place.product.is_some() && !fingerprints.is_empty();
    Asked::Name(Name {
        fingerprints,
        clue: (!says_all).then(|| clue(vec![written(text)], place)),
        words: vec![text.to_owned()],
    })
}

fn clue(ids: Vec<String>, place: &Place) -> Clue {
    let part = |part: &Option<String>| part.clone();
    let (product, account) = (part(&place.product), part(&place.account));
    Clue { ids, prefix: false, product, account, region: part(&place.region) }
}

/// An id as the ledger's keys write it, without what a terminal would not show.
fn written(id: &str) -> String {
    let print = |id: &str| Fingerprint {
        product: String::new(),
        account: String::new(),
        region: String::new(),
        id: id.to_owned(),
    };
    print(id).id_text()
}

/// `product/account/region/id`: the account is twelve digits or unknown, so that an id with slashes
/// in it is not taken for one.
fn is_fingerprint(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    let [product, account, region, id] = parts[..] else { return false };
    let is_account =
        account == "-" || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
    let is_region = region == "-" || region.contains('-');
    is_account && is_region && !product.is_empty() && !id.is_empty()
}

/// What can't be put together.
pub fn check(what_is_file: bool, place: &Place) -> Result<(), Wrong> {
    if what_is_file && place.is_known() {
        return Err(Wrong(
            "--account, --region and --product go with an id: a file says them itself".to_owned(),
        ));
    }
    if let Some(account) = &place.account
        && (account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(Wrong("--account must be the twelve digits of an account".to_owned()));
    }
    for (flag, value) in [("--region", &place.region), ("--product", &place.product)] {
        if value.as_ref().is_some_and(|value| value.is_empty() || value.len() > 64) {
            return Err(Wrong(format!("{flag} must be 1 to 64 bytes")));
        }
    }
    Ok(())
}

/// Whether the argument is meant as a file that is not there.
pub fn looks_like_a_file(text: &str) -> bool {
    let ends = [".json", ".jsonl", ".ndjson", ".txt"];
    ends.iter().any(|end| text.ends_with(end)) || text.starts_with("./") || text.starts_with("../")
}

/// What was asked for, for the first line.
pub fn shown(text: &str) -> String {
    Text::new(text, 300).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, place: &Place) -> Name {
        match name(text, place) {
            Ok(Asked::Name(name)) => name,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn place(product: &str, account: &str, region: &str) -> Place {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Place { product: part(product), account: part(account), region: part(region) }
    }

    const ACCOUNT: &str = "111122223333";

    #[test]
    fn names_are_read_as_people_have_them() {
        let nowhere = Place::default();
        let exact = "guardduty/111122223333/us-east-1/0a1b";
        let arn = "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/0a1b";
        for (text, fingerprint, searched) in [
            ("0a1b2c", None, true),
            ("`0a1b2c`", None, true),
            (" finding 0a1b2c ", None, true),
            ("guardduty  ·  finding `0a1b2c`  ·  hansho `0190-1`", None, true),
            (exact, Some(exact), false),
            (&format!("finding={exact}"), Some(exact), false),
            (&format!("\"{arn}\""), Some(exact), false),
            ("a/b/c", None, true),
            ("a/b/c/d", Some("a/b/c/d"), true),
            ("guardduty/-/-/0a1b", Some("guardduty/-/-/0a1b"), false),
        ] {
            let name = named(text, &nowhere);
            assert_eq!(name.fingerprints.first().map(String::as_str), fingerprint, "{text}");
            assert_eq!(name.clue.is_some(), searched, "{text}");
            assert!(!name.words.is_empty(), "{text}");
        }
        assert_eq!(named("`0a1b2c`", &nowhere).clue.unwrap().ids, ["0a1b2c"]);
    }

    #[test]
    fn other_products_arns_are_searched_for_as_a_whole_and_by_their_end() {
        let arn = "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/a/finding/f1";
        let name = named(arn, &Place::default());
        assert_eq!(name.fingerprints, ["access-analyzer/111122223333/us-east-1/f1"]);
        assert_eq!(name.clue.unwrap().ids, ["f1", arn]);
        let arn = "arn:aws:securityhub:us-east-1:111122223333:subscription/x/finding/f1";
        let name = named(arn, &Place::default());
        assert_eq!(name.fingerprints, [format!("securityhub/{ACCOUNT}/us-east-1/{arn}")]);
        assert_eq!(name.clue.unwrap().ids, [arn]);
    }

    #[test]
    fn a_place_spares_the_search() {
        let known = named("f1", &place("macie", ACCOUNT, "us-east-1"));
        assert_eq!(known.fingerprints, ["macie/111122223333/us-east-1/f1"]);
        assert_eq!(known.clue, None);
        let any = named("f1", &place("", ACCOUNT, "us-east-1"));
        assert_eq!(any.fingerprints.len(), Fingerprint::PRODUCTS.len());
        assert!(any.clue.is_some());
        let half = named("f1", &place("", ACCOUNT, ""));
        assert_eq!(half.fingerprints, [""; 0]);
        assert_eq!(half.clue.unwrap().account.as_deref(), Some(ACCOUNT));
    }

    #[test]
    fn what_slack_has_cut_off_is_a_beginning() {
        let name = named("arn:aws:securityhub:us-east-1:11…", &Place::default());
        let clue = name.clue.unwrap();
        assert!(clue.prefix);
        assert_eq!(clue.ids, ["arn:aws:securityhub:us-east-1:11"]);
        assert!(
            matches!(super::name("0a1…", &Place::default()), Err(Wrong(why)) if why.contains("too many"))
        );
    }

    #[test]
    fn hostile_names_are_refused_or_written_as_keys_are() {
        for (text, why) in [
            ("", "nothing is asked"),
            (" ` ` ", "nothing is asked"),
            ("{\"id\": 1}", "that is JSON"),
            (&"x".repeat(3000), "no finding's name"),
        ] {
            let Err(Wrong(said)) = name(text, &Place::default()) else { panic!("{text}") };
            assert!(said.contains(why), "{said}");
        }
        let clue = named("a\u{1b}[31mb\u{202e}", &Place::default()).clue.unwrap();
        assert_eq!(clue.ids, ["a%1B[31mb%E2%80%AE"]);
    }

    #[test]
    fn copies_differ_in_white_space_between_the_parts_alone() {
        for (body, expected) in [
            ("{ \"a\" :\n\t[1, 2] }\r\n", "{\"a\":[1,2]}"),
            (r#"{"a": "b  \" c", "d": "e\\ f" }"#, r#"{"a":"b  \" c","d":"e\\ f"}"#),
            (" no json  at all", "nojsonatall"),
            ("", ""),
        ] {
            assert_eq!(compact(body), expected, "{body}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        assert_eq!(check(true, &Place::default()), Ok(()));
        assert_eq!(check(false, &place("macie", ACCOUNT, "us-east-1")), Ok(()));
        for (file, place, why) in [
            (true, place("", ACCOUNT, ""), "a file says them itself"),
            (false, place("", "1234", ""), "twelve digits"),
            (false, place("", "", &"r".repeat(65)), "--region must be"),
        ] {
            let Err(Wrong(said)) = check(file, &place) else { panic!("{place:?}") };
            assert!(said.contains(why), "{said}");
        }
    }
}

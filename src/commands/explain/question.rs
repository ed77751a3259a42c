//! Reads the question: a message, or the name of a finding. Pure.

use std::collections::BTreeSet;

use crate::finding::{
    self, Finding, Fingerprint, IgnoredEvent, Product, Rejection, Text, control_id_start, member,
};
use crate::ports::inquiry::Clue;

/// The most findings of a file that are explained.
pub const FINDINGS_MAX: usize = finding::MAX_FINDINGS;
/// The longest name: an id of 512 bytes and the parts before it, with each byte escaped.
const NAME_BYTES_MAX: usize = 2048;
/// The fewest characters of an id that are enough without a mark that it is shortened.
const SHORT_CHARS_MIN: usize = 8;
/// The length of GuardDuty's ids. UUIDs are longer.
const ID_CHARS: usize = 32;
/// The fewest characters of a shortened id.
const PREFIX_CHARS_MIN: usize = 6;

/// The options that narrow a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub product: Option<String>,
    pub account: Option<String>,
    pub region: Option<String>,
}

impl Scope {
    fn is_known(&self) -> bool {
        self.product.is_some() || self.account.is_some() || self.region.is_some()
    }
}

#[derive(Debug)]
pub enum Question {
    Message(AskedMessage),
    Name(AskedName),
}

/// A file, as the worker reads it.
#[derive(Debug, Default)]
pub struct AskedMessage {
    pub findings: Vec<Finding>,
    pub rejections: Vec<Rejection>,
    pub ignored: Vec<IgnoredEvent>,
    /// The texts of the messages and of their parts in the form of [`compact`], to find them in a
    /// queue.
    pub texts: BTreeSet<String>,
    /// How many findings are beyond [`FINDINGS_MAX`].
    pub left_out: usize,
}

/// The name of a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedName {
    /// The fingerprints that it may mean.
    pub fingerprints: Vec<String>,
    /// The search, if the ledger has none of them. None: there are no others.
    pub clue: Option<Clue>,
    /// How the ids of the alerts of its control begin, if it names a control and no resource.
    pub control: Option<String>,
    /// Words that its messages contain.
    pub words: Vec<String>,
}

/// A mistake in the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongUsage(pub String);

/// Reads the messages of a file. `parts` are other texts that may have been sent for them.
pub fn message(bodies: &[String], parts: &[String]) -> Question {
    let mut message = AskedMessage::default();
    for body in bodies {
        let parsed = finding::parse(body);
        message.findings.extend(parsed.findings);
        message.rejections.extend(parsed.rejections);
        message.ignored.extend(parsed.ignored);
    }
    message.left_out = message.findings.len().saturating_sub(FINDINGS_MAX);
    message.findings.truncate(FINDINGS_MAX);
    message.texts = bodies.iter().chain(parts).map(|body| compact(body)).collect();
    Question::Message(message)
}

/// A JSON text without the white space between its parts, so that copies compare equal.
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

/// Reads a name that was copied from the log, from Slack, from a console or an API.
pub fn name(text: &str, scope: &Scope) -> Result<Question, WrongUsage> {
    let text = bare(text);
    if text.is_empty() {
        return Err(WrongUsage(
            "the name is empty: give a finding's id, its ARN, its fingerprint from the log, or a \
             file"
                .to_owned(),
        ));
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(WrongUsage(format!(
            "the name has {} bytes, more than the {NAME_BYTES_MAX} of any finding. Give a finding \
             itself as a file, or as - on the standard input",
            text.len()
        )));
    }
    if text.starts_with('{') || text.starts_with('[') {
        return Err(WrongUsage(
            "the name is JSON: give it as a file, or as - on the standard input".to_owned(),
        ));
    }
    if let Some(start) = text.strip_suffix('…').or_else(|| text.strip_suffix("...")) {
        return cut_off(start, scope);
    }
    if let Some(print) = Fingerprint::named_by(text) {
        return Ok(by_arn(text, print, scope));
    }
    if is_fingerprint(text) {
        let id = text.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        return Ok(Question::Name(AskedName {
            fingerprints: vec![text.to_owned()],
            words: vec![id],
            ..AskedName::default()
        }));
    }
    if is_nonsense(text) && !scope.is_known() {
        return Err(WrongUsage(format!(
            "{:?} is no name of a finding: give its id or the first {SHORT_CHARS_MIN} characters of it, its \
             ARN, its fingerprint (product/account/region/id), the id of a post, or a file. If it is an id \
             all the same, give --account, --region or --product too",
            shown(text)
        )));
    }
    Ok(by_id(text, scope))
}

/// Whether no product makes such an id: words, or signs alone.
fn is_nonsense(text: &str) -> bool {
    let is_part_of_id = |c: char| c.is_ascii_digit() || matches!(c, '/' | ':' | '-' | '_');
    let is_hex = text.len() >= PREFIX_CHARS_MIN && text.bytes().all(|b| b.is_ascii_hexdigit());
    text.contains(char::is_whitespace)
        || (!text.contains(is_part_of_id) && !is_hex)
        || !text.contains(|c: char| c.is_ascii_alphanumeric())
}

/// Whether it may be the first part of a longer id. GuardDuty's ids have 32 hexadecimal digits;
/// UUIDs and the ids of posts have hyphens too.
fn is_start_of_id(text: &str) -> bool {
    (SHORT_CHARS_MIN..ID_CHARS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// The name without the quotes, labels and parts of Slack's last line that were copied with it.
fn bare(text: &str) -> &str {
    // The id is the first part of that line.
    let first = text.split('·').next().unwrap_or(text);
    let quotes = |c: char| c.is_whitespace() || matches!(c, '`' | '\'' | '"' | '<' | '>');
    let text = first.trim_matches(quotes);
    ["finding ", "hansho ", "finding=", "digest="]
        .iter()
        .find_map(|label| text.strip_prefix(label))
        .unwrap_or(text)
        .trim_matches(quotes)
}

/// A name that a list in Slack has shortened.
fn cut_off(start: &str, scope: &Scope) -> Result<Question, WrongUsage> {
    if start.chars().count() < PREFIX_CHARS_MIN {
        return Err(WrongUsage(format!(
            "the shortened name matches too many findings: give {PREFIX_CHARS_MIN} characters or more"
        )));
    }
    let clue = Clue { prefix: true, ..clue(vec![written(start)], scope) };
    Ok(Question::Name(AskedName {
        clue: Some(clue),
        words: vec![start.to_owned()],
        ..AskedName::default()
    }))
}

/// An ARN has product, account and region. For some products, the fingerprint has others. A finding
/// of Security Hub's own may be a member of its control's alert.
fn by_arn(text: &str, print: Fingerprint, scope: &Scope) -> Question {
    let says_all = ["guardduty", "inspector", "macie"].contains(&print.product.as_str());
    let hub = print.product == Product::SecurityHub.as_str();
    let mut ids = vec![print.id_text(), written(text)];
    let mut words = vec![print.id.clone(), text.to_owned()];
    ids.dedup();
    words.dedup();
    Question::Name(AskedName {
        clue: (!says_all).then(|| Clue { member: hub.then(|| member(text)), ..clue(ids, scope) }),
        fingerprints: vec![print.to_string()],
        control: control_id_start(text),
        words,
    })
}

/// An id alone. With account and region, there is one fingerprint for each known product.
fn by_id(text: &str, scope: &Scope) -> Question {
    let mut fingerprints = Vec::new();
    if text.matches('/').count() >= 3 {
        // It may be a fingerprint with an account that is not one of AWS.
        fingerprints.push(text.to_owned());
    }
    if let (Some(account), Some(region)) = (&scope.account, &scope.region) {
        let known = Fingerprint::PRODUCTS.map(str::to_owned).to_vec();
        for product in scope.product.clone().map_or(known, |one| vec![one]) {
            let print = Fingerprint {
                product,
                account: account.clone(),
                region: region.clone(),
                id: text.to_owned(),
            };
            fingerprints.push(print.to_string());
        }
    }
    let says_all = scope.product.is_some() && !fingerprints.is_empty();
    Question::Name(AskedName {
        fingerprints,
        clue: (!says_all)
            .then(|| Clue { prefix: is_start_of_id(text), ..clue(vec![written(text)], scope) }),
        words: vec![text.to_owned()],
        ..AskedName::default()
    })
}

fn clue(ids: Vec<String>, scope: &Scope) -> Clue {
    let Scope { product, account, region } = scope.clone();
    Clue { ids, prefix: false, product, account, region, member: None }
}

/// An id in the form of the ledger's keys.
fn written(id: &str) -> String {
    let (product, account, region) = (String::new(), String::new(), String::new());
    Fingerprint { product, account, region, id: id.to_owned() }.id_text()
}

/// Recognises `product/account/region/id`. The account must be twelve digits or unknown, because
/// ids may contain slashes.
fn is_fingerprint(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    let [product, account, region, id] = parts[..] else { return false };
    let is_account =
        account == "-" || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
    let is_region = region == "-" || region.contains('-');
    is_account && is_region && !product.is_empty() && !id.is_empty()
}

/// Checks that the options fit the question.
pub fn check(is_file: bool, scope: &Scope) -> Result<(), WrongUsage> {
    if is_file && scope.is_known() {
        return Err(WrongUsage(
            "--account, --region and --product are for an id: a file contains them".to_owned(),
        ));
    }
    if let Some(account) = &scope.account
        && (account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(WrongUsage("--account must be the twelve digits of an account".to_owned()));
    }
    for (flag, value) in [("--region", &scope.region), ("--product", &scope.product)] {
        if value.as_ref().is_some_and(|value| value.is_empty() || value.len() > 64) {
            return Err(WrongUsage(format!("{flag} must be 1 to 64 bytes")));
        }
    }
    Ok(())
}

/// Whether the argument looks like the path of a file.
pub fn looks_like_a_file(text: &str) -> bool {
    let ends = [".json", ".jsonl", ".ndjson", ".txt"];
    ends.iter().any(|end| text.ends_with(end)) || text.starts_with("./") || text.starts_with("../")
}

/// The question, cleaned.
pub fn shown(text: &str) -> String {
    Text::new(text, 300).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, scope: &Scope) -> AskedName {
        match name(text, scope) {
            Ok(Question::Name(name)) => name,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn scope(product: &str, account: &str, region: &str) -> Scope {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Scope { product: part(product), account: part(account), region: part(region) }
    }

    const ACCOUNT: &str = "111122223333";

    #[test]
    fn names_are_read_as_people_have_them() {
        let nowhere = Scope::default();
        let exact = "guardduty/111122223333/us-east-1/0a1b";
        let arn = "arn:aws:guardduty:us-east-1:111122223333:detector/d/finding/0a1b";
        for (text, fingerprint, searched) in [
            ("0a1b2c", None, true),
            ("`0a1b2c`", None, true),
            (" finding 0a1b2c ", None, true),
            ("`0a1b2c` · guardduty · hansho `0190-1`", None, true),
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
        let name = named(arn, &Scope::default());
        assert_eq!(name.fingerprints, ["access-analyzer/111122223333/us-east-1/f1"]);
        assert_eq!(name.clue.unwrap().ids, ["f1", arn]);
        let arn = "arn:aws:securityhub:us-east-1:111122223333:subscription/x/finding/f1";
        let name = named(arn, &Scope::default());
        assert_eq!(name.fingerprints, [format!("securityhub/{ACCOUNT}/us-east-1/{arn}")]);
        assert_eq!((name.control, name.clue.unwrap().ids), (None, vec![arn.to_owned()]));
        let arn = "arn:aws:securityhub:us-east-1:111122223333:security-control/EC2.19/finding/f1";
        let name = named(arn, &Scope::default());
        assert_eq!(name.control.as_deref(), Some("control/EC2.19/"));
        assert_eq!(name.clue.unwrap().member, Some(member(arn)));
    }

    #[test]
    fn account_and_region_make_a_search_needless() {
        let known = named("f1", &scope("macie", ACCOUNT, "us-east-1"));
        assert_eq!(known.fingerprints, ["macie/111122223333/us-east-1/f1"]);
        assert_eq!(known.clue, None);
        let any = named("f1", &scope("", ACCOUNT, "us-east-1"));
        assert_eq!(any.fingerprints.len(), Fingerprint::PRODUCTS.len());
        assert!(any.clue.is_some());
        let half = named("f1", &scope("", ACCOUNT, ""));
        assert_eq!(half.fingerprints, [""; 0]);
        assert_eq!(half.clue.unwrap().account.as_deref(), Some(ACCOUNT));
    }

    #[test]
    fn shortened_names_search_by_prefix() {
        let name = named("arn:aws:securityhub:us-east-1:11…", &Scope::default());
        let clue = name.clue.unwrap();
        assert!(clue.prefix);
        assert_eq!(clue.ids, ["arn:aws:securityhub:us-east-1:11"]);
        assert!(
            matches!(super::name("0a1…", &Scope::default()), Err(WrongUsage(why)) if why.contains("too many"))
        );
    }

    #[test]
    fn the_first_characters_of_an_id_are_enough() {
        for (text, prefix) in [
            ("659ecd44", true),
            ("659ecd4", false),
            ("659ecd44-aaaa", true),
            ("659ecd44659ecd44659ecd44659ecd44", false),
            ("i-0abc1234xyz", false),
        ] {
            assert_eq!(named(text, &Scope::default()).clue.unwrap().prefix, prefix, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_is_accepted() {
        for text in ["hello", "what happened 7 days ago", "???", "---", "日本"] {
            let Err(WrongUsage(said)) = name(text, &Scope::default()) else { panic!("{text}") };
            assert!(said.contains("first 8 characters"), "{said}");
            assert!(name(text, &scope("acme:scan", "", "")).is_ok(), "{text}");
        }
    }

    #[test]
    fn hostile_names_are_refused_or_written_as_keys_are() {
        for (text, why) in [
            ("", "the name is empty"),
            (" ` ` ", "the name is empty"),
            ("{\"id\": 1}", "the name is JSON"),
            (&"x".repeat(3000), "more than the 2048"),
        ] {
            let Err(WrongUsage(said)) = name(text, &Scope::default()) else { panic!("{text}") };
            assert!(said.contains(why), "{said}");
        }
        let clue = named("a\u{1b}[31mb\u{202e}", &Scope::default()).clue.unwrap();
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
    fn wrong_options_are_refused() {
        assert_eq!(check(true, &Scope::default()), Ok(()));
        assert_eq!(check(false, &scope("macie", ACCOUNT, "us-east-1")), Ok(()));
        for (file, scope, why) in [
            (true, scope("", ACCOUNT, ""), "a file contains them"),
            (false, scope("", "1234", ""), "twelve digits"),
            (false, scope("", "", &"r".repeat(65)), "--region must be"),
        ] {
            let Err(WrongUsage(said)) = check(file, &scope) else { panic!("{scope:?}") };
            assert!(said.contains(why), "{said}");
        }
    }
}

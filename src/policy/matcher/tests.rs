use super::*;
use crate::finding::{Finding, parse};

/// An account of a test.
pub struct Entry<'a> {
    pub name: Option<&'a str>,
    pub ou: Option<&'a str>,
    pub tags: &'a [(&'a str, &'a str)],
}

impl AccountFacts for Entry<'_> {
    fn name(&self) -> Option<&str> {
        self.name
    }

    fn ou(&self) -> Option<&str> {
        self.ou
    }

    fn tags(&self) -> Vec<(&str, &str)> {
        self.tags.to_vec()
    }
}

const PROD: Entry<'_> = Entry {
    name: Some("Prod-Shop"),
    ou: Some("/prod/payments"),
    tags: &[("Team", "payments"), ("cost", "")],
};

fn finding() -> Finding {
    let raw = r#"{"schemaVersion":"2.0","id":"f","severity":8,"accountId":"111122223333",
        "region":"eu-west-1","type":"UnauthorizedAccess:EC2/SSHBruteForce","service":{},
        "resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0abc","tags":[
            {"key":"Env","value":"prod"},{"key":"env","value":"*"},{"key":"x=y","value":"z"}]}}}"#;
    parse(raw).findings.remove(0)
}

struct Nobody;

impl Directory for Nobody {
    fn account(&self, _: &str) -> Option<&dyn AccountFacts> {
        None
    }
}

fn about<'a>(finding: &'a Finding, facts: Option<&'a dyn AccountFacts>) -> Subject<'a> {
    Subject::from(Known { facts, ..Known::of(finding, &Nobody) })
}

fn rule(not: bool, key: MatchKey, patterns: &[&str]) -> Matcher {
    let mut matcher = Matcher::default();
    matcher.add(not, key, patterns).unwrap();
    matcher
}

#[test]
fn each_key_looks_at_its_own() {
    use MatchKey::{
        Account, AccountName, AccountTag, Level, Ou, Product, Region, ResourceTag, ResourceType,
        Type,
    };
    let finding = finding();
    for (key, patterns, known, unknown) in [
        (Level, &["high"][..], true, true),
        (Level, &["low", "CRITICAL"], false, false),
        (Account, &["999999999999", "111122223333"], true, true),
        (Account, &["999999999999"], false, false),
        (Region, &["EU-*"], true, true),
        (Region, &["eu-west-1"], true, true),
        (Region, &["eu-west"], false, false),
        (Product, &["guardduty"], true, true),
        (Product, &["inspector", "macie"], false, false),
        (Type, &["*:EC2/*"], true, true),
        (Type, &["unauthorizedaccess:*"], true, true),
        (Type, &["EC2"], false, false),
        (ResourceType, &["AwsEc2Instance"], true, true),
        (ResourceType, &["AWS::EC2::Instance"], true, true),
        (ResourceType, &["AWS_EC2_*"], true, true),
        (ResourceType, &["Instance"], false, false),
        (ResourceTag, &["Env=prod"], true, true),
        (ResourceTag, &["ENV=PR*"], true, true),
        (ResourceTag, &["Env=dev", "x=y=z"], false, false),
        (ResourceTag, &["Env=?"], true, true),
        (ResourceTag, &["Team=*"], false, false),
        (AccountName, &["prod-*"], true, false),
        (AccountName, &["*"], true, false),
        (AccountName, &["prod"], false, false),
        (Ou, &["/prod/*"], true, false),
        (Ou, &["/prod"], false, false),
        (Ou, &["/PROD/payments/"], true, false),
        // The unit itself, as AWS has it.
        (Ou, &["/prod/payments/*"], true, false),
        (Ou, &["/prod/pay/*"], false, false),
        (Ou, &["/*"], true, false),
        (Ou, &["*/payments"], true, false),
        (AccountTag, &["Team=pay*"], true, false),
        (AccountTag, &["team=payments"], true, false),
        (AccountTag, &["Cost="], true, false),
        (AccountTag, &["Env=prod"], false, false),
    ] {
        for (account, matched) in [(Some(&PROD as &dyn AccountFacts), known), (None, unknown)] {
            let subject = about(&finding, account);
            assert_eq!(
                rule(false, key, patterns).matches(&subject),
                matched,
                "{key:?} {patterns:?}"
            );
            assert_eq!(rule(true, key, patterns).matches(&subject), !matched, "not {key:?}");
            let check = &rule(false, key, patterns).explain(&subject)[0];
            assert_eq!((check.passes, check.not), (matched, false), "{check}");
        }
    }
}

#[test]
fn all_rules_must_name_it_and_none_below_not() {
    let finding = finding();
    let subject = about(&finding, Some(&PROD));
    let (good, bad) = ("*:EC2/*", "Policy:*");
    for (all, none, matched) in [
        (&[][..], &[][..], true),
        (&[good], &[], true),
        (&[good, bad], &[], false),
        (&[good], &[bad], true),
        (&[], &[bad, good], false),
        (&[good], &[good], false),
    ] {
        let mut matcher = Matcher::default();
        all.iter().for_each(|text| matcher.add(false, MatchKey::Type, [text]).unwrap());
        none.iter().for_each(|text| matcher.add(true, MatchKey::Type, [text]).unwrap());
        assert_eq!(matcher.matches(&subject), matched, "{all:?} {none:?}");
        let checks = matcher.explain(&subject);
        assert_eq!(checks.iter().all(|check| check.passes), matched);
    }
}

#[test]
fn checks_say_what_was_found_and_what_was_wanted() {
    let finding = finding();
    let subject = about(&finding, None);
    let many: Vec<String> = (0..8).map(|n| format!("T{n}:*")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (matcher, said) in [
        (rule(false, MatchKey::Level, &["high"]), "level: is high"),
        (rule(false, MatchKey::Region, &["us-*"]), "region: eu-west-1 does not fit us-*"),
        (rule(false, MatchKey::Region, &["us-*", "eu-*"]), "region: eu-west-1 fits eu-*"),
        (
            rule(true, MatchKey::Type, &["*:EC2/*"]),
            "not type: UnauthorizedAccess:EC2/SSHBruteForce fits *:EC2/*",
        ),
        (
            rule(false, MatchKey::Type, &many),
            "type: UnauthorizedAccess:EC2/SSHBruteForce does not fit T0:*, T1:*, T2:*, T3:*, T4:*, \
             and 3 more",
        ),
        (rule(false, MatchKey::Ou, &["/prod/*"]), "ou: none is known, so it does not fit /prod/*"),
        (
            rule(false, MatchKey::ResourceTag, &["Env=pr*"]),
            "resource_tag: Env=prod, env=* fits Env=pr*",
        ),
        (
            rule(false, MatchKey::ResourceTag, &["Team=*"]),
            "resource_tag: none is known, so it does not fit Team=*",
        ),
    ] {
        assert_eq!(matcher.explain(&subject)[0].to_string(), said);
    }
}

#[test]
fn bad_patterns_are_refused() {
    let long = "x".repeat(701);
    let many = vec!["x"; 201];
    for (key, patterns, why) in [
        (MatchKey::Type, &[][..], BadRule::Count),
        (MatchKey::Type, &many, BadRule::Count),
        (MatchKey::Type, &[" "], BadRule::Length),
        (MatchKey::Type, &[&*long], BadRule::Length),
        (MatchKey::Account, &["1111"], BadRule::Account),
        (MatchKey::Account, &["prod-shop"], BadRule::Account),
        (MatchKey::Account, &["1111*"], BadRule::Account),
        (MatchKey::Ou, &["prod"], BadRule::Ou),
        (MatchKey::AccountTag, &["Team"], BadRule::Tag),
        (MatchKey::ResourceTag, &["=x"], BadRule::Tag),
        (MatchKey::Level, &["severe"], BadRule::Level),
    ] {
        assert_eq!(Matcher::default().add(false, key, patterns), Err(why), "{key:?} {patterns:?}");
    }
    for key in MatchKey::ALL {
        assert_eq!(MatchKey::parse(key.as_str()), Some(key));
    }
}

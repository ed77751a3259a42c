//! What the configuration adds to posts: names of accounts, the access portal, runbooks. None
//! of it breaks a post, and no link is a finding's.

use std::sync::Arc;

use fastrand::Rng;
use hansho::finding::{Closing, Fact, Finding, Level, Text};
use hansho::policy::glob::Glob;
use hansho::ports::{Accounts, Card, ClosedLine, Form, Note, Post};
use hansho::slack::{Address, CARD_CHARS_MAX, Guide, Portal, RoleName, Runbook, payload, weigh};
use serde_json::Value;

use super::slack_hostile::{hostile_card, hostile_text};
use super::slack_render::{a_post, calm, card};
use crate::support::post_rules::{check_limits, check_preview, check_strings, mentions};

const NAMED: &str = "111122223333";

fn guide(name: &str) -> Guide {
    let mut accounts = Accounts::default();
    accounts.add(NAMED, name).unwrap();
    Guide { accounts: accounts.into(), ..Guide::default() }
}

/// Links of every kind.
fn linked() -> Guide {
    let portal = Portal {
        address: Portal::parse("https://acme.awsapps.com/start").unwrap(),
        role: RoleName::parse("Audit"),
    };
    let runbook = |types: &str, page: &str| Runbook {
        types: Glob::new(types),
        address: Address::parse(&format!("https://wiki.example.com/?a&b{page}")).unwrap(),
    };
    let runbooks = vec![runbook("unauthorizedaccess:*", "#1"), runbook("*", "#2")];
    Guide { portal: Some(portal), runbooks, ..guide("prod-shop") }
}

fn of_account(account: &str) -> Card {
    let finding = Finding { account: Text::new(account, 64), ..calm(Level::High) };
    card(finding)
}

fn drawn(form: Form, cards: Vec<Card>, guide: &Guide) -> Value {
    payload(&a_post(form, cards), &mentions(), guide)
}

#[test]
fn the_name_stands_beside_the_id_in_every_form() {
    let guide = guide("prod-shop");
    let one = || vec![of_account(NAMED)];
    for form in [Form::Cards, Form::Digest, Form::Plain] {
        let post = drawn(form, one(), &guide);
        let push = post["text"].as_str().unwrap();
        assert!(push.contains(" · prod-shop 111122223333 · "), "{push}");
    }
    let heading = drawn(Form::Cards, one(), &guide)["blocks"].to_string();
    assert!(heading.contains("*Where* prod-shop `111122223333` · eu-"), "{heading}");
    let two = drawn(Form::Digest, vec![of_account(NAMED), of_account("444455556666")], &guide);
    let digest = two["attachments"].to_string();
    assert!(digest.contains(" · prod-shop, 444455556666 · eu-"), "{digest}");
    let same = drawn(Form::Digest, [one(), one()].concat(), &guide);
    let push = same["text"].as_str().unwrap();
    assert!(push.contains(" in prod-shop 111122223333 · eu-central-1"), "{push}");
}

#[test]
fn a_configured_name_comes_before_the_findings_own() {
    for (account, shown) in [(NAMED, false), ("444455556666", true)] {
        let mut card = of_account(account);
        let facts = Fact::new(Fact::ACCOUNT_NAME, "of the finding".into()).into_iter().collect();
        card.finding = Arc::new(Finding { facts, ..(*card.finding).clone() });
        let post = drawn(Form::Cards, vec![card], &guide("prod-shop")).to_string();
        assert_eq!(post.contains("*Where* of the finding `444455556666`"), shown, "{post}");
        assert!(!post.contains("Account name"), "{post}");
    }
}

#[test]
fn closed_findings_have_the_name_too() {
    let closed =
        |finding: Arc<Finding>| ClosedLine { finding, why: Closing::Resolved, after: None };
    let cards = vec![of_account(NAMED)];
    let notes = vec![Note::Closed { lines: vec![closed(Arc::clone(&cards[0].finding))], more: 0 }];
    let post = Post { notes, ..a_post(Form::Cards, cards) };
    let shown = payload(&post, &mentions(), &guide("prod-shop"))["attachments"].to_string();
    assert!(
        shown.contains("resolved: ") && shown.contains(" · prod-shop 111122223333 · "),
        "{shown}"
    );
}

#[test]
fn links_lead_to_the_account_the_documentation_and_the_runbook() {
    let type_of = |post: &Value| {
        let lines = post["attachments"][0]["blocks"][1]["text"]["text"].as_str().unwrap();
        lines.lines().find(|line| line.starts_with("*Type*")).map(str::to_owned)
    };
    let title_of = |post: &Value| {
        let heading = post["blocks"][0]["text"]["text"].as_str().unwrap();
        heading.lines().next().unwrap().to_owned()
    };
    let through = "*<https://acme.awsapps.com/start/#/console?account_id=111122223333&amp;role_name=\
                   Audit&amp;destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fguardduty%2F";
    let directly = "*<https://console.aws.amazon.com/guardduty/";
    let page = "https://docs.aws.amazon.com/guardduty/latest/ug/";
    for (account, kind, title, shown) in [
        (
            NAMED,
            "UnauthorizedAccess:EC2/SSHBruteForce",
            through,
            format!(
                "UnauthorizedAccess:EC2/SSHBruteForce · <https://wiki.example.com/?a&amp;b#1|Runbook> · \
                 <{page}guardduty_finding-types-ec2.html#unauthorizedaccess-ec2-sshbruteforce|What to do>"
            ),
        ),
        (
            "no account",
            "Impact:*bold*",
            directly,
            format!(
                "`Impact:*bold*` · <https://wiki.example.com/?a&amp;b#2|Runbook> · \
                 <{page}guardduty_finding-types-active.html|What to do>"
            ),
        ),
    ] {
        let mut card = of_account(account);
        let kind = Text::new(kind, 100);
        card.finding = Arc::new(Finding { kind, ..(*card.finding).clone() });
        let post = drawn(Form::Cards, vec![card], &linked());
        assert!(title_of(&post).contains(title), "{post}");
        assert_eq!(type_of(&post), Some(format!("*Type* {shown}")));
        check_strings(&post, true, 0);
    }
}

#[test]
fn an_account_without_a_name_is_shown_as_before() {
    for account in ["444455556666", "", "not an account", "11112222333"] {
        for form in [Form::Cards, Form::Digest, Form::Plain] {
            let cards = vec![of_account(account), of_account(account)];
            let named = drawn(form, cards.clone(), &guide("prod-shop"));
            assert_eq!(named, drawn(form, cards, &Guide::default()), "{account}");
        }
    }
}

#[test]
fn a_name_is_text_and_nothing_else() {
    for (name, on_the_card) in [
        ("<!here>", "&lt;!here&gt; `111122223333`"),
        ("*bold* _it_", "`*bold*` `_it_` `111122223333`"),
        ("<https://evil.com|x>", "&lt;https://evil.com|x&gt; `111122223333`"),
        ("a ` b", "a `'` b `111122223333`"),
    ] {
        let post = drawn(Form::Cards, vec![of_account(NAMED)], &guide(name));
        let heading = post["blocks"][0]["text"]["text"].as_str().unwrap();
        let place = format!("\n*Where* {on_the_card} · eu-central-1");
        assert!(heading.ends_with(&place), "{heading}");
        check_strings(&post, true, 0);
    }
    // The top-level text is markup too.
    for form in [Form::Cards, Form::Digest, Form::Plain] {
        let cards = vec![of_account(NAMED), of_account(NAMED)];
        let post = drawn(form, cards, &guide("*bold* _it_ :fire:"));
        let text = post["text"].as_str().unwrap();
        assert_eq!(text.matches("`*bold*` `_it_` `:fire:` 111122223333").count(), 2, "{text}");
        check_strings(&post, true, 0);
    }
}

#[test]
fn no_name_breaks_a_limit_or_smuggles_anything() {
    for seed in 0..400 {
        let rng = &mut Rng::with_seed(seed);
        let name = format!("x{}", hostile_text(rng, 100));
        let guide = Guide { accounts: guide(&name).accounts, ..linked() };
        let form = [Form::Cards, Form::Digest, Form::Plain][rng.usize(..3)];
        let cards = (0..rng.usize(1..55)).map(|_| {
            let mut card = hostile_card(rng);
            let account = Text::new(NAMED, 12);
            card.finding = Arc::new(Finding { account, ..(*card.finding).clone() });
            card
        });
        let post = Post { id: name.clone(), ..a_post(form, cards.collect()) };
        let payload = payload(&post, &mentions(), &guide);
        check_limits(&payload, seed);
        check_strings(&payload, true, seed);
        check_preview(&payload, seed);
        let weights: Vec<usize> = post.cards.iter().map(|card| weigh(card, &guide)).collect();
        assert!(weights.iter().all(|weight| *weight <= CARD_CHARS_MAX), "seed {seed}");
    }
}

/// Six named accounts, and names of the characters that grow the most.
#[test]
fn the_heaviest_names_fit() {
    for filler in ["\"", "\\", "&", "<", "*\"", "`", "日", "🚀", "x"] {
        let mut accounts = Accounts::default();
        let id = |number: usize| format!("{number:012}");
        for number in 0..6 {
            accounts.add(&id(number), &filler.repeat(60)).unwrap();
        }
        let guide = Guide { accounts: accounts.into(), ..Guide::default() };
        let cards = (0..60).map(|number| {
            let full = |chars: usize| Text::new(&filler.repeat(chars), chars);
            let mut finding = calm(Level::Critical);
            finding.fingerprint.id = "x".repeat(512);
            finding.account = Text::new(&id(number % 6), 12);
            finding.kind = Text::new(&format!("{}{}", number % 6, filler.repeat(500)), 500);
            finding.region = Text::new(&format!("{}{}", number % 6, filler.repeat(500)), 500);
            (finding.title, finding.resource) = (full(500), Some(full(500)));
            card(finding)
        });
        let cards: Vec<Card> = cards.collect();
        let post = Post { id: "\"".repeat(300), ..a_post(Form::Digest, cards.clone()) };
        let digest = payload(&post, &mentions(), &guide);
        check_limits(&digest, 0);
        let guide = Guide { accounts: guide.accounts, ..linked() };
        let weight = weigh(&cards[0], &guide);
        assert!(weight > weigh(&cards[0], &Guide::default()) && weight <= CARD_CHARS_MAX);
    }
}

//! Who is mentioned, in every form of post.

use hansho::finding::{Canary, Closing, Finding, FindingState, Level, Text};
use hansho::instants::Wall;
use hansho::policy::matcher::{MatchKey, Matcher};
use hansho::ports::{Form, Post};
use hansho::slack::{Guide, Mention, Mentions, OnCall, payload};

use super::slack_render::{a_post, calm, card};

/// A mention of its own for each level.
const IDS: [&str; 5] = ["S0INFO", "S0LOW", "S0MEDIUM", "S0HIGH", "S0CRITICAL"];

fn everybody() -> Mentions {
    let mut mentions = Mentions::none();
    for (level, id) in Level::ALL.into_iter().zip(IDS) {
        mentions.set(level, Mention::from_id(id, None).unwrap());
    }
    mentions
}

fn sample(level: Level) -> Finding {
    Finding { sample: true, title: Text::new("[SAMPLE] t", 100), ..calm(level) }
}

fn requested(level: Level) -> Finding {
    Finding { requested_by: Some(Text::new("Send to <!here> S0HIGH", 64)), ..calm(level) }
}

fn closed_by_product(level: Level) -> Finding {
    let mut finding = requested(level);
    finding.condition.product = FindingState::Closed(Closing::Resolved);
    finding
}

fn closed_by_person(level: Level) -> Finding {
    let mut finding = requested(level);
    finding.condition.handling = Some(FindingState::Closed(Closing::Suppressed));
    finding
}

fn canary(level: Level) -> Finding {
    Finding { canary: Some(Canary { put_at: None, post: true }), ..calm(level) }
}

#[test]
fn samples_closed_findings_and_canaries_mention_nobody() {
    use Level::{Critical, High, Low};
    for (findings, mentioned) in [
        (vec![calm(Critical)], Some(Critical)),
        (vec![requested(High)], Some(High)),
        (vec![sample(Critical)], None),
        (vec![closed_by_product(Critical)], None),
        (vec![closed_by_person(Critical)], None),
        (vec![canary(Critical)], None),
        (vec![sample(Critical), closed_by_person(High), canary(High)], None),
        // The mention is that of the most severe finding that may mention anybody.
        (vec![sample(Critical), calm(Low), closed_by_product(High)], Some(Low)),
        (vec![calm(High), sample(Critical), requested(Low)], Some(High)),
        (vec![sample(Critical); 40], None),
        (vec![closed_by_person(Critical); 40], None),
    ] {
        for form in [Form::Cards, Form::Digest, Form::Plain] {
            let cards = findings.iter().cloned().map(card).collect();
            let payload = payload(&a_post(form, cards), &everybody(), &Guide::default());
            // Slack notifies for the top-level text as for the blocks.
            let mentions = |part: &str| payload[part].to_string().matches("<!subteam^").count();
            let expected = usize::from(mentioned.is_some());
            let in_blocks = if form == Form::Plain { 0 } else { expected };
            let text = payload.to_string();
            assert!(!text.contains("<!here"), "{form:?}: {text}");
            let found = [mentions("text"), mentions("blocks"), mentions("attachments")];
            assert_eq!(found, [expected, in_blocks, 0], "{form:?}: {text}");
            if let Some(level) = mentioned {
                let id = IDS[usize::from(level.rank())];
                assert!(text.contains(&format!("<!subteam^{id}>")), "{form:?}: {text}");
            }
        }
    }
}

#[test]
fn the_action_is_named_in_every_form() {
    for form in [Form::Cards, Form::Digest, Form::Plain] {
        for count in [1, 3] {
            let mut finding = calm(Level::High);
            finding.requested_by = Some(Text::new("Send to Slack", 64));
            let post = a_post(form, vec![card(finding); count]);
            let text = payload(&post, &Mentions::none(), &Guide::default()).to_string();
            assert!(text.contains("Send to Slack"), "{form:?}: {text}");
        }
    }
}

#[test]
fn whoever_is_on_call_for_a_finding_takes_the_place_of_its_level() {
    use Level::{Critical, High, Low};
    let on_call = |id: &str, hours: Option<&str>, key: MatchKey, pattern: &str| {
        let mut matcher = Matcher::default();
        matcher.add(false, key, [pattern]).unwrap();
        let mention = Mention::from_id(id, None).unwrap();
        OnCall { mention, hours: hours.map(|hours| hours.parse().unwrap()), matcher }
    };
    let mut mentions = everybody();
    let night = Some("22:00-07:00 Asia/Tokyo");
    mentions.on_call = vec![
        on_call("S0NIGHT", night, MatchKey::Level, "critical"),
        on_call("S0TEAM", None, MatchKey::Region, "us-*"),
        on_call("S0NEVER", None, MatchKey::Region, "us-east-1"),
    ];
    let us = |level| Finding { region: Text::new("us-east-1", 20), ..calm(level) };
    let (day, dark) = ("2026-11-26T03:00:00Z", "2026-11-26T14:00:00Z");
    for (at, findings, mentioned) in [
        (day, vec![calm(Critical)], &["S0CRITICAL"][..]),
        (dark, vec![calm(Critical)], &["S0NIGHT"]),
        (dark, vec![us(Critical)], &["S0NIGHT"]),
        (day, vec![us(Critical)], &["S0TEAM"]),
        (dark, vec![calm(High)], &["S0HIGH"]),
        (day, vec![us(Low)], &["S0TEAM"]),
        // Of several findings, those that call somebody do, and the level of the most severe.
        (dark, vec![us(Low), calm(High)], &["S0HIGH", "S0TEAM"]),
        (dark, vec![us(Low), calm(Critical), us(High)], &["S0NIGHT", "S0TEAM"]),
        (dark, vec![sample(Critical), closed_by_person(Critical)], &[]),
    ] {
        for form in [Form::Cards, Form::Digest, Form::Plain] {
            let at = Wall::parse_rfc3339(at).unwrap();
            let cards = findings.iter().map(|finding| card(finding.clone())).collect();
            let post = Post { at, ..a_post(form, cards) };
            let payload = payload(&post, &mentions, &Guide::default());
            let text = payload["text"].as_str().unwrap();
            let found: Vec<&str> = text.split("<!subteam^").skip(1).collect();
            let found: Vec<&str> =
                found.iter().map(|rest| rest.split('>').next().unwrap()).collect();
            assert_eq!(found, mentioned, "{form:?} {text}");
        }
    }
}

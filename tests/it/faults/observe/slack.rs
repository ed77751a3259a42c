//! What the posts say: which findings they show, at which level.

use hansho::finding::parse;
use hansho::ports::{Form, Post, RetryReason, Verdict};
use hansho::slack::{Guide, Mentions, answer, payload};
use serde_json::Value;

use super::{Detail, Observer};
use crate::adapters::slack_render::{a_post, card};
use crate::faults::load::{DESTINATIONS, generate, named};
use crate::faults::wire::Message;
use crate::sim::drawn::Drawn;
use crate::sim::history::{Answer, PostForm, Shown, What, Who};
use crate::sim::slack::flaw;

/// The path of a destination's webhook. Its last part is the secret.
pub fn webhook_path(destination: &str, secret: &str) -> String {
    format!("/services/T000/{destination}/{secret}")
}

fn texts<'a>(value: &'a Value, to: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => to.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, to)),
        Value::Object(object) => object.values().for_each(|value| texts(value, to)),
        _ => {}
    }
}

/// The findings that a payload shows, with their levels. Cards and lines are in the attachments.
pub fn shown(payload: &Value) -> (PostForm, Vec<(u32, u8)>) {
    let attachments = payload["attachments"].as_array().map_or(&[][..], Vec::as_slice);
    if attachments.is_empty() {
        return (PostForm::Plain, named(payload["text"].as_str().unwrap_or_default(), None).0);
    }
    let mut all = Vec::new();
    for attachment in attachments {
        let (mut level, mut parts) = (None, Vec::new());
        texts(&attachment["blocks"], &mut parts);
        for part in parts {
            let (found, last) = named(part, level);
            level = last;
            all.extend(found);
        }
    }
    all.sort_unstable();
    all.dedup();
    let form = if all.len() > 10 { PostForm::Digest } else { PostForm::Cards };
    (form, all)
}

/// The id that a post has in its footer.
fn id_of(payload: &Value) -> Option<String> {
    let mut parts = Vec::new();
    texts(payload, &mut parts);
    let id = parts.iter().rev().find_map(|text| {
        let rest = text.rsplit_once("hansho ")?.1.trim_start_matches('`');
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let id = &rest[..end.unwrap_or(rest.len())];
        // The worker's id, and the number of the post.
        let (worker, number) = id.split_once('-')?;
        let is_id = worker.len() == 12 && number.parse::<u64>().is_ok();
        is_id.then_some(id)
    });
    id.map(str::to_owned)
}

impl Observer {
    pub(super) fn post_arrived(&self, who: Who, request: &Message) -> Detail {
        let payload: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let name = request.second_word().split('/').nth(3).unwrap_or_default();
        let destination = DESTINATIONS.iter().position(|(known, _)| *known == name);
        let destination = destination.map_or(u8::MAX, |d| d as u8);
        let (form, found) = shown(&payload);
        let card = |(finding, level): (u32, u8)| Shown {
            finding,
            level,
            revision: 0,
            owed_to: destination,
            escalated_from: None,
            reminder: false,
            came_back: false,
            closed: false,
            perhaps_repeated: false,
        };
        let cards = found.into_iter().map(card).collect();
        let flaw = flaw(&payload);
        let mut state = self.state();
        let id = id_of(&payload).unwrap_or_default();
        let mut number = state.post_number(&id);
        // A post that is sent again counts as another one, which has no slot.
        if id.is_empty() || state.called.contains(&number) {
            number = state.posts_ever;
            state.posts_ever += 1;
        }
        state.called.insert(number);
        let post = number;
        let (said, drawn) = (Vec::new(), Ok(Drawn::default()));
        let called = What::PostCalled { post, destination, cards, form, said, drawn, flaw };
        self.note_in(&mut state, Some(who), called);
        Detail::Post { number }
    }

    pub(super) fn post_effect(&self, number: u32, answer: &Message) {
        if answer.status() == 200 && answer.body == b"ok" {
            self.note(None, What::PostTaken { post: number });
        }
    }

    pub(super) fn post_answered(&self, who: Who, number: u32, answer: Option<&Message>) {
        let known = answer.map(|a| answer::verdict(a.status(), a.header("retry-after"), &a.body));
        let answer = match known {
            Some(Verdict::Accepted) => Answer::Accepted,
            None | Some(Verdict::Retry { ambiguous: true, .. }) => Answer::Ambiguous,
            Some(Verdict::Retry {
                reason: RetryReason::RateLimited, after: Some(after), ..
            }) => Answer::Pause(after.as_millis() as u64),
            Some(Verdict::Retry { .. }) => Answer::Failed,
            Some(Verdict::Dead { .. }) => Answer::Dead,
            Some(Verdict::Refused { .. }) => Answer::Refused,
        };
        self.note(Some(who), What::PostAnswered { post: number, answer });
    }
}

/// The real drawing of real findings is read as what it is, in each form.
#[test]
fn a_post_is_read_as_it_is_drawn() {
    let books = generate(7, 60, 1_000);
    let id = "0123456789ab-12".to_owned();
    let drawn = |form: Form, most: usize| {
        let sendings = books.sendings.iter().filter(|s| s.carries.iter().any(|c| c.revision == 0));
        let mut cards = std::collections::BTreeMap::new();
        for sending in sendings.take(most) {
            let finding = parse(&sending.body).findings.remove(0);
            let carried = sending.carries[0];
            cards.insert((carried.finding, carried.level), card(finding));
        }
        let owed: Vec<(u32, u8)> = cards.keys().copied().collect();
        let post = Post { id: id.clone(), ..a_post(form, cards.into_values().collect()) };
        (payload(&post, &Mentions::default(), &Guide::default()), owed)
    };
    for (form, most, expected) in [
        (Form::Cards, 1, PostForm::Cards),
        (Form::Cards, 8, PostForm::Cards),
        (Form::Digest, 40, PostForm::Digest),
        (Form::Plain, 1, PostForm::Plain),
    ] {
        let (payload, owed) = drawn(form, most);
        assert_eq!(shown(&payload), (expected, owed), "{payload}");
        assert_eq!(id_of(&payload).as_ref(), Some(&id), "{payload}");
        assert_eq!(flaw(&payload), None);
    }
}

//! Composes a post from the alerts in hand.

use crate::instants::Now;
use crate::ports::{Card, Form, Post};

use crate::desk::ids::AlertId;

use super::notes::Notes;
use super::post_in_hand::PostInHand;
use super::select::Select;

/// The post with the cards of the alerts in hand, and the notes that have a place below them.
pub(in crate::desk) fn compose(
    channel: usize,
    post: &mut PostInHand,
    select: &Select<'_>,
    notes: &mut Notes,
    now: Now,
) -> Post {
    if post.form == Form::Digest && select.all_fit(post.alerts()) {
        // Most of the selected alerts had been posted before. The rest fits as cards.
        post.form = Form::Cards;
    }
    post.notes = notes.choose(channel, post, select, now.mono);
    let text = |note| notes.text(channel, note, select.destinations, now.mono);
    let standards = select.alerts.standards_beside(post.alerts());
    let card = |id: &AlertId| {
        let alert = select.alerts.get(*id)?;
        let standards = standards.get(&alert.key).map_or(&[][..], Vec::as_slice);
        Some(alert.card(standards, notes.recovery.late(channel, alert.since, now)))
    };
    let cards: Vec<Card> = post.alerts().iter().filter_map(card).collect();
    Post {
        id: post.post_id().to_owned(),
        destination: select.destinations[channel].name().to_owned(),
        at: now.wall,
        form: post.form,
        cards,
        notes: post.notes.iter().filter_map(|note| text(*note)).collect(),
    }
}

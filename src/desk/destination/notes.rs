//! The notes below the cards of a post: about outages of hansho, and about closed findings.

use crate::finding::Finding;
use crate::instants::Mono;
use crate::ports::{Form, NOTE_WEIGHT_MAX, Note};

use crate::desk::alerts::Alerts;
use crate::desk::context::Context;
use crate::desk::settings::Settings;

use super::Destinations;
use super::closing_note::ClosingNotes;
use super::post_in_hand::{PendingNote, PostInHand};
use super::recovery_note::RecoveryNotes;
use super::select::Select;

pub(in crate::desk) struct Notes {
    pub recovery: RecoveryNotes,
    pub closings: ClosingNotes,
}

impl Notes {
    pub fn new(settings: &Settings, destinations: usize, now: Mono) -> Notes {
        Notes {
            recovery: RecoveryNotes::new(destinations, &settings.unread, now),
            closings: ClosingNotes::new(settings),
        }
    }

    /// The notes of the post that is about to go out, as many as it has room for. Only cards have a
    /// place for notes.
    pub fn choose(
        &mut self,
        channel: usize,
        post: &PostInHand,
        select: &Select<'_>,
        now: Mono,
    ) -> Vec<PendingNote> {
        if post.form != Form::Cards {
            return Vec::new();
        }
        let weight: usize = post.alerts().iter().map(|id| select.weight(*id)).sum();
        let left = select.settings.capacity.weight_max.saturating_sub(weight);
        let mut notes = self.recovery.choose(channel, post, select, now);
        notes.truncate(left / NOTE_WEIGHT_MAX);
        let left = left.saturating_sub(notes.len() * NOTE_WEIGHT_MAX);
        let carried = |finding: &Finding| {
            let mut alerts = post.alerts().iter().filter_map(|id| select.alerts.get(*id));
            alerts.any(|alert| alert.finding.fingerprint == finding.fingerprint)
        };
        self.closings.came_back(channel, carried);
        notes.extend(self.closings.choose(channel, left).map(PendingNote::Closed));
        notes
    }

    /// The text of a note. None if there is nothing to say any more.
    pub fn text(
        &self,
        channel: usize,
        note: PendingNote,
        destinations: &Destinations,
        now: Mono,
    ) -> Option<Note> {
        match note {
            PendingNote::Recovered => self.recovery.recovered(channel),
            PendingNote::StandsIn(i) => self.recovery.stands_in(i, destinations, now),
            PendingNote::Closed(share) => self.closings.note(channel, share),
        }
    }

    /// Slack accepted a post of this channel.
    pub fn accepted(
        &mut self,
        channel: usize,
        post: &PostInHand,
        alerts: &Alerts,
        cx: &Context<'_>,
    ) {
        self.shown(channel, &post.notes);
        self.recovery.accepted(channel, post, alerts, cx);
    }

    /// A post showed these notes, or Slack refused it: they are not repeated.
    pub fn shown(&mut self, channel: usize, notes: &[PendingNote]) {
        for note in notes {
            match *note {
                PendingNote::Closed(share) => self.closings.shown(channel, share),
                PendingNote::Recovered => self.recovery.recovered_shown(channel),
                PendingNote::StandsIn(i) => self.recovery.stands_in_shown(i),
            }
        }
    }
}

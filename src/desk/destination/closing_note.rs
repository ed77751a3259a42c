//! Closing notes: the next post of a destination says which findings of its posts are closed.
//!
//! A closing note is a courtesy, and no alert. It waits in memory until a post with cards has room
//! for it, mentions nobody, and is lost if the worker ends before.

use std::sync::Arc;

use crate::finding::Finding;
use crate::instants::Wall;
use crate::policy::record::{Closed, Incident};
use crate::ports::{ClosedLine, NOTE_LINE_WEIGHT_MAX, Note};

use crate::desk::settings::Settings;

/// How many findings are named for a destination until its next post. Others are counted.
const LINES_MAX: usize = 10;

/// The closings that each destination has not shown yet, in the order of the routes. None: it does
/// not want them.
pub(in crate::desk) struct ClosingNotes(Vec<Option<Waiting>>);

#[derive(Default)]
struct Waiting {
    lines: Vec<ClosedLine>,
    more: usize,
}

/// A part of what waits: the first lines, and how many findings are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::desk) struct Share {
    lines: usize,
    more: usize,
}

impl ClosingNotes {
    pub fn new(settings: &Settings) -> ClosingNotes {
        let wants = settings.tells_closings.iter();
        ClosingNotes(wants.map(|wants| wants.then(Waiting::default)).collect())
    }

    /// A finding that was posted to this destination is closed.
    pub fn closed(
        &mut self,
        destination: usize,
        finding: &Arc<Finding>,
        closed: Closed,
        incident: Option<&Incident>,
        now: Wall,
    ) {
        let Some(Some(waiting)) = self.0.get_mut(destination) else { return };
        if waiting.lines.len() >= LINES_MAX {
            waiting.more += 1;
            return;
        }
        let opened_at = incident.and_then(|incident| incident.opened_at);
        let after = opened_at.map(|opened_at| closed.at.at().unwrap_or(now).since(opened_at));
        waiting.lines.push(ClosedLine { finding: Arc::clone(finding), why: closed.why, after });
    }

    /// The next post carries these findings: they came back, and their cards say so.
    pub fn came_back(&mut self, channel: usize, is_carried: impl Fn(&Finding) -> bool) {
        if let Some(Some(waiting)) = self.0.get_mut(channel) {
            waiting.lines.retain(|line| !is_carried(&line.finding));
        }
    }

    /// As much of what waits as weighs no more than this.
    pub fn choose(&self, channel: usize, weight_max: usize) -> Option<Share> {
        let waiting = self.0.get(channel)?.as_ref()?;
        let room = (weight_max / NOTE_LINE_WEIGHT_MAX).saturating_sub(1);
        let lines = waiting.lines.len().min(room);
        // Counted findings come after the named ones.
        let more = if lines == waiting.lines.len() { waiting.more } else { 0 };
        (lines > 0).then_some(Share { lines, more })
    }

    pub fn note(&self, channel: usize, share: Share) -> Option<Note> {
        let waiting = self.0.get(channel)?.as_ref()?;
        let lines = waiting.lines.iter().take(share.lines).cloned().collect();
        Some(Note::Closed { lines, more: share.more })
    }

    /// A post showed them, or Slack refused it: they are not repeated.
    pub fn shown(&mut self, channel: usize, share: Share) {
        let Some(Some(waiting)) = self.0.get_mut(channel) else { return };
        waiting.lines.drain(..share.lines.min(waiting.lines.len()));
        waiting.more = waiting.more.saturating_sub(share.more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Closing;
    use crate::policy::record::{ClosedBy, Stamp};

    /// Closings of as many findings, at destination 0. Destination 1 does not want them.
    fn after(closings: usize) -> ClosingNotes {
        let text = r#"{"schemaVersion":"2.0","id":"f","severity":8,"accountId":"1","region":"r",
            "type":"T","resource":{},"service":{}}"#;
        let finding = Arc::new(crate::finding::parse(text).findings.remove(0));
        let incident = Incident { opened_at: Some(Wall(1_000)), ..Incident::default() };
        let closed = Closed { at: Stamp::default(), why: Closing::Resolved, by: ClosedBy::Product };
        let mut notes = ClosingNotes(vec![Some(Waiting::default()), None]);
        for destination in [0, 1] {
            for _ in 0..closings {
                notes.closed(destination, &finding, closed, Some(&incident), Wall(61_000));
            }
        }
        notes
    }

    #[test]
    fn a_post_shows_as_much_as_it_has_room_for() {
        for (closings, room, lines, more) in [
            (0, 20, 0, 0),
            (3, 20, 3, 0),
            (3, 4, 3, 0),
            (3, 3, 2, 0),
            (3, 1, 0, 0),
            (3, 0, 0, 0),
            (12, 11, 10, 2),
            (12, 10, 9, 0),
        ] {
            let mut notes = after(closings);
            let share = notes.choose(0, room * NOTE_LINE_WEIGHT_MAX);
            let expected = (lines > 0).then_some(Share { lines, more });
            assert_eq!(share, expected, "{closings} in {room}");
            assert_eq!(notes.choose(1, usize::MAX), None);
            let Some(share) = share else { continue };
            let Some(Note::Closed { lines: shown, .. }) = notes.note(0, share) else { panic!() };
            assert_eq!(shown.len(), lines);
            assert!(
                shown.iter().all(|line| line.after == Some(std::time::Duration::from_secs(60)))
            );
            notes.shown(0, share);
            let left = closings.min(LINES_MAX) - lines;
            let rest = notes.choose(0, usize::MAX);
            assert_eq!(rest.map_or(0, |rest| rest.lines), left, "{closings} in {room}");
        }
    }
}

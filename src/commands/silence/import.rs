//! What a file of silences changes.

use crate::instants::Wall;
use crate::policy::silence::Silence;

use super::store::ChangeError;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `+` added, `~` changed, `-` ended.
    pub sign: char,
    /// As it is after the change.
    pub silence: Silence,
    /// As it was. None: it is added.
    pub before: Option<Silence>,
}

impl Change {
    pub fn word(&self) -> &'static str {
        match self.sign {
            '+' => "added",
            '~' => "changed",
            _ => "ended",
        }
    }
}

/// Lays the silences of a file over those that are known. One that has ended is not added. With
/// `prune`, those that the file does not have end now.
///
/// # Errors
/// A silence of the file lasts too long.
pub fn apply(
    all: &mut Vec<Silence>,
    of_file: &[Silence],
    prune: bool,
    now: Wall,
) -> Result<Vec<Change>, ChangeError> {
    let mut changes = Vec::new();
    for wanted in of_file {
        let mut silence = wanted.clone();
        let known = all.iter().position(|known| known.id == wanted.id);
        let before = known.map(|at| all.swap_remove(at));
        let live = before.as_ref().filter(|before| !before.has_ended(now));
        match live {
            // When it began no longer matters.
            Some(live) if live.from <= now && silence.from <= now => silence.from = live.from,
            None if silence.has_ended(now) => {
                all.extend(before);
                continue;
            }
            _ => {}
        }
        if !silence.has_ended(now) {
            silence
                .check_times(now)
                .map_err(|why| ChangeError::Refused(format!("the silence {} {why}", silence.id)))?;
        }
        let sign = match live {
            None => '+',
            Some(_) if silence.has_ended(now) => '-',
            Some(_) => '~',
        };
        if live != Some(&silence) {
            let before = live.cloned();
            changes.push(Change { sign, silence: silence.clone(), before });
        }
        all.push(silence);
    }
    if prune {
        let is_gone = |known: &&mut Silence| {
            !known.has_ended(now) && of_file.iter().all(|wanted| wanted.id != known.id)
        };
        for known in all.iter_mut().filter(is_gone) {
            let before = Some(known.clone());
            end(known, now);
            changes.push(Change { sign: '-', silence: known.clone(), before });
        }
    }
    changes.sort_by(|a, b| a.silence.id.cmp(&b.silence.id));
    Ok(changes)
}

/// Ends a silence now.
pub fn end(silence: &mut Silence, now: Wall) {
    silence.until = Wall(now.seconds() * 1000);
    silence.from = silence.from.min(silence.until);
}

//! What the notes about silences say. Pure; the texts are escaped where they are drawn.

use crate::finding::Text;
use crate::instants::Wall;
use crate::policy::day_counts::Day;
use crate::policy::kept_back::{AtLeast, KeptBack};
use crate::policy::silence::{Silence, Silences};
use crate::words::number_of;

/// Longer rules and reasons are cut.
const RULES_CHARS_MAX: usize = 200;
const BECAUSE_CHARS_MAX: usize = 160;
const OWNER_CHARS_MAX: usize = 60;
/// The most silences with a line of their own in a summary, and the most that kept back nothing.
const LINES_MAX: usize = 25;
const IDLE_MAX: usize = 10;

/// A title and lines.
pub type NoteText = (String, Vec<String>);

/// The line before a silence ends.
pub fn ending(silence: &Silence, kept: AtLeast) -> NoteText {
    let (id, until) = (&silence.id, minute(silence.until));
    let title = format!("{} kept back by silence {id}, which ends on {until}", alerts(kept));
    let rules = Text::new(&silence.in_words(), RULES_CHARS_MAX);
    let lines = vec![
        format!("since {}; {}", Day::of(silence.from), reason(silence)),
        format!("it keeps back findings up to {}: {rules}", silence.covers),
        "After the end the next update of each finding is posted. To keep it longer, give it a \
         later `until` by: hansho silence import FILE"
            .to_owned(),
        format!("To see it: hansho silence show {id} · to end it now: hansho silence expire {id}"),
    ];
    (title, lines)
}

/// The summary of the days from `first` to `last`. None: nothing was kept from the destination.
pub fn weekly(
    silences: &Silences,
    kept: &KeptBack,
    destination: &str,
    (first, last): (Day, Day),
    now: Wall,
) -> Option<NoteText> {
    let of_destination = kept.from_destination(destination);
    let sum = of_destination.iter().fold(0_u64, |sum, (_, number)| sum.saturating_add(*number));
    if sum == 0 {
        return None;
    }
    let total = AtLeast { number: sum, exact: kept.other() == 0 };
    let title = format!("{} kept back by silences from {first} to {last}", alerts(total));
    let line = |(id, number): &(&str, u64)| match silences.get(id) {
        Some(silence) => {
            let state = match silence.has_ended(now) {
                true => "ended on",
                false => "ends on",
            };
            format!("{number} · {id}, {state} {} · {}", minute(silence.until), reason(silence))
        }
        None => format!("{number} · {id}, which ended and is listed no more"),
    };
    let mut lines: Vec<String> = of_destination.iter().take(LINES_MAX).map(line).collect();
    let left_out = of_destination.len().saturating_sub(LINES_MAX);
    if left_out > 0 {
        lines.push(format!("and {}", number_of(left_out, "more silence")));
    }
    lines.extend(idle(silences, kept, first, now));
    Some((title, lines))
}

/// The silences in force that kept back nothing anywhere in all these days: perhaps they are needed
/// no more.
fn idle(silences: &Silences, kept: &KeptBack, first: Day, now: Wall) -> Option<String> {
    let is_idle = |silence: &&Silence| {
        silence.is_in_force(now) && silence.from <= first.start() && kept.by(silence).number == 0
    };
    let all: Vec<&str> =
        silences.iter().filter(is_idle).map(|silence| silence.id.as_str()).collect();
    let names = all.iter().take(IDLE_MAX).copied().collect::<Vec<_>>().join(", ");
    let left_out = all.len().saturating_sub(IDLE_MAX);
    let more = if left_out > 0 { format!(" and {left_out} more") } else { String::new() };
    (!all.is_empty() && kept.other() == 0)
        .then(|| format!("in force, and kept back nothing anywhere: {names}{more}"))
}

fn reason(silence: &Silence) -> String {
    let because = silence.because.shortened(BECAUSE_CHARS_MAX);
    match &silence.owner {
        Some(owner) => format!("{because} · owner {}", owner.shortened(OWNER_CHARS_MAX)),
        None => because.into_string(),
    }
}

fn alerts(kept: AtLeast) -> String {
    let plural = if kept.number == 1 { "" } else { "s" };
    format!("{kept} alert{plural}")
}

/// `2026-12-01 09:00 UTC`
fn minute(at: Wall) -> String {
    let text = at.to_rfc3339();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level;
    use crate::policy::day_counts::{DayCounts, SilencedKey};
    use crate::policy::matcher::{MatchKey, Matcher};

    fn at(text: &str) -> Wall {
        Wall::parse_rfc3339(text).unwrap()
    }

    fn silence(id: &str, owner: Option<&str>) -> Silence {
        let mut matcher = Matcher::default();
        matcher.add(false, MatchKey::Type, ["Recon:EC2/*"]).unwrap();
        Silence {
            id: id.to_owned(),
            matcher,
            findings: Vec::new(),
            resources: Vec::new(),
            covers: Level::High,
            from: at("2026-11-16T00:00:00Z"),
            until: at("2026-12-01T09:00:00Z"),
            because: Text::new("weekly scan by team X", 300),
            owner: owner.map(|owner| Text::new(owner, 100)),
        }
    }

    #[test]
    fn the_line_before_the_end_says_what_to_do() {
        let silence = silence("weekly-scan", Some("team X"));
        let (title, lines) = ending(&silence, AtLeast { number: 3, exact: true });
        let expected =
            "3 alerts kept back by silence weekly-scan, which ends on 2026-12-01 09:00 UTC";
        assert_eq!(title, expected);
        assert_eq!(lines[0], "since 2026-11-16; weekly scan by team X · owner team X");
        assert_eq!(lines[1], "it keeps back findings up to high: type Recon:EC2/*");
        assert!(lines[3].contains("hansho silence expire weekly-scan"), "{lines:?}");
        let (title, _) = ending(&silence, AtLeast { number: 1, exact: false });
        assert!(title.starts_with("at least 1 alert kept back"), "{title}");
    }

    #[test]
    fn a_summary_has_a_line_for_each_silence_of_the_destination() {
        let days = (Day::of(at("2026-11-23T00:00:00Z")), Day::of(at("2026-11-29T00:00:00Z")));
        let now = at("2026-11-30T08:00:00Z");
        let mut counts = DayCounts::default();
        for (id, destination, number) in
            [("scan", "security", 2), ("gone", "security", 7), ("test", "shop", 1)]
        {
            counts.count_silenced(SilencedKey::new(id, destination), number);
        }
        let kept = KeptBack::of(&[(days.0, Some(counts))]);
        let all = ["idle", "scan", "test"].map(|id| silence(id, None)).to_vec();
        let silences = Silences::new(all).unwrap();
        let (title, lines) = weekly(&silences, &kept, "security", days, now).unwrap();
        assert_eq!(title, "9 alerts kept back by silences from 2026-11-23 to 2026-11-29");
        assert_eq!(
            lines,
            [
                "7 · gone, which ended and is listed no more",
                "2 · scan, ends on 2026-12-01 09:00 UTC · weekly scan by team X",
                "in force, and kept back nothing anywhere: idle",
            ]
        );
        assert_eq!(weekly(&silences, &kept, "elsewhere", days, now), None);
    }
}

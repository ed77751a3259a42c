//! The column `incident`: compact JSON, as a record has to stay small. Empty: nothing is known.

use serde::{Deserialize, Serialize};

use super::{Unreadable, column};
use crate::finding::{Closing, FindingState, Level};
use crate::instants::Wall;
use crate::policy::record::{Closed, ClosedBy, Incident, Member, Stamp};

/// The two times of a [`Stamp`], in milliseconds.
type Times = (Option<i64>, Option<i64>);

/// An [`Incident`], with one letter for each field and each word.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    /// Comebacks.
    #[serde(skip_serializing_if = "is_zero")]
    n: u32,
    /// Opened at.
    #[serde(skip_serializing_if = "Option::is_none")]
    o: Option<i64>,
    /// Closed: when, why, by whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<(Times, char, char)>,
    /// Closed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<(Times, char, char)>,
    /// Members: name, the product's state and when, the handling and when, the level handled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    m: Vec<(String, char, Times, char, Times, Option<u8>)>,
    /// The standards of the members, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    s: Vec<String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) fn encode(incident: &Incident) -> String {
    if *incident == Incident::default() {
        return String::new();
    }
    let member = |member: &Member| {
        let Member { name, product, product_at, handling, handling_at, handled_level, .. } = member;
        let level = handled_level.map(Level::rank);
        let (product_at, handling_at) = (times(*product_at), times(*handling_at));
        (name.clone(), letter(*product), product_at, letter(*handling), handling_at, level)
    };
    let stored = Stored {
        n: incident.comebacks,
        o: incident.opened_at.map(|at| at.0),
        c: incident.closed.map(closed),
        b: incident.closed_before.map(closed),
        m: incident.members.iter().map(member).collect(),
        s: match incident.members.iter().all(|member| member.standard.is_empty()) {
            false => incident.members.iter().map(|member| member.standard.clone()).collect(),
            true => Vec::new(),
        },
    };
    // Numbers and strings can always be written.
    serde_json::to_string(&stored).unwrap_or_default()
}

pub(super) fn decode(text: &str) -> Result<Incident, Unreadable> {
    let unreadable = Unreadable::new(column::INCIDENT, "is not as this version writes it");
    if text.is_empty() {
        return Ok(Incident::default());
    }
    let stored: Stored = serde_json::from_str(text).map_err(|_| unreadable)?;
    let mut standards = stored.s.into_iter();
    let mut member = |(name, product, product_at, handling, handling_at, level): (
        String,
        char,
        Times,
        char,
        Times,
        Option<u8>,
    )| {
        Some(Member {
            name,
            standard: standards.next().unwrap_or_default(),
            product: state(product)?,
            product_at: stamp(product_at),
            handling: state(handling)?,
            handling_at: stamp(handling_at),
            handled_level: match level {
                Some(rank) => Some(Level::from_rank(rank)?),
                None => None,
            },
        })
    };
    let closed = |stored: Option<(Times, char, char)>| match stored {
        None => Some(None),
        Some((at, why, by)) => {
            let by = if by == 'u' { ClosedBy::Person } else { ClosedBy::Product };
            let why = state(why)?.closed()?;
            Some(Some(Closed { at: stamp(at), why, by }))
        }
    };
    let members =
        stored.m.into_iter().map(&mut member).collect::<Option<Vec<_>>>().ok_or(unreadable)?;
    if members.len() > Incident::MEMBERS_MAX {
        return Err(unreadable);
    }
    Ok(Incident {
        comebacks: stored.n,
        opened_at: stored.o.map(Wall),
        closed: closed(stored.c).ok_or(unreadable)?,
        closed_before: closed(stored.b).ok_or(unreadable)?,
        members,
    })
}

fn closed(closed: Closed) -> (Times, char, char) {
    let by = match closed.by {
        ClosedBy::Product => 'p',
        ClosedBy::Person => 'u',
    };
    (times(closed.at), letter(FindingState::Closed(closed.why)), by)
}

fn letter(state: FindingState) -> char {
    match state {
        FindingState::Open => 'o',
        FindingState::Closed(Closing::Resolved) => 'r',
        FindingState::Closed(Closing::Suppressed) => 's',
    }
}

fn state(letter: char) -> Option<FindingState> {
    match letter {
        'o' => Some(FindingState::Open),
        'r' => Some(FindingState::Closed(Closing::Resolved)),
        's' => Some(FindingState::Closed(Closing::Suppressed)),
        _ => None,
    }
}

fn times(stamp: Stamp) -> Times {
    (stamp.updated_at.map(|at| at.0), stamp.observed_at.map(|at| at.0))
}

fn stamp((updated_at, observed_at): Times) -> Stamp {
    Stamp { updated_at: updated_at.map(Wall), observed_at: observed_at.map(Wall) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_read_as_it_was_written() {
        let at = |ms| Stamp { updated_at: Some(Wall(ms)), observed_at: None };
        let closed = |why, by| Some(Closed { at: at(5), why, by });
        let member = Member {
            name: "0123456789abcdef".to_owned(),
            standard: "PCI DSS v3.2.1".to_owned(),
            product: FindingState::Closed(Closing::Resolved),
            product_at: at(7),
            handling: FindingState::Closed(Closing::Suppressed),
            handling_at: Stamp { updated_at: Some(Wall(7)), observed_at: Some(Wall(8)) },
            handled_level: Some(Level::High),
        };
        let fullest = Incident {
            comebacks: 3,
            opened_at: Some(Wall(9)),
            closed: closed(Closing::Resolved, ClosedBy::Product),
            closed_before: closed(Closing::Suppressed, ClosedBy::Person),
            members: vec![member; Incident::MEMBERS_MAX],
        };
        for incident in [
            Incident::default(),
            Incident { comebacks: 1, ..Incident::default() },
            Incident { opened_at: Some(Wall(-1)), ..Incident::default() },
            fullest,
        ] {
            let text = encode(&incident);
            assert_eq!(decode(&text), Ok(incident), "{text}");
        }
        assert_eq!(encode(&Incident::default()), "");
    }

    #[test]
    fn another_text_is_refused() {
        let member = r#"["","o",[null,null],"o",[null,null],null]"#;
        let too_many = format!(r#"{{"m":[{}]}}"#, vec![member; 17].join(","));
        let handled = r#"{"m":[["","o",[1,2],"r",[1,2],9]]}"#;
        for text in
            ["?", r#"{"c":[[1,2],"o","p"]}"#, r#"{"c":[[1,2],"x","p"]}"#, handled, &too_many]
        {
            assert!(decode(text).is_err(), "{text}");
        }
        assert!(decode(r#"{"later":1}"#).is_ok());
    }
}

//! An unwanted finding is read only in part. The result must be the same as if all of it had been
//! read: kept, dropped or rejected, with the same fingerprint, level and reason.

use fastrand::Rng;
use hansho::commands::demo::night::Night;
use hansho::finding::{Finding, Fingerprint, Level, RejectCode, Severity, parse, parse_wanted};
use hansho::instants::Wall;
use serde_json::Value;

use crate::findings::sources::{fixtures, pointers, substitutes};

/// Panics if both ways differ. Returns whether something was dropped.
fn agree(body: &str) -> bool {
    let whole = parse(body);
    if whole.rejections.iter().any(|why| why.code == RejectCode::Contradiction) {
        // Of what is below the threshold fewer keys are read, so fewer contradictions are seen.
        return false;
    }
    let mut dropped = false;
    for least in [Level::Low, Level::High, Level::Critical] {
        let wanted = |severity: &Severity| severity.level >= least;
        let always = |f: &Finding| f.canary.is_some() || f.requested_by.is_some();
        let kept = |f: &&Finding| always(f) || f.condition.is_closed() || wanted(&f.severity);
        let (kept, unwanted): (Vec<_>, Vec<_>) = whole.findings.iter().partition(kept);
        let sifted = parse_wanted(body, &wanted);
        assert_eq!(sifted.findings.iter().collect::<Vec<_>>(), kept, "{body}");
        let dropped_here: Vec<(&Fingerprint, Severity)> =
            sifted.unwanted.iter().map(|f| (&f.fingerprint, f.severity)).collect();
        let expected: Vec<_> = unwanted.iter().map(|f| (&f.fingerprint, f.severity)).collect();
        assert_eq!(dropped_here, expected, "{body}");
        assert_eq!(sifted.rejections, whole.rejections, "{body}");
        dropped |= !dropped_here.is_empty();
    }
    dropped
}

fn night(count: usize) -> impl Iterator<Item = String> {
    Night::new(11, Wall(1_790_000_000_000)).corpus(count).into_iter().map(|event| event.body)
}

#[test]
fn every_form_of_message() {
    let dropped = fixtures().into_values().chain(night(300)).filter(|body| agree(body)).count();
    assert!(dropped > 200, "only {dropped} were dropped");
}

#[test]
fn with_any_value_of_another_type() {
    for (_, body) in fixtures() {
        let whole: Value = serde_json::from_str(&body).unwrap();
        for pointer in pointers(&whole) {
            // Deeper parts are read only of a finding that is kept.
            if pointer.matches('/').count() > 3 {
                continue;
            }
            for other in substitutes() {
                let mut damaged = whole.clone();
                *damaged.pointer_mut(&pointer).unwrap() = other;
                agree(&damaged.to_string());
            }
        }
    }
}

/// Messages that are cut, joined, doubled, or have pieces of JSON in the wrong place.
#[test]
fn damaged_at_random() {
    const PIECES: [&str; 16] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"",
        "\\",
        "null",
        "0",
        "\u{1}",
        "\"id\":\"x\",",
        "\"Id\":7,",
        "\"severity\":8,",
        "\"Severity\":\"2\",",
        "\"detail\":",
        "\"service\":{},",
    ];
    let bodies: Vec<String> = fixtures().into_values().chain(night(60)).collect();
    let mut random = Rng::with_seed(13);
    let (mut dropped, mut whole) = (0, 0);
    for _ in 0..3_000 {
        let mut text: Vec<char> = bodies[random.usize(..bodies.len())].chars().collect();
        let at = random.usize(..text.len());
        let end = (at + random.usize(1..60)).min(text.len());
        match random.u8(..8) {
            0 => text.truncate(at),
            1 => drop(text.drain(at..end)),
            2 => {
                let copy: Vec<char> = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
            // Behind a comma, where a key may stand.
            3..6 => {
                let comma = text[at..].iter().position(|c| *c == ',').map_or(at, |n| at + n + 1);
                text.splice(comma..comma, PIECES[random.usize(10..PIECES.len())].chars());
            }
            _ => {
                text.splice(at..at, PIECES[random.usize(..PIECES.len())].chars());
            }
        }
        let body: String = text.into_iter().collect();
        whole += usize::from(!parse(&body).findings.is_empty());
        dropped += usize::from(agree(&body));
    }
    assert!(dropped > 300 && whole > 300, "{dropped} were dropped of {whole}");
}

//! Small charts as inline SVG. Colours are classes of the page's style, as its policy allows no
//! other style, and so that they fit the dark and the printed page.

use maud::{Markup, html};

use crate::words::grouped;

const WIDTH: u64 = 720;
const HEIGHT: u64 = 190;
/// Left of it is the scale, below it are the days.
const LEFT: u64 = 48;
const BOTTOM: u64 = 22;
const TOP: u64 = 10;
/// How many days are named.
const NAMED_MAX: usize = 8;

/// The part of a bar: its class, its name and its number.
pub type Part = (&'static str, &'static str, u64);

/// A bar for each day, of parts on one another.
pub fn days(label: &str, bars: &[(String, Vec<Part>)]) -> Markup {
    let total = |parts: &[Part]| parts.iter().map(|(_, _, number)| *number).sum::<u64>();
    let most = scale(bars.iter().map(|(_, parts)| total(parts)).max().unwrap_or_default());
    let (space, count) = (WIDTH - LEFT, bars.len().max(1) as u64);
    let x = |at: usize| LEFT + at as u64 * space / count;
    let width = (space / count).saturating_sub(if count > 90 { 0 } else { 3 }).clamp(1, 60);
    let base = HEIGHT - BOTTOM;
    let every = bars.len().div_ceil(NAMED_MAX).max(1);
    html! {
        svg.chart viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) {
            @for step in 0..=2 {
                @let number = most / 2 * step;
                @let y = base - tall(number, most);
                line.grid x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                text.scale x=(LEFT - 6) y=(y + 4) text-anchor="end" { (grouped(number)) }
            }
            @for (at, (day, parts)) in bars.iter().enumerate() {
                g {
                    title { (day) @for (_, name, number) in parts { ": " (grouped(*number)) " " (name) } }
                    // The whole column shows the title.
                    rect.column x=(x(at)) y=(TOP) width=(width) height=(base - TOP) {}
                    @for (class, below, number) in stacked(parts) {
                        @let (low, high) = (tall(below, most), tall(below.saturating_add(number), most));
                        rect class=(class) x=(x(at)) y=(base - high) width=(width)
                            height=(high - low) {}
                    }
                }
                @if at % every == 0 {
                    text.scale x=(x(at)) y=(HEIGHT - 5) { (day.get(5..).unwrap_or(day)) }
                }
            }
        }
    }
}

/// Each part with the sum of those below it.
fn stacked(parts: &[Part]) -> impl Iterator<Item = (&'static str, u64, u64)> {
    parts.iter().scan(0_u64, |sum, (class, _, number)| {
        let below = *sum;
        *sum = sum.saturating_add(*number);
        Some((*class, below, *number))
    })
}

fn tall(number: u64, most: u64) -> u64 {
    let space = u128::from(HEIGHT - BOTTOM - TOP);
    u64::try_from(u128::from(number) * space / u128::from(most.max(1))).unwrap_or(0)
}

/// An even number of one digit and zeros that is at least `most`, so that the scale is round.
fn scale(most: u64) -> u64 {
    let mut unit: u64 = 1;
    while most.div_ceil(unit) > 10 {
        unit = unit.saturating_mul(10);
    }
    most.div_ceil(unit).max(1).next_multiple_of(2).saturating_mul(unit)
}

/// A bar across its place, as long as its part of `most`.
pub fn across(parts: &[Part], most: u64) -> Markup {
    const LONG: u64 = 100;
    let long = |number: u64| {
        let long = u128::from(number.min(most)) * u128::from(LONG) * 10 / u128::from(most.max(1));
        // In tenths, so that what is not zero is seen.
        format!("{}.{}", long / 10, long % 10)
    };
    let names: Vec<String> = parts
        .iter()
        .filter(|(_, _, number)| *number > 0)
        .map(|(_, name, number)| format!("{} {name}", grouped(*number)))
        .collect();
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" role="img"
            aria-label=(names.join(", ")) {
            @for (class, below, number) in stacked(parts) {
                rect class=(class) x=(long(below)) y="0" width=(long(number)) height="10" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_high_enough() {
        for (most, expected) in [
            (0, 2),
            (1, 2),
            (2, 2),
            (3, 4),
            (10, 10),
            (11, 20),
            (21, 40),
            (99, 100),
            (101, 200),
            (95_000, 100_000),
        ] {
            assert_eq!(scale(most), expected, "{most}");
        }
        assert!(scale(u64::MAX) >= u64::MAX / 2, "no overflow");
    }

    #[test]
    fn no_bar_leaves_the_chart() {
        for numbers in [[0, 0, 0], [1, 2, 3], [u64::MAX / 4, 1, u64::MAX / 4]] {
            for days in [0, 1, 7, 366] {
                let parts = || numbers.map(|number| ("a", "b", number)).to_vec();
                let bars: Vec<_> = (0..days).map(|n| (format!("2026-11-{n}"), parts())).collect();
                let drawn = super::days("label", &bars).into_string();
                for y in drawn.split("y=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(y.parse::<u64>().is_ok_and(|y| y <= HEIGHT), "{y}");
                }
            }
        }
        let drawn = across(&[("a", "b", 3), ("c", "d", 1)], 4).into_string();
        assert!(drawn.contains("aria-label=\"3 b, 1 d\""), "{drawn}");
        assert!(drawn.contains("x=\"75.0\"") && drawn.contains("width=\"25.0\""), "{drawn}");
    }
}

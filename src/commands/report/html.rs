//! The report as one page (HTML). It loads nothing, and has no scripts. [`maud`] escapes every
//! text, and a test draws hostile ones.

use maud::{Markup, PreEscaped, html};

use super::chart::{self, Part};
use super::gather::Gathered;
use super::names::{Names, clean, known, level};
use super::text::{cost, took, words};
use crate::commands::table::age;
use crate::finding::Level;
use crate::policy::day_counts::CountedAs;
use crate::policy::report::{Delay, Noisy, Numbers, Oldest, Report, Table};
use crate::slack::html::head_of;
use crate::words::{grouped, number_of};

const STYLE: &str = include_str!("html.css");

/// The most severe first, as people read them.
const LEVELS: [Level; 5] =
    [Level::Critical, Level::High, Level::Medium, Level::Low, Level::Informational];

/// The whole page.
pub fn page(gathered: &Gathered, names: &Names<'_>) -> String {
    let report = &gathered.report;
    let (from, until) = (report.period.from.to_rfc3339(), report.period.until.to_rfc3339());
    let body = html! {
        (PreEscaped("<body>"))
        h1 { "hansho: what happened lately" }
        p.soft { "From " (from) " to " (until) }
        (tiles(report))
        (section("By day (UTC)", days(report)))
        (section("By level", table(&report.levels, "Level", level)))
        (section("By account", table(&report.accounts, "Account", |id| names.account(id))))
        (section("By type", table(&report.types, "Type", |kind| known(kind))))
        @if !report.silences.is_empty() {
            (section("Kept back, by silence", silences(report)))
        }
        @if report.delays.all.is_some() {
            (section("From the finding's last update to its post", delays(report, names)))
        }
        @if !report.noisiest.is_empty() {
            (section("The noisiest, and what would silence each", noisiest(report, names)))
        }
        @if report.open.total() > 0 {
            (section("Open incidents, by age", open(report, names)))
        }
        (section("What this report can't know", html! {
            ul { @for gap in &report.gaps { li { (gap.to_string()) } } }
        }))
        footer { p { (cost(report, gathered.reads)) "." } }
        (PreEscaped("</body></html>\n"))
    };
    head_of("hansho: what happened lately", STYLE) + &body.into_string()
}

fn section(head: &str, body: Markup) -> Markup {
    html! { section { h2 { (head) } (body) } }
}

fn tiles(report: &Report) -> Markup {
    let totals = &report.totals;
    let counted = |what: CountedAs| (words(what), grouped(totals.counted(what)));
    let median = report.delays.all.as_ref().map_or("-".to_owned(), |delay| took(delay.median));
    let mut tiles = vec![
        ("findings".to_owned(), grouped(totals.findings)),
        ("alerts".to_owned(), grouped(totals.alerts)),
        ("posts".to_owned(), grouped(totals.posts)),
        ("median delay".to_owned(), median),
        ("open incidents".to_owned(), grouped(report.open.total())),
        counted(CountedAs::Silenced),
        counted(CountedAs::Quarantined),
        counted(CountedAs::BelowThreshold),
        counted(CountedAs::Unmatched),
    ];
    if report.unposted > 0 {
        tiles.push(("alerts never posted".to_owned(), grouped(report.unposted)));
    }
    html! { div.tiles { @for (name, number) in tiles { div.tile { b { (number) } span { (name) } } } } }
}

fn parts(numbers: &Numbers) -> Vec<Part> {
    vec![
        ("alerts", "alerts", numbers.alerts),
        ("silenced", "silenced", numbers.counted(CountedAs::Silenced)),
        ("quarantined", "quarantined", numbers.counted(CountedAs::Quarantined)),
    ]
}

fn legend(classes: &[&str]) -> Markup {
    html! {
        p.legend {
            @for class in classes {
                span { svg { rect class=(class) width="100%" height="100%" {} } (class) }
            }
        }
    }
}

fn days(report: &Report) -> Markup {
    let bar = |(day, numbers): &(_, Numbers)| (format!("{day}"), parts(numbers));
    let bars: Vec<(String, Vec<Part>)> = report.days.iter().map(bar).collect();
    let label = "Alerts, silenced findings and quarantined messages of each day";
    let heads = ["Day", "Findings", "Alerts", "Posts", "Silenced", "Quarantined"];
    // The chart has all days. A long table would say the same again.
    let last = report.days.len().saturating_sub(31);
    html! {
        (legend(&["alerts", "silenced", "quarantined"]))
        (chart::days(label, &bars))
        div.wide { table {
            thead { tr { @for head in heads { th { (head) } } } }
            tbody { @for (day, numbers) in report.days.iter().skip(last) {
                tr {
                    td { (day) }
                    (cells(numbers))
                    td { (grouped(numbers.counted(CountedAs::Quarantined))) }
                }
            } }
        } }
    }
}

fn cells(numbers: &Numbers) -> Markup {
    let silenced = numbers.counted(CountedAs::Silenced);
    html! {
        @for number in [numbers.findings, numbers.alerts, numbers.posts, silenced] {
            td { (grouped(number)) }
        }
    }
}

fn table<K>(table: &Table<K>, head: &str, name: impl Fn(&K) -> String) -> Markup {
    let sum = |numbers: &Numbers| numbers.alerts + numbers.counted(CountedAs::Silenced);
    let most = table.rows.iter().map(|(_, numbers)| sum(numbers)).max().unwrap_or_default();
    html! {
        div.wide.named { table {
            thead { tr {
                th { (head) }
                @for head in ["Findings", "Alerts", "Posts", "Silenced", ""] { th { (head) } }
            } }
            tbody {
                @for (key, numbers) in &table.rows {
                    tr {
                        td { (name(key)) }
                        (cells(numbers))
                        td.graph { (chart::across(parts(numbers).get(..2).unwrap_or_default(), most)) }
                    }
                }
                @if let Some(others) = &table.others {
                    tr.others {
                        td { (number_of(others.keys, "other")) }
                        (cells(&others.numbers))
                        td.graph {}
                    }
                }
            }
        } }
    }
}

fn silences(report: &Report) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "Silence" } th { "Alerts" } } }
            tbody { @for (id, number) in &report.silences {
                tr { td { (clean(id)) } td { (grouped(*number)) } }
            } }
        } }
    }
}

fn delays(report: &Report, names: &Names<'_>) -> Markup {
    let row = |name: &str, delay: &Delay| {
        html! {
            tr {
                td { (name) }
                td { (grouped(delay.alerts as u64)) }
                td { (took(delay.median)) }
                td { (took(delay.worst)) }
            }
        }
    };
    html! {
        div.wide { table {
            thead { tr { @for head in ["Level", "Alerts", "Median", "Worst"] { th { (head) } } } }
            tbody {
                @if let Some(all) = &report.delays.all { (row("all", all)) }
                @for (level, delay) in &report.delays.levels { (row(level.as_str(), delay)) }
            }
        } }
        @if let Some(slowest) = &report.delays.slowest {
            p.soft {
                "The worst: " (Names::subject(&slowest.subject)) ", "
                (names.account(&slowest.subject.account)) ", updated at "
                (slowest.updated_at.to_rfc3339()) ", posted at " (slowest.posted_at.to_rfc3339())
            }
        }
    }
}

fn noisiest(report: &Report, names: &Names<'_>) -> Markup {
    let rule = |noisy: &Noisy| noisy.suppression_rule();
    html! {
        p.soft {
            "The number is that of alerts, and how often they came back. A silence of hansho ends. "
            "GuardDuty's rule stays until somebody deletes it, and such findings reach nobody."
        }
        @for noisy in &report.noisiest {
            div.pair {
                p {
                    b { (grouped(noisy.number)) }
                    (Names::subject(&noisy.subject)) " · "
                    (names.account(&noisy.subject.account)) " · " (noisy.level.as_str())
                }
                pre { (noisy.silence_command()) }
                @if let Some(rule) = rule(noisy) { pre { (rule) } }
            }
        }
    }
}

fn open(report: &Report, names: &Names<'_>) -> Markup {
    let number = |numbers: &[u64; 5], level: Level| {
        numbers.get(usize::from(level.rank())).copied().unwrap_or_default()
    };
    let most = report.open.by_age().map(|(_, numbers)| numbers.iter().sum()).max();
    let most: u64 = most.unwrap_or_default();
    let parts = |numbers: &[u64; 5]| -> Vec<Part> {
        let part = |level: Level| (level.as_str(), level.as_str(), number(numbers, level));
        LEVELS.into_iter().map(part).collect()
    };
    html! {
        (legend(&LEVELS.map(Level::as_str)))
        div.wide { table {
            thead { tr {
                th { "Age" }
                @for level in LEVELS { th { (level.as_str()) } }
                th { "all" } th {}
            } }
            tbody { @for (age, numbers) in report.open.by_age() {
                tr {
                    td { (age) }
                    @for level in LEVELS { td { (grouped(number(numbers, level))) } }
                    td { (grouped(numbers.iter().sum())) }
                    td.graph { (chart::across(&parts(numbers), most)) }
                }
            } }
        } }
        h2 { "The oldest of them" }
        div.wide { table {
            thead { tr { th { "Age" } th.text { "Level" } th.text { "Account" } th.text { "Type, resource" } } }
            tbody { @for Oldest { opened_at, level, subject } in &report.open.oldest {
                tr {
                    td { (age(report.period.until.since(*opened_at))) }
                    td.text { (level.as_str()) }
                    td.text { (names.account(&subject.account)) }
                    td.text { (Names::subject(subject)) }
                }
            } }
        } }
    }
}

//! The report as text for a terminal.

use std::fmt::Write;
use std::time::Duration;

use super::gather::{Gathered, Reads};
use super::names::{Names, clean, known, level};
use crate::commands::table::{TableColumn, age, draw};
use crate::finding::Level;
use crate::policy::day_counts::CountedAs;
use crate::policy::report::{Delay, Numbers, OpenIncidents, Report, Table};
use crate::terminal::{columns, cut, wrapped};
use crate::words::{grouped, number_of};

/// The rows of a table. `--json` has more.
const ROWS_MAX: usize = 10;
const BAR: &str = "▇";
const BAR_COLUMNS: u64 = 16;
/// The columns of a terminal that says nothing about its width.
const COLUMNS: usize = 80;

/// `width`: the columns of the terminal. None: there is none, and nothing is cut.
pub fn of(gathered: &Gathered, names: &Names<'_>, width: Option<usize>) -> String {
    let report = &gathered.report;
    let line_width = width.unwrap_or(COLUMNS);
    let mut text = summary(report, line_width);
    let mut add = |head: &str, part: String| {
        if !part.is_empty() {
            // Writing to a String can't fail.
            _ = write!(text, "\n{head}\n{part}");
        }
    };
    add("BY DAY (UTC)", days(report, width));
    add("BY LEVEL", table(&report.levels, "LEVEL", level, width));
    add("BY ACCOUNT", table(&report.accounts, "ACCOUNT", |id| names.account(id), width));
    add("BY TYPE", table(&report.types, "TYPE", |kind| known(kind), width));
    add("KEPT BACK, BY SILENCE", silences(report, width));
    add("FROM THE FINDING'S LAST UPDATE TO ITS POST", delays(report, width));
    add("THE NOISIEST, AND A SILENCE FOR EACH", noisiest(report, names, width));
    add("OPEN INCIDENTS, BY AGE", ages(&report.open, width));
    add("THE OLDEST OF THEM", oldest(report, names, width));
    add("WHAT THIS REPORT CAN'T KNOW", gaps(report, line_width));
    _ = write!(text, "\n{}", wrapped("", &cost(report, gathered.reads), line_width));
    text
}

fn summary(report: &Report, width: usize) -> String {
    let Report { period, totals, unposted, .. } = report;
    let (from, until) = (period.from.to_rfc3339(), period.until.to_rfc3339());
    let Numbers { findings, alerts, posts, .. } = *totals;
    let mut text = format!(
        "From {from} to {until}\n\n{}, {} in {}\n",
        number_of(findings, "finding"),
        number_of(alerts, "alert"),
        number_of(posts, "post")
    );
    let counted: Vec<(CountedAs, u64)> =
        totals.all_counted().filter(|(_, number)| *number > 0).collect();
    if !counted.is_empty() {
        let of = |unit: &[(CountedAs, u64)]| {
            let numbers = unit.iter().map(|(what, n)| format!("{} {}", words(*what), grouped(*n)));
            let (unit, _) = unit[0];
            format!("{}: {}", unit.unit(), numbers.collect::<Vec<_>>().join(", "))
        };
        let by_unit = counted.chunk_by(|(a, _), (b, _)| a.unit() == b.unit()).map(of);
        let by_unit = by_unit.collect::<Vec<_>>().join("; ");
        text.push_str(&wrapped("", &format!("Counted by the workers, {by_unit}"), width));
    }
    if *unposted > 0 {
        _ = writeln!(text, "{} claimed or tried, and never posted", number_of(*unposted, "alert"));
    }
    text
}

/// `already posted`.
pub fn words(what: CountedAs) -> String {
    what.as_str().replace('_', " ")
}

const NUMBERS: [TableColumn; 4] = [
    TableColumn::right("FINDINGS", 9),
    TableColumn::right("ALERTS", 9),
    TableColumn::right("POSTS", 9),
    TableColumn::right("SILENCED", 9),
];

fn cells(numbers: &Numbers) -> [String; 4] {
    let silenced = numbers.counted(CountedAs::Silenced);
    [numbers.findings, numbers.alerts, numbers.posts, silenced].map(grouped)
}

fn days(report: &Report, width: Option<usize>) -> String {
    let most = report.days.iter().map(|(_, numbers)| numbers.alerts).max().unwrap_or_default();
    let row = |(day, numbers): &(_, Numbers)| {
        let bar = BAR.repeat(usize::try_from(share(numbers.alerts, most)).unwrap_or_default());
        let quarantined = grouped(numbers.counted(CountedAs::Quarantined));
        let head = [format!("{day}")].into_iter();
        head.chain(cells(numbers)).chain([quarantined, bar]).collect()
    };
    let rows: Vec<Vec<String>> = report.days.iter().map(row).collect();
    let [findings, alerts, posts, silenced] = NUMBERS;
    let heads = [
        TableColumn::left("DAY", 10, 10),
        findings,
        alerts,
        posts,
        silenced,
        TableColumn::right("QUARANTINED", 11),
        TableColumn::left("", BAR_COLUMNS as usize, 0),
    ];
    draw(&heads, &rows, width)
}

/// The part of [`BAR_COLUMNS`]. What is not zero is seen.
fn share(number: u64, most: u64) -> u64 {
    match most {
        0 => 0,
        most => (number.saturating_mul(BAR_COLUMNS) / most).max(u64::from(number > 0)),
    }
}

fn table<K>(
    table: &Table<K>,
    head: &'static str,
    name: impl Fn(&K) -> String,
    width: Option<usize>,
) -> String {
    let row = |(key, numbers): &(K, Numbers)| {
        [name(key)].into_iter().chain(cells(numbers)).collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<String>> = table.rows.iter().take(ROWS_MAX).map(row).collect();
    let mut rest = table.others.map(|others| others.numbers).unwrap_or_default();
    let left_out = table.rows.iter().skip(ROWS_MAX);
    let keys = left_out.clone().count() + table.others.map_or(0, |others| others.keys);
    left_out.for_each(|(_, numbers)| rest += numbers);
    if keys > 0 {
        let name = number_of(keys, "other");
        rows.push([name].into_iter().chain(cells(&rest)).collect());
    }
    let [findings, alerts, posts, silenced] = NUMBERS;
    let heads = [TableColumn::left(head, 110, 20), findings, alerts, posts, silenced];
    if rows.is_empty() { String::new() } else { draw(&heads, &rows, width) }
}

fn silences(report: &Report, width: Option<usize>) -> String {
    let heads = [TableColumn::left("SILENCE", 40, 8), TableColumn::right("ALERTS", 9)];
    let row = |(id, number): &(String, u64)| vec![clean(id), grouped(*number)];
    let rows: Vec<Vec<String>> = report.silences.iter().take(ROWS_MAX).map(row).collect();
    if rows.is_empty() { String::new() } else { draw(&heads, &rows, width) }
}

fn delays(report: &Report, width: Option<usize>) -> String {
    let Some(all) = &report.delays.all else { return String::new() };
    let row = |name: &str, delay: &Delay| {
        let alerts = grouped(delay.alerts as u64);
        vec![name.to_owned(), alerts, took(delay.median), took(delay.worst)]
    };
    let mut rows = vec![row("all", all)];
    rows.extend(report.delays.levels.iter().map(|(level, delay)| row(level.as_str(), delay)));
    let heads = [
        TableColumn::left("LEVEL", 13, 6),
        TableColumn::right("ALERTS", 9),
        TableColumn::right("MEDIAN", 9),
        TableColumn::right("WORST", 9),
    ];
    let mut text = draw(&heads, &rows, width);
    if let Some(slowest) = &report.delays.slowest {
        let id = clean(&slowest.subject.id);
        _ = writeln!(text, "`hansho explain {id}` has the history of the worst");
    }
    text
}

/// `850ms`, `4.2s`, `3m12s`.
pub fn took(time: Duration) -> String {
    match time.as_millis() {
        ms @ 0..1_000 => format!("{ms}ms"),
        1_000..60_000 => format!("{:.1}s", time.as_secs_f64()),
        _ => age(time),
    }
}

fn noisiest(report: &Report, names: &Names<'_>, width: Option<usize>) -> String {
    let mut text = String::new();
    let width = width.unwrap_or(usize::MAX);
    for noisy in &report.noisiest {
        let head = format!("{:>7}  ", grouped(noisy.number));
        let line = format!(
            "{} · {} · {}",
            Names::subject(&noisy.subject),
            names.account(&noisy.subject.account),
            noisy.level
        );
        _ = writeln!(text, "{head}{}", cut(&line, width.saturating_sub(columns(&head))));
        // A command that somebody pastes is never cut.
        _ = writeln!(text, "         {}", noisy.silence_command());
    }
    if report.noisiest.iter().any(|noisy| noisy.suppression_rule().is_some()) {
        text.push_str("--html and --json have suppression rules of GuardDuty for some of them\n");
    }
    text
}

const LEVELS: [Level; 5] =
    [Level::Critical, Level::High, Level::Medium, Level::Low, Level::Informational];

fn ages(open: &OpenIncidents, width: Option<usize>) -> String {
    if open.total() == 0 {
        return String::new();
    }
    let row = |(age, numbers): (&str, &[u64; 5])| {
        let numbers = LEVELS.map(|level| numbers[usize::from(level.rank())]);
        let cells = numbers.into_iter().chain([numbers.iter().sum()]).map(grouped);
        [age.to_owned()].into_iter().chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = open.by_age().map(row).collect();
    let heads = [
        TableColumn::left("AGE", 16, 16),
        TableColumn::right("CRITICAL", 9),
        TableColumn::right("HIGH", 9),
        TableColumn::right("MEDIUM", 9),
        TableColumn::right("LOW", 9),
        TableColumn::right("INFO", 9),
        TableColumn::right("ALL", 9),
    ];
    draw(&heads, &rows, width)
}

fn oldest(report: &Report, names: &Names<'_>, width: Option<usize>) -> String {
    let row = |oldest: &crate::policy::report::Oldest| {
        vec![
            age(report.period.until.since(oldest.opened_at)),
            oldest.level.to_string(),
            names.account(&oldest.subject.account),
            Names::subject(&oldest.subject),
        ]
    };
    let rows: Vec<Vec<String>> = report.open.oldest.iter().map(row).collect();
    let heads = [
        TableColumn::left("AGE", 9, 4),
        TableColumn::left("LEVEL", 13, 6),
        TableColumn::left("ACCOUNT", 76, 12),
        TableColumn::left("TYPE · RESOURCE", 220, 20),
    ];
    if rows.is_empty() { String::new() } else { draw(&heads, &rows, width) }
}

fn gaps(report: &Report, width: usize) -> String {
    report.gaps.iter().map(|gap| wrapped("- ", &gap.to_string(), width)).collect()
}

/// What the report read.
pub fn cost(report: &Report, reads: Reads) -> String {
    let mut text = format!(
        "Read {} in {}, and the counts of {}",
        number_of(report.records, "record"),
        number_of(reads.pages as u64, "page"),
        number_of(reads.days as u64, "day")
    );
    if let Some(units) = reads.units {
        _ = write!(text, "; the pages cost {} read units", grouped(units.ceil() as u64));
    }
    text
}

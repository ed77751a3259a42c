//! The summary of a report for Slack: a title, and a few lines.

use super::names::{Names, level};
use super::text::{took, words};
use crate::finding::Level;
use crate::policy::day_counts::{CountedAs, Day};
use crate::policy::report::{Noisy, Numbers, Report, Table};
use crate::words::{grouped, number_of};

/// How many pairs are named.
const NAMED_MAX: usize = 3;

/// The title and the lines. They are escaped where they are drawn.
pub fn of(report: &Report, names: &Names<'_>) -> (String, Vec<String>) {
    let Numbers { findings, alerts, posts, .. } = report.totals;
    let (first, last) = (Day::of(report.period.from), Day::of(report.period.until));
    let title = format!(
        "{first} to {last}: {}, {} in {}",
        number_of(findings, "finding"),
        number_of(alerts, "alert"),
        number_of(posts, "post")
    );
    let counted = [CountedAs::Silenced, CountedAs::Quarantined, CountedAs::Unmatched];
    let counted = counted.map(|what| (words(what), report.totals.counted(what)));
    let counted = counted.iter().filter(|(_, number)| *number > 0);
    let counted: Vec<String> =
        counted.map(|(name, number)| format!("{} {name}", grouped(*number))).collect();
    let lines = [
        row("alerts by level", &report.levels, level),
        row("alerts by account", &report.accounts, |id| names.account(id)),
        Some(counted.join(", ")),
        report.delays.all.as_ref().map(|delay| {
            let (median, worst) = (took(delay.median), took(delay.worst));
            format!("from a finding's last update to its post: median {median}, worst {worst}")
        }),
        noisiest(&report.noisiest, names),
        Some(open(report)),
    ];
    (title, lines.into_iter().flatten().filter(|line| !line.is_empty()).collect())
}

/// `alerts by level: 3 critical, 2 high`.
fn row<K>(head: &str, table: &Table<K>, name: impl Fn(&K) -> String) -> Option<String> {
    let rows = table.rows.iter().filter(|(_, numbers)| numbers.alerts > 0);
    let named = rows.clone().take(Level::ALL.len());
    let shown = named.map(|(key, numbers)| format!("{} {}", grouped(numbers.alerts), name(key)));
    let shown: Vec<String> = shown.collect();
    (!shown.is_empty()).then(|| format!("{head}: {}", shown.join(", ")))
}

fn noisiest(noisiest: &[Noisy], names: &Names<'_>) -> Option<String> {
    let named = noisiest.iter().filter(|noisy| noisy.number > 1).take(NAMED_MAX).map(|noisy| {
        let (subject, account) =
            (Names::subject(&noisy.subject), names.account(&noisy.subject.account));
        format!("{} × {subject} ({account})", grouped(noisy.number))
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| format!("the noisiest: {}", named.join("; ")))
}

fn open(report: &Report) -> String {
    let old: u64 = report.open.by_age().skip(3).flat_map(|(_, numbers)| numbers).sum();
    let all = number_of(report.open.total(), "open incident");
    match old {
        0 => all,
        old => format!("{all}, {} of them for 30 days and more", grouped(old)),
    }
}

//! The report for a terminal: gaps first, what is alike folded, the matrix of the rest last.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::estate::gap::{GapKind, regions_unasked, unlisted_by_default};
use crate::terminal::{cut, padding, wrapped};
use crate::words::number_of;

use super::last::{KNOWS, read_for};
use super::report::{Cell, Counts, Group, Report, gap_groups, unread_groups};

/// The width without a terminal, and the least one.
pub const COLUMNS_DEFAULT: usize = 80;
const COLUMNS_LEAST: usize = 40;
/// Groups and rows that are shown. `--json` has all.
const GROUPS_MAX: usize = 60;
const ROWS_MAX: usize = 60;
const LABEL_COLUMNS: usize = 26;
const CELL_COLUMNS: usize = 6;
/// The longest name of a region has 14, and there are two spaces after it.
const REGION_COLUMNS: usize = 16;
const INDENT: &str = "      ";

pub fn text(report: &Report, columns: Option<usize>) -> String {
    let columns = columns.unwrap_or(COLUMNS_DEFAULT).max(COLUMNS_LEAST);
    let mut text = summary(report);
    for (head, groups) in [
        ("Gaps", gap_groups(&report.gaps)),
        ("Can't be read, which is not the same as off", unread_groups(&report.unread)),
    ] {
        if groups.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{head}");
        for group in groups.iter().take(GROUPS_MAX) {
            add_group(&mut text, report, group, columns);
        }
        if groups.len() > GROUPS_MAX {
            let _ = writeln!(text, "  and {} more: see --json", groups.len() - GROUPS_MAX);
        }
    }
    add_matrix(&mut text, report, columns);
    add_last(&mut text, report, columns);
    add_notes(&mut text, report, columns);
    text
}

fn summary(report: &Report) -> String {
    let (accounts, regions) = (report.matrix.accounts.len(), report.matrix.regions.len());
    let Counts { complete, with_gap, unread, not_enabled } = report.counts();
    let gaps = report.gaps.len();
    let result = match (gaps, report.unread.is_empty()) {
        (0, true) => "complete".to_owned(),
        (0, false) => "no gap in what could be read".to_owned(),
        (1, _) => "1 gap".to_owned(),
        (gaps, _) => format!("{gaps} gaps"),
    };
    format!(
        "{result}: {} and {}, seen from {}\n\
         places: {complete} complete, {with_gap} with a gap, {unread} unreadable, \
         {not_enabled} not enabled\n",
        number_of(accounts, "account"),
        number_of(regions, "region"),
        report.matrix.caller.account,
    )
}

/// `all 60 accounts`, or how many.
pub fn share(n: usize, all: usize, of: &str) -> String {
    if n == all && n > 1 { format!("all {n} {of}s") } else { number_of(n, of) }
}

fn add_group(text: &mut String, report: &Report, group: &Group, columns: usize) {
    let (all_accounts, all_regions) = (report.matrix.accounts.len(), report.matrix.regions.len());
    let whole = |n: usize, all: usize| n == all && n > 1;
    let mut place = Vec::new();
    let mut lists: Vec<Vec<String>> = Vec::new();
    match group.accounts.as_slice() {
        [] => {}
        [one] => place.push(report.label(one)),
        many => {
            place.push(share(many.len(), all_accounts, "account"));
            if !whole(many.len(), all_accounts) {
                lists.push(many.iter().map(|id| report.label(id)).collect());
            }
        }
    }
    match group.regions.as_slice() {
        [] => {}
        [one] => place.push(one.clone()),
        many => {
            place.push(share(many.len(), all_regions, "region"));
            if !whole(many.len(), all_regions) {
                lists.push(many.to_vec());
            }
        }
    }
    let place = place.join(" in ");
    let _ = writeln!(text, "  {}", cut(&group.title, columns - 2));
    if !place.is_empty() {
        let _ = writeln!(text, "{INDENT}{}", cut(&place, columns - INDENT.len()));
    }
    for list in lists {
        let _ = writeln!(text, "{INDENT}{}", one_line(&list, columns - INDENT.len()));
    }
}

/// As many entries as fit, and how many more there are.
pub fn one_line(list: &[String], columns: usize) -> String {
    let mut line = String::new();
    for (at, entry) in list.iter().enumerate() {
        let more = list.len() - at - 1;
        let next = if at == 0 { entry.clone() } else { format!("{line}, {entry}") };
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        if crate::terminal::columns(&next) + rest.len() > columns {
            return match at {
                0 => cut(&next, columns),
                _ => format!("{line} and {} more", more + 1),
            };
        }
        line = next;
    }
    line
}

/// The accounts and regions in which something is wrong.
fn add_matrix(text: &mut String, report: &Report, columns: usize) {
    let cells = report.cells();
    let bad: BTreeSet<&str> =
        cells.iter().filter_map(|((region, _), cell)| is_bad(*cell).then_some(*region)).collect();
    let all = report.matrix.regions.keys().map(String::as_str);
    let regions: Vec<&str> = all
        .filter(|region| bad.contains(region) || !report.region_letters(region).is_empty())
        .collect();
    if regions.is_empty() {
        return;
    }
    let rows = rows(report, &cells, &regions);
    let per_block = (columns.saturating_sub(LABEL_COLUMNS) / CELL_COLUMNS).max(1);
    for (block, names) in regions.chunks(per_block).enumerate() {
        let from = block * per_block;
        add_line(text, "\n", "", names.iter().map(|name| short(name)));
        let whole = names.iter().map(|name| report.region_letters(name));
        add_line(text, "", "the region itself", whole);
        for (row, ids) in rows.iter().take(ROWS_MAX) {
            let label = match ids.as_slice() {
                [one] => report.label(one),
                many => number_of(many.len(), "account"),
            };
            let part = row[from..from + names.len()].iter();
            add_line(text, "", &label, part.map(|cell| cell.letter().to_string()));
        }
    }
    if rows.len() > ROWS_MAX {
        let _ = writeln!(text, "and {} more rows: see --json", rows.len() - ROWS_MAX);
    }
    match report.matrix.regions.len() - regions.len() {
        0 => {}
        complete => {
            let _ = writeln!(text, "{} complete in all accounts", number_of(complete, "region"));
        }
    }
    add_legend(text, report, columns);
}

fn is_bad(cell: Cell) -> bool {
    matches!(cell, Cell::Gap(_) | Cell::Unread)
}

/// The cells of these regions, with the accounts that have the same ones. Those in which something
/// is wrong come first.
fn rows<'a>(
    report: &'a Report,
    cells: &BTreeMap<(&str, &str), Cell>,
    regions: &[&str],
) -> Vec<(Vec<Cell>, Vec<&'a str>)> {
    let mut rows: BTreeMap<Vec<Cell>, Vec<&str>> = BTreeMap::new();
    for account in report.matrix.accounts.keys() {
        let row: Vec<Cell> = regions
            .iter()
            .map(|region| cells.get(&(*region, account.as_str())).copied())
            .map(|cell| cell.unwrap_or(Cell::NotEnabled))
            .collect();
        rows.entry(row).or_default().push(account);
    }
    let mut rows: Vec<(Vec<Cell>, Vec<&str>)> = rows.into_iter().collect();
    rows.sort_by_key(|(cells, ids)| (!cells.iter().any(|c| is_bad(*c)), ids.first().copied()));
    rows
}

fn add_line(text: &mut String, before: &str, label: &str, cells: impl Iterator<Item = String>) {
    let label = cut(label, LABEL_COLUMNS - 2);
    let mut line = format!("{before}{label}{}", padding(&label, LABEL_COLUMNS));
    for cell in cells {
        line.push_str(&cell);
        line.push_str(&padding(&cell, CELL_COLUMNS));
    }
    let _ = writeln!(text, "{}", line.trim_end_matches(' '));
}

/// The letters that occur.
fn add_legend(text: &mut String, report: &Report, columns: usize) {
    let mut legend: Vec<String> = Vec::new();
    for kind in report.gaps.iter().filter(|gap| gap.region.is_some()).map(|gap| gap.kind) {
        let title = match kind {
            GapKind::ForwarderMissing | GapKind::ForwarderDisabled | GapKind::ForwarderTarget => {
                "forwarder"
            }
            other => other.title(),
        };
        let entry = format!("{} {title}", kind.letter());
        // Regions that no list names have no column.
        if kind != GapKind::RegionUnlisted && !legend.contains(&entry) {
            legend.push(entry);
        }
    }
    let counts = report.counts();
    for (entry, there) in [
        ("? unreadable", counts.unread > 0 || !report.unread.is_empty()),
        ("- not enabled", counts.not_enabled > 0),
        (". complete", counts.complete > 0),
    ] {
        if there {
            legend.push(entry.to_owned());
        }
    }
    let mut line = String::new();
    for entry in legend {
        if !line.is_empty() && line.len() + 2 + entry.len() > columns {
            let _ = writeln!(text, "{line},");
            line.clear();
        }
        line = if line.is_empty() { entry } else { format!("{line}, {entry}") };
    }
    let _ = writeln!(text, "{line}");
}

/// A region in at most five characters: `eu-west-1` is `euw1`, `ap-southeast-2` is `apse2`.
fn short(region: &str) -> String {
    let mut text = String::new();
    for (at, word) in region.split('-').enumerate() {
        match word {
            "northeast" => text.push_str("ne"),
            "northwest" => text.push_str("nw"),
            "southeast" => text.push_str("se"),
            "southwest" => text.push_str("sw"),
            word if at == 0 => text.extend(word.chars().take(2)),
            word => text.extend(word.chars().take(1)),
        }
    }
    cut(&text, CELL_COLUMNS - 1)
}

/// When the last finding of each region was posted.
fn add_last(text: &mut String, report: &Report, columns: usize) {
    let Some(Ok(last)) = &report.last else { return };
    let _ = writeln!(text, "\nLast findings of GuardDuty that were posted");
    let mut none = Vec::new();
    for region in report.matrix.regions.keys() {
        let Some((at, account)) = last.of_region(region) else {
            none.push(region.clone());
            continue;
        };
        let (at, who) = (at.to_rfc3339(), report.label(account));
        let line = format!("  {region}{}{at}  {who}", padding(region, REGION_COLUMNS));
        let _ = writeln!(text, "{}", cut(&line, columns));
    }
    if !none.is_empty() {
        let _ = writeln!(text, "  none: {}", one_line(&none, columns - "  none: ".len()));
    }
    text.push_str(&wrapped("  ", &format!("{KNOWS} {}", read_for(last)), columns));
}

/// What is no gap, and worth a line.
fn add_notes(text: &mut String, report: &Report, columns: usize) {
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut notes = Vec::new();
    if report.unread.iter().any(|one| one.why.denied) {
        notes.push(("The rights are in infra/operator.yaml, statement ReadTheEstate.", Vec::new()));
    }
    notes.push((
        "Every account has regions that no list names. Deny them by a policy, or read\n\
         them with --region all:",
        owned(unlisted_by_default(&report.matrix)),
    ));
    notes.push((
        "AWS shows the enabled regions of the management account to itself alone. They\n\
         were not read; --member-role reads them:",
        owned(regions_unasked(&report.matrix)),
    ));
    for (note, names) in notes {
        if names.is_empty() && note.ends_with(':') {
            continue;
        }
        let _ = writeln!(text, "\n{note}");
        if !names.is_empty() {
            let _ = writeln!(text, "{INDENT}{}", one_line(&names, columns - INDENT.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_fits_a_line() {
        let list: Vec<String> = (0..12).map(|i| format!("11112222333{i}")).collect();
        for columns in [8, 12, 24, 40, 80, 200] {
            let line = one_line(&list, columns);
            assert!(crate::terminal::columns(&line) <= columns.max(12 + 12), "{columns}: {line}");
        }
        assert_eq!(one_line(&list[..1], 80), "111122223330");
        assert_eq!(one_line(&list[..3], 30), "111122223330 and 2 more");
        assert!(one_line(&list, 200).ends_with(", 1111222233311"));
    }

    #[test]
    fn regions_have_short_names() {
        for (region, name) in [
            ("eu-west-1", "euw1"),
            ("ap-southeast-2", "apse2"),
            ("us-gov-east-1", "usge1"),
            ("ca-central-1", "cac1"),
        ] {
            assert_eq!(short(region), name);
        }
    }
}

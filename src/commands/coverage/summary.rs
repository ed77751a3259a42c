//! The summary of a report for Slack: a title, and a few lines.

use super::report::{Group, Report, gap_groups};
use super::text::{one_line, share};
use crate::words::number_of;

/// Groups of gaps that are named.
const GROUPS_MAX: usize = 10;
/// The columns of a list of accounts or regions. A line of a note has 300 characters at most.
const LIST_COLUMNS: usize = 120;

/// The title and the lines. They are escaped where they are drawn.
pub fn of(report: &Report) -> (String, Vec<String>) {
    let matrix = &report.matrix;
    let title = format!(
        "{} in GuardDuty's coverage of {} and {}",
        number_of(report.gaps.len(), "gap"),
        number_of(matrix.accounts.len(), "account"),
        number_of(matrix.regions.len(), "region"),
    );
    let groups = gap_groups(&report.gaps);
    let mut lines: Vec<String> =
        groups.iter().take(GROUPS_MAX).map(|group| line(report, group)).collect();
    if groups.len() > GROUPS_MAX {
        lines.push(format!("and {} more kinds and places", groups.len() - GROUPS_MAX));
    }
    if !report.unread.is_empty() {
        let unread = number_of(report.unread.len(), "fact");
        lines.push(format!("{unread} could not be read, which is not the same as off"));
    }
    lines.push("hansho coverage shows all of it".to_owned());
    (title, lines)
}

/// `plan off: S3_DATA_EVENTS: 12 accounts in all 17 regions: 111122223333 prod-shop and 11 more`.
fn line(report: &Report, group: &Group) -> String {
    let accounts: Vec<String> = group.accounts.iter().map(|id| report.label(id)).collect();
    let mut lists = Vec::new();
    let mut place = Vec::new();
    let sides = [
        (accounts, report.matrix.accounts.len(), "account"),
        (group.regions.clone(), report.matrix.regions.len(), "region"),
    ];
    for (names, all, of) in sides {
        match names.as_slice() {
            [] => {}
            [one] => place.push(one.clone()),
            many => {
                place.push(share(many.len(), all, of));
                if many.len() < all {
                    lists.push(one_line(many, LIST_COLUMNS));
                }
            }
        }
    }
    let parts = [group.title.clone(), place.join(" in "), lists.join("; ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;

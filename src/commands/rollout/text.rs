//! Steps as text. Steps that differ only in their place are one line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::commands::table::{TableColumn, draw, or_none};
use crate::rollout::{Action, Desired, LoginOf, Step, StepState, Subject};
use crate::words::number_of;

/// States in the order in which they are shown, each with its heading.
const SECTIONS: [(StepState, &str); 8] = [
    (StepState::Failed, "failed"),
    (StepState::Skipped, "not done, because a step before was not"),
    (StepState::Unreadable, "can't be read"),
    (StepState::Done, "done"),
    (StepState::Planned, "to do"),
    (StepState::ByHand, "by hand"),
    (StepState::Waiting, "on its way: AWS or the owner of an account does it"),
    (StepState::LeftAlone, "left alone"),
];

const HEADS: [TableColumn; 5] = [
    TableColumn::left("STEP", 13, 6),
    TableColumn::left("ACTION", 9, 6),
    TableColumn::left("ACCOUNTS", 26, 12),
    TableColumn::left("REGIONS", 40, 12),
    TableColumn::left("WHAT AND WHY", 400, 30),
];

/// How many names are written out.
const NAMES_MAX: usize = 2;

/// The plan, or what became of it. `width` in columns. None: no limit.
pub fn text(desired: &Desired, steps: &[Step], width: Option<usize>) -> String {
    let mut text = head(desired);
    for (state, heading) in SECTIONS {
        let of_state: Vec<&Step> = steps.iter().filter(|step| step.state == state).collect();
        if of_state.is_empty() {
            continue;
        }
        let count = of_state.len();
        let noun = if count == 1 { "step" } else { "steps" };
        _ = writeln!(text, "\n{count} {noun} {heading}:");
        // A reason to act on is shown in full, even if the terminal breaks the line.
        let whole = matches!(
            state,
            StepState::Failed | StepState::Skipped | StepState::Unreadable | StepState::ByHand
        );
        let width = width.filter(|_| !whole);
        text.push_str(&draw(&HEADS, &rows(desired, &of_state), width));
    }
    rights(steps, &mut text);
    if !steps.iter().any(|step| step.is_open() || step.is_undone()) {
        text.push_str("\nNothing is left to do.\n");
    }
    text
}

fn head(desired: &Desired) -> String {
    let Desired { security, home, mode, regions, targets, .. } = desired;
    format!(
        "Rollout from {security} (home region {home}) by {}: {} besides it, {}.\n",
        mode.as_str(),
        number_of(targets.len(), "account"),
        number_of(regions.len(), "region")
    )
}

type Key<'a> = (Subject, Action, LoginOf, &'a str, &'a str, Option<&'a str>);

/// One row for the same step in many places. Accounts with the same regions stand together.
fn rows(desired: &Desired, steps: &[&Step]) -> Vec<Vec<String>> {
    let mut folded: BTreeMap<Key<'_>, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for step in steps {
        let Step { subject, action, login, target, reason, error, .. } = step;
        let key = (*subject, *action, *login, target.as_str(), reason.as_str(), error.as_deref());
        let regions = folded.entry(key).or_default().entry(&step.account).or_default();
        regions.insert(&step.region);
    }
    let mut rows = Vec::new();
    for (key, accounts) in folded {
        let mut by_regions: BTreeMap<BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
        for (account, regions) in accounts {
            by_regions.entry(regions).or_default().push(account);
        }
        for (regions, accounts) in by_regions {
            rows.push(row(desired, &key, &accounts, &regions));
        }
    }
    rows
}

fn row(
    desired: &Desired,
    key: &Key<'_>,
    accounts: &[&str],
    regions: &BTreeSet<&str>,
) -> Vec<String> {
    let (subject, action, login, target, reason, error) = *key;
    let regions: Vec<&str> = regions.iter().copied().collect();
    let regions = match regions.len() {
        all if all > NAMES_MAX && all == desired.regions.len() => format!("all {all}"),
        _ => names(&regions, "regions"),
    };
    let mut why = match (target == subject.as_str(), reason) {
        (true, reason) => reason.to_owned(),
        (false, "") => target.to_owned(),
        (false, reason) => format!("{target}: {reason}"),
    };
    if let Some(error) = error {
        why = format!("{error} ({why})");
    }
    if login != LoginOf::Security {
        why = format!("{why} [{} login]", login.as_str());
    }
    let action = if action == Action::Nothing { or_none("") } else { action.as_str().to_owned() };
    vec![subject.as_str().to_owned(), action, names(accounts, "accounts"), regions, why]
}

fn names(names: &[&str], noun: &str) -> String {
    match names.len() {
        count if count > NAMES_MAX => format!("{count} {noun}"),
        _ => names.join(", "),
    }
}

/// The rights that the planned steps need, by login.
fn rights(steps: &[Step], text: &mut String) {
    let mut by_login: BTreeMap<LoginOf, BTreeSet<&str>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.state == StepState::Planned) {
        by_login.entry(step.login).or_default().extend(step.rights());
    }
    if by_login.is_empty() {
        return;
    }
    text.push_str("\nrights that these steps need:\n");
    for (login, rights) in by_login {
        let rights: Vec<&str> = rights.into_iter().collect();
        _ = writeln!(text, "  {} login: {}", login.as_str(), rights.join(", "));
    }
    let planned = |step: &&Step| step.state == StepState::Planned;
    if steps
        .iter()
        .filter(planned)
        .any(|step| matches!(step.action, Action::Deploy | Action::Update))
    {
        text.push_str("  security login: to make what is in the templates of infra/\n");
    }
}

#[cfg(test)]
pub mod tests;

//! Which destinations get the findings of each account and level.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};

use crate::commands::table::{self, NONE, TableColumn};
use crate::finding::Level;
use crate::policy::matcher::{AccountFacts, Extent};
use crate::policy::route::{Class, Routes};
use crate::ports::Accounts;

/// The levels of the table, the most severe first, as people read them.
const LEVELS: [Level; 5] =
    [Level::Critical, Level::High, Level::Medium, Level::Low, Level::Informational];

/// The most accounts of a change that are named.
const NAMED_MAX: usize = 5;

/// What a destination gets of some findings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    destination: String,
    /// Set if it gets some of them: which, in words.
    only: Option<String>,
}

/// The shares of the findings of one level, in the order of the destinations.
type Cell = Vec<Share>;

/// The cells of one account, in the order of [`LEVELS`].
#[derive(Debug)]
struct Row {
    /// None: any other account.
    account: Option<String>,
    label: String,
    ou: Option<String>,
    cells: Vec<Cell>,
}

/// All accounts by all levels.
pub struct Sheet {
    rows: Vec<Row>,
}

impl Sheet {
    pub fn new(routes: &Routes, accounts: &Accounts) -> Sheet {
        let known = accounts.iter().map(|account| {
            let facts: &dyn AccountFacts = account;
            Row {
                account: Some(account.id().to_owned()),
                label: accounts.label(account.id()),
                ou: account.ou().map(str::to_owned),
                cells: cells(routes, Some(account.id()), Some(facts)),
            }
        });
        let label = if accounts.is_empty() { "any account" } else { "any other account" };
        let other = Row {
            account: None,
            label: label.to_owned(),
            ou: None,
            cells: cells(routes, None, None),
        };
        Sheet { rows: known.chain([other]).collect() }
    }

    /// A line for each account. Levels that reach nobody anywhere have no column.
    pub fn text(&self, width: Option<usize>) -> String {
        let shown = |level: &usize| self.rows.iter().any(|row| !row.cells[*level].is_empty());
        let shown: Vec<usize> = (0..LEVELS.len()).filter(shown).collect();
        let mut heads = vec![TableColumn::left("ACCOUNT", 64, 12), TableColumn::left("OU", 60, 10)];
        heads.extend(shown.iter().map(|level| TableColumn::left(HEADS[*level], 80, 10)));
        let row = |row: &Row| {
            let cells = shown.iter().map(|level| brief(&row.cells[*level]));
            let ou = row.ou.clone().unwrap_or_else(|| NONE.to_owned());
            [row.label.clone(), ou].into_iter().chain(cells).collect()
        };
        let rows: Vec<Vec<String>> = self.rows.iter().map(row).collect();
        let mut text = table::draw(&heads, &rows, width);
        let shares = self.rows.iter().flat_map(|row| row.cells.iter().flatten());
        let some: BTreeSet<(&str, &str)> = shares
            .filter_map(|share| Some((share.destination.as_str(), share.only.as_deref()?)))
            .collect();
        if !some.is_empty() {
            text.push('\n');
        }
        for (destination, only) in some {
            // Writing to a String can't fail.
            _ = writeln!(text, "~ {destination} gets some of them: {only}");
        }
        text
    }

    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            let cells = LEVELS.iter().zip(&row.cells);
            let levels = cells.map(|(level, cell)| (level.to_string(), cell_json(cell)));
            json!({
                "account": row.account,
                "label": row.label,
                "ou": row.ou,
                "levels": levels.collect::<serde_json::Map<_, _>>(),
            })
        };
        json!({ "accounts": self.rows.iter().map(row).collect::<Vec<_>>() })
    }

    /// The cells that differ from those of `old`, which has the same accounts.
    pub fn changes_from(&self, old: &Sheet) -> Changes {
        let mut changes = Vec::new();
        for (new, old) in self.rows.iter().zip(&old.rows) {
            for ((level, after), before) in LEVELS.iter().zip(&new.cells).zip(&old.cells) {
                if before != after {
                    let (before, after) = (before.clone(), after.clone());
                    let (account, label) = (new.account.clone(), new.label.clone());
                    changes.push(Change { account, label, level: *level, before, after });
                }
            }
        }
        Changes(changes)
    }
}

const HEADS: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"];

/// A cell that changes.
struct Change {
    account: Option<String>,
    label: String,
    level: Level,
    before: Cell,
    after: Cell,
}

pub struct Changes(Vec<Change>);

impl Changes {
    /// Accounts that change in the same way stand together.
    pub fn text(&self) -> String {
        if self.0.is_empty() {
            return "no account and no level changes\n".to_owned();
        }
        let mut alike: BTreeMap<(&Cell, &Cell, Vec<&str>), Vec<Level>> = BTreeMap::new();
        let mut by_level: BTreeMap<(Level, &Cell, &Cell), Vec<&str>> = BTreeMap::new();
        for change in &self.0 {
            let key = (change.level, &change.before, &change.after);
            by_level.entry(key).or_default().push(&change.label);
        }
        for ((level, before, after), labels) in by_level.into_iter().rev() {
            alike.entry((before, after, labels)).or_default().push(level);
        }
        let mut text = String::new();
        for ((before, after, labels), levels) in alike {
            let levels: Vec<&str> = levels.into_iter().map(Level::as_str).collect();
            _ = writeln!(text, "{} in {}", levels.join(", "), named(&labels));
            _ = writeln!(text, "  before: {}\n  after:  {}\n", whole(before), whole(after));
        }
        text
    }

    pub fn json(&self) -> Value {
        let change = |change: &Change| {
            json!({
                "account": change.account,
                "label": change.label,
                "level": change.level.as_str(),
                "before": cell_json(&change.before),
                "after": cell_json(&change.after),
            })
        };
        json!({ "changes": self.0.iter().map(change).collect::<Vec<_>>() })
    }
}

fn cells(routes: &Routes, account: Option<&str>, facts: Option<&dyn AccountFacts>) -> Vec<Cell> {
    let cell = |level: Level| {
        let class = Class { level, account, facts };
        let extents = routes.extents(&class);
        let share = |(index, extent): (usize, &Extent)| {
            let destination = routes.all().get(index)?.destination.clone();
            let only = match extent {
                Extent::None => return None,
                Extent::Some => Some(routes.condition(index, &class)),
                Extent::All => None,
            };
            Some(Share { destination, only })
        };
        extents.iter().enumerate().filter_map(share).collect()
    };
    LEVELS.into_iter().map(cell).collect()
}

/// `payments, security~`
fn brief(cell: &Cell) -> String {
    let share = |share: &Share| match share.only {
        Some(_) => format!("{}~", share.destination),
        None => share.destination.clone(),
    };
    table::or_none(&cell.iter().map(share).collect::<Vec<_>>().join(", "))
}

/// `payments, security (type Policy:*)`
fn whole(cell: &Cell) -> String {
    let share = |share: &Share| match &share.only {
        Some(only) => format!("{} ({only})", share.destination),
        None => share.destination.clone(),
    };
    match cell.is_empty() {
        true => "nobody".to_owned(),
        false => cell.iter().map(share).collect::<Vec<_>>().join(", "),
    }
}

fn cell_json(cell: &Cell) -> Value {
    let share = |share: &Share| json!({ "destination": share.destination, "only": share.only });
    cell.iter().map(share).collect()
}

fn named(labels: &[&str]) -> String {
    let more = labels.len().saturating_sub(NAMED_MAX);
    let shown = labels.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    match more {
        0 => shown,
        more => format!("{shown}, and {more} more"),
    }
}

//! Tables for a terminal.

use std::time::Duration;

use crate::terminal::{columns, cut, padding};

/// Stands for an unknown value.
pub const NONE: &str = "-";

/// A column of a table, with its greatest and least width.
pub struct TableColumn {
    head: &'static str,
    most: usize,
    least: usize,
    right: bool,
}

impl TableColumn {
    pub const fn left(head: &'static str, most: usize, least: usize) -> TableColumn {
        TableColumn { head, most, least, right: false }
    }

    pub const fn right(head: &'static str, most: usize) -> TableColumn {
        TableColumn { head, most, least: most, right: true }
    }
}

pub fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// An age in at most two units: `3d4h`, `12m5s`, `0s`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{}s", seconds % 60),
        (0, _, _) => format!("{hours}h{minutes}m"),
        _ => format!("{days}d{hours}h"),
    }
}

/// Draws rows under their heads. A column is as wide as its content, within its limits. If the
/// table is too wide, the widest columns shrink first.
pub fn draw(heads: &[TableColumn], rows: &[Vec<String>], width: Option<usize>) -> String {
    let widths = widths(heads, rows, width);
    let mut text = String::new();
    let head: Vec<String> = heads.iter().map(|column| column.head.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(heads).zip(&widths) {
            let cell = cut(cell, *width);
            let space = padding(&cell, *width);
            let cell =
                if column.right { format!("{space}{cell}") } else { format!("{cell}{space}") };
            line.push_str(&cell);
            line.push_str("  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn widths(heads: &[TableColumn], rows: &[Vec<String>], width: Option<usize>) -> Vec<usize> {
    let content = |(i, column): (usize, &TableColumn)| {
        let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| columns(cell));
        cells.max().unwrap_or(0).min(column.most).max(columns(column.head))
    };
    let mut widths: Vec<usize> = heads.iter().enumerate().map(content).collect();
    let gaps = 2 * heads.len().saturating_sub(1);
    if let Some(width) = width {
        while widths.iter().sum::<usize>() + gaps > width {
            let shrinkable = (0..heads.len()).filter(|i| widths[*i] > heads[*i].least);
            let Some(widest) = shrinkable.max_by_key(|i| widths[*i]) else { break };
            widths[widest] -= 1;
        }
    }
    widths
}

//! `hansho replay`: lists and shows dead letters, sends them again, discards, exports and imports
//! them.
//!
//! - `backend` chooses the queue and the ledger, by the configuration, and calls the command.
//! - `list`, `show`, `send`, `discard`, `export` and `import` are the commands. `dry_run`
//!   belongs to `send`. They work on any [`crate::ports::DeadLetterQueue`].
//! - `holds` scans the queue and keeps messages hidden while a command works on them.
//!   `selection` chooses messages, and `send_loop` sends them. `rewind` resets ledger records
//!   for `--force`.
//! - Pure: `parsed`, `filter`, `glob`, `rate`, `table`, `reasons`, `forecast` (but
//!   for its reads of the ledger), and `export_line`.

pub mod args;
mod backend;
pub mod console;
pub mod discard;
pub mod dry_run;
pub mod export;
pub mod export_line;
pub mod filter;
pub mod forecast;
pub mod holds;
pub mod import;
pub mod list;
pub mod parsed;
mod progress;
pub mod rate;
mod reasons;
mod retry;
pub mod rewind;
pub mod selection;
pub mod send;
pub mod send_loop;
pub mod show;
mod table;

pub use backend::run;

//! What to do about a finding: pure functions and small state machines. The time is passed in.

pub mod budget;
pub mod canary;
pub mod counting;
pub mod current;
pub mod day_counts;
pub mod directory;
pub mod document;
pub mod enqueued;
pub mod filter;
pub mod glob;
pub mod hours;
pub mod kept_back;
pub mod ledger;
pub mod matcher;
pub mod pace;
pub mod pace_slots;
pub mod recent;
pub mod record;
pub mod report;
pub mod retry;
pub mod route;
pub mod silence;
pub mod watermark;
pub mod weekly;

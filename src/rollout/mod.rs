//! The rollout: from what should be ([`Desired`]) and what is ([`Actual`]) to the steps between
//! them. Pure functions on plain data. `src/commands/rollout/` reads the facts and carries the
//! steps out.
//!
//! - A step is one change in one place: an account in a region. Steps that one call of AWS can make
//!   for many accounts are joined by who carries them out.
//! - Nothing is ever disabled, deleted or taken away. What exists and differs gets a step only if a
//!   step can add what is missing. Otherwise it is reported.
//! - GuardDuty has one owner. In an organisation that is the configuration of its delegated
//!   administrator. What an Organizations policy manages is left alone.
//! - A plan depends on nothing but the facts, so a run that was killed is resumed by the next one.
//!   That a canary arrived is a fact of the ledger.

mod binary;
mod call;
mod facts;
mod package;
mod plan;
mod rights;
mod step;

pub use binary::{Processor, UNZIPPED_BYTES_MAX, Version, WontStart, processor};
pub use call::{Batch, Call, next_batch};
pub use facts::{
    Actual, CODE_STACK, Desired, Directory, FORWARDER_STACK, Invitee, Listed, Mode, PIPELINE_STACK,
    RegionFacts, SecretState, StackState, Target, WORKER_ECS_STACK, WORKER_STACK, WorkerCode,
    hansho_bus_arn,
};
pub use package::{Package, configuration_in, hex};
pub use plan::plan;
pub use rights::READS;
pub use step::{Action, LoginOf, Step, StepState, Subject};

/// The most accounts in a call that changes members.
/// Source: GuardDuty API reference, CreateMembers, InviteMembers, StartMonitoringMembers,
/// UpdateMemberDetectors.
pub const MEMBERS_CALL_MAX: usize = 50;

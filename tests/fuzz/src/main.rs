//! libFuzzer's entry to the targets of `tests/it/fuzz`. `HANSHO_FUZZ_TARGET` names the target: one
//! binary for all, because linking hansho takes longer than compiling a target.

#![no_main]
// The tests share more with each other than with the targets.
#![allow(dead_code)]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../it/fuzz/mod.rs"]
mod fuzz;

#[path = "../../it/support"]
mod support {
    pub mod naive;
    pub mod post_rules;
}

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let wanted = std::env::var("HANSHO_FUZZ_TARGET").unwrap_or_default();
    let found = fuzz::TARGETS.into_iter().find(|(name, _)| *name == wanted);
    found.map_or_else(|| panic!("HANSHO_FUZZ_TARGET names no target: {wanted:?}"), |(_, is)| is)
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));

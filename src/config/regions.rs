//! `[reconcile]`: which regions are compared with the ledger, and how often.

use std::time::Duration;

use super::raw::{Given, RawReconcile};
use super::validate::Gathered;
use super::{Mistake, Reconcile};
use crate::finding::region::RegionName;

/// AWS has some forty regions, of which no partition has more than this.
pub const REGIONS_MAX: usize = 50;
/// More often would find nothing more: what is younger than ten minutes is left to settle.
#[cfg(feature = "reconcile")]
const EVERY: (Duration, Duration) =
    (Duration::from_secs(60), Duration::from_secs(7 * 24 * 60 * 60));

pub(super) fn validate(raw: &RawReconcile, gathered: &mut Gathered) -> Reconcile {
    let every = gathered.read("reconcile.every", &raw.every, every).flatten();
    let regions = gathered.read("reconcile.regions", &raw.regions, regions);
    if every.is_some() && raw.regions.is_none() {
        gathered.mistakes.push(Mistake::of(
            "reconcile.regions",
            "is missing, and reconcile.every is set: name the regions, or set HANSHO_RECONCILE_REGIONS",
        ));
    }
    Reconcile { every, regions: regions.unwrap_or_default() }
}

#[cfg(feature = "reconcile")]
fn every(given: &Given) -> Result<Option<Duration>, String> {
    if given.text() == Ok("off") {
        return Ok(None);
    }
    super::values::duration_within(given, EVERY.0, EVERY.1).map(Some)
}

#[cfg(not(feature = "reconcile"))]
fn every(given: &Given) -> Result<Option<Duration>, String> {
    if given.text() == Ok("off") {
        return Ok(None);
    }
    Err("needs a hansho that can ask GuardDuty: build it with `--features reconcile`, or remove the key"
        .to_owned())
}

/// A list with commas, as a variable can hold it too. White space around a name is dropped, and a
/// name that comes twice counts once.
fn regions(given: &Given) -> Result<Vec<RegionName>, String> {
    let mut names: Vec<RegionName> = Vec::new();
    for name in given.text()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = name.parse().map_err(|_| {
            "must be names of regions with commas between them, such as \
             \"eu-west-1, us-east-1\""
        })?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    match names.len() {
        0 => Err("must name a region at least".to_owned()),
        n if n > REGIONS_MAX => Err(format!("must not name more than {REGIONS_MAX} regions")),
        _ => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_them() {
        let read = |text: &str| {
            let names = regions(&Given::variable("X", text))?;
            Ok::<_, String>(names.iter().map(RegionName::to_string).collect::<Vec<_>>().join("+"))
        };
        assert_eq!(read("eu-west-1").unwrap(), "eu-west-1");
        assert_eq!(read(" us-east-1 ,eu-west-1,, us-east-1,").unwrap(), "us-east-1+eu-west-1");
        assert!(read(",").unwrap_err().contains("a region at least"));
        assert!(read("eu-west-1;us-east-1").unwrap_err().contains("commas"));
        let many: Vec<String> =
            (0..=REGIONS_MAX).map(|i| format!("a{}-bb-1", "b".repeat(1 + i % 20))).collect();
        assert!(read(&many.join(",")).is_ok(), "each counts once");
    }
}

//! The arguments of `hansho canary`.

use std::time::Duration;

use clap::Args;

use crate::commands::args::ConfigFlag;
use crate::commands::canary::{CanaryOptions, HOME_BUS, REGIONS_MAX, WITHIN};
use crate::config::duration;
use crate::finding::canary::is_start;

pub const ABOUT: &str = "\
Test the path of findings: put a marked, harmless event on a bus, wait until the worker has
recorded it in the ledger, and report the time of each step.

On AWS the event starts on the home region's bus. With --region it starts on the default bus of
each region, where AWS services publish. This needs the permissions events:PutEvents and to read
the ledger (infra/operator.yaml). On the embedded backend it starts in the queue. A worker must
run. Nothing is posted without --post. With it, every destination gets a post that says that it
is a test and mentions nobody.

Exit codes: 1 if a canary did not arrive in time, with the places to check.";

#[derive(Args, Debug)]
pub struct Canary {
    #[command(flatten)]
    pub config: ConfigFlag,
    /// Start on the default bus of this region, as findings do. Can be repeated
    #[arg(long = "region", value_name = "REGION", value_parser = region)]
    pub regions: Vec<String>,
    /// The name of the home region's bus, if it is not `hansho`
    #[arg(long, value_name = "NAME", value_parser = bus, conflicts_with = "regions")]
    pub bus: Option<String>,
    /// Also post it to every destination, as a test that mentions nobody
    #[arg(long)]
    pub post: bool,
    /// How long to wait, 1s to 1h
    #[arg(long, value_name = "TIME", value_parser = within, default_value = "60s")]
    pub within: Duration,
    /// Print the result as one JSON object on the standard output
    #[arg(long)]
    pub json: bool,
}

impl Canary {
    /// # Errors
    /// There are more than [`REGIONS_MAX`] regions.
    pub fn options(&self) -> Result<CanaryOptions, String> {
        let mut regions = self.regions.clone();
        regions.sort();
        regions.dedup();
        if regions.len() > REGIONS_MAX {
            return Err(format!("--region: at most {REGIONS_MAX} regions"));
        }
        let Canary { bus, post, within, .. } = self;
        Ok(CanaryOptions { regions, bus: bus.clone(), post: *post, within: *within })
    }
}

fn region(text: &str) -> Result<String, String> {
    let name = text.trim();
    is_start(name)
        .then(|| name.to_owned())
        .ok_or_else(|| "must be the name of a region, such as eu-central-1".to_owned())
}

/// A name, not an ARN.
/// Source: EventBridge API reference, PutEventsRequestEntry, `EventBusName`.
fn bus(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    ((1..=256).contains(&text.len()) && text.chars().all(good))
        .then(|| text.to_owned())
        .ok_or_else(|| format!("must be the name of a bus, such as {HOME_BUS}, not its ARN"))
}

fn within(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    match WITHIN.contains(&time) {
        true => Ok(time),
        false => Err("must be between 1s and 1h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::commands::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Canary, i32> {
        match Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Canary(canary)) => Ok(canary),
            Ok(_) => panic!("not canary"),
            Err(error) => Err(error.exit_code()),
        }
    }

    #[test]
    fn the_arguments_are_understood() {
        let canary = parse("hansho canary").unwrap();
        assert_eq!((canary.within, canary.post), (Duration::from_secs(60), false));
        let line = "hansho canary --region us-east-1 --region eu-west-1 --region us-east-1 --post \
                    --within 2m --json";
        let canary = parse(line).unwrap();
        let options = canary.options().unwrap();
        assert_eq!(options.regions, ["eu-west-1", "us-east-1"]);
        assert!(options.post && canary.json && options.bus.is_none());
        assert_eq!(options.within, Duration::from_secs(120));
        assert_eq!(parse("hansho canary --bus my.bus").unwrap().bus.as_deref(), Some("my.bus"));
    }

    #[test]
    fn wrong_ones_are_refused() {
        for line in [
            "hansho canary --region EU",
            "hansho canary --region eu_west",
            "hansho canary --bus arn:aws:events:r:1:event-bus/x",
            "hansho canary --bus b --region eu-west-1",
            "hansho canary --within 60",
            "hansho canary --within 0",
            "hansho canary --within 2h",
            "hansho canary now",
        ] {
            assert_eq!(parse(line).err(), Some(2), "{line}");
        }
        let many = (0..=REGIONS_MAX).map(|i| format!("--region r-{i}")).collect::<Vec<_>>();
        let many = parse(&format!("hansho canary {}", many.join(" "))).unwrap();
        assert!(many.options().unwrap_err().contains("at most"));
    }
}

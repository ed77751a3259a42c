//! Validates `[console]` and the `[[runbook]]` sections.

use crate::config::mistake::Gathered;
use crate::config::raw::{Given, Raw, RawConsole, RawRunbook};
use crate::config::reference::is_slack;
use crate::policy::glob::Glob;
use crate::slack::{Address, Portal, RoleName, Runbook};

const RUNBOOKS_MAX: usize = 100;
const PATTERN_CHARS_MAX: usize = 200;

pub fn portal(given: &RawConsole, gathered: &mut Gathered) -> Option<Portal> {
    let address = gathered.read("console.portal", &given.portal, portal_address);
    let role = gathered.read("console.role", &given.role, |given| {
        let role = RoleName::parse(given.text()?);
        role.ok_or_else(|| "must be the name of a permission set, of 1 to 32 characters".to_owned())
    });
    if role.is_some() && given.portal.is_none() {
        gathered
            .mistake("console.role", "needs console.portal: only the access portal takes a role");
    }
    Some(Portal { address: address?, role })
}

pub fn runbooks(raw: &Raw, gathered: &mut Gathered) -> Vec<Runbook> {
    if raw.runbook.len() > RUNBOOKS_MAX {
        gathered.mistake("runbook", format!("there are more than {RUNBOOKS_MAX}"));
    }
    let numbered = raw.runbook.iter().zip(1..).take(RUNBOOKS_MAX);
    numbered.filter_map(|(given, number)| runbook(given, number, gathered)).collect()
}

fn runbook(given: &RawRunbook, number: usize, gathered: &mut Gathered) -> Option<Runbook> {
    let key = |name: &str| format!("runbook[{number}].{name}");
    let types = gathered.need(&key("type"), &given.types, "", pattern);
    let address = gathered.need(&key("url"), &given.url, "", address);
    Some(Runbook { types: types?, address: address? })
}

fn pattern(given: &Given) -> Result<Glob, String> {
    let text = given.text()?;
    match (1..=PATTERN_CHARS_MAX).contains(&text.chars().count()) {
        true => Ok(Glob::new(text)),
        false => Err(format!(
            "must be a pattern for types, such as \"CryptoCurrency:*\", of 1 to {PATTERN_CHARS_MAX} \
             characters"
        )),
    }
}

fn address(given: &Given) -> Result<Address, String> {
    let text = given.text()?;
    let address = Address::parse(text).filter(|_| !is_slack(text));
    address.ok_or_else(|| {
        "must be an https address of at most 300 characters, without a user, such as \
         \"https://wiki.example.com/runbook\""
            .to_owned()
    })
}

fn portal_address(given: &Given) -> Result<Address, String> {
    let text = given.text()?;
    Portal::parse(text).filter(|_| !is_slack(text)).ok_or_else(|| {
        "must be the address of the AWS access portal, such as \
         \"https://d-1234567890.awsapps.com/start\""
            .to_owned()
    })
}

//! Which accounts and regions a rollout is for: from the arguments, the files, and what is read.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Options, Regions};
use super::configuration::{self, Configuration};
use super::worker::Program;
use crate::config::{self, MemberEntry, Mistake};
use crate::estate::{OrganisationAccount, REGIONS_MAX, RegionStatus};
use crate::rollout::{Mode, Target};
use crate::words::number_of;

/// What is in the files that are named.
#[derive(Default)]
pub struct Files {
    /// None: all accounts.
    pub accounts: Option<BTreeSet<String>>,
    pub members: Vec<MemberEntry>,
    /// The program of `--worker`.
    pub program: Option<Program>,
    /// The worker's configuration file.
    pub configuration: Option<Configuration>,
}

/// Reads the files. Nothing is called before this.
///
/// # Errors
/// All that is wrong with them, each with its line.
pub fn files(options: &Options) -> Result<Files, Vec<String>> {
    let mut wrong = Vec::new();
    let mut said = |mistakes: Vec<Mistake>| {
        wrong.extend(mistakes.iter().map(ToString::to_string));
    };
    let mut files = Files::default();
    if let Some(path) = &options.accounts {
        match config::account_ids_of_file("--accounts", path) {
            Ok(ids) => files.accounts = Some(ids.into_iter().collect()),
            Err(mistakes) => said(mistakes),
        }
    }
    if let Some(path) = &options.members {
        match config::members_of_file("--members", path) {
            Ok(members) => files.members = members,
            Err(mistakes) => said(mistakes),
        }
    }
    if let Some(path) = &options.worker {
        match Program::read(Some(path)) {
            Ok(program) => files.program = Some(program),
            Err(why) => wrong.push(format!("--worker: {why}")),
        }
    }
    if let Some(path) = &options.config {
        match configuration::read(path) {
            Ok(read) => files.configuration = Some(read),
            Err(mistakes) => wrong.extend(mistakes),
        }
    }
    match options.mode {
        Mode::Invitation if options.members.is_none() => wrong.push(
            "--mode invitation needs --members: a file with account,email on each line".to_owned(),
        ),
        Mode::Organisation if options.members.is_some() => wrong.push(
            "--members is for --mode invitation: an organisation knows its accounts".to_owned(),
        ),
        _ => {}
    }
    if wrong.is_empty() { Ok(files) } else { Err(wrong) }
}

/// The accounts to invite.
///
/// # Errors
/// The files name accounts that can't be invited.
pub fn invited(files: &Files, security: &str) -> Result<BTreeMap<String, Target>, Vec<String>> {
    let target = |member: &MemberEntry| {
        (member.account.clone(), Target { email: member.email.clone(), active: true })
    };
    let mut targets: BTreeMap<String, Target> = files.members.iter().map(target).collect();
    let mut wrong = Vec::new();
    if targets.contains_key(security) {
        wrong.push(format!(
            "--members: {security} is the account of this login, and can't be its own member"
        ));
    }
    only_known(files, &mut targets, "--members", &mut wrong);
    if wrong.is_empty() { Ok(targets) } else { Err(wrong) }
}

/// The accounts of the organisation that should be members.
///
/// # Errors
/// The file names accounts that the organisation does not have.
pub fn enrolled(
    files: &Files,
    security: &str,
    accounts: &[OrganisationAccount],
) -> Result<BTreeMap<String, Target>, Vec<String>> {
    let target = |account: &OrganisationAccount| {
        (account.id.clone(), Target { email: account.email.clone(), active: account.active })
    };
    let mut targets: BTreeMap<String, Target> = accounts.iter().map(target).collect();
    let mut wrong = Vec::new();
    only_known(files, &mut targets, "the organisation", &mut wrong);
    targets.remove(security);
    if wrong.is_empty() { Ok(targets) } else { Err(wrong) }
}

/// Keeps the accounts that `--accounts` names.
fn only_known(
    files: &Files,
    targets: &mut BTreeMap<String, Target>,
    of: &str,
    wrong: &mut Vec<String>,
) {
    const SHOWN_MAX: usize = 5;
    let Some(only) = &files.accounts else { return };
    let unknown: Vec<&str> =
        only.iter().filter(|id| !targets.contains_key(*id)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let shown = unknown.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
        let more = if unknown.len() > SHOWN_MAX { " and others" } else { "" };
        let count = number_of(unknown.len(), "account");
        wrong.push(format!("--accounts: {count} not in {of}: {shown}{more}"));
    }
    targets.retain(|id, _| only.contains(id));
}

/// The regions of the rollout, each with whether the security account has it.
///
/// # Errors
/// No region is enabled, or there are too many.
pub fn regions(
    asked: &Regions,
    known: &BTreeMap<String, RegionStatus>,
) -> Result<BTreeMap<String, bool>, String> {
    let enabled = |name: &str| known.get(name).is_none_or(|status| status.is_enabled());
    let regions: BTreeMap<String, bool> = match asked {
        Regions::All => known
            .iter()
            .filter(|(_, status)| status.is_enabled())
            .map(|(name, _)| (name.clone(), true))
            .collect(),
        Regions::These(names) => {
            names.iter().map(|name| (name.to_string(), enabled(name.as_str()))).collect()
        }
    };
    if regions.is_empty() {
        return Err("no region is known: name them with --regions".to_owned());
    }
    if regions.len() > REGIONS_MAX {
        return Err(format!("--regions: at most {REGIONS_MAX} regions"));
    }
    Ok(regions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Text;

    fn account(id: &str) -> OrganisationAccount {
        OrganisationAccount {
            id: id.to_owned(),
            name: Text::new("a", 50),
            email: format!("{id}@a.example"),
            active: true,
            is_management: false,
        }
    }

    fn only(ids: &[&str]) -> Files {
        let accounts = ids.iter().map(|&id| id.to_owned()).collect();
        Files { accounts: Some(accounts), ..Files::default() }
    }

    #[test]
    fn only_the_named_accounts_of_the_organisation_are_enrolled() {
        let all = [account("111122223333"), account("444455556666"), account("777788889999")];
        let ids = |files: &Files| {
            let targets = enrolled(files, "111122223333", &all)?;
            Ok::<_, Vec<String>>(targets.into_keys().collect::<Vec<_>>())
        };
        assert_eq!(ids(&Files::default()).unwrap(), ["444455556666", "777788889999"]);
        // The security account may be in the list, as stack sets need it there.
        assert_eq!(ids(&only(&["111122223333", "777788889999"])).unwrap(), ["777788889999"]);
        let wrong = ids(&only(&["000000000042"])).unwrap_err();
        assert!(wrong[0].contains("1 account not in the organisation: 000000000042"));
    }

    #[test]
    fn the_security_account_is_not_its_own_member() {
        let member = |id: &str| MemberEntry { account: id.into(), email: "a@a.example".into() };
        let files = Files { members: vec![member("111122223333")], ..Files::default() };
        assert!(invited(&files, "111122223333").is_err());
        assert_eq!(invited(&files, "444455556666").unwrap().len(), 1);
    }

    #[test]
    fn regions_that_are_not_enabled_are_named_but_not_chosen() {
        let known = [("eu-west-1", RegionStatus::ByDefault), ("ap-east-1", RegionStatus::Disabled)];
        let known = known.map(|(name, status)| (name.to_owned(), status)).into();
        let all = regions(&Regions::All, &known).unwrap();
        assert_eq!(all, [("eu-west-1".to_owned(), true)].into());
        let both = regions(&"eu-west-1,ap-east-1".parse().unwrap(), &known).unwrap();
        assert!(!both["ap-east-1"]);
        assert!(regions(&Regions::All, &BTreeMap::new()).is_err());
    }
}

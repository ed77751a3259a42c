//! The routes whose rules about an account agree. They are the same for each finding of the
//! account, so they are looked up once and kept until the directory changes.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::finding::arn::is_account_id;
use crate::policy::matcher::Directory;

/// The most accounts kept. AWS Organizations allows 10,000 in an organization.
/// Source: AWS Organizations user guide, Quotas.
const ACCOUNTS_MAX: usize = 10_000;

/// Indexes of routes, in their order.
type List = Arc<[u16]>;

/// The routes of each account that had a finding. A copy begins empty.
#[derive(Default)]
pub(super) struct Candidates(Mutex<Option<Kept>>);

struct Kept {
    /// What the lists are based on. Held, so that no other directory gets its address.
    directory: Arc<dyn Directory>,
    by_account: HashMap<u64, List>,
    /// Each list once: the accounts of a team share it.
    lists: HashSet<List>,
}

impl Candidates {
    /// The routes of an account. Looks them up with `find` if they are not known yet.
    pub fn of(
        &self,
        directory: &Arc<dyn Directory>,
        account: &str,
        find: impl FnOnce() -> List,
    ) -> List {
        let Some(id) = is_account_id(account).then(|| account.parse().ok()).flatten() else {
            return find();
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *kept {
            Some(kept) if kept.is_of(directory) => kept.list(id, find),
            stale => stale.insert(Kept::new(directory)).list(id, find),
        }
    }
}

impl Kept {
    fn new(directory: &Arc<dyn Directory>) -> Kept {
        Kept { directory: Arc::clone(directory), by_account: HashMap::new(), lists: HashSet::new() }
    }

    fn is_of(&self, directory: &Arc<dyn Directory>) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.directory), Arc::as_ptr(directory))
    }

    fn list(&mut self, account: u64, find: impl FnOnce() -> List) -> List {
        if let Some(known) = self.by_account.get(&account) {
            return Arc::clone(known);
        }
        if self.by_account.len() >= ACCOUNTS_MAX {
            // More accounts than an organization has: somebody made them up.
            self.by_account.clear();
            self.lists.clear();
        }
        let found = find();
        let list = self.lists.get(&found).map_or(found, Arc::clone);
        self.lists.insert(Arc::clone(&list));
        self.by_account.insert(account, Arc::clone(&list));
        list
    }
}

impl Clone for Candidates {
    fn clone(&self) -> Candidates {
        Candidates::default()
    }
}

impl fmt::Debug for Candidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::matcher::AccountFacts;

    struct Nobody(#[expect(dead_code, reason = "an allocation has an address of its own")] u8);

    impl Directory for Nobody {
        fn account(&self, _: &str) -> Option<&dyn AccountFacts> {
            None
        }
    }

    fn ask(candidates: &Candidates, at: &Arc<dyn Directory>, account: usize, found: u16) -> u16 {
        candidates.of(at, &format!("{account:012}"), || [found].into())[0]
    }

    #[test]
    fn a_list_is_kept_until_the_directory_changes() {
        let candidates = Candidates::default();
        let [old, new]: [Arc<dyn Directory>; 2] = [Arc::new(Nobody(0)), Arc::new(Nobody(1))];
        for (directory, account, found, expected) in
            [(&old, 1, 1, 1), (&old, 1, 2, 1), (&old, 2, 2, 2), (&new, 1, 3, 3), (&old, 1, 4, 4)]
        {
            assert_eq!(ask(&candidates, directory, account, found), expected);
        }
    }

    #[test]
    fn of_what_is_no_account_id_nothing_is_kept() {
        let (candidates, directory) = (Candidates::default(), Arc::new(Nobody(0)) as _);
        let ask = |account, found| candidates.of(&directory, account, || [found].into())[0];
        assert_eq!(ask("000000000001", 1), 1);
        for (found, account) in (2..).zip(["", "1", "1", "+00000000001", "٠٠٠٠٠٠٠٠٠٠٠١"])
        {
            assert_eq!(ask(account, found), found);
        }
        assert_eq!(ask("000000000001", 9), 1);
    }

    #[test]
    fn no_more_accounts_are_kept_than_an_organization_has() {
        let (candidates, directory) = (Candidates::default(), Arc::new(Nobody(0)) as _);
        for account in 0..=2 * ACCOUNTS_MAX {
            let index = (account % 60_000) as u16;
            assert_eq!(ask(&candidates, &directory, account, index), index);
        }
        let kept = candidates.0.lock().unwrap();
        let kept = kept.as_ref().unwrap();
        assert!(kept.by_account.len() <= ACCOUNTS_MAX && kept.lists.len() <= ACCOUNTS_MAX);
    }
}

//! What the configuration adds to the facts of a finding.

use crate::ports::Accounts;

/// A name that is cut shorter tells nobody anything, so it is left out.
const NAME_CHARS_MIN: usize = 6;

/// What the readers of a post know beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guide {
    pub accounts: Accounts,
}

impl Guide {
    /// Draws an account: `prod-shop 111122223333`, or the id alone if it has no name. `show` draws
    /// a text in at most so many characters: the name in `name_max`, the id in `id_max`.
    pub(super) fn account(
        &self,
        id: &str,
        name_max: usize,
        id_max: usize,
        show: impl Fn(&str, usize) -> String,
    ) -> String {
        match self.accounts.name(id).filter(|_| name_max >= NAME_CHARS_MIN) {
            Some(name) => [&show(name, name_max), " ", &show(id, id_max)].concat(),
            None => show(id, id_max),
        }
    }
}

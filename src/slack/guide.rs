//! What the configuration adds to the facts of a finding: names of accounts, the access portal,
//! and runbooks.

use super::console::{self, LINK_CHARS_MAX, encode};
use super::escape::escape;
use crate::finding::arn::is_account_id;
use crate::finding::{Fact, Finding};
use crate::policy::glob::Glob;
use crate::ports::CurrentAccounts;

/// A name that is cut shorter helps nobody, so it is left out.
const NAME_CHARS_MIN: usize = 6;

/// The longest address in the configuration, escaped for Slack.
pub const ADDRESS_CHARS_MAX: usize = 300;

/// What the readers of a post know beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guide {
    pub accounts: CurrentAccounts,
    /// Links to the console lead through it. None: straight to the console.
    pub portal: Option<Portal>,
    /// The first that matches is shown.
    pub runbooks: Vec<Runbook>,
    /// The keys of the tags that a card shows, in its order.
    pub show_tags: Vec<String>,
}

/// The AWS access portal, which opens the console in the account of the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portal {
    pub address: Address,
    /// The role to take. None: the portal asks.
    pub role: Option<RoleName>,
}

/// What to do about findings of some types.
#[derive(Clone, Debug, PartialEq)]
pub struct Runbook {
    /// A pattern for a whole type, without regard to case.
    pub types: Glob,
    pub address: Address,
}

/// An https address that is safe in Slack's markup once it is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// The name of a permission set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName(String);

impl Address {
    /// None: not https, without a host, with a user, too long, or with a character that an address
    /// writes as `%XX`.
    pub fn parse(text: &str) -> Option<Address> {
        let rest = text.strip_prefix("https://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        let in_host = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
        let is_host =
            host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.chars().all(in_host);
        let is_good = |c: char| c.is_ascii_graphic() && !r#"<>|"`\^{}"#.contains(c);
        let fits = escape(text).len() <= ADDRESS_CHARS_MAX;
        (is_host && fits && rest.chars().all(is_good)).then(|| Address(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl RoleName {
    /// Source: IAM Identity Center API reference, `CreatePermissionSet`, `Name`.
    pub fn parse(text: &str) -> Option<RoleName> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        let fits = (1..=32).contains(&text.len());
        (fits && text.chars().all(is_good)).then(|| RoleName(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Portal {
    /// None: no address of a portal, which has neither a query nor a fragment.
    pub fn parse(text: &str) -> Option<Address> {
        Address::parse(text.trim_end_matches('/'))
            .filter(|address| !address.0.contains(['?', '#', '%']))
    }

    /// The portal's link to a page of the console in an account.
    /// Source: IAM Identity Center user guide, "Creating shortcut links to AWS Management Console
    /// destinations".
    fn link(&self, account: &str, page: &str) -> String {
        let role = self.role.as_ref().map(|role| ["&role_name=", &encode(&role.0)].concat());
        let role = role.unwrap_or_default();
        let Address(portal) = &self.address;
        let link =
            format!("{portal}/#/console?account_id={account}{role}&destination={}", encode(page));
        escape(&link)
    }
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
        match self.accounts.get().name(id).filter(|_| name_max >= NAME_CHARS_MIN) {
            Some(name) => [&show(name, name_max), " ", &show(id, id_max)].concat(),
            None => show(id, id_max),
        }
    }

    /// The link to the finding in the console, escaped: through the portal if there is one and the
    /// link is not too long for it.
    pub(super) fn console_link(&self, finding: &Finding) -> Option<String> {
        let page = console::link(finding)?;
        let account = Some(finding.account.as_str()).filter(|account| is_account_id(account));
        let through = self.portal.as_ref().zip(account);
        let through = through.map(|(portal, account)| portal.link(account, &page));
        Some(through.filter(|link| link.len() <= LINK_CHARS_MAX).unwrap_or(page))
    }

    /// `Team=shop, Env=prod`: the tags of the finding that are shown, not escaped yet. The case of
    /// a key does not count.
    pub(super) fn tags(&self, finding: &Finding) -> Option<Fact> {
        let shown = self.show_tags.iter().filter_map(|key| {
            let tag = finding.tags.iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case(key));
            Some([key, "=", tag?.1.as_str()].concat())
        });
        Fact::new("Tags", shown.collect::<Vec<_>>().join(", ").into())
    }

    /// The address of the runbook for a finding, escaped.
    pub(super) fn runbook(&self, finding: &Finding) -> Option<String> {
        let kind = finding.kind.as_str();
        let runbook = self.runbooks.iter().find(|runbook| runbook.types.matches(kind))?;
        Some(escape(runbook.address.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_and_hold_nothing_for_slack() {
        let long = format!("https://w.example/{}", "x".repeat(300));
        let ampersands = format!("https://w.example/?{}", "&".repeat(60));
        for (text, good) in [
            ("https://wiki.example.com/x?y=1&z=2#%20", true),
            ("https://wiki:8443", true),
            ("http://wiki.example.com", false),
            ("HTTPS://wiki.example.com", false),
            ("https://", false),
            ("https:///x", false),
            ("https://user:pass@wiki.example.com", false),
            ("https://wiki.example.com/a b", false),
            ("https://wiki.example.com/a|b", false),
            ("https://wiki.example.com/<!here>", false),
            ("https://wiki.example.com/é", false),
            ("javascript:alert(1)", false),
            (&long, false),
            (&ampersands, false),
        ] {
            assert_eq!(Address::parse(text).is_some(), good, "{text}");
        }
        for (text, portal) in [
            (
                "https://d-1234567890.awsapps.com/start/",
                Some("https://d-1234567890.awsapps.com/start"),
            ),
            ("https://acme.awsapps.com/start#/", None),
            ("https://acme.awsapps.com/start?x", None),
        ] {
            assert_eq!(Portal::parse(text).as_ref().map(Address::as_str), portal);
        }
        for (text, good) in
            [("SecurityAudit", true), ("a+=,.@-_1", true), ("a b", false), ("", false)]
        {
            assert_eq!(RoleName::parse(text).is_some(), good, "{text}");
        }
        assert!(RoleName::parse(&"x".repeat(33)).is_none());
    }

    #[test]
    fn tags_are_shown_as_the_configuration_names_them() {
        let raw = r#"{"schemaVersion":"2.0","id":"f","severity":5,"service":{},
            "resource":{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0abc","tags":[
                {"key":"Env","value":"prod"},{"key":"team","value":"<!here>"},{"key":"Cost","value":"7"}]}}}"#;
        let finding = crate::finding::parse(raw).findings.remove(0);
        for (keys, said) in [
            (["Team", "Env"].as_slice(), Some("Team=<!here>, Env=prod")),
            (&["Owner", "Cost"], Some("Cost=7")),
            (&["Owner"], None),
            (&[], None),
        ] {
            let show_tags = keys.iter().map(|key| (*key).to_owned()).collect();
            let tags = Guide { show_tags, ..Guide::default() }.tags(&finding);
            assert_eq!(tags.as_ref().map(|fact| fact.text.as_str()), said, "{keys:?}");
        }
    }

    #[test]
    fn the_portal_leads_to_account_role_and_page() {
        let address = Portal::parse("https://acme.awsapps.com/start").unwrap();
        let page =
            "https://console.aws.amazon.com/guardduty/home?region=r#/findings?search=id%3D0a";
        let encoded = "https%3A%2F%2Fconsole.aws.amazon.com%2Fguardduty%2Fhome%3Fregion%3Dr%23%2F\
                       findings%3Fsearch%3Did%253D0a";
        for (role, part) in [(Some("Audit@1"), "&amp;role_name=Audit%401"), (None, "")] {
            let portal = Portal { address: address.clone(), role: role.and_then(RoleName::parse) };
            assert_eq!(
                portal.link("111122223333", page),
                format!(
                    "https://acme.awsapps.com/start/#/console?account_id=111122223333{part}\
                     &amp;destination={encoded}"
                )
            );
        }
    }
}

//! The addresses that hansho posts to.
//!
//! Findings show an organisation's weak spots. So hansho posts only to Slack's hosts, whatever
//! address the configuration or the secret store holds. Loopback is allowed for tests and the demo.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::secret::Secret;

/// Slack's webhooks have about 80 bytes.
const URL_BYTES_MAX: usize = 1024;

/// Source: Slack, "Sending messages using incoming webhooks"; the second is GovSlack's.
const SLACK_HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// A valid address of a webhook. It is a secret, because anybody who has it can post. Only its host
/// is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    url: Secret,
    host: String,
}

/// Why an address was rejected. It holds no part of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    #[error("the webhook is empty: copy the URL from Slack's page Incoming Webhooks")]
    Empty,
    #[error("the webhook is not a URL: copy the whole URL from Slack's page Incoming Webhooks")]
    NotAUrl,
    #[error("the webhook has to start with https:// (plain http is allowed only to loopback)")]
    Scheme,
    #[error("the webhook's host has to be hooks.slack.com or hooks.slack-gov.com")]
    Host,
    #[error("the webhook must not have a user name or password")]
    UserInfo,
    #[error("the webhook must not have a port: Slack listens on 443")]
    Port,
    #[error(
        "the webhook's path has to be /services/… without a query; workflow triggers are not supported"
    )]
    Path,
}

impl Webhook {
    /// Accepts `https://hooks.slack.com/services/…`, the same on GovSlack's host, and plain http on
    /// loopback with any path. White space around the address is ignored, because files end in a
    /// newline.
    pub fn parse(text: &str) -> Result<Webhook, BadWebhook> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadWebhook::Empty);
        }
        // A URL parser would drop line ends and turn backslashes into slashes.
        let clean = text.len() <= URL_BYTES_MAX
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'"');
        let url = clean.then(|| Url::parse(text).ok()).flatten().ok_or(BadWebhook::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadWebhook::UserInfo);
        }
        let host = url.host_str().ok_or(BadWebhook::NotAUrl)?;
        let shown = match url.scheme() {
            "https" => {
                check_slack(&url, host)?;
                host.to_owned()
            }
            "http" if is_loopback(host) => match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            _ => return Err(BadWebhook::Scheme),
        };
        Ok(Webhook { host: shown, url: Secret::new(String::from(url)) })
    }

    /// The host, without the port.
    pub fn host(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.host,
        }
    }

    /// The address itself, only for the HTTP call.
    pub(super) fn expose(&self) -> &str {
        self.url.expose()
    }
}

fn check_slack(url: &Url, host: &str) -> Result<(), BadWebhook> {
    if !SLACK_HOSTS.contains(&host) {
        return Err(BadWebhook::Host);
    }
    if url.port().is_some() {
        return Err(BadWebhook::Port);
    }
    let secret_part = url.path().strip_prefix("/services/").unwrap_or_default();
    let plain =
        secret_part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'));
    if secret_part.is_empty() || !plain || url.query().is_some() || url.fragment().is_some() {
        return Err(BadWebhook::Path);
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/…", self.host)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_slack_and_loopback_through() {
        for (text, shown) in [
            ("https://hooks.slack.com/services/T000/B000/XXXX", "hooks.slack.com/…"),
            ("  https://hooks.slack.com:443/services/T000/B000/XXXX\n", "hooks.slack.com/…"),
            ("HTTPS://HOOKS.SLACK.COM/services/T000/B000/XXXX", "hooks.slack.com/…"),
            ("https://hooks.slack-gov.com/services/T000/B000/XXXX", "hooks.slack-gov.com/…"),
            ("http://127.0.0.1:4000/services/T000/B000/XXXX", "127.0.0.1:4000/…"),
            ("http://127.9.9.9/x", "127.9.9.9/…"),
            ("http://[::1]:4000/any/path?q=1", "[::1]:4000/…"),
            ("http://localhost:4000/", "localhost:4000/…"),
        ] {
            let webhook = Webhook::parse(text).unwrap();
            assert_eq!(webhook.to_string(), shown);
            assert_eq!(format!("{webhook:?}"), format!("Webhook({shown})"));
        }
    }

    #[test]
    fn rejects_other_addresses_and_repeats_nothing_of_them() {
        for (text, why) in [
            ("", BadWebhook::Empty),
            (" \n", BadWebhook::Empty),
            ("zebra", BadWebhook::NotAUrl),
            ("https://", BadWebhook::NotAUrl),
            ("data:zebra", BadWebhook::NotAUrl),
            ("https://hooks.slack.com/services/T000/\nzebra", BadWebhook::NotAUrl),
            ("https:\\\\hooks.slack.com\\services\\zebra", BadWebhook::NotAUrl),
            ("http://hooks.slack.com/services/zebra", BadWebhook::Scheme),
            ("http://10.0.0.1/zebra", BadWebhook::Scheme),
            ("http://169.254.169.254/zebra", BadWebhook::Scheme),
            ("http://0.0.0.0/zebra", BadWebhook::Scheme),
            ("http://[::ffff:127.0.0.1]/zebra", BadWebhook::Scheme),
            ("http://localhost.zebra.example/", BadWebhook::Scheme),
            ("http://127.0.0.1.zebra.example/", BadWebhook::Scheme),
            ("ftp://hooks.slack.com/services/zebra", BadWebhook::Scheme),
            ("https://zebra.example/services/T000", BadWebhook::Host),
            ("https://hooks.slack.com.zebra.example/services/T000", BadWebhook::Host),
            ("https://hooks.slack.com./services/zebra", BadWebhook::Host),
            ("https://slack.com/services/zebra", BadWebhook::Host),
            ("https://127.0.0.1/zebra", BadWebhook::Host),
            ("https://zebra@hooks.slack.com/services/T000", BadWebhook::UserInfo),
            ("https://hooks.slack.com@zebra.example/services/T000", BadWebhook::UserInfo),
            ("http://zebra:p@127.0.0.1/", BadWebhook::UserInfo),
            ("https://hooks.slack.com:8443/services/zebra", BadWebhook::Port),
            ("https://hooks.slack.com/workflows/zebra", BadWebhook::Path),
            ("https://hooks.slack.com/services/", BadWebhook::Path),
            ("https://hooks.slack.com/services/../zebra", BadWebhook::Path),
            ("https://hooks.slack.com/services/%2e%2e/zebra", BadWebhook::Path),
            ("https://hooks.slack.com/services/T000?zebra=1", BadWebhook::Path),
            ("https://hooks.slack.com/services/T000#zebra", BadWebhook::Path),
        ] {
            let refused = Webhook::parse(text).unwrap_err();
            assert_eq!(refused, why, "{text}");
            assert!(!format!("{refused} {refused:?}").contains("zebra"), "{text}");
        }
        let long = format!("https://hooks.slack.com/services/{}", "z".repeat(URL_BYTES_MAX));
        assert_eq!(Webhook::parse(&long), Err(BadWebhook::NotAUrl));
    }
}

//! The addresses that hansho posts to. Findings are an organisation's weak spots, so they go to
//! Slack and nowhere else, whatever the configuration or whoever can write to the secret's store
//! says; loopback is let through for tests and the demo.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::secret::Secret;

/// Slack's webhooks have about 80 characters.
const URL_BYTES_MAX: usize = 1024;

/// Source: Slack, "Sending messages using incoming webhooks"; the second is GovSlack's.
const SLACK_HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// A webhook's address that passed the rules. It is a secret: whoever has it can post. Only its
/// host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    url: Secret,
    host: String,
}

/// Why an address was refused. It never holds any of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    #[error("the webhook is empty: give the URL that Slack shows under Incoming Webhooks")]
    Empty,
    #[error("the webhook is no URL: copy it whole from Slack's page Incoming Webhooks")]
    NotAUrl,
    #[error("the webhook has to start with https:// (plain http is allowed to loopback only)")]
    Scheme,
    #[error("the webhook's host has to be hooks.slack.com or hooks.slack-gov.com")]
    Host,
    #[error("the webhook must not hold a user name or password")]
    UserInfo,
    #[error("the webhook must not name a port: Slack answers on 443")]
    Port,
    #[error(
        "the webhook's path has to be /services/… and nothing after it; workflow triggers are not \
         supported"
    )]
    Path,
}

impl Webhook {
    /// `https://hooks.slack.com/services/…`, the same on GovSlack's host, or plain http on loopback
    /// with any path. White space around it is let pass, since files end in a newline.
    pub fn parse(text: &str) -> Result<Webhook, BadWebhook> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadWebhook::Empty);
        }
        // A URL parser drops line ends and turns back-slashes round. Nobody means that here.
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

    /// The host that it leads to, without the port.
    pub fn host(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.host,
        }
    }

    /// The address itself, for the HTTP call alone.
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
    fn refuses_everything_else_and_tells_nothing_of_it() {
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

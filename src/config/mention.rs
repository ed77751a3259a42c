//! Whom a finding mentions, in Slack's own syntax. This is the seam to the Slack adapter: where it
//! has a parser of its own, [`whole`] and [`of_id`] are the two places that call it.
//!
//! Source: Slack developer docs, "Formatting text for app surfaces: mentions".

use super::keys::{SLACK_MENTION_ID, SLACK_MENTION_NAME};
use super::reference::is_like_a_webhook;

const MENTION: &str = "must be one Slack mention: <!subteam^S0123> or <!subteam^S0123|label> for a \
     user group, <@U0123> for a member, <!here>, <!channel> or <!everyone>";

const ID: &str = "must be a Slack id: of a member (U… or W…) or of a user group (S…), capital \
     letters and digits only; or here, channel, everyone";

const LABEL: &str = "must be 1 to 80 letters, digits, spaces and @ . _ - signs";

/// Whether this is a mention as Slack writes them.
pub fn whole(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(MENTION)?;
    let is_good = match (inner.strip_prefix('@'), inner.strip_prefix("!subteam^")) {
        (Some(member), _) => is_id(member, &['U', 'W']),
        (_, Some(group)) => match group.split_once('|') {
            Some((id, label)) => is_id(id, &['S']) && is_label(label),
            None => is_id(group, &['S']),
        },
        _ => ["!here", "!channel", "!everyone"].contains(&inner),
    };
    if is_good { Ok(text.to_owned()) } else { Err(MENTION.to_owned()) }
}

/// The mention of `SLACK_MENTION_ID` with the label `SLACK_MENTION_NAME`; the error names the
/// variable that is wrong. A member is shown by the name that Slack knows, so a label is only
/// checked there.
pub fn of_id(id: &str, label: Option<&str>) -> Result<String, (&'static str, &'static str)> {
    if label.is_some_and(|label| !is_label(label)) {
        return Err((SLACK_MENTION_NAME, LABEL));
    }
    match (id, label) {
        ("here" | "channel" | "everyone", _) => Ok(format!("<!{id}>")),
        (id, _) if is_id(id, &['U', 'W']) => Ok(format!("<@{id}>")),
        (id, Some(label)) if is_id(id, &['S']) => Ok(format!("<!subteam^{id}|{label}>")),
        (id, None) if is_id(id, &['S']) => Ok(format!("<!subteam^{id}>")),
        (id, _) => whole(id).map_err(|_| (SLACK_MENTION_ID, ID)),
    }
}

/// Slack's ids have 9 to 11 characters; the bounds leave room for change.
fn is_id(id: &str, kinds: &[char]) -> bool {
    (2..=32).contains(&id.len())
        && id.starts_with(kinds)
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    const LABEL_CHARS_MAX: usize = 80;
    !label.is_empty()
        && label.chars().count() <= LABEL_CHARS_MAX
        && label.chars().all(|c| c.is_alphanumeric() || " @._-".contains(c))
        && !is_like_a_webhook(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_mentions() {
        for (written, good) in [
            ("<!here>", true),
            ("<!channel>", true),
            ("<!everyone>", true),
            ("<@U0123ABC>", true),
            ("<@W0123ABC>", true),
            ("<!subteam^S0123>", true),
            ("<!subteam^S0123|sre on call>", true),
            ("<@U0123|anna>", false),
            ("<!here|all>", false),
            ("@here", false),
            ("<!here", false),
            ("<!here> now", false),
            ("<!here><!channel>", false),
            ("<@S0123>", false),
            ("<@u0123>", false),
            ("<!subteam^U0123>", false),
            ("<!subteam^S0123|>", false),
            ("<!subteam^S0123|hooks.slack.com>", false),
            ("<!date^1^x|y>", false),
            ("<https://example.com|here>", false),
            ("<#C0123>", false),
            ("", false),
        ] {
            assert_eq!(whole(written).is_ok(), good, "{written}");
        }
    }

    #[test]
    fn ids_become_mentions() {
        for (id, label, expected) in [
            ("U012AB", None, Ok("<@U012AB>")),
            ("W012AB", Some("anna"), Ok("<@W012AB>")),
            ("S012AB", Some("@sre"), Ok("<!subteam^S012AB|@sre>")),
            ("S012AB", None, Ok("<!subteam^S012AB>")),
            ("here", None, Ok("<!here>")),
            ("<@U012AB>", None, Ok("<@U012AB>")),
            ("C012AB", None, Err(SLACK_MENTION_ID)),
            ("u012ab", None, Err(SLACK_MENTION_ID)),
            ("U", None, Err(SLACK_MENTION_ID)),
            ("S012AB", Some("a>b"), Err(SLACK_MENTION_NAME)),
            ("U012AB", Some("a>b"), Err(SLACK_MENTION_NAME)),
        ] {
            let mention = of_id(id, label);
            let told = mention.as_deref().map_err(|(name, _)| *name);
            assert_eq!(told, expected, "{id} {label:?}");
        }
    }
}

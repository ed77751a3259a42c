//! Mentions of people and groups. They come only from the configuration; a finding cannot make one.

use std::fmt;
use std::str::FromStr;

use crate::finding::{Finding, Level};
use crate::instants::Wall;
use crate::policy::hours::Hours;
use crate::policy::matcher::{Directory, Matcher, Subject};

/// Slack's ids have 9 to 11 characters. The limits leave room for changes.
const ID_CHARS: std::ops::RangeInclusive<usize> = 2..=32;
const LABEL_CHARS_MAX: usize = 80;

/// A mention in the form that Slack acts on.
/// Source: Slack, "Formatting message text", mentioning users, groups and channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention(String);

/// The text is not a mention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAMention {
    #[error(
        "a mention is one of <!subteam^S…>, <!subteam^S…|label>, <@U…>, <@W…>, <!here>, <!channel>, \
         <!everyone>"
    )]
    Form,
    #[error("a mention's id is U, W or S and capital letters and digits, as Slack shows it")]
    Id,
    #[error(
        "a mention's label has 1 to {LABEL_CHARS_MAX} letters, digits, spaces and @ . _ - signs"
    )]
    Label,
}

impl Mention {
    /// Makes a mention of `SLACK_MENTION_ID` and `SLACK_MENTION_NAME` in the environment. The id is
    /// one of:
    ///
    /// - a user's (`U…`, `W…`). Slack shows the user's own name, so `name` is only checked.
    /// - a user group's (`S…`). `name` is its label.
    /// - `here`, `channel` or `everyone`.
    /// - a whole mention such as `<!here>`.
    pub fn from_id(id: &str, name: Option<&str>) -> Result<Mention, NotAMention> {
        let id = id.trim();
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        if let Some(name) = name {
            check_label(name)?;
        }
        match (id, name) {
            (whole, _) if whole.starts_with('<') => whole.parse(),
            ("here" | "channel" | "everyone", _) => Ok(Mention(format!("<!{id}>"))),
            (id, Some(name)) if id.starts_with('S') => format!("<!subteam^{id}|{name}>").parse(),
            (id, None) if id.starts_with('S') => format!("<!subteam^{id}>").parse(),
            (id, _) if id.starts_with(['U', 'W']) => format!("<@{id}>").parse(),
            _ => Err(NotAMention::Id),
        }
    }

    /// The mention as it is written in a post.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Mention {
    type Err = NotAMention;

    fn from_str(text: &str) -> Result<Mention, NotAMention> {
        let text = text.trim();
        let inner = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .ok_or(NotAMention::Form)?;
        if let Some(user) = inner.strip_prefix('@') {
            check_id(user, &['U', 'W'])?;
        } else if let Some(group) = inner.strip_prefix("!subteam^") {
            let (id, label) = match group.split_once('|') {
                Some((id, label)) => (id, Some(label)),
                None => (group, None),
            };
            check_id(id, &['S'])?;
            label.map_or(Ok(()), check_label)?;
        } else if !matches!(inner, "!here" | "!channel" | "!everyone") {
            return Err(NotAMention::Form);
        }
        Ok(Mention(text.to_owned()))
    }
}

fn check_id(id: &str, first: &[char]) -> Result<(), NotAMention> {
    let good = ID_CHARS.contains(&id.len())
        && id.starts_with(first)
        && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    good.then_some(()).ok_or(NotAMention::Id)
}

fn check_label(label: &str) -> Result<(), NotAMention> {
    let chars = label.chars().take(LABEL_CHARS_MAX + 1).count();
    let good = (1..=LABEL_CHARS_MAX).contains(&chars)
        && label.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '@' | '.' | '_' | '-'));
    good.then_some(()).ok_or(NotAMention::Label)
}

/// Whom findings mention at some hours.
#[derive(Clone, Debug, PartialEq)]
pub struct OnCall {
    pub mention: Mention,
    /// None: at all hours.
    pub hours: Option<Hours>,
    /// The findings that call them. By default all.
    pub matcher: Matcher,
}

/// The mentions of one destination. There are none unless the configuration sets them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mentions {
    levels: [Option<Mention>; Level::ALL.len()],
    /// The first that is on call for a finding takes the place of the mention for its level.
    pub on_call: Vec<OnCall>,
}

/// The most mentions in one post.
const MENTIONS_MAX: usize = 5;

impl Mentions {
    pub fn none() -> Mentions {
        Mentions::default()
    }

    /// One mention for `lowest` and all higher levels.
    pub fn from_level_up(lowest: Level, mention: Mention) -> Mentions {
        let mut mentions = Mentions::none();
        for level in Level::ALL.into_iter().filter(|level| *level >= lowest) {
            mentions.set(level, mention.clone());
        }
        mentions
    }

    pub fn set(&mut self, level: Level, mention: Mention) {
        if let Some(slot) = self.levels.get_mut(usize::from(level.rank())) {
            *slot = Some(mention);
        }
    }

    pub fn of(&self, level: Level) -> Option<&Mention> {
        self.levels.get(usize::from(level.rank())).and_then(Option::as_ref)
    }

    /// The mentions of a post with these findings, the most severe first: whoever is on call for
    /// one of them, and the mention for the level of the first.
    pub(super) fn of_post<'f>(
        &self,
        findings: impl Iterator<Item = &'f Finding>,
        directory: &dyn Directory,
        at: Wall,
    ) -> Option<String> {
        let mut named: Vec<&str> = Vec::new();
        let mut highest = None;
        for finding in findings {
            let level = finding.severity.level;
            let is_highest = *highest.get_or_insert(level) == level;
            let mention = self.on_call(&Subject::of(finding, directory), at);
            let mention = mention.or_else(|| self.of(level).filter(|_| is_highest));
            if let Some(Mention(text)) = mention
                && !named.contains(&text.as_str())
            {
                named.push(text);
            }
        }
        named.truncate(MENTIONS_MAX);
        (!named.is_empty()).then(|| named.join(" "))
    }

    fn on_call(&self, subject: &Subject<'_>, at: Wall) -> Option<&Mention> {
        let is_on_call = |on_call: &&OnCall| {
            on_call.hours.as_ref().is_none_or(|hours| hours.contain(at))
                && on_call.matcher.matches(subject)
        };
        self.on_call.iter().find(is_on_call).map(|on_call| &on_call.mention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_slacks_forms_and_no_others() {
        for text in [
            "<!subteam^S0123>",
            "<!subteam^S0123|sre>",
            "<!subteam^S0123|@sre on-call>",
            "<@U0123>",
            "<@W0123ABC>",
            "<!here>",
            "<!channel>",
            "<!everyone>",
        ] {
            assert_eq!(text.parse::<Mention>().unwrap().as_str(), text);
        }
        for (text, why) in [
            ("", NotAMention::Form),
            ("here", NotAMention::Form),
            ("@here", NotAMention::Form),
            ("<here>", NotAMention::Form),
            ("<!date^0^{date}|x>", NotAMention::Form),
            ("<https://evil.example|x>", NotAMention::Form),
            ("<#C0123>", NotAMention::Form),
            ("<@S0123>", NotAMention::Id),
            ("<@U>", NotAMention::Id),
            ("<@u0123>", NotAMention::Id),
            ("<@U0123|bob>", NotAMention::Id),
            ("<@U0123> <!here>", NotAMention::Id),
            ("<!subteam^U0123>", NotAMention::Id),
            ("<!subteam^S0123|>", NotAMention::Label),
            ("<!subteam^S0123|a|b>", NotAMention::Label),
            ("<!subteam^S0123|a> <!here>", NotAMention::Label),
        ] {
            assert_eq!(text.parse::<Mention>(), Err(why), "{text}");
        }
    }

    #[test]
    fn makes_a_mention_of_an_id_and_a_name() {
        for (id, name, mention) in [
            ("U0123", None, Ok("<@U0123>")),
            ("W0123", Some("bob"), Ok("<@W0123>")),
            ("S0123", None, Ok("<!subteam^S0123>")),
            (" S0123 ", Some(" sre "), Ok("<!subteam^S0123|sre>")),
            ("S0123", Some(""), Ok("<!subteam^S0123>")),
            ("here", Some("x"), Ok("<!here>")),
            ("<!channel>", None, Ok("<!channel>")),
            ("S0123", Some("a>b"), Err(NotAMention::Label)),
            ("C0123", None, Err(NotAMention::Id)),
            ("", None, Err(NotAMention::Id)),
            ("U0123><!here", None, Err(NotAMention::Id)),
        ] {
            let made = Mention::from_id(id, name);
            assert_eq!(made.as_ref().map(Mention::as_str), mention.as_ref().copied(), "{id}");
        }
    }

    #[test]
    fn nobody_is_mentioned_by_default() {
        let mut mentions = Mentions::none();
        assert!(Level::ALL.iter().all(|level| mentions.of(*level).is_none()));
        mentions.set(Level::Critical, Mention("<!here>".into()));
        assert!(mentions.of(Level::High).is_none());
        assert_eq!(mentions.of(Level::Critical).map(Mention::as_str), Some("<!here>"));
        let up = Mentions::from_level_up(Level::High, Mention("<!here>".into()));
        assert!(up.of(Level::Medium).is_none() && up.of(Level::High).is_some());
    }
}

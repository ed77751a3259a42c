//! Reads a line of Slack's markup (mrkdwn), as far as a post uses it: emphasis, code, links,
//! mentions and dates. Lists, quotations, code blocks and names of emoji stay as they are written.
//!
//! Source: Slack, "Formatting message text".

use crate::instants::Wall;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Emphasis {
    pub bold: bool,
    pub italic: bool,
    pub strike: bool,
}

impl Emphasis {
    fn of(&mut self, sign: &str) -> &mut bool {
        match sign {
            "*" => &mut self.bold,
            "_" => &mut self.italic,
            _ => &mut self.strike,
        }
    }
}

/// What a part of a line shows. The entities in it are decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Code(String),
    Link {
        address: String,
        label: Option<String>,
    },
    /// With its `@`.
    Mention(String),
    /// `form` is Slack's, such as `{date_short_pretty} {time}`.
    Date {
        at: Wall,
        form: String,
        otherwise: String,
    },
}

/// The parts of a line, each with its emphasis. Emphasis that is not closed is text.
pub(super) fn parts(line: &str) -> Vec<(Emphasis, Part)> {
    let pieces = pieces(line);
    let mut emphasis = Emphasis::default();
    let mut parts = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let part = match piece {
            Piece::Text(text) => Part::Text(decoded(text)),
            Piece::Code(text) => Part::Code(decoded(text)),
            Piece::Token(token) => shown(token),
            Piece::Mark { sign, begins, ends } => {
                let rest = pieces.get(index + 1..).unwrap_or_default();
                let is_on = emphasis.of(sign);
                if if *is_on { *ends } else { *begins && is_ended(rest, sign) } {
                    *is_on = !*is_on;
                    continue;
                }
                Part::Text((*sign).to_owned())
            }
        };
        parts.push((emphasis, part));
    }
    parts
}

/// The text of a text object, or of a string, without its markup.
pub(super) fn plain(text: &str) -> String {
    let line = |line| parts(line).into_iter().map(|(_, part)| part.into_text()).collect();
    text.lines().map(line).collect::<Vec<String>>().join("\n")
}

impl Part {
    fn into_text(self) -> String {
        match self {
            Part::Text(text) | Part::Code(text) | Part::Mention(text) => text,
            Part::Link { address, label } => label.unwrap_or(address),
            Part::Date { otherwise, .. } => otherwise,
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Code(&'a str),
    /// The inside of `<…>`.
    Token(&'a str),
    /// `*`, `_` or `~`, and whether emphasis may begin or end with it.
    Mark {
        sign: &'a str,
        begins: bool,
        ends: bool,
    },
}

fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = line;
    let mut before = None;
    while let Some(at) = rest.find(['<', '`', '*', '_', '~']) {
        let (text, from) = rest.split_at(at);
        let (sign, after) = from.split_at(1);
        pieces.push(Piece::Text(text));
        before = text.chars().next_back().or(before);
        let closed = match sign {
            "<" => after.split_once('>').map(|(inside, rest)| (Piece::Token(inside), rest)),
            "`" => after.split_once('`').map(|(inside, rest)| (Piece::Code(inside), rest)),
            _ => Some((mark(sign, before, after.chars().next()), after)),
        };
        let (piece, after) = closed.unwrap_or((Piece::Text(sign), after));
        pieces.push(piece);
        before = sign.chars().next();
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| !matches!(piece, Piece::Text("")));
    pieces
}

/// Emphasis begins before and ends after a word, and neither in the middle of one.
fn mark(sign: &str, before: Option<char>, after: Option<char>) -> Piece<'_> {
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let doubled = after.is_some_and(|c| sign.starts_with(c));
    Piece::Mark {
        sign,
        begins: !in_word(before) && !is_space(after) && !doubled,
        ends: !is_space(before) && !in_word(after),
    }
}

fn is_ended(rest: &[Piece<'_>], by: &str) -> bool {
    rest.iter().any(|piece| matches!(piece, Piece::Mark { sign, ends: true, .. } if *sign == by))
}

/// What Slack shows for `<token>`.
fn shown(token: &str) -> Part {
    let (head, label) = match token.split_once('|') {
        Some((head, label)) => (head, Some(decoded(label))),
        None => (token, None),
    };
    if let Some(date) = head.strip_prefix("!date^") {
        let mut parts = date.split('^');
        let seconds = parts.next().and_then(|seconds| seconds.parse::<i64>().ok());
        let otherwise = label.unwrap_or_default();
        match seconds.and_then(|seconds| seconds.checked_mul(1000)) {
            Some(millis) => {
                let form = parts.next().unwrap_or_default().to_owned();
                Part::Date { at: Wall(millis), form, otherwise }
            }
            None => Part::Text(otherwise),
        }
    } else if let Some(call) = head.strip_prefix(['!', '@']) {
        let name = label.unwrap_or_else(|| decoded(call.trim_start_matches("subteam^")));
        Part::Mention(format!("@{}", name.trim_start_matches('@')))
    } else {
        Part::Link { address: decoded(head), label }
    }
}

/// Decodes the entities that Slack decodes, once.
pub(super) fn decoded(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts as text: `[b …]` for bold, `[code …]`, and so on.
    fn read(line: &str) -> String {
        let one = |(emphasis, part): (Emphasis, Part)| {
            let text = match part {
                Part::Text(text) => text,
                Part::Code(text) => format!("[code {text}]"),
                Part::Link { address, label } => format!("[{address} {label:?}]"),
                Part::Mention(name) => format!("[call {name}]"),
                Part::Date { at, form, otherwise } => {
                    format!("[at {} {form:?} {otherwise}]", at.seconds())
                }
            };
            let marks = [(emphasis.bold, 'b'), (emphasis.italic, 'i'), (emphasis.strike, 's')];
            let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
            if marks.is_empty() { text } else { format!("[{marks} {text}]") }
        };
        parts(line).into_iter().map(one).collect()
    }

    #[test]
    fn reads_a_line_as_slack_does() {
        for (line, as_read) in [
            ("", ""),
            ("plain", "plain"),
            ("*bold* and _italic_, ~gone~", "[b bold] and [i italic], [s gone]"),
            ("_*both*_", "[bi both]"),
            ("*a _b* c_", "[b a ][bi b][i  c]"),
            ("web_role_2 a*b*c 2 * 3 * 4 ** __", "web_role_2 a*b*c 2 * 3 * 4 ** __"),
            ("*open _and ~on", "*open _and ~on"),
            ("`*a* <b>` *c*", "[code *a* <b>] [b c]"),
            ("`open *bold*", "`open [b bold]"),
            ("*<https://a/b|c *d*>*:", "[b [https://a/b Some(\"c *d*\")]]:"),
            ("<https://a?b&amp;c>", "[https://a?b&c None]"),
            ("<!here> <!subteam^S1> <!subteam^S1|@sre>", "[call @here] [call @S1] [call @sre]"),
            ("<@U1> <@U1|ann>", "[call @U1] [call @ann]"),
            ("<!date^1784746037^{date} {time}|2026>", "[at 1784746037 \"{date} {time}\" 2026]"),
            ("<!date^x^{date}|then>", "then"),
            ("<!date^9223372036854775807^{date}|then>", "then"),
            ("&lt;!here&gt; &amp;lt; &quot;", "<!here> &lt; &quot;"),
            ("open <b", "open <b"),
            ("<>", "[ None]"),
        ] {
            assert_eq!(read(line), as_read, "{line}");
        }
    }

    #[test]
    fn leaves_the_text_alone_without_markup() {
        let text = "🚨 *HIGH* <!subteam^S1|@sre>: <https://a|b&amp;c>\n<!date^1^{time}|00:00> `d`";
        assert_eq!(plain(text), "🚨 HIGH @sre: b&c\n00:00 d");
    }
}

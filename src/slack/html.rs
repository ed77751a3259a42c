//! Draws posts on a page (HTML), each as Slack shows it on a desktop and on a phone, and as the
//! notification on the phone's lock screen.
//!
//! The page is one file without scripts. Its policy (Content-Security-Policy) lets a browser load
//! nothing, and apply no style but the page's own. [`maud`] escapes every text.

use base64::prelude::{BASE64_STANDARD, Engine};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use sha2::{Digest, Sha256};
use unicode_segmentation::UnicodeSegmentation;

use super::date;
use super::mrkdwn::{Emphasis, Part, decoded, parts, plain};
use super::outgoing::{list, string, text_in_channel};

const STYLE: &str = include_str!("html.css");

/// How many characters of a notification a lock screen shows, roughly.
const LOCK_SCREEN_CHARS: usize = 150;

/// The beginning of a page. Any number of [`message`]s may follow, and nothing needs to.
pub fn head() -> String {
    head_of("hansho: what Slack would show", STYLE)
}

/// The beginning of a page that loads nothing, and has this style alone.
pub fn head_of(title: &str, style: &str) -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    let head = html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(policy);
        meta name="referrer" content="no-referrer";
        meta name="viewport" content="width=device-width";
        title { (title) }
        style { (PreEscaped(style)) }
    };
    head.into_string()
}

/// A message on a desktop, and beside it on a phone.
pub fn message(payload: &Value) -> String {
    let post = post(payload);
    let page = html! {
        article {
            div.desktop { (post) }
            div.phone {
                (notification(string(payload, "text")))
                (post)
            }
        }
    };
    page.into_string()
}

/// The notification on the lock screen. What a phone may leave out is paler.
fn notification(text: &str) -> Markup {
    let text = plain(text);
    let cut = text.grapheme_indices(true).nth(LOCK_SCREEN_CHARS).map_or(text.len(), |(at, _)| at);
    let (seen, rest) = text.split_at_checked(cut).unwrap_or((&text, ""));
    html! {
        div.lock-screen {
            div.notification {
                div.source { span { "Slack" } span { "now" } }
                b { "hansho" }
                p { (seen) span.rest { (rest) } }
            }
        }
    }
}

fn post(payload: &Value) -> Markup {
    html! {
        div.post {
            div.avatar { "🔔" }
            div.content {
                div.sender { b { "hansho" } span.app { "APP" } }
                @match text_in_channel(payload) {
                    "" => (blocks(payload)),
                    text => div.text { (mrkdwn(text)) },
                }
                @for attachment in list(payload, "attachments") {
                    div.attachment {
                        // A colour as an attribute: the policy forbids a style of its own.
                        svg.strip { rect width="100%" height="100%" fill=(colour(attachment)) {} }
                        div.body { (blocks(attachment)) }
                    }
                }
            }
        }
    }
}

/// `#RRGGBB`, or else the grey that Slack shows.
fn colour(attachment: &Value) -> &str {
    let is_colour = |text: &&str| {
        let digits = text.strip_prefix('#').unwrap_or_default();
        digits.len() == 6 && digits.chars().all(|c| c.is_ascii_hexdigit())
    };
    Some(string(attachment, "color")).filter(is_colour).unwrap_or("#DDDDDD")
}

fn blocks(of: &Value) -> Markup {
    html! { @for block in list(of, "blocks") { (block_of(block)) } }
}

fn block_of(block: &Value) -> Markup {
    html! {
        @match string(block, "type") {
            "divider" => hr;,
            "context" => div.context {
                @for element in list(block, "elements") { span { (text_object(element)) } }
            },
            _ => div.section {
                @if let Some(text) = block.get("text") { div { (text_object(text)) } }
                @if !list(block, "fields").is_empty() {
                    div.fields {
                        @for field in list(block, "fields") { div { (text_object(field)) } }
                    }
                }
            },
        }
    }
}

fn text_object(text: &Value) -> Markup {
    match string(text, "type") {
        "mrkdwn" => mrkdwn(string(text, "text")),
        _ => lines(string(text, "text"), |line| html! { (decoded(line)) }),
    }
}

fn mrkdwn(text: &str) -> Markup {
    lines(text, |line| {
        html! {
            @for (emphasis, part) in parts(line) { (emphasised(emphasis, drawn(&part))) }
        }
    })
}

fn lines(text: &str, draw: impl Fn(&str) -> Markup) -> Markup {
    html! {
        @for (index, line) in text.lines().enumerate() {
            @if index > 0 { br; }
            (draw(line))
        }
    }
}

fn emphasised(emphasis: Emphasis, mut part: Markup) -> Markup {
    if emphasis.strike {
        part = html! { s { (part) } };
    }
    if emphasis.italic {
        part = html! { i { (part) } };
    }
    if emphasis.bold {
        part = html! { b { (part) } };
    }
    part
}

fn drawn(part: &Part) -> Markup {
    html! {
        @match part {
            Part::Text(text) => (text),
            Part::Code(text) => code { (text) },
            Part::Mention(name) => span.mention { (name) },
            Part::Date { at, form, otherwise } => {
                (date::shown(*at, form).as_deref().unwrap_or(otherwise))
            },
            Part::Link { address, label } => {
                @let label = label.as_ref().unwrap_or(address);
                @if address.starts_with("https://") {
                    a href=(address) rel="noopener" { (label) }
                } @else { (label) }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn draws_markup_and_nothing_else() {
        for (text, drawn) in [
            ("a *b* _c_ ~d~ `e`", "a <b>b</b> <i>c</i> <s>d</s> <code>e</code>"),
            ("*_a_*\n\nb", "<b><i>a</i></b><br><br>b"),
            ("<!subteam^S1|@sre>", r#"<span class="mention">@sre</span>"#),
            ("<https://a/?b&amp;c|d>", r#"<a href="https://a/?b&amp;c" rel="noopener">d</a>"#),
            ("<!date^1784746037^{date_short_pretty} {time}|x>", "Jul 22, 2026 6:47 PM"),
            ("<!date^1784746037^{ago}|&lt;x>", "&lt;x"),
            // Text of a finding, escaped for Slack and not.
            ("&lt;script&gt;x()&lt;/script&gt;", "&lt;script&gt;x()&lt;/script&gt;"),
            ("&amp;lt;b&amp;gt;", "&amp;lt;b&amp;gt;"),
            ("`</code><img src=x>`", "<code>&lt;/code&gt;&lt;img src=x&gt;</code>"),
            ("<script>x()</script>", "scriptx()/script"),
            ("<javascript:alert(1)|a>", "a"),
            ("<JAVASCRIPT:x|a> <data:text/html,x|b> <http://c|c>", "a b c"),
            ("<//evil.com|a> <mailto:b@c|b>", "a b"),
            (
                r#"<https://a" onclick="x()|b">"#,
                r#"<a href="https://a&quot; onclick=&quot;x()" rel="noopener">b&quot;</a>"#,
            ),
            (
                "<https://a|&lt;img src=x&gt;>",
                r#"<a href="https://a" rel="noopener">&lt;img src=x&gt;</a>"#,
            ),
            ("<!here|&lt;i&gt;>", r#"<span class="mention">@&lt;i&gt;</span>"#),
            ("*<b*", "<b>&lt;</b><b>b</b>"),
        ] {
            assert_eq!(mrkdwn(text).into_string(), drawn, "{text}");
        }
    }

    #[test]
    fn draws_each_part_of_a_payload_once() {
        let text = |text| json!({"type": "mrkdwn", "text": text});
        let blocks = json!([
            {"type": "section", "text": {"type": "plain_text", "text": "*a* &lt;b&gt;"}},
            {"type": "section", "fields": [text("*F*\n1"), text("2")]},
            {"type": "divider"},
            {"type": "context", "elements": [text("id")]},
        ]);
        let drawn = [
            r#"<div class="section"><div>*a* &lt;b&gt;</div></div>"#,
            r#"<div class="section"><div class="fields"><div><b>F</b><br>1</div><div>2</div></div></div>"#,
            "<hr>",
            r#"<div class="context"><span>id</span></div>"#,
        ];
        let attachment = json!({"color": "#D0021B", "blocks": blocks});
        let page = message(&json!({"text": "headline", "attachments": [attachment]}));
        let count = |part: &str| page.matches(part).count();
        assert_eq!(count(&drawn.concat()), 2, "on a desktop and on a phone: {page}");
        assert_eq!(count(r##"fill="#D0021B""##), 2);
        assert_eq!(count(r#"<div class="text">headline</div>"#), 2);
        let page = message(&json!({"text": "headline", "blocks": blocks}));
        assert_eq!(page.matches(&drawn.concat()).count(), 2, "{page}");
        assert_eq!(page.matches("headline").count(), 1, "in the notification alone: {page}");
    }

    #[test]
    fn a_lock_screen_shows_the_beginning_of_the_text() {
        let at = |chars: usize| ["🚨", &"x".repeat(chars - 2), " *<y>*"].concat();
        for (text, seen, rest) in [
            ("🚨 *HIGH* <!here>: a".to_owned(), "🚨 HIGH @here: a".to_owned(), ""),
            (at(150), ["🚨", &"x".repeat(148), " "].concat(), "y"),
            (String::new(), String::new(), ""),
        ] {
            let expected = format!("<p>{seen}<span class=\"rest\">{rest}</span></p>");
            let drawn = notification(&text).into_string();
            assert!(drawn.contains(&expected), "{drawn}");
        }
    }

    #[test]
    fn what_is_no_colour_is_grey() {
        for (colour_given, shown) in [
            (json!("#D0021b"), "#D0021b"),
            (json!("good"), "#DDDDDD"),
            (json!("#12345"), "#DDDDDD"),
            (json!("url(//evil)"), "#DDDDDD"),
            (json!("#12345\""), "#DDDDDD"),
            (json!(null), "#DDDDDD"),
        ] {
            assert_eq!(colour(&json!({"color": colour_given})), shown);
        }
    }

    #[test]
    fn the_page_loads_nothing() {
        let head = head();
        assert!(head.starts_with("<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"));
        assert!(head.contains("content=\"default-src 'none'; style-src 'sha256-"), "{head}");
        for word in ["url(", "@import", "<script", "<link", "src=", "//"] {
            assert!(!head.contains(word), "{word}");
        }
    }

    #[test]
    fn draws_any_json() {
        for payload in
            [json!(null), json!([]), json!({"text": 1, "blocks": {}, "attachments": [1]})]
        {
            assert!(message(&payload).ends_with("</article>"), "{payload}");
        }
    }
}

//! A note: a post that is about no finding, such as the line before a silence ends.
//!
//! Its texts may hold a reason that a person wrote, or the type of a finding. They are escaped and
//! bounded here, and mention nobody.

use super::card::list_footer;
use super::escape::literal_weighing;
use super::host::defang_within;
use super::line::packed;
use super::message::{Block, Message, TextObject};
use crate::finding::Text;
use crate::ports::Note;

/// What a phone surely shows.
const TITLE_CHARS_MAX: usize = 150;
/// The most that a line takes in the JSON.
const LINE_CHARS_MAX: usize = 300;
/// All together stay below [`super::BUDGET_CHARS`].
const LINES_MAX: usize = 30;

const _: () = assert!(LINES_MAX * LINE_CHARS_MAX + 2 * TITLE_CHARS_MAX <= super::BUDGET_CHARS);

/// The post of the notes of [`Note::Own`] among these. There is one.
pub(super) fn message(notes: &[Note], post_id: &str) -> Message {
    let own = notes.iter().find_map(|note| match note {
        Note::Own { title, lines } => Some((title.as_str(), lines.as_slice())),
        _ => None,
    });
    let (title, lines) = own.unwrap_or(("an empty note", &[]));
    let left_out = lines.len().saturating_sub(LINES_MAX);
    let more = (left_out > 0).then(|| format!("and {left_out} more"));
    let shown = lines.iter().take(LINES_MAX).map(|line| clean(line, LINE_CHARS_MAX));
    let texts = packed([heading(title)].into_iter().chain(shown).chain(more));
    let section = |text| Block::section(TextObject::mrkdwn(text));
    let blocks = texts.into_iter().map(section).chain([list_footer(post_id)]).collect();
    let title = Text::new(title, TITLE_CHARS_MAX);
    let push = format!("ℹ️ hansho: {}", defang_within(title.as_str(), TITLE_CHARS_MAX));
    Message::new(push, blocks, Vec::new())
}

fn heading(title: &str) -> String {
    format!("ℹ️ *{}*", clean(title, TITLE_CHARS_MAX))
}

fn clean(text: &str, chars_max: usize) -> String {
    literal_weighing(Text::new(text, chars_max).as_str(), chars_max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::slack::capacity::weigh_json;
    use crate::slack::length::units;

    fn drawn(title: &str, lines: &[String]) -> serde_json::Value {
        let note = Note::Own { title: title.to_owned(), lines: lines.to_vec() };
        serde_json::to_value(message(&[note], "w1-n1")).unwrap()
    }

    #[test]
    fn a_note_has_a_title_lines_and_the_id_of_its_post() {
        let note = drawn("Silence weekly-scan ends", &["3 alerts were kept back".to_owned()]);
        assert_eq!(note["text"], "ℹ️ hansho: Silence weekly-scan ends");
        let text = "ℹ️ *Silence weekly-scan ends*\n3 alerts were kept back";
        assert_eq!(note["blocks"][0]["text"]["text"], text);
        assert_eq!(note["blocks"][0]["text"]["verbatim"], true);
        assert_eq!(note["blocks"][1]["elements"][0]["text"], "hansho `w1-n1`");
        assert_eq!((&note["parse"], &note["link_names"]), (&json!("none"), &json!(false)));
    }

    #[test]
    fn hostile_text_is_shown_as_it_is_written() {
        let hostile =
            "<!channel> <@U123|you> *bold* `x` https://evil.example :fire: a\u{202e}b\n# c";
        let note = drawn(hostile, &[hostile.to_owned(), "@here <!subteam^S1>".to_owned()]);
        let shown = note["blocks"][0]["text"]["text"].as_str().unwrap();
        assert!(!shown.contains('<') && !shown.contains('\u{202e}'), "{shown}");
        assert_eq!(shown.lines().count(), 3, "{shown}");
        for part in ["&lt;!channel&gt;", "`*bold*`", "`:fire:`"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let push = note["text"].as_str().unwrap();
        assert!(!push.contains('<') && !push.contains("https://evil.example"), "{push}");
    }

    #[test]
    fn a_note_is_bounded() {
        for character in ["a", "\"", "<", "🚀", "*", "` ", "\\"] {
            let line = character.repeat(5_000);
            let lines = vec![line.clone(); 500];
            let note = drawn(&line, &lines);
            assert!(weigh_json(&note["blocks"]) <= 11_000, "{}", weigh_json(&note["blocks"]));
            assert!(units(note["text"].as_str().unwrap()) <= 400);
            let blocks = note["blocks"].as_array().unwrap();
            assert!(blocks.len() <= 10);
            let texts = blocks.iter().filter_map(|block| block["text"]["text"].as_str());
            let texts: Vec<&str> = texts.collect();
            assert!(texts.iter().all(|text| units(text) <= 3_000));
            assert!(texts.concat().contains("and 470 more"));
        }
        assert_eq!(drawn("t", &[])["blocks"].as_array().unwrap().len(), 2);
    }
}

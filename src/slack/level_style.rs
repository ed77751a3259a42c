//! Emoji, word and colour of each level. Emoji and colour have the same hue, so that the
//! notification on a phone and the strip in the channel agree.

use crate::finding::Level;

pub(super) struct LevelStyle {
    pub emoji: &'static str,
    pub word: &'static str,
    /// The colour of the strip beside an attachment.
    pub colour: &'static str,
}

pub(super) fn style(level: Level) -> LevelStyle {
    let (emoji, word, colour) = match level {
        Level::Critical => ("🚨", "CRITICAL", "#D0021B"),
        Level::High => ("🟠", "HIGH", "#E8710A"),
        Level::Medium => ("🟡", "MEDIUM", "#F2C744"),
        Level::Low => ("🔵", "LOW", "#3B82C4"),
        Level::Informational => ("⚪", "INFORMATIONAL", "#9AA0A6"),
    };
    LevelStyle { emoji, word, colour }
}

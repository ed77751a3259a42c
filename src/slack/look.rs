//! What a level looks like in Slack. The colour strip and the emoji have the same hue, so that the
//! one on the phone's lock screen and the one in the channel say the same.

use crate::finding::Level;

pub struct Look {
    pub emoji: &'static str,
    pub word: &'static str,
    /// The colour of the strip beside an attachment.
    pub colour: &'static str,
}

pub fn look(level: Level) -> Look {
    let (emoji, word, colour) = match level {
        Level::Critical => ("🚨", "CRITICAL", "#D0021B"),
        Level::High => ("🟠", "HIGH", "#E8710A"),
        Level::Medium => ("🟡", "MEDIUM", "#F2C744"),
        Level::Low => ("🔵", "LOW", "#3B82C4"),
        Level::Informational => ("⚪", "INFORMATIONAL", "#9AA0A6"),
    };
    Look { emoji, word, colour }
}

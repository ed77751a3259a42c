//! The elements of an array, or of an API's answer.

use serde::Deserialize;
use serde_json::value::RawValue;

/// Passes on each element of an array, or of an API's answer (`{"Findings": […]}`), as a message.
/// Together the elements may be longer than a message can be. Any other text is one message.
pub(super) fn elements(text: &str, message: &mut dyn FnMut(&str)) {
    let inside = match text.trim_start_matches('{').trim_start() {
        inside if inside.starts_with(r#""Findings""#) || inside.starts_with(r#""findings""#) => {
            serde_json::from_str::<Answer>(text).ok().map(|answer| answer.findings)
        }
        inside if inside.starts_with('[') => serde_json::from_str::<Vec<&RawValue>>(text).ok(),
        _ => None,
    };
    match inside {
        Some(all) => all.into_iter().for_each(|element| message(element.get())),
        None => message(text),
    }
}

/// An answer of the APIs that list findings.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, alias = "Findings")]
    findings: Vec<&'a RawValue>,
}

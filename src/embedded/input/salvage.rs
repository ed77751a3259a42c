//! What can be saved of a text that is no JSON document.
//!
//! Where a value can't be read, reading goes on at the next element. The text between is one
//! message, which the worker quarantines with its reason. Nothing of the text is dropped but
//! separators and the brackets around the elements.

use serde_json::value::RawValue;

use crate::finding;

/// How many bytes may be read in search of elements, for each byte of the text. It bounds the work
/// on a hostile text. The text behind that is one message.
const EFFORT: usize = 64;

/// Passes on the text if it is one document. Otherwise it passes on the parts that can be saved.
pub(super) fn salvage(text: &str, out: &mut dyn FnMut(&str)) {
    let mut effort = text.len().saturating_mul(EFFORT);
    let mut some = text.is_empty();
    parts(text, &mut effort, &mut |part| {
        some = true;
        out(part);
    });
    // It has nothing but brackets, too many of them or not in pairs. Those that only close are the
    // end of a damaged document.
    if !some && text.contains(['[', '{']) {
        out(text);
    }
}

fn parts(text: &str, effort: &mut usize, out: &mut dyn FnMut(&str)) {
    if text.is_empty() {
        return;
    }
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        return out(text);
    }
    if let Some(all) = sequence(text) {
        return all.into_iter().for_each(out);
    }
    let blocks = blocks(text);
    if blocks.len() > 1 {
        return blocks.iter().for_each(|block| parts(block.trim(), effort, out));
    }
    elements(text, effort, out);
}

/// The values of a text that has only values, with white space, commas or record separators between
/// them. Source: RFC 7464, for the record separator.
fn sequence(text: &str) -> Option<Vec<&str>> {
    let mut values = Vec::new();
    let mut rest = skip(text);
    while !rest.is_empty() {
        let (value, after) = first_value(rest)?;
        values.push(value);
        rest = skip(after);
    }
    Some(values)
}

/// The text, divided before each line that begins a document or is a message by itself: a line that
/// is not indented, and neither closes a bracket nor has a key.
fn blocks(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let goes_on = line.starts_with([' ', '\t', '}', ']', ',', '\r', '\n']) || has_key(line);
        if at == 0 || !goes_on {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end)).collect()
}

/// `"key": …`
fn has_key(line: &str) -> bool {
    first_value(line)
        .is_some_and(|(value, after)| value.starts_with('"') && after.trim_start().starts_with(':'))
}

/// Passes on the elements of an array or of an API's answer, or values one after another, and what
/// is between them.
fn elements(text: &str, effort: &mut usize, out: &mut dyn FnMut(&str)) {
    let mut rest = skip(without_opening(text));
    while !is_end(rest) {
        if let Some((value, after)) = first_value(rest).filter(|(_, after)| is_separated(after)) {
            out(value);
            rest = skip(after);
            continue;
        }
        let end = next_element(text, rest, effort).unwrap_or(rest.len());
        let (broken, after) = rest.split_at(end);
        let broken = match after.is_empty() {
            true => broken.trim_end(),
            false => broken.trim_end_matches([',', ' ', '\n', '\r', '\t']),
        };
        out(broken);
        rest = skip(after);
    }
}

/// Whether what follows a value may follow an element. Else the value is a part of a broken one.
fn is_separated(after: &str) -> bool {
    let next = after.trim_start().chars().next();
    next.is_none_or(|next| matches!(next, ',' | ']' | '{' | '\u{1e}'))
}

/// Whether only the end of an array or of an API's answer is left, such as `], "NextToken": "x"}`.
fn is_end(rest: &str) -> bool {
    let members = rest.strip_prefix(']').and_then(|end| end.trim_start().strip_prefix(','));
    rest.trim_matches(['[', ']', '{', '}', ',', ' ', '\n', '\r', '\t']).is_empty()
        || members.is_some_and(|members| {
            serde_json::from_str::<&RawValue>(&format!("{{{}", members.trim())).is_ok()
        })
}

/// The text without `[`, or without `{"Findings": [`.
fn without_opening(text: &str) -> &str {
    let inside = || {
        let key = text.strip_prefix('{')?.trim_start();
        let keys = [r#""Findings""#, r#""findings""#];
        let value = keys.iter().find_map(|name| key.strip_prefix(name))?.trim_start();
        value.strip_prefix(':')?.trim_start().strip_prefix('[')
    };
    inside().or_else(|| text.strip_prefix('[')).unwrap_or(text)
}

/// Where the next element begins in `rest`, which is the end of `text` and begins with one that
/// can't be read. An element begins
///
/// - at a line with the indentation of the broken one, or
/// - at any object behind a comma or a bracket that closes, if it is a finding. It must be behind
///   the place up to which the broken one was read well, because it would be a part of that.
fn next_element(text: &str, rest: &str, effort: &mut usize) -> Option<usize> {
    let well = read_well(rest);
    spend(effort, well)?;
    let indentation = line_before(text, text.len() - rest.len())?;
    let indentation = indentation.strip_prefix(['[', '{']).unwrap_or(indentation);
    let begins_a_line = indentation.trim().is_empty();
    for at in rest.match_indices('{').map(|(at, _)| at).skip_while(|at| *at == 0) {
        let own_line = rest[..at].contains('\n') && line_before(rest, at) == Some(indentation);
        if begins_a_line && own_line {
            return Some(at);
        }
        if at < well || !rest[..at].trim_end().ends_with([',', '}', ']']) {
            continue;
        }
        let candidate = cut(&rest[at..], finding::MAX_BYTES);
        spend(effort, candidate.len())?;
        if first_value(candidate).is_some_and(|(value, _)| is_finding(value)) {
            return Some(at);
        }
    }
    None
}

/// None: the effort is used up.
fn spend(effort: &mut usize, bytes: usize) -> Option<()> {
    *effort = effort.checked_sub(bytes)?;
    Some(())
}

/// The text from the begin of a line up to a place in it.
fn line_before(text: &str, at: usize) -> Option<&str> {
    text.get(..at)?.rsplit('\n').next()
}

/// How many bytes of the value at the beginning can be read.
fn read_well(text: &str) -> usize {
    let Err(why) = serde_json::from_str::<&RawValue>(text) else { return 0 };
    let lines = text.split_inclusive('\n').take(why.line().saturating_sub(1));
    lines.map(str::len).sum::<usize>() + why.column().saturating_sub(1)
}

fn is_finding(text: &str) -> bool {
    let parsed = finding::parse_wanted(text, &|_| false);
    let some = parsed.findings.len() + parsed.unwanted.len() + parsed.ignored.len();
    parsed.rejections.is_empty() && some > 0
}

/// The value at the beginning of a text, and the text behind it.
fn first_value(text: &str) -> Option<(&str, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let value = values.next()?.ok()?.get();
    let after = text.strip_prefix(value)?;
    Some((value, after))
}

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{1e}'])
}

/// The first bytes of a text, no more than `max`, cut between characters.
fn cut(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use serde::Serialize;
    use serde_json::ser::PrettyFormatter;
    use serde_json::{Serializer, Value, json};

    use super::super::split;
    use super::*;

    fn messages(input: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        split(input, |message, _| {
            all.push(message);
            ControlFlow::Continue(())
        })
        .unwrap();
        all
    }

    fn finding(i: usize) -> Value {
        json!({
            "schemaVersion": "2.0", "id": format!("id-{i}"), "accountId": "111122223333",
            "region": "eu-west-1", "type": "Recon:EC2/Portscan", "severity": 8,
            "title": "a [b] {c}, \"d\" and \\", "service": {"archived": false, "count": i},
            "resource": {"resourceType": "Instance", "instanceDetails": {
                "instanceId": "i-0abc", "networkInterfaces": [],
                "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}},
        })
    }

    fn written(value: &impl Serialize, indentation: Option<&str>) -> String {
        let Some(indentation) = indentation else { return serde_json::to_string(value).unwrap() };
        let mut text = Vec::new();
        let formatter = PrettyFormatter::with_indent(indentation.as_bytes());
        value.serialize(&mut Serializer::with_formatter(&mut text, formatter)).unwrap();
        String::from_utf8(text).unwrap()
    }

    /// The findings as an array, as an API's answer, and one after another.
    fn forms(all: &[Value]) -> Vec<String> {
        let mut forms = Vec::new();
        for indentation in [None, Some("  "), Some("    "), Some("\t")] {
            forms.push(written(&all, indentation));
            forms.push(written(&json!({"Findings": all, "NextToken": "x"}), indentation));
            forms.push(written(&json!({"findings": all}), indentation));
            let each: Vec<String> = all.iter().map(|one| written(one, indentation)).collect();
            forms.push(each.join("\n"));
            forms.push(format!("[\n{}\n]", each.join(",\n")));
        }
        forms
    }

    /// Changes one byte of the text from `from` to `to`.
    fn damage(text: &str, from: usize, to: usize, random: &mut fastrand::Rng) -> Vec<u8> {
        let at = random.usize(from..to);
        let byte = *random.choice(br#""{}[],:x0\"#).unwrap();
        let mut bytes = text.as_bytes().to_vec();
        match random.u8(..3) {
            0 => _ = bytes.remove(at),
            1 => bytes.insert(at, byte),
            _ => bytes[at] = byte,
        }
        bytes
    }

    #[test]
    fn one_damaged_element_spoils_no_other() {
        const ELEMENTS: usize = 5;
        let all: Vec<Value> = (0..ELEMENTS).map(finding).collect();
        let rounds = 40;
        let mut random = fastrand::Rng::with_seed(42);
        for text in forms(&all) {
            for _ in 0..rounds {
                let spoiled = random.usize(..ELEMENTS);
                let place = |i: usize| text.find(&format!("id-{i}")).unwrap();
                // Inside of the element, not at the brackets and commas around it.
                let (from, to) = (place(spoiled) - 8, place(spoiled) + 200);
                let bytes = damage(&text, from, to, &mut random);
                let messages = messages(&bytes);
                let read = |message: &String| serde_json::from_str::<Value>(message).ok();
                let values: Vec<Value> = messages.iter().filter_map(read).collect();
                let shown = || String::from_utf8_lossy(&bytes).into_owned();
                for (i, one) in all.iter().enumerate().filter(|(i, _)| *i != spoiled) {
                    let found = values.iter().filter(|value| *value == one).count();
                    assert_eq!(
                        found,
                        1,
                        "{i} with {spoiled} spoiled in\n{}\n{messages:#?}",
                        shown()
                    );
                }
                // The rest is one message, or a few: a bracket at the begin of a line looks like a
                // new document.
                assert!(messages.len() < 4 * ELEMENTS, "{messages:#?}\n{}", shown());
            }
        }
    }

    #[test]
    fn a_cut_anywhere_leaves_the_elements_before_it() {
        let all: Vec<Value> = (0..4).map(finding).collect();
        for text in forms(&all) {
            let mut random = fastrand::Rng::with_seed(1);
            for _ in 0..20 {
                let end = random.usize(1..text.len());
                let whole = (0..4).take_while(|i| {
                    let next = text.find(&format!("id-{}", i + 1)).unwrap_or(text.len());
                    next < end
                });
                let (whole, messages) = (whole.count(), messages(&text.as_bytes()[..end]));
                let found = messages.iter().filter(|message| is_finding(message)).count();
                assert!(found >= whole, "{found} of {whole}: {messages:#?}");
            }
        }
    }

    #[test]
    fn the_work_on_a_hostile_text_is_bounded() {
        for part in ["{\"a\":[\n", "[{", ",{\"a\":", "{\"a\":1 ", "},{\"a\":[", "\"", "{\n"] {
            let text = part.repeat(40_000);
            let kept: usize = messages(text.as_bytes()).iter().map(String::len).sum();
            assert!(kept <= text.len(), "{part}");
        }
    }
}

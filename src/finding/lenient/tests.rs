use super::super::json::json;
use super::*;

object! {
    struct Probe<'a> {
        text: Str<'a> = "text" | "other-text",
        number: Option<f64> = "number",
        whole: Option<u64> = "whole",
        flag: Option<bool> = "flag",
        inner: Inner<'a> = "inner",
        below: Str<'a> = "at" / "some" / "path",
        list: List<Inner<'a>, 2> = "list",
        words: List<Cow<'a, str>, 2> = "words",
        map: Pairs<'a, 2> = "map",
    }
    struct Inner<'a> {
        name: Str<'a> = "name",
    }
}

fn probe(raw: &str) -> Probe<'static> {
    Probe::read(json(raw)).unwrap()
}

#[test]
fn text_takes_scalars() {
    for (raw, text) in [
        (r#"{"text":"a"}"#, Some("a")),
        (r#"{"Text":"a"}"#, Some("a")),
        (r#"{"TEXT":"a"}"#, Some("a")),
        (r#"{"other-text":"a"}"#, Some("a")),
        (r#"{"text":12}"#, Some("12")),
        (r#"{"text":1.50}"#, Some("1.50")),
        (r#"{"text":true}"#, Some("true")),
        (r#"{"text":null}"#, None),
        (r#"{"text":{"a":1}}"#, None),
        (r#"{"text":["a"]}"#, None),
        (r#"{"text":"  "}"#, None),
        (r#"{"text":"a","text":"b"}"#, Some("b")),
        (r#"{"text":"a","Text":null}"#, Some("a")),
        (r#"{"text":"a","Text":[1]}"#, Some("a")),
        (r#"{"text":"\"\\\/\b\f\n\r\t"}"#, Some("\"\\/\u{8}\u{c}\n\r\t")),
        (r#"{"text":"\u00e9\ud83d\ude80!"}"#, Some("é🚀!")),
        (r#"{"text":"cut \ud83d"}"#, Some("cut \u{fffd}")),
        (r#"{"text":"\ude80\ud83d\u0041"}"#, Some("\u{fffd}\u{fffd}A")),
        (r#"{"\ud83d":1,"text":"a"}"#, Some("a")),
        (r#"{"t\u0065xt":"a"}"#, Some("a")),
        (r#"{}"#, None),
    ] {
        assert_eq!(probe(raw).text.as_deref(), text, "{raw}");
    }
}

#[test]
fn text_without_escapes_is_borrowed() {
    assert!(matches!(probe(r#"{"text":"plain é"}"#).text, Some(Cow::Borrowed(_))));
}

#[test]
fn numbers_take_numeric_strings() {
    for (raw, number, whole) in [
        ("8.7", Some(8.7), None),
        (r#""8.7""#, Some(8.7), None),
        (r#"" 8 ""#, Some(8.0), Some(8)),
        ("8", Some(8.0), Some(8)),
        ("8.0", Some(8.0), Some(8)),
        ("1e2", Some(100.0), Some(100)),
        ("18446744073709551615", Some(18446744073709551615.0), Some(u64::MAX)),
        ("-1", Some(-1.0), None),
        ("1e999", None, None),
        (r#""NaN""#, None, None),
        (r#""inf""#, None, None),
        (r#""high""#, None, None),
        ("true", None, None),
        ("null", None, None),
        ("[8]", None, None),
        ("{}", None, None),
    ] {
        let body = format!(r#"{{"number":{raw},"whole":{raw}}}"#);
        let read = probe(&body);
        assert_eq!((read.number, read.whole), (number, whole), "{raw}");
    }
}

#[test]
fn flags_take_words() {
    for (raw, flag) in [
        ("true", Some(true)),
        ("false", Some(false)),
        (r#""true""#, Some(true)),
        (r#""False""#, Some(false)),
        (r#""yes""#, None),
        ("1", None),
        ("null", None),
    ] {
        assert_eq!(probe(&format!(r#"{{"flag":{raw}}}"#)).flag, flag, "{raw}");
    }
}

#[test]
fn objects_of_another_type_are_empty() {
    for (raw, name) in [
        (r#"{"name":"n"}"#, Some("n")),
        (r#""text""#, None),
        ("1e999", None),
        (r#""\ud83d""#, None),
        ("[1,2]", None),
        ("null", None),
    ] {
        let body = format!(r#"{{"inner":{raw},"text":"after"}}"#);
        let read = probe(&body);
        assert_eq!(read.inner.name.as_deref(), name, "{raw}");
        assert_eq!(read.text.as_deref(), Some("after"), "{raw}");
    }
}

#[test]
fn lists_are_bounded_and_forgiving() {
    for (raw, names, total) in [
        (r#"[{"name":"a"},{"name":"b"},{"name":"c"}]"#, vec!["a", "b"], 3),
        (r#"[null,1,{"name":"b"}]"#, vec!["b"], 2),
        (r#"{"name":"alone"}"#, vec!["alone"], 1),
        (r#""text""#, vec![], 1),
        ("[]", vec![], 0),
        ("null", vec![], 0),
    ] {
        let body = format!(r#"{{"list":{raw}}}"#);
        let list = probe(&body).list;
        let got: Vec<_> = list.items.iter().filter_map(|i| i.name.as_deref()).collect();
        assert_eq!((got, list.total), (names, total), "{raw}");
    }
    assert_eq!(probe(r#"{"words":"one"}"#).words.items, ["one"]);
    assert_eq!(probe(r#"{"words":["one",2,true]}"#).words.items, ["one", "2"]);
}

#[test]
fn maps_give_their_first_texts() {
    let pairs = probe(r#"{"map":{"a":"1","b":{},"c":3,"d":"4"}}"#).map.0;
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
    assert_eq!(pairs, [("a", "1"), ("c", "3")]);
}

#[test]
fn a_path_reads_as_objects_within_objects_do() {
    for (raw, text) in [
        (r#"{"at":{"some":{"path":"a"}}}"#, Some("a")),
        (r#"{"At":{"SOME":{"Path":"a"}}}"#, Some("a")),
        (r#"{"at":{"some":{"path":"a"}},"at":"b"}"#, Some("a")),
        (r#"{"at":{"some":{"path":"a","path":null}}}"#, Some("a")),
        (r#"{"at":{"some":{"path":"a"},"some":[]}}"#, Some("a")),
        (r#"{"at":{"some":{"path":"a"}},"at":{}}"#, None),
        (r#"{"at":{"some":{"path":"a"},"some":{"path":"b"}}}"#, Some("b")),
        (r#"{"at":{"path":"a"},"some":{"path":"a"},"path":"a"}"#, None),
        (r#"{"at":[{"some":{"path":"a"}}]}"#, None),
    ] {
        assert_eq!(probe(raw).below.as_deref(), text, "{raw}");
    }
}

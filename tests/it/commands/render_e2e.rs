//! `hansho render` with the real binary: its forms of output, and whatever may be given to it by
//! mistake.

use std::process::Output;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::commands::run_e2e::{finish, hansho};

const HOSTILE: &str = "</title></style><script>x()</script><img src=x onerror=x()> <!here> \
     <https://evil.example|y> \"'` *b*";

fn event(id: &str, severity: f64, title: &str) -> String {
    json!({
        "source": "aws.guardduty", "detail-type": "GuardDuty Finding", "account": "111122223333",
        "region": "eu-west-1", "detail": {
            "schemaVersion": "2.0", "id": id, "accountId": "111122223333", "region": "eu-west-1",
            "type": "Recon:EC2/Portscan", "severity": severity, "title": title, "resource": {},
            "service": {}, "description": title,
        },
    })
    .to_string()
}

async fn render(args: &[&str], input: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("findings.jsonl"), input).unwrap();
    let mut command = hansho(folder.path());
    command.arg("render").args(args).arg("findings.jsonl");
    finish(command).await
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_each_message_and_runs_nothing() {
    let input = [event("a1", 8.0, HOSTILE), event("b2", 5.0, "A second one")].join("\n");
    let output = render(&["--html"], &input).await;
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    let page = text(&output.stdout);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("default-src 'none'"), "{page}");
    assert_eq!(page.matches("<article>").count(), 2, "a message for each finding");
    assert_eq!(page.matches("<style>").count(), 1);
    for part in ["<script", "<img", "<iframe", "onerror=x()>", "href=\"https://evil", "src=\""] {
        assert!(!page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("&lt;script&gt;") && page.contains("A second one"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_builder_holds_the_payload_and_a_note_says_so_once() {
    let input = [event("a1", 8.0, HOSTILE), event("b2", 5.0, "A second one")].join("\n");
    let output = render(&["--builder"], &input).await;
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr).matches("note: ").count(), 1);
    let payloads = render(&["--json"], &input).await;
    let (links, payloads) = (text(&output.stdout), text(&payloads.stdout));
    assert_eq!(links.lines().count(), 2, "{links}");
    for (link, payload) in links.lines().zip(payloads.lines()) {
        let json = link.strip_prefix("https://app.slack.com/block-kit-builder/#").unwrap();
        let json: Value =
            serde_json::from_str(&percent_decode_str(json).decode_utf8().unwrap()).unwrap();
        let payload: Value = serde_json::from_str(payload).unwrap();
        assert_eq!(json["attachments"], payload["attachments"]);
        assert!(!json["blocks"].as_array().unwrap().is_empty(), "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_a_form_are_filled_with_the_most_severe_first() {
    let low = (0..50).map(|n| event(&format!("low{n}"), 2.0, &format!("Low {n}")));
    let input: Vec<String> = low.chain([event("high", 8.0, "The high one")]).collect();
    for (form, posts) in [("digest", 2), ("cards", 6), ("plain", 51)] {
        let output = render(&["--json", "--form", form], &input.join("\n")).await;
        let payloads = text(&output.stdout);
        assert_eq!(payloads.lines().count(), posts, "{form}");
        assert!(payloads.lines().next().unwrap().contains("The high one"), "{form}");
        assert_eq!(payloads.contains("attachments"), form != "plain");
    }
    let page = text(&render(&["--html", "--form=digest"], &input.join("\n")).await.stdout);
    assert_eq!(page.matches("<article>").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_print_no_page_and_no_link() {
    let good = event("a1", 8.0, "One");
    for (args, input, code, said) in [
        (vec!["--html", "--json"], good.as_str(), 2, "cannot be used with"),
        (vec!["--html", "--builder"], &good, 2, "cannot be used with"),
        (vec!["--builder", "--json"], &good, 2, "cannot be used with"),
        (vec!["--form", "poem"], &good, 2, "cards, digest, plain"),
        (vec!["--html"], "", 1, "the input is empty"),
        (vec!["--builder"], "", 1, "the input is empty"),
        (vec!["--html"], "<script>", 1, "not_json"),
        (vec!["--builder"], "{\"a\":", 1, "not_json"),
        (vec!["--html", "--form", "digest"], "[]", 1, "empty"),
    ] {
        let output = render(&args, input).await;
        let problems = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?} {input}: {problems}");
        assert!(problems.contains(said) && !problems.contains("note:"), "{args:?}: {problems}");
        assert_eq!(text(&output.stdout), "", "{args:?} {input}");
    }
}

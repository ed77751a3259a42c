//! `hansho render`: what Slack would get for these findings, without posting anything.

use std::io::{BufRead, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;

use crate::embedded::input;
use crate::finding;
use crate::ports::{Card, Form, Post};
use crate::slack::{self, Mentions};

/// Renders every finding of `input` as a post of its own. Answers how many messages were refused;
/// the reason of each is written to `problems`.
pub fn render(
    input: impl BufRead,
    mentions: &Mentions,
    json: bool,
    colour: bool,
    out: &mut impl Write,
    problems: &mut impl Write,
) -> anyhow::Result<usize> {
    let mut refused = 0;
    let mut index = 0;
    let mut written = Ok(());
    input::split(input, |body| {
        index += 1;
        let parsed = finding::parse(&body);
        for rejection in parsed.rejections {
            refused += 1;
            let _ =
                writeln!(problems, "message {index}: {} ({rejection})", rejection.code.as_str());
        }
        for finding in parsed.findings {
            let digest = Post {
                id: "preview".to_owned(),
                destination: "preview".to_owned(),
                form: Form::Cards,
                cards: vec![Card {
                    finding: Arc::new(finding),
                    escalated_from: None,
                    reminder: false,
                    perhaps_repeated: false,
                    meant_for: None,
                }],
                notes: Vec::new(),
            };
            let line = match json {
                true => slack::payload_json(&digest, mentions),
                false => slack::preview(&slack::payload(&digest, mentions), 100, colour),
            };
            if written.is_ok() {
                written = writeln!(out, "{line}");
            }
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .context("the input could not be read")?;
    written.context("the output could not be written")?;
    if index == 0 {
        anyhow::bail!("the input is empty: give JSON lines, one JSON document, or an array");
    }
    Ok(refused)
}

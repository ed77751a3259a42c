//! `hansho render`: shows how Slack would show findings, without posting them.

pub mod args;

use std::cmp::Reverse;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;

use crate::clock;
use crate::commands::args::Input;
use crate::commands::exit::Exit;
use crate::commands::output;
use crate::commands::setup;
use crate::embedded::input;
use crate::finding::{self, Finding};
use crate::ports::{Card, Form, InputPlace, Post};
use crate::slack::{self, DIGEST_MAX, Guide, MAX_CARDS, Mentions};

use args::{Output, Render};

const COLUMNS: usize = 100;

const LINKS_HOLD_FINDINGS: &str = "note: each link holds its findings behind the #. A browser \
     does not send that part to a server, but the page that it opens reads it";

/// Renders the findings of a file to stdout. Messages that can't be read make it a failure.
///
/// # Errors
/// The file can't be read, or the output can't be written.
pub fn start(args: &Render) -> anyhow::Result<Exit> {
    let input = match &args.input {
        Input::Stdin => input::decode(io::stdin()),
        Input::File(path) => input::decode(
            File::open(path).with_context(|| format!("{} can't be opened", path.display()))?,
        ),
    };
    let input = input.context("the input could not be read")?;
    let name = args.input.to_string();
    // The names, and the first destination's mentions, if there is a configuration.
    let config = setup::load(None).outcome.ok();
    let mentions = config
        .as_ref()
        .and_then(|config| Some(config.destinations.first()?.mentions.clone()))
        .unwrap_or_else(Mentions::none);
    let guide = config.map(|config| config.guide).unwrap_or_default();
    let colour = io::stdout().is_terminal();
    let out = output::stdout();
    let mut screen = Screen { mentions, guide, output: args.output, colour, out, has_begun: false };
    let form = args.form.map(Form::from);
    let rejected = render(&name, input, form, &mut screen, &mut io::stderr())?;
    screen.out.flush()?;
    Ok(Exit::of(rejected == 0))
}

/// Renders the findings of `input`: each as a post of its own, or in full posts of a form. Returns
/// how many findings or messages could not be read, and writes the reason of each to `problems`.
///
/// # Errors
/// The input can't be read or is empty, or the output can't be written.
fn render(
    name: &str,
    input: impl BufRead,
    form: Option<Form>,
    screen: &mut Screen<impl Write>,
    problems: &mut impl Write,
) -> anyhow::Result<usize> {
    let mut rejected = 0;
    let mut index = 0;
    let mut kept = Vec::new();
    let mut written = Ok(());
    input::split(input, |body, at| {
        index += 1;
        let parsed = finding::parse(&body);
        let place = InputPlace::new(name, at.line, at.column);
        for rejection in parsed.rejections {
            rejected += 1;
            let code = rejection.code.as_str();
            let why = place.locate(&rejection);
            let _ = writeln!(problems, "message {index}: {code} ({why})");
        }
        for event in parsed.ignored {
            let _ = writeln!(problems, "message {index}: no finding ({})", event.as_str());
        }
        match form {
            Some(_) => kept.extend(parsed.findings),
            None => {
                let mut posts = parsed.findings.into_iter().map(|one| post(Form::Cards, [one]));
                written = posts.try_for_each(|post| screen.show(&post, problems));
            }
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .context("the input could not be read")?;
    if index == 0 {
        anyhow::bail!("the input is empty: give JSON lines, one JSON document, or an array");
    }
    written
        .and_then(|()| full_posts(form, kept).try_for_each(|post| screen.show(&post, problems)))
        .context("the output could not be written")?;
    Ok(rejected)
}

/// The posts of a form that hold all findings, the most severe first.
fn full_posts(form: Option<Form>, mut findings: Vec<Finding>) -> impl Iterator<Item = Post> {
    let form = form.unwrap_or(Form::Cards);
    let most = match form {
        Form::Cards => MAX_CARDS,
        Form::Digest => DIGEST_MAX,
        Form::Plain | Form::Note => 1,
    };
    findings.sort_by_key(|finding| Reverse(finding.severity.level));
    let mut findings = findings.into_iter().peekable();
    std::iter::from_fn(move || {
        findings.peek()?;
        Some(post(form, findings.by_ref().take(most)))
    })
}

fn post(form: Form, findings: impl IntoIterator<Item = Finding>) -> Post {
    Post {
        at: clock::wall(),
        id: "preview".to_owned(),
        destination: "preview".to_owned(),
        form,
        cards: findings.into_iter().map(|finding| Card::of(Arc::new(finding))).collect(),
        notes: Vec::new(),
    }
}

/// Prints posts in one of the forms that a person can ask for.
struct Screen<W> {
    mentions: Mentions,
    guide: Arc<Guide>,
    output: Output,
    colour: bool,
    out: W,
    has_begun: bool,
}

impl<W: Write> Screen<W> {
    fn show(&mut self, post: &Post, notes: &mut impl Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_begun, true) {
            if self.output.html {
                writeln!(self.out, "{}", slack::html::head())?;
            }
            if self.output.builder {
                let _ = writeln!(notes, "{LINKS_HOLD_FINDINGS}");
            }
        }
        let payload = || slack::payload(post, &self.mentions, &self.guide);
        let line = match self.output {
            Output { json: true, .. } => slack::payload_json(post, &self.mentions, &self.guide),
            Output { html: true, .. } => slack::html::message(&payload()),
            Output { builder: true, .. } => slack::builder::link(&payload()),
            _ => slack::preview(&payload(), COLUMNS, self.colour),
        };
        writeln!(self.out, "{line}")
    }
}

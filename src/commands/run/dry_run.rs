//! `hansho run --dry-run`: what a worker would post of the findings of an input. Writes nothing,
//! asks no ledger and no AWS, and needs no webhook.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};

use super::args::Run;
use super::inputs;
use crate::clock;
use crate::commands::exit::Exit;
use crate::commands::{output, setup};
use crate::config::Config;
use crate::embedded::input;
use crate::finding::{self, Finding, Level};
use crate::policy::filter::Threshold;
use crate::policy::route::Routes;
use crate::ports::{Card, Form, Post};
use crate::slack::{self, MAX_CARDS};
use crate::terminal;
use crate::words::{noun, number_of};

/// The most alerts whose repeats are recognised. A larger input counts later ones as new.
const ALERTS_MAX: usize = 1_000_000;
/// The most alerts that are drawn as cards.
const CARDS_MAX: usize = 1_000;
const COLUMNS: usize = 100;

/// What would become of the findings.
#[derive(Debug, Default, PartialEq)]
struct Forecast {
    messages: u64,
    findings: u64,
    below_threshold: u64,
    unmatched: u64,
    closed: u64,
    /// The same finding at the same level or a higher one came before.
    repeats: u64,
    ignored: u64,
    unreadable: u64,
    /// For each destination the alerts that would be posted, by the rank of their level.
    posted: Vec<[u64; Level::ALL.len()]>,
}

/// Reads the inputs, or the standard input if none is given, and prints the forecast.
///
/// # Errors
/// An input can't be read, or the output can't be written.
pub fn start(args: &Run) -> anyhow::Result<Exit> {
    let Some(config) = setup::config_without_webhook(&args.config) else {
        return Ok(Exit::Usage);
    };
    let routes = routes(&config, args.min_severity);
    let mut reader = Reader::new(&routes, if args.cards { CARDS_MAX } else { 0 });
    let mut paths: Vec<PathBuf> = args.input.iter().map(|i| i.to_string().into()).collect();
    if paths.is_empty() {
        paths.push("-".into());
    }
    for named in inputs::open(&paths)? {
        let path = named.path.display().to_string();
        reader.read(named.text()?).with_context(|| format!("--input {path}"))?;
    }
    let mut out = output::stdout();
    let Reader { forecast, cards, .. } = reader;
    let colour = io::stdout().is_terminal();
    for (destination, findings) in config.destinations.iter().zip(cards) {
        for post in posts(destination.name.as_str(), findings) {
            let payload = slack::payload(&post, &destination.mentions, &config.guide);
            writeln!(out, "{}", slack::preview(&payload, columns(), colour))?;
        }
    }
    match args.json {
        true => writeln!(out, "{}", json_of(&forecast, &routes))?,
        false => write!(out, "{}", text_of(&forecast, &routes))?,
    }
    out.flush()?;
    Ok(Exit::of(forecast.unreadable == 0 || args.allow_quarantine))
}

/// The routes of the configuration, or with one threshold for all destinations.
fn routes(config: &Config, min_severity: Option<Threshold>) -> Routes {
    let mut routes = config.routes();
    if let Some(threshold) = min_severity {
        routes.min_severity = threshold;
        routes.all_mut().iter_mut().for_each(|route| route.min_severity = None);
    }
    routes
}

fn columns() -> usize {
    terminal::terminal_columns().unwrap_or(COLUMNS)
}

/// Decides for each finding as the desk does with an empty ledger.
struct Reader<'a> {
    routes: &'a Routes,
    forecast: Forecast,
    /// The highest level of each alert so far: finding and destination.
    seen: HashMap<(String, usize), Level>,
    /// For each destination the first findings that would be posted.
    cards: Vec<Vec<Arc<Finding>>>,
    cards_left: usize,
}

impl Reader<'_> {
    fn new(routes: &Routes, cards_max: usize) -> Reader<'_> {
        let count = routes.all().len();
        Reader {
            routes,
            forecast: Forecast { posted: vec![Default::default(); count], ..Forecast::default() },
            seen: HashMap::new(),
            cards: vec![Vec::new(); count],
            cards_left: cards_max,
        }
    }

    fn read(&mut self, input: impl BufRead) -> io::Result<()> {
        input::split(input, |body, _| {
            self.message(&body);
            ControlFlow::Continue(())
        })
    }

    fn message(&mut self, body: &str) {
        let parsed = finding::parse_wanted(body, &|severity| self.routes.admit(severity));
        let forecast = &mut self.forecast;
        forecast.messages += 1;
        forecast.findings += parsed.count() as u64;
        forecast.below_threshold += parsed.unwanted.len() as u64;
        forecast.ignored += parsed.ignored.len() as u64;
        forecast.unreadable += parsed.rejections.len() as u64;
        parsed.findings.into_iter().for_each(|finding| self.finding(Arc::new(finding)));
    }

    fn finding(&mut self, finding: Arc<Finding>) {
        let owed = self.routes.owed(&finding);
        if finding.condition.is_closed() {
            self.forecast.closed += 1;
            return;
        }
        if owed.is_empty() {
            let admitted = self.routes.admit(&finding.severity);
            let count = match admitted {
                true => &mut self.forecast.unmatched,
                false => &mut self.forecast.below_threshold,
            };
            *count += 1;
            return;
        }
        let mut posted = false;
        for destination in owed {
            posted |= self.alert(&finding, destination);
        }
        self.forecast.repeats += u64::from(!posted);
    }

    /// Whether the alert would be posted.
    fn alert(&mut self, finding: &Arc<Finding>, destination: usize) -> bool {
        let level = finding.severity.level;
        let key = (finding.fingerprint.to_string(), destination);
        if self.seen.get(&key).is_some_and(|before| *before >= level) {
            return false;
        }
        if self.seen.len() < ALERTS_MAX || self.seen.contains_key(&key) {
            self.seen.insert(key, level);
        }
        self.forecast.posted[destination][usize::from(level.rank())] += 1;
        if self.cards_left > 0 {
            self.cards_left -= 1;
            self.cards[destination].push(Arc::clone(finding));
        }
        true
    }
}

/// Posts of full cards, the most severe first.
fn posts(destination: &str, mut findings: Vec<Arc<Finding>>) -> impl Iterator<Item = Post> {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity.level));
    let posts: Vec<Post> = findings
        .chunks(MAX_CARDS)
        .map(|some| Post {
            at: clock::wall(),
            id: "preview".to_owned(),
            destination: destination.to_owned(),
            form: Form::Cards,
            cards: some.iter().map(|finding| Card::of(Arc::clone(finding))).collect(),
            notes: Vec::new(),
        })
        .collect();
    posts.into_iter()
}

fn text_of(forecast: &Forecast, routes: &Routes) -> String {
    let Forecast { messages, findings, ignored, unreadable, .. } = forecast;
    let Forecast { below_threshold, unmatched, closed, repeats, .. } = forecast;
    let mut text = format!(
        "{messages:>8} {}, {} in them\n",
        noun(*messages, "message"),
        number_of(*findings, "finding")
    );
    for (count, what) in [
        (ignored, "without a finding, ignored"),
        (below_threshold, "below the threshold"),
        (unmatched, "dropped, because they match no destination"),
        (closed, "closed, so not posted"),
        (repeats, "repeat a finding of the input at no higher level"),
        (unreadable, "quarantined: `hansho render` says why"),
    ] {
        if *count > 0 {
            text.push_str(&format!("{count:>8} {what}\n"));
        }
    }
    text.push_str(
        "Nothing was posted or written. A worker would post, if nothing was posted yet:\n",
    );
    for (route, levels) in routes.all().iter().zip(&forecast.posted) {
        let all: u64 = levels.iter().sum();
        let each = Level::ALL.iter().rev().filter_map(|level| {
            let count = levels[usize::from(level.rank())];
            (count > 0).then(|| format!("{count} {level}"))
        });
        let each: Vec<String> = each.collect();
        let each = if each.is_empty() { String::new() } else { format!(": {}", each.join(", ")) };
        let _ = writeln!(text, "{all:>8} to {}{each}", route.destination);
    }
    text
}

fn json_of(forecast: &Forecast, routes: &Routes) -> Value {
    let posted = routes.all().iter().zip(&forecast.posted).map(|(route, levels)| {
        let levels = Level::ALL
            .iter()
            .map(|level| (level.to_string(), Value::from(levels[usize::from(level.rank())])));
        let levels: serde_json::Map<String, Value> = levels.collect();
        json!({ "destination": route.destination, "alerts": levels })
    });
    json!({
        "messages": forecast.messages,
        "findings": forecast.findings,
        "ignored": forecast.ignored,
        "below_threshold": forecast.below_threshold,
        "unmatched": forecast.unmatched,
        "closed": forecast.closed,
        "repeats": forecast.repeats,
        "quarantined": forecast.unreadable,
        "would_post": posted.collect::<Vec<Value>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::route::Route;

    fn finding(id: &str, severity: f64) -> String {
        format!(
            r#"{{"schemaVersion":"2.0","id":"{id}","accountId":"111122223333","region":"eu-west-1","type":"Recon:EC2/Portscan","severity":{severity},"title":"t","service":{{}},"resource":{{}}}}"#
        )
    }

    #[test]
    fn each_finding_is_counted_once_as_the_desk_would() {
        let route =
            |name: &str, least: &str| Route::of_all(name.to_owned(), Some(least.parse().unwrap()));
        let routes = Routes::new(
            "medium".parse().unwrap(),
            vec![route("all", "medium"), route("worst", "critical")],
        );
        let closed = finding("c", 8.0).replace(r#""service":{}"#, r#""service":{"archived":true}"#);
        let mut reader = Reader::new(&routes, 2);
        for body in [
            &finding("a", 5.0),
            &finding("a", 5.0),
            &finding("a", 9.5),
            &finding("b", 1.0),
            &closed,
            "not JSON",
        ] {
            reader.message(body);
        }
        let expected = Forecast {
            messages: 6,
            findings: 5,
            below_threshold: 1,
            closed: 1,
            repeats: 1,
            unreadable: 1,
            posted: vec![[0, 0, 1, 0, 1], [0, 0, 0, 0, 1]],
            ..Forecast::default()
        };
        assert_eq!(reader.forecast, expected);
        assert_eq!(reader.cards.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0]);
        let text = text_of(&expected, &routes);
        assert!(text.contains("       2 to all: 1 critical, 1 medium\n"), "{text}");
        assert!(!text.contains("dropped"), "{text}");
        let json = json_of(&expected, &routes);
        assert_eq!(json["would_post"][1]["alerts"]["critical"], 1);
    }
}

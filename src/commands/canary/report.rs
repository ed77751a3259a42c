//! The results of canaries, for people and for machines. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CanaryPost, Flight, Landing};
use crate::finding::text::cut;
use crate::instants::Wall;
use crate::policy::canary::{CanaryPost as Post, Passed};
use crate::words::number_of;

/// The longest error of a service that is shown, in characters.
const WHY_CHARS_MAX: usize = 500;

/// Where the canaries started, for the places to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// On the home region's bus of this name.
    HomeBus(String),
    /// On the default bus of other regions, whose forwarders send it to the home region.
    Forwarder,
    /// In the embedded queue of this file.
    Embedded(String),
}

/// The number of messages in the standard queue. None: unknown.
pub type QueueDepth = Option<u64>;

/// A line for each canary. Places to check follow one that did not arrive.
pub fn text(flights: &[Flight], start: &Start, depth: QueueDepth, within: Duration) -> String {
    let lines: Vec<String> =
        flights.iter().flat_map(|flight| lines(flight, start, depth, within)).collect();
    lines.join("\n")
}

fn lines(flight: &Flight, start: &Start, depth: QueueDepth, within: Duration) -> Vec<String> {
    let name = &flight.region;
    let waited = seconds(within);
    let mut lines = match &flight.landing {
        Landing::NotPut(why) => {
            vec![format!("{name}  was not put on the bus: {}", shown(why))]
        }
        Landing::NotSeen { ledger: Some(why) } => vec![
            format!("{name}  may not have arrived within {waited}"),
            format!("  the ledger could not be read: {}", shown(why)),
        ],
        Landing::NotSeen { ledger: None } => {
            let mut lines = vec![
                format!("{name}  did not arrive within {waited}; it may still arrive"),
                format!("  its record would be hansho/-/{name}/{}", flight.id),
            ];
            lines.extend(where_to_look(name, start, depth).iter().map(|hint| format!("  {hint}")));
            lines
        }
        Landing::Seen { at, .. } => {
            let steps: Vec<String> = steps(flight)
                .into_iter()
                .map(|(step, took)| format!("{step} {}", took.map_or("?".to_owned(), seconds)))
                .collect();
            let whole = seconds(at.since(flight.put_at));
            vec![format!("{name}  arrived after {whole}: {}", steps.join(", "))]
        }
    };
    if let Landing::Seen { passed, .. } = &flight.landing {
        lines.extend(post_lines(flight, passed, &waited));
    }
    lines
}

fn post_lines(flight: &Flight, passed: &Passed, waited: &str) -> Vec<String> {
    if passed.post == Post::TooMany {
        let limited = "  not posted: this worker has reached its limit of canary posts in an hour; \
                       retry later";
        return vec![limited.to_owned()];
    }
    let line = |post: &CanaryPost| {
        let name = &post.destination;
        match post.at {
            Some(at) => {
                let took = seconds(at.since(passed.received_at));
                format!("  {name}: Slack accepted it {took} after the worker received it")
            }
            None => format!(
                "  {name}: not posted within {waited}; for the reason, search the worker's log for \
                 destination={name}"
            ),
        }
    };
    flight.posts.iter().map(line).collect()
}

/// The steps, and the time of each. Steps are measured with the clocks of different machines, so
/// they may be slightly wrong. The total is measured with one clock.
fn steps(flight: &Flight) -> Vec<(&'static str, Option<Duration>)> {
    let Landing::Seen { passed, at } = &flight.landing else { return Vec::new() };
    let between = |from: Option<Wall>, to: Option<Wall>| Some(to?.since(from?));
    let received = Some(passed.received_at);
    vec![
        ("bus to queue", between(Some(flight.put_at), passed.queued_at)),
        ("queue to worker", between(passed.queued_at, received)),
        ("worker to ledger", between(received, Some(*at))),
    ]
}

fn where_to_look(region: &str, start: &Start, depth: QueueDepth) -> Vec<String> {
    let mut hints = Vec::new();
    match start {
        Start::Forwarder => {
            hints.push(format!(
                "check in {region}: does the rule hansho-forwarder exist, is it enabled, and does it \
                 match the source hansho.canary? does hansho-forwarder-dead hold messages?"
            ));
            hints.push(
                "check in the home region: does the policy of the bus hansho admit the forwarder's \
                 account? (it rejects canaries of other accounts)"
                    .to_owned(),
            );
        }
        Start::HomeBus(name) => hints.push(format!(
            "check that {region} has a bus {name:?}: EventBridge may accept an event for a bus that \
             does not exist"
        )),
        Start::Embedded(path) => hints.push(match depth {
            Some(0) => format!(
                "the queue in {path} is empty, so a worker took it: does it have this configuration, \
                 and a version with canaries? check its quarantine and its log"
            ),
            _ => format!("does a worker run on {path}? `hansho run` starts one"),
        }),
    }
    if !matches!(start, Start::Embedded(_)) {
        hints.push(
            "check the rule hansho-standard: is it enabled, and does it match the source \
             hansho.canary? does hansho-undelivered hold messages?"
                .to_owned(),
        );
        hints.push(match depth {
            Some(0) => "the standard queue is empty: the event did not reach it, or the worker \
                        quarantined it in hansho-quarantine"
                .to_owned(),
            Some(n) => format!(
                "the standard queue holds about {}: the worker has stopped or is behind; see \
                 hansho-heartbeat and the log /hansho/worker",
                number_of(n, "message")
            ),
            None => {
                "does the worker run? see hansho-heartbeat and the log /hansho/worker".to_owned()
            }
        });
    }
    hints
}

/// The results as one object. Times are in seconds, or null if unknown.
pub fn json(flights: &[Flight]) -> Value {
    let of = |took: Option<Duration>| took.map(|took| took.as_secs_f64());
    let canaries: Vec<Value> = flights
        .iter()
        .map(|flight| {
            let (whole, error) = match &flight.landing {
                Landing::Seen { at, .. } => (Some(at.since(flight.put_at)), None),
                Landing::NotPut(why) => (None, Some(shown(why))),
                Landing::NotSeen { ledger } => (None, ledger.as_deref().map(shown)),
            };
            let (post, received) = match &flight.landing {
                Landing::Seen { passed, .. } => {
                    (Some(passed.post.as_str()), Some(passed.received_at))
                }
                _ => (None, None),
            };
            let steps = steps(flight);
            let step = |i: usize| steps.get(i).and_then(|(_, took)| of(*took));
            let posts: Vec<Value> = flight
                .posts
                .iter()
                .map(|post| {
                    let took = post.at.zip(received).map(|(at, from)| at.since(from));
                    json!({ "destination": post.destination, "seconds": of(took) })
                })
                .collect();
            json!({
                "region": flight.region,
                "id": flight.id,
                "arrived": flight.arrived(),
                "seconds": of(whole),
                "bus_to_queue": step(0),
                "queue_to_worker": step(1),
                "worker_to_ledger": step(2),
                "post": post,
                "posts": posts,
                "error": error,
            })
        })
        .collect();
    json!({ "arrived": flights.iter().all(Flight::arrived), "canaries": canaries })
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The text in one line, without control characters.
fn shown(why: &str) -> String {
    let plain: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&plain, WHY_CHARS_MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Wall = Wall(1_790_000_000_000);

    fn after(ms: i64) -> Wall {
        Wall(AT.0 + ms)
    }

    fn seen(post: Post) -> Landing {
        let passed =
            Passed { put_at: AT, queued_at: Some(after(600)), received_at: after(1_400), post };
        Landing::Seen { passed, at: after(1_900) }
    }

    fn flight(landing: Landing, posts: &[(&str, Option<i64>)]) -> Flight {
        let post = |(name, at): &(&str, Option<i64>)| CanaryPost {
            destination: (*name).to_owned(),
            at: at.map(after),
        };
        Flight {
            region: "eu-west-1".to_owned(),
            id: "c-1".to_owned(),
            put_at: AT,
            landing,
            posts: posts.iter().map(post).collect(),
        }
    }

    fn said(flight: Flight, start: &Start, depth: QueueDepth) -> String {
        text(&[flight], start, depth, Duration::from_secs(60))
    }

    #[test]
    fn an_arrived_canary_has_its_steps() {
        let home = Start::HomeBus("hansho".to_owned());
        let arrived = flight(seen(Post::No), &[]);
        assert!(arrived.arrived());
        assert_eq!(
            said(arrived.clone(), &home, None),
            "eu-west-1  arrived after 1.9 s: bus to queue 0.6 s, queue to worker 0.8 s, worker to \
             ledger 0.5 s"
        );
        let result = json(&[arrived]);
        assert_eq!(result["arrived"], true);
        let one = &result["canaries"][0];
        assert_eq!((&one["seconds"], &one["bus_to_queue"]), (&1.9.into(), &0.6.into()));
        assert_eq!((&one["queue_to_worker"], &one["worker_to_ledger"]), (&0.8.into(), &0.5.into()));
        assert_eq!((&one["post"], &one["error"]), (&"no".into(), &Value::Null));
    }

    #[test]
    fn clocks_that_differ_give_no_nonsense() {
        let passed =
            Passed { put_at: AT, queued_at: None, received_at: after(-300), post: Post::No };
        let landing = Landing::Seen { passed, at: after(200) };
        let line = said(flight(landing, &[]), &Start::Forwarder, None);
        assert_eq!(
            line,
            "eu-west-1  arrived after 0.2 s: bus to queue ?, queue to worker ?, worker to ledger 0.5 s"
        );
    }

    #[test]
    fn each_destination_has_its_post() {
        let some = flight(seen(Post::Yes), &[("security", Some(2_400)), ("oncall", None)]);
        assert!(!some.arrived(), "one of them got no post");
        let lines = said(some.clone(), &Start::Forwarder, None);
        assert!(lines.contains("security: Slack accepted it 1.0 s after"), "{lines}");
        assert!(lines.contains("oncall: not posted within 60.0 s"), "{lines}");
        let posts = json(&[some]);
        let posts = &posts["canaries"][0]["posts"];
        assert_eq!(posts[0], json!({ "destination": "security", "seconds": 1.0 }));
        assert_eq!(posts[1], json!({ "destination": "oncall", "seconds": null }));
        let all = flight(seen(Post::Yes), &[("security", Some(2_400))]);
        assert!(all.arrived());
        let refused = flight(seen(Post::TooMany), &[("security", None)]);
        assert!(!refused.arrived());
        assert!(said(refused, &Start::Forwarder, None).contains("limit of canary posts"));
    }

    #[test]
    fn a_missing_canary_lists_places_to_check() {
        let lost = || flight(Landing::NotSeen { ledger: None }, &[]);
        assert!(!lost().arrived());
        let home = Start::HomeBus("hansho".to_owned());
        let file = Start::Embedded("hansho.db".to_owned());
        for (start, depth, words) in [
            (
                &Start::Forwarder,
                Some(0),
                &["hansho-forwarder", "hansho-standard", "did not reach"][..],
            ),
            (&Start::Forwarder, Some(7), &["about 7 messages", "hansho-heartbeat"]),
            (&home, None, &["a bus \"hansho\"", "hansho-undelivered", "does the worker run"]),
            (&file, Some(3), &["does a worker run on hansho.db", "hansho run"]),
            (&file, Some(0), &["a worker took it", "quarantine"]),
        ] {
            let lines = said(lost(), start, depth);
            assert!(lines.starts_with("eu-west-1  did not arrive within 60.0 s"), "{lines}");
            assert!(lines.contains("hansho/-/eu-west-1/c-1"), "{lines}");
            for word in words {
                assert!(lines.contains(word), "{word} in {lines}");
            }
        }
        assert!(!said(lost(), &file, None).contains("hansho-standard"));
    }

    #[test]
    fn what_failed_is_said_in_one_line_that_a_terminal_may_show() {
        let why = format!("AccessDenied\n\u{1b}[31m{}", "x".repeat(2000));
        for landing in
            [Landing::NotPut(why.clone()), Landing::NotSeen { ledger: Some(why.clone()) }]
        {
            let failed = flight(landing, &[]);
            let lines = said(failed.clone(), &Start::Forwarder, None);
            assert!(lines.contains("AccessDenied") && lines.len() < 1000, "{lines}");
            assert!(lines.chars().all(|c| c == '\n' || !c.is_control()), "{lines:?}");
            let error = json(&[failed])["canaries"][0]["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with("AccessDenied") && !error.contains('\u{1b}'));
        }
    }
}

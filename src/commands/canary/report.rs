//! What became of the canaries, for people and for machines. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Flight, Landing};
use crate::finding::text::cut;
use crate::instants::Wall;
use crate::policy::canary::CanaryPost as Post;

/// What the services said goes to a terminal in part.
const WHY_CHARS_MAX: usize = 500;

/// The places on the way, for who has to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the home region's own bus, by this name.
    HomeBus(String),
    /// From the default bus of another region, by its forwarder.
    Forwarder,
    /// No bus: straight into the embedded queue of this file.
    Embedded(String),
}

/// What the queue holds, as far as it says.
pub type Depth = Option<u64>;

/// A line for each canary, and below one that did not arrive where to look.
pub fn text(flights: &[Flight], way: &Way, depth: Depth, within: Duration) -> String {
    let lines: Vec<String> =
        flights.iter().flat_map(|flight| lines(flight, way, depth, within)).collect();
    lines.join("\n")
}

fn lines(flight: &Flight, way: &Way, depth: Depth, within: Duration) -> Vec<String> {
    let name = &flight.region;
    let waited = seconds(within);
    let mut lines = match &flight.landing {
        Landing::NotPut(why) => {
            vec![format!("{name}  was not put on the bus: {}", shown(why))]
        }
        Landing::NotSeen { ledger: Some(why) } => vec![
            format!("{name}  is not known to have arrived within {waited}"),
            format!("  the ledger could not be read: {}", shown(why)),
        ],
        Landing::NotSeen { ledger: None } => {
            let mut lines = vec![
                format!("{name}  did not arrive within {waited}; it may still come"),
                format!("  its row would be hansho/-/{name}/{}", flight.id),
            ];
            lines.extend(where_to_look(name, way, depth).iter().map(|hint| format!("  {hint}")));
            lines
        }
        Landing::Seen { at, .. } => {
            let legs: Vec<String> = legs(flight)
                .into_iter()
                .map(|(leg, took)| format!("{leg} {}", took.map_or("?".to_owned(), seconds)))
                .collect();
            let whole = seconds(at.since(flight.put_at));
            vec![format!("{name}  arrived after {whole}: {}", legs.join(", "))]
        }
    };
    if let Landing::Seen { passed, .. } = &flight.landing {
        if passed.post == Post::TooMany {
            lines.push(
                "  was not posted: this worker has posted as many canaries in the last hour as \
                 it ever does; try again later"
                    .to_owned(),
            );
            return lines;
        }
        for told in &flight.posts {
            lines.push(match told.at {
                Some(at) => {
                    let took = seconds(at.since(passed.received_at));
                    format!(
                        "  {}: Slack accepted it {took} after the worker had it",
                        told.destination
                    )
                }
                None => format!(
                    "  {}: not posted within {waited}; the worker's log says why, under \
                     destination={}",
                    told.destination, told.destination
                ),
            });
        }
    }
    lines
}

/// The parts of the way, and how long each took. They are told by the clocks of different machines,
/// so that one part may seem a little longer and the next a little shorter; the whole is by one clock.
fn legs(flight: &Flight) -> Vec<(&'static str, Option<Duration>)> {
    let Landing::Seen { passed, at } = &flight.landing else { return Vec::new() };
    let between = |from: Option<Wall>, to: Option<Wall>| Some(to?.since(from?));
    let received = Some(passed.received_at);
    vec![
        ("bus to queue", between(Some(flight.put_at), passed.queued_at)),
        ("queue to worker", between(passed.queued_at, received)),
        ("worker to ledger", between(received, Some(*at))),
    ]
}

fn where_to_look(region: &str, way: &Way, depth: Depth) -> Vec<String> {
    let mut hints = Vec::new();
    match way {
        Way::Forwarder => {
            hints.push(format!(
                "look in {region}: is the rule hansho-forwarder there and enabled, with the source \
                 hansho.canary? is something in hansho-forwarder-dead?"
            ));
            hints.push(
                "in the home region: does the policy of the bus hansho let the forwarder's account \
                 in? (canaries of other accounts are not)"
                    .to_owned(),
            );
        }
        Way::HomeBus(name) => hints.push(format!(
            "look whether {region} has a bus {name:?}; EventBridge may take an event for one that \
             it has not"
        )),
        Way::Embedded(path) => hints.push(match depth {
            Some(0) => format!(
                "the queue in {path} is empty: a worker took it. Has it this configuration, and a \
                 version that knows canaries? its quarantine and its log say more"
            ),
            _ => format!("does a worker run on {path}? `hansho run` starts one"),
        }),
    }
    if !matches!(way, Way::Embedded(_)) {
        hints.push(
            "is the rule hansho-standard enabled, with the source hansho.canary? is something in \
             hansho-undelivered?"
                .to_owned(),
        );
        hints.push(match depth {
            Some(0) => "the standard queue is empty: the event did not reach it, or the worker \
                        parked it in hansho-quarantine"
                .to_owned(),
            Some(n) => format!(
                "the standard queue holds about {n} messages: the worker is away, or behind; see \
                 hansho-heartbeat and the log /hansho/worker"
            ),
            None => {
                "does the worker run? see hansho-heartbeat and the log /hansho/worker".to_owned()
            }
        });
    }
    hints
}

/// All of it as one object. Times are in seconds; null where it is not known.
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
            let legs = legs(flight);
            let leg = |i: usize| legs.get(i).and_then(|(_, took)| of(*took));
            let posts: Vec<Value> = flight
                .posts
                .iter()
                .map(|told| {
                    let took = told.at.zip(received).map(|(at, from)| at.since(from));
                    json!({ "destination": told.destination, "seconds": of(took) })
                })
                .collect();
            json!({
                "region": flight.region,
                "id": flight.id,
                "arrived": flight.arrived(),
                "seconds": of(whole),
                "bus_to_queue": leg(0),
                "queue_to_worker": leg(1),
                "worker_to_ledger": leg(2),
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

/// In one line, and without what a terminal would obey.
fn shown(why: &str) -> String {
    let plain: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(&plain, WHY_CHARS_MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::LastPost;
    use super::*;
    use crate::policy::canary::Passed;

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
        let told = |(name, at): &(&str, Option<i64>)| LastPost {
            destination: (*name).to_owned(),
            at: at.map(after),
        };
        Flight {
            region: "eu-west-1".to_owned(),
            id: "c-1".to_owned(),
            put_at: AT,
            landing,
            posts: posts.iter().map(told).collect(),
        }
    }

    fn said(flight: Flight, way: &Way, depth: Depth) -> String {
        text(&[flight], way, depth, Duration::from_secs(60))
    }

    #[test]
    fn one_that_arrived_has_its_legs() {
        let home = Way::HomeBus("hansho".to_owned());
        let arrived = flight(seen(Post::No), &[]);
        assert!(arrived.arrived());
        assert_eq!(
            said(arrived.clone(), &home, None),
            "eu-west-1  arrived after 1.9 s: bus to queue 0.6 s, queue to worker 0.8 s, worker to \
             ledger 0.5 s"
        );
        let told = json(&[arrived]);
        assert_eq!(told["arrived"], true);
        let one = &told["canaries"][0];
        assert_eq!((&one["seconds"], &one["bus_to_queue"]), (&1.9.into(), &0.6.into()));
        assert_eq!((&one["queue_to_worker"], &one["worker_to_ledger"]), (&0.8.into(), &0.5.into()));
        assert_eq!((&one["post"], &one["error"]), (&"no".into(), &Value::Null));
    }

    #[test]
    fn clocks_that_differ_give_no_nonsense() {
        let passed =
            Passed { put_at: AT, queued_at: None, received_at: after(-300), post: Post::No };
        let landing = Landing::Seen { passed, at: after(200) };
        let line = said(flight(landing, &[]), &Way::Forwarder, None);
        assert_eq!(
            line,
            "eu-west-1  arrived after 0.2 s: bus to queue ?, queue to worker ?, worker to ledger 0.5 s"
        );
    }

    #[test]
    fn a_post_is_told_for_each_destination() {
        let some = flight(seen(Post::Yes), &[("security", Some(2_400)), ("oncall", None)]);
        assert!(!some.arrived(), "one of them was not told");
        let lines = said(some.clone(), &Way::Forwarder, None);
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
        assert!(said(refused, &Way::Forwarder, None).contains("as many canaries"));
    }

    #[test]
    fn one_that_is_missing_says_where_to_look() {
        let lost = || flight(Landing::NotSeen { ledger: None }, &[]);
        assert!(!lost().arrived());
        let home = Way::HomeBus("hansho".to_owned());
        let file = Way::Embedded("hansho.db".to_owned());
        for (way, depth, words) in [
            (
                &Way::Forwarder,
                Some(0),
                &["hansho-forwarder", "hansho-standard", "did not reach"][..],
            ),
            (&Way::Forwarder, Some(7), &["about 7 messages", "hansho-heartbeat"]),
            (&home, None, &["a bus \"hansho\"", "hansho-undelivered", "does the worker run"]),
            (&file, Some(3), &["does a worker run on hansho.db", "hansho run"]),
            (&file, Some(0), &["a worker took it", "quarantine"]),
        ] {
            let lines = said(lost(), way, depth);
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
            let lines = said(failed.clone(), &Way::Forwarder, None);
            assert!(lines.contains("AccessDenied") && lines.len() < 1000, "{lines}");
            assert!(lines.chars().all(|c| c == '\n' || !c.is_control()), "{lines:?}");
            let error = json(&[failed])["canaries"][0]["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with("AccessDenied") && !error.contains('\u{1b}'));
        }
    }
}

//! Measures the real program from outside: the time of its start, its memory, and the time from the
//! queue to the post. It also serves the surroundings for `benches/instructions`.
//!
//! `cargo bench --bench whole -- latency|start|memory|serve`; without a word the first three.
//! `HANSHO_BIN` measures another binary, e.g. that of `cargo build --profile production`.

mod standin;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standin::StandIn;

const LONGEST: Duration = Duration::from_secs(120);

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["one-call"] => one_call(),
        ["hello"] => hello(),
        ["serve", messages, alerts] => serve(number(messages), number(alerts)),
        ["latency"] => latency(300),
        ["latency", arrivals] => latency(number(arrivals)),
        ["start"] => start(31),
        ["start", runs] => start(number(runs)),
        ["memory"] => memory(),
        _ => {
            start(31);
            memory();
            latency(300);
        }
    }
}

fn number(word: &str) -> usize {
    word.parse().expect("a number")
}

/// The command of hansho, in an empty environment and without a log.
fn hansho(standin: &StandIn, standard: &str, express: Option<&str>) -> Command {
    let binary = std::env::var("HANSHO_BIN");
    let mut command = Command::new(binary.as_deref().unwrap_or(env!("CARGO_BIN_EXE_hansho")));
    command.env_clear().envs(standin.environment(standard, express));
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::null());
    let log =
        if std::env::var_os("HANSHO_LOG").is_some() { Stdio::inherit() } else { Stdio::null() };
    command.stderr(log);
    command
}

/// The command of this program in another role.
fn myself(role: &str, standin: &StandIn) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("its own name"));
    command.arg(role).env_clear().envs(standin.environment("standard", None));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn end(mut child: Child) {
    let _ = child.kill();
    child.wait().expect("it ends");
}

#[allow(clippy::disallowed_methods, reason = "a stopwatch")]
fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods, reason = "a driver in a thread of its own")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn quantile(times: &mut [Duration], part: f64) -> f64 {
    times.sort_unstable();
    let at = ((times.len() - 1) as f64 * part).round() as usize;
    times[at].as_secs_f64() * 1e3
}

fn print_times(what: &str, times: &mut [Duration]) {
    println!(
        "  {what:<44} median {:>7.2} ms   p90 {:>7.2}   p99 {:>7.2}   n {}",
        quantile(times, 0.5),
        quantile(times, 0.9),
        quantile(times, 0.99),
        times.len()
    );
}

// --- from the queue to the post ---------------------------------------------------------------

/// Findings arrive one by one at an idle worker. The stand-in measures both times: from when the
/// message is in the queue until the whole request has arrived at Slack.
fn latency(arrivals: usize) {
    println!("\narrival at an idle worker → POST");
    let mut random = fastrand::Rng::with_seed(3);
    for (lane, other) in [("standard", "express"), ("express", "standard")] {
        let standin = StandIn::start(Vec::new());
        let findings = standin::corpus(arrivals, 100);
        let mut command = hansho(&standin, "standard", Some("express"));
        let child = command
            .arg("run")
            .env("HANSHO_DESTINATION_PACE", "20ms")
            .spawn()
            .expect("hansho starts");
        standin.wait("a receive", LONGEST, |state| {
            [lane, other].iter().all(|name| state.queues.contains_key(*name))
        });
        pause(Duration::from_millis(300));
        let mut times = Vec::new();
        for finding in &findings {
            // Random, so that arrivals are in step with no timer.
            pause(Duration::from_millis(random.u64(100..200)));
            let posts = standin.state().posts.len();
            let at = standin.put(lane, finding);
            standin.wait("a post", LONGEST, |state| state.posts.len() > posts);
            times.push(standin.state().posts[posts].duration_since(at));
        }
        let first = times[0];
        print_times(lane, &mut times[..]);
        println!("    the first of all: {:.2} ms", first.as_secs_f64() * 1e3);
        end(child);
    }
    let standin = StandIn::start(Vec::new());
    let mut times = Vec::new();
    let stream = std::net::TcpStream::connect(standin.address).expect("the stand-in listens");
    stream.set_nodelay(true).expect("a socket");
    for _ in 0..arrivals {
        let at = now();
        (&stream)
            .write_all(b"POST /services/x HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
            .expect("the stand-in reads");
        let _ = (&stream).read(&mut [0; 1024]).expect("the stand-in answers");
        times.push(at.elapsed());
    }
    print_times("one bare round trip to the stand-in", &mut times);
}

// --- how soon it is there ------------------------------------------------------------------------

/// Measured from before the process starts. The programs alternate, so other load affects all.
fn start(runs: usize) {
    println!("\nfrom the start of the process");
    let mut all: [(&str, Vec<Duration>); 5] = [
        ("/bin/true, to its end", Vec::new()),
        ("lambda_runtime alone → first answer", Vec::new()),
        ("the SDK alone, one receive → on the wire", Vec::new()),
        ("hansho run → first receive on the wire", Vec::new()),
        ("hansho as a Lambda function → first answer", Vec::new()),
    ];
    for _ in 0..runs {
        let at = now();
        end(Command::new("/bin/true").spawn().expect("it starts"));
        all[0].1.push(at.elapsed());

        let standin = StandIn::start(Vec::new());
        let mut command = myself("hello", &standin);
        all[1].1.push(first_answer(&standin, command.envs(standin.lambda_environment())));
        let standin = StandIn::start(Vec::new());
        all[2].1.push(first_receive(&standin, &mut myself("one-call", &standin)));
        let standin = StandIn::start(Vec::new());
        all[3].1.push(first_receive(&standin, hansho(&standin, "standard", None).arg("run")));
        let standin = StandIn::start(Vec::new());
        let mut command = hansho(&standin, "standard", None);
        all[4].1.push(first_answer(&standin, command.envs(standin.lambda_environment())));
    }
    for (what, times) in &mut all {
        print_times(what, times);
    }
}

fn first_receive(standin: &StandIn, command: &mut Command) -> Duration {
    let at = now();
    let child = command.spawn().expect("it starts");
    let first = |state: &standin::State| state.queues.get("standard").and_then(|q| q.first_receive);
    standin.wait("a receive", LONGEST, |state| first(state).is_some());
    end(child);
    let state = standin.state();
    first(&state).expect("it was waited for").duration_since(at)
}

/// Lambda calls the function at once, with a batch of one message below the threshold.
fn first_answer(standin: &StandIn, command: &mut Command) -> Duration {
    let body = &standin::corpus(1, 0)[0];
    let record = json!({
        "messageId": "00000000-0000-4000-8000-000000000001", "receiptHandle": "r", "body": body,
        "attributes": { "ApproximateReceiveCount": "1", "SentTimestamp": "1790000000000" },
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:standard", "awsRegion": "us-east-1",
    });
    standin.state().invocations.push_back(json!({ "Records": [record] }).to_string());
    let at = now();
    let child = command.spawn().expect("it starts");
    standin.wait("an answer", LONGEST, |state| !state.answers.is_empty());
    end(child);
    let state = standin.state();
    state.answers[0].duration_since(at)
}

/// The least that a program with the SDK does.
fn one_call() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let sdk = hansho::aws::sdk_config().await;
        let client = aws_sdk_sqs::Client::new(&sdk);
        let url = std::env::var("HANSHO_QUEUE_STANDARD").expect("a queue");
        client.receive_message().queue_url(url).send().await.expect("the stand-in answers");
    });
}

/// The least that a Lambda function in Rust does.
fn hello() {
    use lambda_runtime::{LambdaEvent, run, service_fn};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let handler =
            |_: LambdaEvent<Value>| async { Ok::<_, std::convert::Infallible>(json!({})) };
        let _ = run(service_fn(handler)).await;
    });
}

// --- how much memory -----------------------------------------------------------------------------

fn memory() {
    println!("\nresident memory, MiB (peak)");
    let standin = StandIn::start(standin::corpus(5000, 6));
    let shown = |what: &str, child: &Child| {
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let text = text.expect("a process that runs");
        let of = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let kib = line.split_whitespace().nth(1).and_then(|digits| digits.parse::<f64>().ok());
            kib.unwrap_or(f64::NAN) / 1024.0
        };
        println!(
            "  {what:<44} {:>6.1} ({:>5.1}), of which the program's file {:.1}; threads {}",
            of("VmRSS:"),
            of("VmHWM:"),
            of("RssFile:"),
            text.lines().find_map(|l| l.strip_prefix("Threads:")).unwrap_or_default().trim()
        );
    };
    let idle = hansho(&standin, "standard", Some("express")).arg("run").spawn().expect("it starts");
    standin.wait("a receive", LONGEST, |state| state.queues.contains_key("standard"));
    pause(Duration::from_secs(3));
    shown("idle, after 3 s", &idle);
    end(idle);

    let messages = 100_000;
    let queue = format!("backlog-{messages}-m");
    let mut command = hansho(&standin, &queue, Some("express"));
    let child =
        command.arg("run").env("HANSHO_DESTINATION_PACE", "20ms").spawn().expect("it starts");
    let done =
        |state: &standin::State| state.queues.get(&queue).is_some_and(|q| q.emptied.is_some());
    standin.wait("100,000 findings", LONGEST * 3, done);
    shown("100,000 findings later, 6 % of them posted", &child);
    standin.state().slack_is_down = true;
    for finding in standin::corpus(600, 100) {
        standin.put(&queue, &finding);
    }
    pause(Duration::from_secs(12));
    shown("and with a full desk, Slack being unreachable", &child);
    let state = standin.state();
    let held = state.queues[&queue].live.len();
    println!("    of 600 more {held} were left in the queue; calls: {:?}", state.counts);
    drop(state);
    end(child);
}

// --- surroundings for others ---------------------------------------------------------------------

/// Prints the environment for `hansho run` as a shell reads it, and serves until its input ends.
fn serve(messages: usize, alerts_in_100: usize) {
    let standin = StandIn::start(standin::corpus(messages, alerts_in_100));
    for (name, value) in standin.environment(&format!("backlog-{messages}-s"), None) {
        println!("export {name}='{value}'");
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    eprintln!("calls: {:?}", standin.state().counts);
}

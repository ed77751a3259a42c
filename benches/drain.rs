//! How fast hansho drains a backlog below the threshold, compared with a bare loop. The loop
//! receives and deletes with the same SDK and reads nothing, the least that a consumer does. Both
//! run as processes, one after the other on the same stand-in, so other load on the machine affects
//! both.
//!
//! `cargo bench --bench drain -- [--pairs 7] [--messages 30000]`

mod standin;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use standin::StandIn;

/// A run that takes longer is broken.
const LONGEST: Duration = Duration::from_secs(300);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|word| word == "bare") {
        return bare(&arguments[2], arguments[3].parse().expect("a number"));
    }
    let number = |name: &str, otherwise: usize| {
        let at = arguments.iter().position(|word| word == name);
        at.map_or(otherwise, |at| arguments[at + 1].parse().expect("a number"))
    };
    let (pairs, messages) = (number("--pairs", 7), number("--messages", 30_000));
    let standin = StandIn::start(standin::corpus(2000, 0));
    for round_trip in [0, 5] {
        standin.state().round_trip = Duration::from_millis(round_trip);
        let messages = if round_trip == 0 { messages } else { messages / 4 };
        compare(&standin, pairs, messages, round_trip);
    }
}

#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    cpu_us: f64,
}

fn compare(standin: &StandIn, pairs: usize, messages: usize, round_trip: u64) {
    println!("\n{messages} messages, {round_trip} ms a round trip, {pairs} pairs");
    let mut shares = [Vec::new(), Vec::new()];
    let mut cpu = Vec::new();
    for pair in 0..pairs {
        let run = |who: usize| {
            let queue = format!("backlog-{messages}-{round_trip}-{pair}-{who}");
            let child = match who {
                0 => hansho(standin, &queue),
                receives => bare_child(standin, &queue, receives),
            };
            drained(standin, &queue, messages, child)
        };
        let order = if pair % 2 == 0 { [0, 4, 1] } else { [1, 4, 0] };
        let rates = order.map(|who| (who, run(who)));
        let of = |who: usize| rates.iter().find(|(w, _)| *w == who).expect("each ran once").1;
        let (ours, four, one) = (of(0), of(4), of(1));
        println!(
            "  hansho {:>7.0}/s {:>6.1} µs   bare, 4 receives {:>7.0}/s {:>6.1} µs   bare, 1 receive \
             {:>7.0}/s {:>6.1} µs   {:>5.1} %  {:>5.1} %",
            ours.per_second,
            ours.cpu_us,
            four.per_second,
            four.cpu_us,
            one.per_second,
            one.cpu_us,
            100.0 * ours.per_second / four.per_second,
            100.0 * ours.per_second / one.per_second,
        );
        shares[0].push(ours.per_second / four.per_second);
        shares[1].push(ours.per_second / one.per_second);
        cpu.push(ours.cpu_us / four.cpu_us);
    }
    println!(
        "median: {:.1} % of the bare loop's rate with 4 receives in flight, {:.1} % of that with 1; {:.2} x \
         its processor time",
        100.0 * median(&mut shares[0]),
        100.0 * median(&mut shares[1]),
        median(&mut cpu)
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn hansho(standin: &StandIn, queue: &str) -> Child {
    let binary = std::env::var("HANSHO_BIN");
    let binary = binary.as_deref().unwrap_or(env!("CARGO_BIN_EXE_hansho"));
    let mut command = Command::new(binary);
    command.arg("run").env_clear().envs(standin.environment(queue, None));
    command.current_dir(std::env::temp_dir());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("hansho starts")
}

fn bare_child(standin: &StandIn, queue: &str, receives: usize) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("its own name"));
    command.args(["bare", &standin.url(queue), &receives.to_string()]);
    command.env_clear().envs(standin.environment(queue, None));
    command.stdout(Stdio::null()).spawn().expect("the bare loop starts")
}

fn drained(standin: &StandIn, queue: &str, messages: usize, mut child: Child) -> Rate {
    standin.wait(queue, LONGEST, |state| {
        state.queues.get(queue).is_some_and(|queue| queue.emptied.is_some())
    });
    let cpu = standin::processor_time(child.id());
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let state = standin.state();
    let queue = &state.queues[queue];
    let (from, to) = (queue.first_receive.expect("it began"), queue.emptied.expect("it ended"));
    let messages = messages as f64;
    Rate {
        per_second: messages / to.duration_since(from).as_secs_f64(),
        cpu_us: cpu.as_secs_f64() * 1e6 / messages,
    }
}

enum Done {
    Received(Vec<(String, String)>),
    Deleted,
}

/// Receives and deletes until the process is killed. No receive waits for a delete.
fn bare(url: &str, receives: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let sdk = hansho::aws::sdk_config().await;
        // The same settings as hansho's.
        let config = Builder::from(&sdk)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let client = Client::from_conf(config.build());
        let mut calls: FuturesUnordered<futures_util::future::BoxFuture<'_, Done>> =
            FuturesUnordered::new();
        for _ in 0..receives {
            calls.push(Box::pin(receive(&client, url)));
        }
        while let Some(done) = calls.next().await {
            if let Done::Received(receipts) = done {
                if !receipts.is_empty() {
                    calls.push(Box::pin(delete(&client, url, receipts)));
                }
                calls.push(Box::pin(receive(&client, url)));
            }
        }
    });
}

async fn receive(client: &Client, url: &str) -> Done {
    let answer = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .wait_time_seconds(20)
        .visibility_timeout(120)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        .send()
        .await;
    let messages = answer.expect("the stand-in answers").messages.unwrap_or_default();
    let receipt = |m: aws_sdk_sqs::types::Message| Some((m.message_id?, m.receipt_handle?));
    Done::Received(messages.into_iter().filter_map(receipt).collect())
}

async fn delete(client: &Client, url: &str, receipts: Vec<(String, String)>) -> Done {
    let entry = |(index, (_, receipt)): (usize, (String, String))| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
        entry.receipt_handle(receipt).build().expect("id and receipt are given")
    };
    let entries = receipts.into_iter().enumerate().map(entry).collect();
    let call = client.delete_message_batch().queue_url(url).set_entries(Some(entries));
    call.send().await.expect("the stand-in answers");
    Done::Deleted
}

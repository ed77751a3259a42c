//! The code of a worker that is there already, with the real binary on the stand-in.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use tempfile::TempDir;
use zip::ZipArchive;
use zip::write::SimpleFileOptions;

use crate::commands::estate_standin::{EstateStandIn, Held, place};
use crate::commands::rollout::{HOME, MANAGEMENT, SECURITY, done, killed_at_each_call};
use crate::commands::rollout::{program, state, steps};

const WORKER: &str = "hansho-worker-lambda";
const ONLY: [&str; 2] = ["--only", "pipeline,secret,code,worker"];
const UPDATED: [&str; 1] = ["worker update 111122223333 eu-central-1 planned"];
const TOML: &str = "min_severity = \"high\"\n";

/// A later version of the program.
fn newer(folder: &TempDir) -> String {
    let mut bytes = std::fs::read(program(folder)).unwrap();
    bytes.extend(b"newer");
    let path = folder.path().join("newer");
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn args<'a>(action: &'a str, worker: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[action, "--regions", HOME, "--worker", worker], &ONLY[..], more].concat()
}

/// Pipeline and worker, with a configuration file, mentions, and the program of [`program`].
async fn made(folder: &TempDir) -> Held {
    std::fs::write(folder.path().join("worker.toml"), TOML).unwrap();
    let held = Held { quick_stacks: true, ..Held::organisation(MANAGEMENT, &[SECURITY]) };
    let standin = EstateStandIn::start(held).await;
    let more = ["--yes", "--config", "worker.toml", "--mention", "<!here>"];
    done(&standin, folder, &args("apply", &program(folder), &more), 0).await;
    let held = standin.change(|held| held.clone());
    Held { calls: Vec::new(), ..held }
}

fn parameters(standin: &EstateStandIn) -> BTreeMap<String, String> {
    let worker = (place(SECURITY, HOME), WORKER.to_owned());
    standin.change(|held| held.parameters[&worker].clone())
}

/// The files in the code that the worker's stack names.
fn code(standin: &EstateStandIn) -> BTreeMap<String, Vec<u8>> {
    let mut parameters = parameters(standin);
    let object = ["CodeBucket", "CodeKey"].map(|key| parameters.remove(key).unwrap());
    let bytes = standin.change(|held| held.objects[&object.into()].bytes.clone());
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut file, &mut bytes).unwrap();
        files.insert(file.name().to_owned(), bytes);
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn other_code_is_named_and_sent_and_nothing_else_of_the_worker_changes() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(made(&folder).await).await;
    let (old, new) = (program(&folder), newer(&folder));
    assert_eq!(steps(&standin, &folder, &args("plan", &old, &[]), 0).await, [""; 0]);
    assert_eq!(steps(&standin, &folder, &args("plan", &new, &[]), 3).await, UPDATED);
    let text = done(&standin, &folder, &args("plan", &new, &[]), 3).await;
    for expected in ["code differs: it is hansho-lambda-", "would be sent", "UpdateStack"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let before = parameters(&standin);
    done(&standin, &folder, &args("apply", &new, &["--yes"]), 0).await;
    let after = parameters(&standin);
    assert_ne!(before["CodeKey"], after["CodeKey"]);
    for (key, value) in before.iter().filter(|(key, _)| *key != "CodeKey") {
        assert_eq!(after[key], *value, "{key}");
    }
    assert_eq!(after["MinSeverity"], "high");
    assert_eq!(code(&standin)["bootstrap"], std::fs::read(&new).unwrap());
    assert_eq!(code(&standin)["hansho.toml"], TOML.as_bytes());
    assert_eq!(steps(&standin, &folder, &args("plan", &new, &[]), 0).await, [""; 0]);

    // Another configuration is other code, and its threshold is a parameter.
    std::fs::write(folder.path().join("other.toml"), "min_severity = \"low\"\n").unwrap();
    let other = ["--yes", "--config", "other.toml"];
    done(&standin, &folder, &args("apply", &new, &other), 0).await;
    assert_eq!(code(&standin)["hansho.toml"], b"min_severity = \"low\"\n");
    assert_eq!(parameters(&standin)["MinSeverity"], "low");
    assert_eq!(parameters(&standin)["MentionHigh"], "<!here>");
    assert_eq!(steps(&standin, &folder, &args("plan", &new, &[]), 0).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_killed_at_any_call_is_finished_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let held = made(&folder).await;
    let new = newer(&folder);
    let apply = args("apply", &new, &["--yes"]);
    killed_at_each_call(&folder, &apply, || held.clone()).await;
    let mut throttled = held;
    throttled.faults.throttle_every = Some(3);
    let standin = EstateStandIn::start(throttled).await;
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(code(&standin)["bootstrap"], std::fs::read(&new).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_takes_its_time_is_waited_for_and_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let held = Held { quick_stacks: false, ..made(&folder).await };
    let new = newer(&folder);
    let standin = EstateStandIn::start(held).await;
    let stacks = |held: &mut Held| {
        let stacks = held.stacks.get_mut(&place(SECURITY, HOME)).unwrap();
        stacks.insert(WORKER.to_owned(), "UPDATE_IN_PROGRESS".to_owned());
    };
    // Another change is under way.
    standin.change(stacks);
    let planned = steps(&standin, &folder, &args("plan", &new, &[]), 3).await;
    assert_eq!(planned, ["worker deploy 111122223333 eu-central-1 planned"]);
    standin.change(stacks);
    done(&standin, &folder, &args("apply", &new, &["--yes"]), 0).await;
    assert_eq!(standin.calls("UpdateStack").len(), 0);
    assert_eq!(steps(&standin, &folder, &args("plan", &new, &[]), 3).await, UPDATED);
    done(&standin, &folder, &args("apply", &new, &["--yes"]), 0).await;
    assert_eq!(standin.calls("UpdateStack").len(), 1);
    assert_eq!(steps(&standin, &folder, &args("plan", &new, &[]), 0).await, [""; 0]);
}

/// What `infra/build` and the guide make: another bucket, another name, and a time in the zip.
fn built(held: &mut Held, program: &[u8]) {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("bootstrap", program), ("hansho.toml", TOML.as_bytes())] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let (_, mut object) = held.objects.pop_first().unwrap();
    object.bytes = zip.finish().unwrap().into_inner();
    let bucket = format!("hansho-code-{SECURITY}-{HOME}-an");
    let key = "hansho-lambda-0123456789ab.zip".to_owned();
    held.buckets = BTreeMap::from([(bucket.clone(), SECURITY.to_owned())]);
    held.stacks.get_mut(&place(SECURITY, HOME)).unwrap().remove("hansho-code");
    let worker = (place(SECURITY, HOME), WORKER.to_owned());
    let parameters = held.parameters.get_mut(&worker).unwrap();
    parameters.insert("CodeBucket".to_owned(), bucket.clone());
    parameters.insert("CodeKey".to_owned(), key.clone());
    held.objects.insert((bucket, key), object);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_of_infra_build_is_left_alone_unless_a_program_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = made(&folder).await;
    let old = program(&folder);
    built(&mut held, &std::fs::read(&old).unwrap());
    let standin = EstateStandIn::start(held).await;
    let alone = [&["plan", "--regions", HOME][..], &ONLY].concat();
    let text = done(&standin, &folder, &alone, 0).await;
    assert!(text.contains("1 step left alone"), "{text}");
    let why = "no rollout sent its code (hansho-lambda-0123456789ab): give --worker to replace it";
    assert!(text.contains(why), "{text}");
    let before = state(&standin);
    done(&standin, &folder, &[&["apply"], &alone[1..], &["--yes"]].concat(), 0).await;
    assert_eq!(state(&standin), before);

    let expected = ["code deploy 111122223333 eu-central-1 planned", UPDATED[0]];
    assert_eq!(steps(&standin, &folder, &args("plan", &old, &[]), 3).await, expected);
    done(&standin, &folder, &args("apply", &old, &["--yes"]), 0).await;
    assert_eq!(code(&standin)["hansho.toml"], TOML.as_bytes());
    assert_eq!(steps(&standin, &folder, &args("plan", &old, &[]), 0).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_cannot_be_read_or_changed_is_said_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(made(&folder).await).await;
    let new = newer(&folder);
    let before = state(&standin);
    standin
        .change(|held| held.faults.denied.push(["GetObject", "*", "*"].map(str::to_owned).into()));
    let text = done(&standin, &folder, &args("apply", &new, &["--yes"]), 1).await;
    assert!(text.contains("the configuration in the worker's code can't be read"), "{text}");
    assert!(text.contains("give it with --config"), "{text}");
    assert_eq!(state(&standin), before);
    standin.change(|held| {
        held.faults.denied.clear();
        held.updates_fail = true;
    });
    let text = done(&standin, &folder, &args("apply", &new, &["--yes"]), 1).await;
    let why = "was not changed, and is as before: Function: as ordered by the test";
    assert!(text.contains(why), "{text}");
    assert_eq!(steps(&standin, &folder, &args("plan", &new, &[]), 3).await, UPDATED);
}

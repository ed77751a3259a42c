//! `hansho rollout` with the real binary and the real SDKs, on the stand-in for GuardDuty and its
//! neighbours.

use std::collections::BTreeSet;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::commands::estate_standin::{
    EstateStandIn, Held, Rule, credentials, parameter, place, program_for_lambda,
};
use crate::commands::run_e2e::{LONGEST, hansho};

pub const MANAGEMENT: &str = "000000000001";
pub const SECURITY: &str = "111122223333";
const MEMBERS: [&str; 2] = ["444455556666", "777788889999"];
pub const HOME: &str = "eu-central-1";
const REGIONS: [&str; 2] = [HOME, "us-east-1"];
const MANAGEMENT_ROLE: &str = "arn:aws:iam::000000000001:role/hansho-reader";
pub const WEBHOOK: &str = "https://hooks.slack.com/services/T0/B0/very-secret";

/// What pipeline and forwarders make. The rule of each region is disabled.
fn with_stacks(mut held: Held, regions: &[&str]) -> Held {
    held.buses.insert(place(SECURITY, HOME));
    held.secrets.insert(place(SECURITY, HOME), None);
    let stacks = held.stacks.entry(place(SECURITY, HOME)).or_default();
    stacks.insert("hansho-worker-lambda".to_owned(), "CREATE_COMPLETE".to_owned());
    let bus = format!("arn:aws:events:{HOME}:{SECURITY}:event-bus/hansho");
    for region in regions {
        let targets = vec![("hansho-bus".to_owned(), bus.clone())];
        let rule = Rule { enabled: false, pattern: None, targets };
        let rules = held.rules.entry(place(SECURITY, region)).or_default();
        rules.insert("hansho-forwarder".to_owned(), rule);
    }
    held
}

/// A program that Lambda starts, for another processor than this one.
pub fn program(folder: &TempDir) -> String {
    let path = folder.path().join("hansho-arm64");
    std::fs::write(&path, program_for_lambda()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn organisation(regions: &[&str]) -> Held {
    let ids: Vec<&str> = [&[MANAGEMENT, SECURITY][..], &MEMBERS].concat();
    with_stacks(Held::organisation(MANAGEMENT, &ids), regions)
}

fn command(standin: &EstateStandIn, folder: &TempDir, args: &[&str]) -> Command {
    let mut command = hansho(folder.path());
    command
        .arg("rollout")
        .args(args)
        .envs(credentials(SECURITY))
        .env("AWS_ENDPOINT_URL", standin.endpoint())
        .env("AWS_ENDPOINT_URL_DYNAMODB", standin.ledger())
        .env("AWS_REGION", HOME)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs to the end, with the webhook on the standard input.
async fn run(standin: &EstateStandIn, folder: &TempDir, args: &[&str]) -> Output {
    let mut child = command(standin, folder, args).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // A run that needs no webhook does not read it.
    _ = input.write_all(format!("{WEBHOOK}\n").as_bytes()).await;
    drop(input);
    let output = tokio::time::timeout(LONGEST, child.wait_with_output());
    let output = output.await.expect("it ends").unwrap();
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!said.contains("very-secret") && !said.contains("panicked"), "{said}");
    output
}

pub async fn done(standin: &EstateStandIn, folder: &TempDir, args: &[&str], code: i32) -> String {
    let output = run(standin, folder, args).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    out + &err
}

/// The steps that are not left alone, as `step action account region status`.
pub async fn steps(
    standin: &EstateStandIn,
    folder: &TempDir,
    args: &[&str],
    code: i32,
) -> Vec<String> {
    let output = run(standin, folder, &[args, &["--json"]].concat()).await;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    let all: Value = serde_json::from_str(&out).unwrap();
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    let line = |step: &Value| {
        ["step", "action", "account", "region", "status"].map(|key| text(step, key)).join(" ")
    };
    let all = all["steps"].as_array().unwrap();
    all.iter().map(line).filter(|line| !line.ends_with("left_alone")).collect()
}

/// The rights that a plan names, as IAM writes them.
async fn rights(standin: &EstateStandIn, folder: &TempDir, args: &[&str]) -> BTreeSet<String> {
    let output = run(standin, folder, &[args, &["--json"]].concat()).await;
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of_steps = all["steps"].as_array().unwrap().iter().map(|step| &step["rights"]);
    let to_read = all["rights_to_read"].as_object().unwrap().values();
    let lists = of_steps.chain(to_read).flat_map(|list| list.as_array().unwrap());
    lists.map(|right| right.as_str().unwrap().to_owned()).collect()
}

/// Each call that was made is among the rights that the plan named.
fn covered(standin: &EstateStandIn, rights: &BTreeSet<String>) {
    let calls = standin.change(|held| held.calls.clone());
    for call in calls {
        let action = match call.operation.as_str() {
            "HeadObject" => "s3:GetObject".to_owned(),
            operation => format!("{}:{operation}", call.service),
        };
        assert!(rights.contains(&action), "{action} is in no plan");
    }
}

const ORGANISED: [&str; 4] =
    ["--management-role", MANAGEMENT_ROLE, "--regions", "eu-central-1,us-east-1"];

fn with<'a>(action: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    [&[action], options].concat()
}

/// The state, without what tests of calls need.
pub fn state(standin: &EstateStandIn) -> String {
    standin.change(|held| {
        let Held { organisation, detectors, members, rules, secrets, stacks, .. } = held;
        let Held { parameters, objects, .. } = held;
        format!(
            "{organisation:#?}\n{detectors:#?}\n{members:#?}\n{rules:#?}\n{secrets:#?}\n\
             {stacks:#?}\n{parameters:#?}\n{objects:?}"
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn after_apply_the_plan_is_empty_and_guarddutys_state_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(organisation(&REGIONS)).await;
    let planned = steps(&standin, &folder, &with("plan", &ORGANISED), 3).await;
    let expected = [
        "secret put 111122223333 eu-central-1 planned",
        "directory put 111122223333 eu-central-1 planned",
        "detector create 000000000001 eu-central-1 planned",
        "detector create 111122223333 eu-central-1 planned",
        "administrator designate 111122223333 eu-central-1 planned",
        "organization configure 111122223333 eu-central-1 planned",
        "member enroll 000000000001 eu-central-1 planned",
        "member enroll 444455556666 eu-central-1 planned",
        "member enroll 777788889999 eu-central-1 planned",
        "forwarder enable 111122223333 eu-central-1 planned",
        "canary send 111122223333 eu-central-1 planned",
    ];
    assert_eq!(planned[..11], expected);
    assert_eq!(planned.len(), 20, "{planned:?}");
    let before = state(&standin);
    let text = done(&standin, &folder, &with("plan", &ORGANISED), 3).await;
    assert!(text.contains("20 steps to do") && text.contains("management login:"), "{text}");
    // Nobody is asked without a terminal, so nothing is done.
    let text = done(&standin, &folder, &with("apply", &ORGANISED), 2).await;
    assert!(text.contains("confirm with --yes"), "{text}");
    assert_eq!(state(&standin), before);

    let rights = rights(&standin, &folder, &with("plan", &ORGANISED)).await;
    let apply = [&with("apply", &ORGANISED)[..], &["--yes"]].concat();
    let text = done(&standin, &folder, &apply, 0).await;
    assert!(text.contains("20 steps done"), "{text}");
    assert_eq!(steps(&standin, &folder, &with("plan", &ORGANISED), 0).await, [""; 0]);
    standin.change(|held| {
        assert_eq!(held.secrets[&place(SECURITY, HOME)].as_deref(), Some(WEBHOOK));
        let all = [MANAGEMENT, SECURITY, MEMBERS[0], MEMBERS[1]];
        for region in REGIONS {
            assert!(all.iter().all(|id| held.detectors[&place(id, region)].on));
            let organisation = held.organisation.as_ref().unwrap();
            assert_eq!(organisation.configurations[region].members, "ALL");
        }
    });
    covered(&standin, &rights);
    let changes = standin.change(|held| held.calls.len());
    assert_eq!(steps(&standin, &folder, &apply, 0).await, [""; 0]);
    let later = standin.change(|held| held.calls[changes..].to_vec());
    let writes = ["Create", "Update", "Enable", "Put", "Start", "Invite", "Accept"];
    let written = later.iter().find(|call| writes.iter().any(|w| call.operation.starts_with(w)));
    assert!(written.is_none(), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pipeline_and_forwarders_are_made_of_the_templates_in_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let ids: Vec<&str> = [&[MANAGEMENT, SECURITY][..], &MEMBERS].concat();
    let standin = EstateStandIn::start(Held::organisation(MANAGEMENT, &ids)).await;
    let program = program(&folder);
    let only = ["--worker", &program, "--only", "pipeline,secret,code,worker,forwarder"];
    let only = [&ORGANISED[..], &only].concat();
    let planned = steps(&standin, &folder, &with("plan", &only), 3).await;
    let expected = [
        "pipeline deploy 111122223333 eu-central-1 planned",
        "secret put 111122223333 eu-central-1 planned",
        "code deploy 111122223333 eu-central-1 planned",
        "worker deploy 111122223333 eu-central-1 planned",
        "forwarder deploy 111122223333 eu-central-1 planned",
        "forwarder deploy 111122223333 us-east-1 planned",
    ];
    assert_eq!(planned, expected);

    let broken = [&with("apply", &only)[..], &["--yes", "--alarm-email", "broken@a.example"]];
    let standin_broken = EstateStandIn::start(Held::organisation(MANAGEMENT, &ids)).await;
    let text = done(&standin_broken, &folder, &broken.concat(), 1).await;
    assert!(text.contains("ROLLBACK_COMPLETE: Bus: as ordered by the test"), "{text}");
    assert!(text.contains("4 steps not done"), "{text}");

    std::fs::write(folder.path().join("worker.toml"), "min_severity = \"high\"\n").unwrap();
    let apply = ["--yes", "--alarm-email", "oncall@a.example", "--mention", "<!here>"];
    let apply = [&apply[..], &["--config", "worker.toml"]].concat();
    let apply = [&with("apply", &only)[..], &apply, &["--mention", "critical=<!channel>"]];
    let rights = rights(&standin, &folder, &with("plan", &only)).await;
    let made = steps(&standin, &folder, &apply.concat(), 0).await;
    covered(&standin, &rights);
    assert_eq!(made.iter().filter(|step| step.ends_with("done")).count(), 6, "{made:?}");
    assert_eq!(steps(&standin, &folder, &with("plan", &only), 0).await, [""; 0]);
    let created = standin.calls("CreateStack");
    let pipeline = created.iter().find(|call| call.text("StackName") == "hansho-pipeline").unwrap();
    let sent = pipeline.body.to_string();
    assert!(sent.contains("o-exampleorgid") && sent.contains("oncall@a.example"), "{sent}");
    let worker = created.iter().find(|call| call.text("StackName") == "hansho-worker-lambda");
    for (key, value) in [
        ("Architecture", "arm64"),
        ("MinSeverity", "high"),
        ("DestinationName", "security"),
        ("CodeVersion", "v1"),
        ("AlarmTopicArn", "arn:aws:sns:eu-central-1:111122223333:hansho-alarms"),
        ("MentionMedium", "<!here>"),
        ("MentionHigh", "<!here>"),
        ("MentionCritical", "<!channel>"),
    ] {
        assert_eq!(parameter(worker.unwrap(), key), value, "{key}");
    }
    standin.change(|held| {
        let (_, object) = held.objects.first_key_value().unwrap();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&object.bytes)).unwrap();
        let mut sent = Vec::new();
        std::io::copy(&mut zip.by_name("bootstrap").unwrap(), &mut sent).unwrap();
        assert_eq!(sent, std::fs::read(&program).unwrap());
        let file = std::io::read_to_string(zip.by_name("hansho.toml").unwrap()).unwrap();
        assert_eq!(file, "min_severity = \"high\"\n");
        assert_eq!(held.secrets[&place(SECURITY, HOME)].as_deref(), Some(WEBHOOK));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_would_not_start_is_refused_before_any_call() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(organisation(&[HOME])).await;
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
    let other = folder.path().join("other");
    let mut bytes = std::fs::read(program(&folder)).unwrap();
    bytes.truncate(120);
    std::fs::write(&other, bytes).unwrap();
    for (file, why) in [
        (script.to_str().unwrap(), "it is no program for 64-bit Linux"),
        (other.to_str().unwrap(), "it is not hansho"),
        ("missing", "it can't be read"),
    ] {
        let options = ["plan", "--config", file, "--regions", HOME];
        done(&standin, &folder, &options, 2).await;
        let options = [&ORGANISED[..], &["--worker", file, "--yes"]].concat();
        let text = done(&standin, &folder, &with("apply", &options), 2).await;
        assert!(text.contains("--worker:") && text.contains(why), "{why}: {text}");
    }
    assert_eq!(standin.change(|held| held.calls.len()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_there_is_not_sent_again_and_no_other_accounts_bucket_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = organisation(&[HOME]);
    held.stacks.get_mut(&place(SECURITY, HOME)).unwrap().clear();
    let denied = ["CreateStack", "*", HOME].map(str::to_owned);
    let standin = EstateStandIn::start(held).await;
    let options = ["--regions", HOME, "--worker", &program(&folder), "--yes"];
    let only = [&options[..], &["--only", "secret,code,worker"]].concat();
    let apply = with("apply", &only);
    standin.change(|held| {
        let stacks = held.stacks.entry(place(SECURITY, HOME)).or_default();
        for name in ["hansho-pipeline", "hansho-code"] {
            stacks.insert(name.to_owned(), "CREATE_COMPLETE".to_owned());
        }
        let bucket = format!("hansho-code-code-{SECURITY}-{HOME}");
        held.buckets.insert(bucket, MEMBERS[0].to_owned());
        held.faults.denied.push(denied.into());
    });
    let text = done(&standin, &folder, &apply, 1).await;
    assert!(text.contains("or the bucket is another account's"), "{text}");
    assert!(standin.change(|held| held.objects.is_empty()));

    standin.change(|held| held.buckets.values_mut().for_each(|owner| *owner = SECURITY.to_owned()));
    let text = done(&standin, &folder, &apply, 1).await;
    assert!(text.contains("cloudformation:CreateStack in eu-central-1: the right"), "{text}");
    standin.change(|held| held.faults.denied.clear());
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(standin.calls("PutObject").len(), 1);
    assert_eq!(standin.calls("HeadObject").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_by_hand_is_planned_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(organisation(&REGIONS)).await;
    let apply = [&with("apply", &ORGANISED)[..], &["--yes"]].concat();
    done(&standin, &folder, &apply, 0).await;
    standin.change(|held| {
        held.detector(SECURITY, HOME).on = false;
        held.detector(MEMBERS[0], "us-east-1").plans.insert("S3_DATA_EVENTS".to_owned(), false);
        let removed = held.members.get_mut(&place(SECURITY, HOME)).unwrap();
        removed.get_mut(MEMBERS[1]).unwrap().relationship = "Removed".to_owned();
        let suspended = held.members.get_mut(&place(SECURITY, "us-east-1")).unwrap();
        suspended.get_mut(MEMBERS[1]).unwrap().relationship = "Disabled".to_owned();
        let rules = held.rules.get_mut(&place(SECURITY, "us-east-1")).unwrap();
        rules.get_mut("hansho-forwarder").unwrap().enabled = false;
        held.add_account("888877776666");
    });
    let found = steps(&standin, &folder, &with("plan", &ORGANISED), 3).await;
    // A suspended detector shows its plans as off.
    let expected = [
        "directory put 111122223333 eu-central-1 planned",
        "detector resume 111122223333 eu-central-1 planned",
        "member enroll 777788889999 eu-central-1 planned",
        "member enroll 888877776666 eu-central-1 planned",
        "plans enable 111122223333 eu-central-1 planned",
        "member resume 777788889999 us-east-1 planned",
        "member enroll 888877776666 us-east-1 planned",
        "plans enable 444455556666 us-east-1 planned",
        "forwarder enable 111122223333 us-east-1 planned",
        "canary send 111122223333 us-east-1 planned",
    ];
    assert_eq!(found, expected);
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(steps(&standin, &folder, &with("plan", &ORGANISED), 0).await, [""; 0]);
    let left_out = [&with("plan", &ORGANISED)[..], &["--only", "secret,forwarder"]].concat();
    assert_eq!(steps(&standin, &folder, &left_out, 0).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_any_call_is_finished_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--management-role", MANAGEMENT_ROLE, "--regions", HOME, "--yes"];
    let apply = with("apply", &options);
    killed_at_each_call(&folder, &apply, || organisation(&[HOME])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_makes_stacks_and_sends_code_may_be_killed_too() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(&folder);
    let only = ["--worker", &program, "--only", "pipeline,secret,code,worker,forwarder"];
    let apply = [&["apply", "--regions", HOME, "--yes"][..], &only].concat();
    let empty = || Held { quick_stacks: true, ..Held::organisation(MANAGEMENT, &[SECURITY]) };
    killed_at_each_call(&folder, &apply, empty).await;
}

/// Runs to the end; then once for each of its calls, which is the last one of a run, and again.
pub async fn killed_at_each_call(folder: &TempDir, apply: &[&str], held: impl Fn() -> Held) {
    let standin = EstateStandIn::start(held()).await;
    done(&standin, folder, apply, 0).await;
    let whole = state(&standin);
    let calls = standin.change(|held| held.calls.len());
    assert!(calls > 10, "{calls}");
    for kill_at in 1..=calls {
        let mut held = held();
        held.faults.kill_at = Some(kill_at);
        held.faults.kill_after_effect = kill_at % 2 == 0;
        let standin = EstateStandIn::start(held).await;
        let mut child = command(&standin, folder, apply).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        _ = input.write_all(format!("{WEBHOOK}\n").as_bytes()).await;
        drop(input);
        standin.killed().await;
        child.kill().await.unwrap();
        standin.change(|held| held.faults.kill_at = None);
        done(&standin, folder, apply, 0).await;
        assert_eq!(state(&standin), whole, "killed at call {kill_at}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttles_are_retried() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = organisation(&REGIONS);
    held.faults.throttle_every = Some(3);
    let standin = EstateStandIn::start(held).await;
    let apply = [&with("apply", &ORGANISED)[..], &["--yes"]].concat();
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(steps(&standin, &folder, &with("plan", &ORGANISED), 0).await, [""; 0]);

    let mut held = Held { quick_stacks: true, ..Held::organisation(MANAGEMENT, &[SECURITY]) };
    held.faults.throttle_every = Some(3);
    let standin = EstateStandIn::start(held).await;
    let program = program(&folder);
    let only = ["--worker", &program, "--only", "pipeline,secret,code,worker,forwarder"];
    let apply = [&["apply", "--regions", HOME, "--yes"][..], &only].concat();
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(standin.change(|held| held.objects.len()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_missing_in_one_region_leaves_the_others_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = organisation(&REGIONS);
    let denied = ["CreateMembers", "*", "us-east-1"].map(str::to_owned);
    held.faults.denied.push(denied.into());
    let standin = EstateStandIn::start(held).await;
    let apply = [&with("apply", &ORGANISED)[..], &["--yes"]].concat();
    let text = done(&standin, &folder, &apply, 1).await;
    assert!(text.contains("guardduty:CreateMembers in us-east-1: the right is missing"), "{text}");
    assert!(text.contains("3 steps failed") && text.contains("17 steps done"), "{text}");
    let left = steps(&standin, &folder, &with("plan", &ORGANISED), 3).await;
    assert_eq!(left.len(), 3, "{left:?}");

    standin.change(|held| {
        held.faults.denied.clear();
        let denied = ["ListMembers", "*", HOME].map(str::to_owned);
        held.faults.denied.push(denied.into());
    });
    let left = steps(&standin, &folder, &with("plan", &ORGANISED), 3).await;
    assert_eq!(left[0], "member none 111122223333 eu-central-1 unreadable");
    done(&standin, &folder, &apply, 1).await;
    // Nothing else is left, and that can't be read.
    let left = steps(&standin, &folder, &with("plan", &ORGANISED), 1).await;
    assert_eq!(left, ["member none 111122223333 eu-central-1 unreadable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_is_not_sent_is_said_and_so_is_a_directory_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = organisation(&[HOME]);
    for operation in ["PutEvents", "ListRoots"] {
        held.faults.denied.push([operation, "*", "*"].map(str::to_owned).into());
    }
    let standin = EstateStandIn::start(held).await;
    let options = ["--management-role", MANAGEMENT_ROLE, "--regions", HOME, "--yes"];
    let text = done(&standin, &folder, &with("apply", &options), 1).await;
    for expected in [
        "2 steps failed",
        "PutEvents on bus \"default\" in eu-central-1 failed: access is denied",
        "the organisation's accounts: ",
        "organizations ListRoots",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(standin.calls("PutEvents").len(), 4);

    // What failed is planned again, although the forwarder is as it should be.
    standin.change(|held| held.faults.denied.clear());
    let expected =
        ["directory put 111122223333 eu-central-1", "canary send 111122223333 eu-central-1"];
    let plan = with("plan", &options[..4]);
    assert_eq!(steps(&standin, &folder, &plan, 3).await, expected.map(|s| format!("{s} planned")));
    let done = expected.map(|s| format!("{s} done"));
    assert_eq!(steps(&standin, &folder, &with("apply", &options), 0).await, done);
    assert_eq!(steps(&standin, &folder, &plan, 0).await, [""; 0]);
    // A change of the way ends the proof, whatever becomes of the run.
    standin.change(|held| {
        let rules = held.rules.get_mut(&place(SECURITY, HOME)).unwrap();
        rules.get_mut("hansho-forwarder").unwrap().enabled = false;
        held.faults.denied.push(["PutEvents", "*", "*"].map(str::to_owned).into());
    });
    self::done(&standin, &folder, &with("apply", &options), 1).await;
    let again = ["canary send 111122223333 eu-central-1 planned"];
    assert_eq!(steps(&standin, &folder, &plan, 3).await, again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_names_accounts_otherwise_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(organisation(&[HOME])).await;
    let options = ["--management-role", MANAGEMENT_ROLE, "--regions", HOME];
    let apply = [&with("apply", &options)[..], &["--yes"]].concat();
    done(&standin, &folder, &apply, 0).await;
    standin.change(|held| held.accounts.get_mut(MEMBERS[0]).unwrap().name = "payments".to_owned());
    let plan = with("plan", &options);
    let expected = ["directory put 111122223333 eu-central-1 planned"];
    assert_eq!(steps(&standin, &folder, &plan, 3).await, expected);
    let text = done(&standin, &folder, &plan, 3).await;
    let why = "names, units, addresses, states or tags of accounts have changed";
    assert!(text.contains(why), "{text}");
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(steps(&standin, &folder, &plan, 0).await, [""; 0]);
    let tag = |standin: &EstateStandIn, key: &str| {
        standin.change(|held| {
            let account = held.accounts.get_mut(MEMBERS[0]).unwrap();
            account.tags.insert(key.to_owned(), "payments".to_owned());
        });
    };
    tag(&standin, "team");
    assert_eq!(steps(&standin, &folder, &plan, 3).await, expected);
    done(&standin, &folder, &apply, 0).await;
    assert_eq!(steps(&standin, &folder, &plan, 0).await, [""; 0]);

    // A person keeps one tag, and then a file of their own.
    sync(&standin, &folder, &["--tag", "team"]).await;
    tag(&standin, "cost-center");
    assert_eq!(steps(&standin, &folder, &plan, 0).await, [""; 0]);
    standin.change(|held| held.accounts.get_mut(MEMBERS[1]).unwrap().name = "shop".to_owned());
    done(&standin, &folder, &apply, 0).await;
    let listed = accounts(&standin, &folder, &["list", "--json"]).await;
    assert!(listed.contains("shop") && !listed.contains("cost-center"), "{listed}");
    std::fs::write(folder.path().join("own.csv"), format!("{},own\n", MEMBERS[0])).unwrap();
    sync(&standin, &folder, &["--file", "own.csv", "--yes"]).await;
    let text = done(&standin, &folder, &plan, 0).await;
    assert!(text.contains("2 steps left alone") && text.contains("it came from a file"), "{text}");
    done(&standin, &folder, &apply, 0).await;
    let listed = accounts(&standin, &folder, &["list", "--json"]).await;
    assert!(listed.contains("own") && !listed.contains("shop"), "{listed}");
}

async fn sync(standin: &EstateStandIn, folder: &TempDir, args: &[&str]) {
    accounts(standin, folder, &[&["sync"], args].concat()).await;
}

/// `hansho accounts` of the pipeline, with a login of the management account.
async fn accounts(standin: &EstateStandIn, folder: &TempDir, args: &[&str]) -> String {
    let sqs = |queue: &str| format!("https://sqs.{HOME}.amazonaws.com/{SECURITY}/{queue}");
    let output = hansho(folder.path())
        .arg("accounts")
        .args(args)
        .envs(credentials(MANAGEMENT))
        .env("AWS_ENDPOINT_URL", standin.endpoint())
        .env("AWS_ENDPOINT_URL_DYNAMODB", standin.ledger())
        .env("AWS_REGION", HOME)
        .env("HANSHO_QUEUE_STANDARD", sqs("hansho-standard"))
        .env("HANSHO_QUEUE_QUARANTINE", sqs("hansho-quarantine"))
        .env("HANSHO_LEDGER_TABLE", "hansho-ledger")
        .env("HANSHO_DESTINATION_NAME", "security")
        .env("HANSHO_DESTINATION_WEBHOOK", "secretsmanager:hansho/slack")
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?} {}", text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_management_login_nothing_is_pretended() {
    let folder = tempfile::tempdir().unwrap();
    let standin = EstateStandIn::start(organisation(&[HOME])).await;
    let options = ["--regions", HOME];
    let found = steps(&standin, &folder, &with("plan", &options), 3).await;
    let expected = [
        "secret put 111122223333 eu-central-1 planned",
        "detector create 111122223333 eu-central-1 planned",
        "administrator designate 111122223333 eu-central-1 by_hand",
        "organization configure 111122223333 eu-central-1 planned",
        "forwarder enable 111122223333 eu-central-1 planned",
        "canary send 111122223333 eu-central-1 planned",
        "member none 111122223333 eu-central-1 unreadable",
    ];
    assert_eq!(found, expected);
    let apply = with("apply", &["--regions", HOME, "--yes"]);
    let found = steps(&standin, &folder, &apply, 1).await;
    assert!(found[3].ends_with("skipped") && found[1].ends_with("done"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_file_are_invited_and_accept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guardduty_member_accounts.csv");
    let csv = "account,email\r\n444455556666,a@corp.example\r\n777788889999,b@corp.example\r\n";
    std::fs::write(&file, format!("\u{feff}{csv}")).unwrap();
    let ids: Vec<&str> = [&[SECURITY][..], &MEMBERS].concat();
    let mut held = with_stacks(Held::accounts(&ids), &REGIONS);
    // One of them has GuardDuty already.
    held.detector(MEMBERS[1], HOME).plans.insert("RDS_LOGIN_EVENTS".to_owned(), false);
    let standin = EstateStandIn::start(held).await;
    let members = ["--mode", "invitation", "--members", "guardduty_member_accounts.csv"];
    let regions = ["--regions", "eu-central-1,us-east-1"];
    let alone = [&with("apply", &members)[..], &regions, &["--yes"]].concat();
    let text = done(&standin, &folder, &alone, 0).await;
    assert!(text.contains("4 steps on its way"), "{text}");
    let plan = [&with("plan", &members)[..], &regions].concat();
    let waiting = steps(&standin, &folder, &plan, 0).await;
    assert_eq!(waiting.len(), 4, "{waiting:?}");
    assert!(waiting.iter().all(|step| step.ends_with("waiting")), "{waiting:?}");

    let role = ["--member-role", "hansho-reader"];
    let apply = [&alone[..], &role].concat();
    let text = done(&standin, &folder, &apply, 0).await;
    assert!(text.contains("steps done"), "{text}");
    let plan = [&plan[..], &role].concat();
    assert_eq!(steps(&standin, &folder, &plan, 0).await, [""; 0]);
    standin.change(|held| {
        for region in REGIONS {
            let members = &held.members[&place(SECURITY, region)];
            assert!(members.values().all(|member| member.relationship == "Enabled"));
            assert_eq!(held.samples.iter().filter(|place| place.1 == region).count(), 1);
        }
        assert!(held.detectors[&place(MEMBERS[1], HOME)].plans["RDS_LOGIN_EVENTS"]);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_is_reported_line_by_line_before_any_call() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "members.csv",
        "444455556666,a@corp.example\n\u{ff14}44455556666,b@corp.example\n444455556666,secret\n",
    );
    write("accounts.csv", "111122223333,42\n");
    let standin = EstateStandIn::start(organisation(&[HOME])).await;
    let options =
        ["--mode", "invitation", "--members", "members.csv", "--accounts", "accounts.csv"];
    let text = done(&standin, &folder, &with("plan", &options), 2).await;
    for expected in [
        "--accounts: line 1 must have an account id of 12 digits; there are fewer",
        "--members: line 2 must have an account id of 12 digits; these digits are not ASCII",
        "--members: line 3 must have the e-mail address",
        "--members: line 3 must not repeat the id of line 1",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(standin.change(|held| held.calls.len()), 0);
    for wrong in [&["--mode", "invitation"][..], &["--members", "members.csv"]] {
        done(&standin, &folder, &with("plan", wrong), 2).await;
    }
    assert_eq!(standin.change(|held| held.calls.len()), 0);
}

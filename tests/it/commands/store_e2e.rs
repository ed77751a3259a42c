//! The embedded store under a running worker, with the real binary: its files are removed, moved or
//! replaced.

use std::fs;
use std::path::PathBuf;

use hansho::commands::demo::slack_standin::Behaviour;

use super::accounts_e2e;
use super::health::{Scene, terminate};
use super::run_e2e::finish;
use crate::support::fakes::event;

/// A worker goes on posting what it accepted, takes nothing more, and does not end as if all were
/// well.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_store_takes_nothing_new_and_posts_what_it_has() {
    for (case, file) in ["remove", "move", "replace", "log"].iter().zip([
        "hansho.db",
        "hansho.db",
        "hansho.db",
        "hansho.db-wal",
    ]) {
        let scene = Scene::new().await;
        scene.slack.otherwise(Behaviour::Status(500, "down".to_owned()));
        let mut worker = scene.worker(&[]);
        let url = scene.events_url().await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let send = |id: &'static str| http.post(&url).body(event(id, 9.5)).send();
        assert_eq!(send("before").await.unwrap().status(), 202, "{case}");

        let [path, aside] = [file, "aside"].map(|name| scene.folder.path().join(name));
        fs::rename(&path, &aside).unwrap();
        match *case {
            "replace" => _ = fs::copy(&aside, &path).unwrap(),
            "remove" => fs::remove_file(&aside).unwrap(),
            _ => {}
        }
        let refused = send("after").await.unwrap();
        assert_eq!(refused.status(), 503, "{case}");
        let said = refused.text().await.unwrap();
        assert!(said.contains(&format!("{file} was removed or replaced")), "{case}: {said}");
        scene.ask_until(&["--ready"], 1, "was removed or replaced").await;

        scene.slack.otherwise(Behaviour::Ok);
        scene.until(|| scene.slack.received().iter().any(|post| post.accepted)).await;
        assert_eq!(terminate(&mut worker).await.code(), Some(1), "{case}");
        let log = fs::read_to_string(scene.folder.path().join("log")).unwrap();
        assert!(log.contains("The next worker does not know what was posted"), "{case}: {log}");
    }
}

/// A file that is put back is used as before.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_put_back_is_ready_again() {
    let scene = Scene::new().await;
    let mut worker = scene.worker(&[]);
    let url = scene.events_url().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let [path, aside]: [PathBuf; 2] =
        ["hansho.db", "aside"].map(|name| scene.folder.path().join(name));
    fs::rename(&path, &aside).unwrap();
    scene.ask_until(&["--ready"], 1, "was removed or replaced").await;
    fs::rename(&aside, &path).unwrap();
    scene.ask_until(&["--ready"], 0, "ready").await;
    let sent = http.post(&url).body(event("a", 9.5)).send().await.unwrap();
    assert_eq!(sent.status(), 202);
    scene.until(|| scene.slack.received().iter().any(|post| post.accepted)).await;
    assert!(terminate(&mut worker).await.success());
}

/// Requests take JSON lines, every refusal says why, and a silent client does not stay.
#[tokio::test(flavor = "multi_thread")]
async fn requests_of_lines_are_taken_and_silent_clients_are_closed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let scene = Scene::new().await;
    let mut worker = scene.worker(&[]);
    let url = scene.events_url().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches("/events").to_owned();
    let mut silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut half = tokio::net::TcpStream::connect(&address).await.unwrap();
    half.write_all(b"POST /events HTTP/1.1\r\nHost: x\r\n").await.unwrap();

    let lines = format!("{}\n{}\n", event("one", 9.5), event("two", 9.5));
    let taken = http.post(&url).body(lines.clone()).send().await.unwrap();
    assert_eq!((taken.status().as_u16(), taken.text().await.unwrap().trim()), (202, "accepted 2"));
    let posts = |url: &str, body: String| http.post(url).body(body).send();
    for (answer, status, why) in [
        (posts(&url, format!("{lines}{{\"a\":")).await, 400, "event 3: not_json (the body line "),
        (posts(&url, String::new()).await, 400, "no event: send 1 to 1000"),
        (posts(&url, "{}\n".repeat(1001)).await, 400, "too many events"),
        (http.get(&url).send().await, 405, "does not take that method"),
        (
            posts(&url.replace("/events", "/other"), lines.clone()).await,
            404,
            "nothing at this path",
        ),
    ] {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), status, "{why}");
        let said = answer.text().await.unwrap();
        assert!(said.contains(why), "{said}");
    }
    let longest = hansho::health::serve::HEADERS_TIMEOUT * 2;
    for client in [&mut silent, &mut half] {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(longest, client.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a silent client is still connected");
    }
    scene.until(|| scene.slack.received().iter().filter(|post| post.accepted).count() > 0).await;
    assert!(terminate(&mut worker).await.success());
}

/// The file and its folder can be read by everybody and written by nobody.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn commands_that_read_need_no_right_to_write() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let scene = accounts_e2e::Scene::start().await;
    scene.write("a.csv", "id,name\n111122223333,prod-shop\n");
    scene.done(&["accounts", "sync", "--file", "a.csv"], 0).await;
    let add = ["silence", "add", "--type", "Recon:*", "--until", "1d", "--because", "x"];
    scene.done(&[&add[..], &["--name", "scan"]].concat(), 0).await;
    let path = scene.folder().join("hansho.db");
    let allow = |folder: u32, file: u32| {
        fs::set_permissions(&path, PermissionsExt::from_mode(file)).unwrap();
        fs::set_permissions(scene.folder(), PermissionsExt::from_mode(folder)).unwrap();
    };
    allow(0o555, 0o444);
    // No mode keeps root from writing.
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    for (args, code, said) in [
        (&["accounts", "list"][..], 0, "prod-shop"),
        (&["accounts", "show", "111122223333"], 0, "prod-shop"),
        (&["silence", "list"], 0, "scan"),
        (&["silence", "show", "scan"], 0, "in force"),
        (&[&add[..], &["--dry-run"]].concat(), 0, "Of 0 findings"),
        (&["report"], 0, "0 findings"),
        (&["routes", "matrix"], 0, "prod-shop"),
        (&["check", "--live"], 1, "1 account, synced at"),
    ] {
        let mut command = scene.command(args);
        if is_root {
            command.uid(65_534);
        }
        let output = finish(command).await;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {out}{err}");
        assert!(out.contains(said), "{args:?}: {out}{err}");
        assert_eq!(out.contains("it can't be written"), code == 1, "{args:?}: {out}{err}");
    }
    allow(0o755, 0o644);
    fs::write(&path, "").unwrap();
    for args in
        [&["accounts", "list"][..], &["silence", "list"], &["report"], &["explain", "0a1b2c3d4e5f"]]
    {
        let (_, err) = scene.done(args, 1).await;
        assert!(
            err.contains("hansho.db is empty, and no store: start a worker"),
            "{args:?}: {err}"
        );
    }
}

//! The embedded store under a running worker, with the real binary: its files are removed, moved or
//! replaced.

use std::fs;
use std::path::PathBuf;

use hansho::commands::demo::slack_standin::Behaviour;

use super::health::{Scene, terminate};
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

//! Finds the paths and addresses that a worker could not use.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use crate::clock::SystemClock;
use crate::commands::health;
use crate::config::{Backend, Config};
use crate::embedded;
use crate::ports::Clock;

const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What is wrong, each with its key. The ports of a worker that runs here are not tried: they are
/// its own. `live`: a store that exists is tried itself later, so who may only read it is answered.
pub async fn wrong(config: &Config, live: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut addresses = Vec::new();
    if let Backend::Embedded { path, listen, .. } = &config.backend {
        if !(live && path.is_file()) {
            wrong.extend(path_is_wrong(path).map(|why| format!("embedded.path: {why}")));
        }
        addresses.extend(listen.map(|at| ("embedded.listen", at)));
    }
    addresses.extend(config.metrics.listen.map(|at| ("metrics.listen", at)));
    if let [(first, at), (second, other)] = addresses[..]
        && overlap(at, other)
    {
        wrong
            .push(format!("{second}: {other} is the address of {first} too: give it another port"));
        return wrong;
    }
    let runs = match config.metrics.listen {
        Some(at) => health::ask(at, false).await.is_ok(),
        None => false,
    };
    if !runs {
        for (key, at) in addresses {
            wrong.extend(taken(key, at).await);
        }
    }
    wrong
}

fn path_is_wrong(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some(format!("{} is a folder: name a file in it", path.display()));
    }
    embedded::can_be_made(path).err()
}

/// Whether one listener keeps the other from its port.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let same_ip = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && same_ip
}

/// Listens for a moment.
async fn taken(key: &str, at: SocketAddr) -> Option<String> {
    TcpListener::bind(at).err()?;
    // Another check may listen for a moment too.
    let clock = SystemClock::start();
    clock.sleep_until(clock.now().mono.plus(AGAIN_AFTER)).await;
    let why = TcpListener::bind(at).err()?;
    Some(format!(
        "{key}: {at} can't be listened on ({}): give another address, or stop what listens there",
        why.kind()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_used_twice_where_the_addresses_overlap() {
        for (a, b, same) in [
            ("127.0.0.1:8787", "127.0.0.1:8787", true),
            ("0.0.0.0:8787", "127.0.0.1:8787", true),
            ("[::]:8787", "127.0.0.1:8787", true),
            ("127.0.0.1:8787", "127.0.0.2:8787", false),
            ("127.0.0.1:8787", "127.0.0.1:8788", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            assert_eq!(overlap(a.parse().unwrap(), b.parse().unwrap()), same, "{a} {b}");
        }
    }

    #[tokio::test]
    async fn a_taken_port_and_a_wrong_path_are_found() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = held.local_addr().unwrap();
        assert!(
            taken("metrics.listen", at).await.unwrap().starts_with("metrics.listen: 127.0.0.1:")
        );
        drop(held);
        assert_eq!(taken("metrics.listen", at).await, None);
        let folder = tempfile::tempdir().unwrap();
        assert!(path_is_wrong(folder.path()).unwrap().contains("is a folder"));
        assert!(path_is_wrong(&folder.path().join("none/x.db")).is_some());
        assert_eq!(path_is_wrong(&folder.path().join("x.db")), None);
    }
}

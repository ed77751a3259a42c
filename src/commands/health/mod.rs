//! `hansho health`: asks the worker of this machine, or of this container, how it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::health::server::{HEALTHZ, READYZ};

/// ECS gives a health check 5 s.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longer than any answer of a worker's.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What the worker that listens at `listen` says of itself, if that is good.
///
/// # Errors
/// It is not healthy, or not ready, with its reasons; or nothing answers there.
pub async fn ask(listen: SocketAddr, ready: bool) -> anyhow::Result<String> {
    let url = format!("http://{}{}", reachable(listen), if ready { READYZ } else { HEALTHZ });
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("no HTTP client could be made")?;
    let mut answer = client.get(&url).send().await.map_err(|why| {
        let what = if why.is_timeout() { "does not answer in time" } else { "can't be reached" };
        anyhow!("{url} {what}: is the worker running, with metrics.listen = \"{listen}\"?")
    })?;
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.with_context(|| format!("{url} broke off"))? {
        text.extend_from_slice(&part);
        if text.len() > ANSWER_BYTES_MAX {
            bail!("{url} is no hansho: its answer is too long");
        }
    }
    let said = String::from_utf8_lossy(&text).trim_end().to_owned();
    match answer.status().as_u16() {
        200 => Ok(said),
        503 => bail!("{said}"),
        other => bail!("{url} answers {other}: is it a hansho that listens there?"),
    }
}

/// An address that stands for all of the machine's is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8788", "127.0.0.1:8788"),
            ("[::]:8788", "[::1]:8788"),
            ("10.0.0.7:1", "10.0.0.7:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}

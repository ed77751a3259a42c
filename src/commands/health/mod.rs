//! `hansho health`: asks the worker of this machine, or of this container, for its health.

pub mod args;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use crate::commands::exit::Exit;
use crate::commands::output;
use crate::commands::setup;
use crate::health::server::{HEALTHZ, READYZ};

use args::Health;

/// Less than the 5 s that ECS gives a health check by default.
/// Source: ECS API reference, HealthCheck.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longer than any answer of a worker.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Prints the worker's answer.
///
/// # Errors
/// The worker is not healthy, or nothing answers.
pub async fn start(args: &Health) -> anyhow::Result<Exit> {
    let Some(config) = setup::config_without_webhook(&args.config) else {
        return Ok(Exit::Usage);
    };
    let Some(listen) = config.metrics.listen else {
        eprintln!(
            "hansho: metrics.listen is off, so no worker answers: set it, or \
             HANSHO_METRICS_LISTEN, for the worker and for this command"
        );
        return Ok(Exit::Usage);
    };
    output::print(&format!("{}\n", ask(listen, args.ready).await?))?;
    Ok(Exit::Done)
}

/// Returns the text with which the worker at `listen` says that it is healthy, or ready.
///
/// # Errors
/// The worker is not healthy, or not ready, with its reasons; or nothing answers there.
pub async fn ask(listen: SocketAddr, ready: bool) -> anyhow::Result<String> {
    let path = if ready { READYZ } else { HEALTHZ };
    let (code, text) = get(listen, path, ANSWER_BYTES_MAX).await?;
    match code {
        200 => Ok(text),
        503 => bail!("{text}"),
        other => bail!(
            "http://{}{path} answers {other}: is it a hansho worker that listens there?",
            reachable(listen)
        ),
    }
}

/// The status and the text that the worker at `listen` answers.
///
/// # Errors
/// Nothing answers there, or the answer is longer than `bytes_max`.
pub async fn get(
    listen: SocketAddr,
    path: &str,
    bytes_max: usize,
) -> anyhow::Result<(u16, String)> {
    let url = format!("http://{}{path}", reachable(listen));
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("the HTTP client could not be made")?;
    let mut answer = client.get(&url).send().await.map_err(|why| {
        let problem = if why.is_timeout() { "does not answer in time" } else { "can't be reached" };
        anyhow!("{url} {problem}: is the worker running, with metrics.listen = \"{listen}\"?")
    })?;
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.with_context(|| format!("{url} broke off"))? {
        text.extend_from_slice(&part);
        if text.len() > bytes_max {
            bail!("{url} is not a hansho worker: its answer is too long");
        }
    }
    let text = String::from_utf8_lossy(&text).trim_end().to_owned();
    Ok((answer.status().as_u16(), text))
}

/// Loopback for an address that stands for all addresses of the machine.
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
    fn a_worker_that_listens_everywhere_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8788", "127.0.0.1:8788"),
            ("[::]:8788", "[::1]:8788"),
            ("10.0.0.7:1", "10.0.0.7:1"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}

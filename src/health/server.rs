//! Serves `/healthz`, `/readyz`, `/metrics` and `/status`. The answers hold no secret and the
//! requests change nothing, so there is no token. Restrict access to an address beyond loopback by
//! a firewall. `/status` has titles of findings, so it answers this machine alone.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tracing::info;

use super::serve::serve;
use super::status::STATUS;
use super::vitals::Vitals;

pub const HEALTHZ: &str = "/healthz";
pub const READYZ: &str = "/readyz";
pub const METRICS: &str = "/metrics";

/// The content type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves at `at` until the process ends. Returns the address, because the port may be 0.
///
/// # Errors
/// The address can't be listened on.
pub async fn start(at: SocketAddr, vitals: Arc<Vitals>) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(at)
        .await
        .with_context(|| format!("metrics.listen: {at} can't be listened on"))?;
    let at = listener.local_addr()?;
    info!(address = %at, "serving {HEALTHZ}, {READYZ}, {METRICS} and {STATUS}");
    tokio::spawn(serve(listener, router(vitals)));
    Ok(at)
}

fn router(vitals: Arc<Vitals>) -> Router {
    Router::new()
        .route(HEALTHZ, get(healthz))
        .route(READYZ, get(readyz))
        .route(METRICS, get(metrics))
        .route(STATUS, get(status))
        .with_state(vitals)
}

async fn healthz(State(vitals): State<Arc<Vitals>>) -> Response {
    answer(vitals.healthy().map_err(|why| vec![why]), "healthy", None)
}

async fn readyz(State(vitals): State<Arc<Vitals>>) -> Response {
    answer(vitals.ready(), "ready", vitals.notes())
}

fn answer(outcome: Result<(), Vec<String>>, state: &str, note: Option<String>) -> Response {
    match outcome {
        Ok(()) => {
            let note = note.map(|note| note + "\n").unwrap_or_default();
            format!("{state}\n{note}").into_response()
        }
        Err(problems) => {
            let text = format!("not {state}\n{}\n", problems.join("\n"));
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}

async fn metrics(State(vitals): State<Arc<Vitals>>) -> Response {
    match vitals.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")).into_response(),
    }
}

async fn status(
    State(vitals): State<Arc<Vitals>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        return (StatusCode::FORBIDDEN, "ask on the worker's machine\n").into_response();
    }
    match vitals.status() {
        Some(status) => Json(status).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the worker is starting\n").into_response(),
    }
}

//! `/healthz`, `/readyz` and `/metrics`. They say nothing secret and change nothing, so that nobody
//! has to show a token; whoever opens them beyond loopback decides who gets there.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tracing::info;

use super::Vitals;

/// The paths.
pub const HEALTHZ: &str = "/healthz";
pub const READYZ: &str = "/readyz";
pub const METRICS: &str = "/metrics";

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers at `at` until the process ends. Answers where: the port may have been 0.
///
/// # Errors
/// The address can't be listened on.
pub async fn start(at: SocketAddr, vitals: Arc<Vitals>) -> anyhow::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind(at)
        .await
        .with_context(|| format!("metrics.listen: {at} can't be listened on"))?;
    let at = listener.local_addr()?;
    info!(address = %at, "answering {HEALTHZ}, {READYZ} and {METRICS}");
    tokio::spawn(async move { axum::serve(listener, router(vitals)).await });
    Ok(at)
}

fn router(vitals: Arc<Vitals>) -> Router {
    Router::new()
        .route(HEALTHZ, get(healthz))
        .route(READYZ, get(readyz))
        .route(METRICS, get(metrics))
        .with_state(vitals)
}

async fn healthz(State(vitals): State<Arc<Vitals>>) -> Response {
    answer(vitals.healthy().map_err(|why| vec![why]), "healthy")
}

async fn readyz(State(vitals): State<Arc<Vitals>>) -> Response {
    answer(vitals.ready(), "ready")
}

fn answer(outcome: Result<(), Vec<String>>, well: &str) -> Response {
    match outcome {
        Ok(()) => format!("{well}\n").into_response(),
        Err(troubles) => {
            let text = format!("not {well}\n{}\n", troubles.join("\n"));
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

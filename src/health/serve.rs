//! Serves HTTP to clients that may be silent, slow or many.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::{Extension, Router};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// A connection is closed if the headers of its next request take longer.
pub const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// The most connections at once. Others wait until one of these ends.
pub const CONNECTIONS_MAX: usize = 256;
/// The pause after a connection that could not be accepted, such as for want of descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// Serves until the process ends. Paths and methods that the router does not know are refused with
/// a body.
pub async fn serve(listener: TcpListener, router: Router) {
    let refuse = |status: StatusCode, why: &'static str| move || async move { (status, why) };
    let router = router
        .fallback(refuse(StatusCode::NOT_FOUND, "there is nothing at this path\n"))
        .method_not_allowed_fallback(refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path does not take that method\n",
        ));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        let router = router.clone().layer(Extension(ConnectInfo(peer)));
        let (builder, service) = (builder.clone(), TowerToHyperService::new(router));
        tokio::spawn(async move {
            // How a connection ends is the client's business.
            _ = builder.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

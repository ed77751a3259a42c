//! Asks the worker of this machine.

use std::net::SocketAddr;

use crate::commands::health;
use crate::health::status::{STATUS, Status};

/// Longer than any answer of a worker, whose destinations and last posts are bounded.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// The state of the worker at `listen`.
///
/// # Errors
/// Why it is not known: no worker answers there, or something else does.
pub async fn worker(listen: Option<SocketAddr>) -> Result<Status, String> {
    let Some(listen) = listen else {
        return Err("metrics.listen is off, so no worker can be asked".to_owned());
    };
    let (code, text) =
        health::get(listen, STATUS, ANSWER_BYTES_MAX).await.map_err(|why| format!("{why:#}"))?;
    match (code, serde_json::from_str(&text)) {
        (200, Ok(status)) => Ok(status),
        (404, _) => Err(format!("the worker at {listen} is older than this command")),
        (503, _) => Err(format!("the worker at {listen} is starting")),
        _ => Err(format!("what answers at {listen} is no worker of hansho")),
    }
}

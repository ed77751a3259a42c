//! The HTTP client of all the SDK's clients.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// The time-outs of a connector: to connect, and to read.
type Timeouts = (Option<Duration>, Option<Duration>);

/// One HTTP client for all clients of the SDK, with the environment's proxy as in the SDK's
/// default.
///
/// With the default, each client reads all root certificates into two stores, drops one of them,
/// and keeps its own connections. This client sets up nothing before the first call.
pub(super) fn shared() -> SharedHttpClient {
    let connectors: Mutex<HashMap<Timeouts, SharedHttpConnector>> = Mutex::default();
    http_client_fn(move |settings, components| {
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        // The map only ever holds whole connectors, so a poisoned lock is safe to use.
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let mut builder = Connector::builder()
                .connector_settings(settings.clone())
                .proxy_config(ProxyConfig::from_env());
            builder.set_sleep_impl(components.sleep_impl());
            let (plain, tls) = (OnceLock::new(), OnceLock::new());
            SharedHttpConnector::new(ByScheme { builder, has_proxy: has_proxy(), plain, tls })
        };
        connectors.entry(timeouts).or_insert_with(new).clone()
    })
}

/// A connector for plain HTTP and one for TLS. Only the second one reads the root certificates.
///
/// Emulators speak plain HTTP, and so do the addresses that give a task or an instance its
/// credentials.
struct ByScheme {
    builder: ConnectorBuilder,
    /// Whether the environment names a proxy. A proxy may need TLS.
    has_proxy: bool,
    plain: OnceLock<Connector>,
    tls: OnceLock<Connector>,
}

impl fmt::Debug for ByScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByScheme").finish_non_exhaustive()
    }
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let plain = request.uri().starts_with("http:") && !self.has_proxy;
        let connector = match plain {
            true => self.plain.get_or_init(|| self.connector(TrustStore::empty())),
            false => self.tls.get_or_init(|| self.connector(TrustStore::default())),
        };
        connector.call(request)
    }
}

impl ByScheme {
    fn connector(&self, roots: TrustStore) -> Connector {
        let builder = self.builder.clone().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        match TlsContext::builder().with_trust_store(roots).build() {
            Ok(context) => builder.tls_context(context).build(),
            // This cannot happen, because the context is fixed. The default holds the same roots.
            Err(_) => builder.build(),
        }
    }
}

fn has_proxy() -> bool {
    ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

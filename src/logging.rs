//! Where the log goes: to stderr, for a person on a terminal, as JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Sets the log up, once. `HANSHO_LOG` chooses what is logged, in tracing's filter syntax
/// (`debug`, `hansho=debug`); by default what hansho says at info, and others' warnings. The SDK
/// is kept at info at most: its finer levels log requests with their signatures.
pub fn init() {
    let wanted = std::env::var("HANSHO_LOG").unwrap_or_default();
    let wanted = if wanted.is_empty() { "warn,hansho=info".to_owned() } else { wanted };
    let quiet = "aws_config=warn,aws_sdk_sqs=warn,aws_sdk_dynamodb=warn,aws_sdk_secretsmanager=warn,\
                 aws_smithy_runtime=warn,aws_smithy_runtime_api=warn,aws_smithy_http_client=warn,\
                 aws_sigv4=warn,aws_runtime=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,\
                 h2=warn,tower=warn,axum=warn";
    let filter = EnvFilter::builder().parse_lossy(format!("{wanted},{quiet}"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, in a test, changes nothing.
    let _ = if std::io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).with_current_span(false).with_ansi(false).try_init()
    };
}

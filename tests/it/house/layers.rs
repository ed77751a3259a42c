//! House rules that a machine can check: which layer may use which, and where the types of other
//! people's crates may appear.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may use of this crate, itself aside. A layer that is not listed is a way of
/// running, and may use everything.
const LAYERS: [(&str, &[&str]); 17] = [
    ("instants", &[]),
    ("mutation", &[]),
    ("secret", &[]),
    ("words", &[]),
    ("terminal", &["finding"]),
    ("finding", &["instants", "words"]),
    ("estate", &["finding", "words"]),
    ("rollout", &["estate", "finding", "words"]),
    ("policy", &["finding", "instants", "mutation", "words"]),
    ("ports", &["estate", "finding", "instants", "policy", "rollout", "secret", "words"]),
    ("desk", &["finding", "instants", "mutation", "policy", "ports", "words"]),
    ("clock", &["instants", "ports"]),
    ("aws", &["clock", "estate", "finding", "instants", "policy", "ports", "rollout", "secret"]),
    (
        "slack",
        &["finding", "instants", "mutation", "policy", "ports", "secret", "terminal", "words"],
    ),
    ("embedded", &["clock", "finding", "instants", "policy", "ports", "secret"]),
    ("metrics", &["desk", "finding", "instants", "policy", "ports"]),
    ("config", &["finding", "instants", "policy", "ports", "secret", "slack"]),
];

/// Crates that may be named in these places alone.
const CRATES: [(&str, &[&str]); 10] = [
    ("aws_sdk_", &["src/aws"]),
    ("aws_config", &["src/aws"]),
    ("aws_smithy", &["src/aws"]),
    ("rusqlite", &["src/embedded"]),
    ("reqwest", &["src/aws/estate/code.rs", "src/slack", "src/commands/health"]),
    ("prometheus", &["src/metrics"]),
    ("backoff", &["src/policy/retry.rs"]),
    ("governor", &["src/policy/pace.rs"]),
    (
        "axum",
        &[
            "src/embedded/listen.rs",
            "src/health/serve.rs",
            "src/health/server.rs",
            "src/commands/run",
            "src/commands/demo",
        ],
    ),
    ("clap", &["src/commands", "src/main.rs"]),
];

/// Layers without I/O: no runtime, no files, no network.
const PURE: [&str; 5] = ["estate", "finding", "policy", "instants", "rollout"];
const IMPURE: [&str; 4] = ["tokio", "std::fs", "std::net", "std::env"];

/// The code of each file, by its path from the root of the package: comments and unit tests are
/// left out.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    files.into_iter().filter(|p| !p.ends_with("tests.rs")).map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// `src/aws/sqs.rs` and `src/aws.rs` are both of the layer `aws`.
fn layer(file: &str) -> &str {
    let rest = file.trim_start_matches("src/");
    rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs")
}

/// The first segments of the paths that start with `crate::`.
fn used(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

/// Whether the code has a path through a crate or module that starts with this name.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let rest = code[at + name.len()..]
            .trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        whole && rest.starts_with("::")
    })
}

fn violations(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut all = Vec::new();
    for (file, code) in files {
        let layer = layer(file);
        if let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) {
            for name in used(code) {
                if name.is_empty() {
                    all.push(format!("{file}: `crate::{{…}}` hides what is used: one `use` each"));
                } else if name != layer && !allowed.contains(&name) {
                    all.push(format!("{file}: {layer} may not use {name}"));
                }
            }
        }
        for (name, places) in CRATES {
            if names(code, name) && !places.iter().any(|place| file.starts_with(place)) {
                all.push(format!("{file}: {name} belongs to {places:?}"));
            }
        }
        for name in IMPURE {
            if PURE.contains(&layer) && names(code, name) {
                all.push(format!("{file}: {layer} is pure, but uses {name}"));
            }
        }
    }
    all
}

#[test]
fn layers_use_only_what_is_above_them() {
    let violations = violations(&sources());
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_check_bites() {
    for (file, code) in [
        ("src/finding/mod.rs", "use crate::ports::Lane;"),
        ("src/finding/mod.rs", "use tokio::time;"),
        ("src/desk/mod.rs", "use crate::adapters::slack::weigh;"),
        ("src/desk/worker.rs", "use aws_sdk_sqs::Client;"),
        ("src/aws/sqs.rs", "use crate::adapters::embedded::Store;"),
        ("src/slack/client.rs", "use crate::{aws, ports};"),
        ("src/commands/run/mod.rs", "use rusqlite::Connection;"),
    ] {
        let files = BTreeMap::from([(file.to_owned(), code.to_owned())]);
        assert!(!violations(&files).is_empty(), "{file}: {code}");
    }
    let fine =
        BTreeMap::from([("src/aws/sqs.rs".to_owned(), "use crate::ports::Lane;".to_owned())]);
    assert!(violations(&fine).is_empty());
}

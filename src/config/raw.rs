//! The configuration as it was written: every key is optional, and every value has any type.
//! Validation comes later, so that one bad value does not hide another.
//!
//! None of these types can be printed: a value may be a misplaced secret.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

/// A value of the file or of a variable, whatever its type.
#[derive(Clone, PartialEq)]
pub enum Scalar {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// A list of texts.
    List(Vec<String>),
    /// The name of a type that no key has, for the message.
    Other(&'static str),
}

/// The source of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    File,
    /// The environment variable of this name.
    Variable(&'static str),
}

/// A value with its source.
#[derive(Clone, PartialEq)]
pub struct Given {
    pub value: Scalar,
    pub origin: Origin,
}

impl Given {
    pub fn variable(name: &'static str, text: impl Into<String>) -> Given {
        Given { value: Scalar::Text(text.into()), origin: Origin::Variable(name) }
    }

    /// The trimmed text.
    ///
    /// # Errors
    /// The value has another type.
    pub fn text(&self) -> Result<&str, String> {
        match &self.value {
            Scalar::Text(text) => Ok(text.trim()),
            Scalar::Integer(_) | Scalar::Float(_) => {
                Err("must be text in quotes, not a number".to_owned())
            }
            Scalar::Bool(_) => Err("must be text in quotes, not true or false".to_owned()),
            Scalar::List(_) => Err("must be text in quotes, not a list".to_owned()),
            Scalar::Other(kind) => Err(format!("must be text in quotes, not {kind}")),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Raw {
    pub min_severity: Option<Given>,
    pub unmatched: Option<Given>,
    pub accounts_file: Option<Given>,
    pub show_tags: Option<Given>,
    /// Names by account id. They have no variables.
    pub accounts: BTreeMap<String, Given>,
    pub queue: RawQueue,
    pub ledger: RawLedger,
    pub embedded: RawEmbedded,
    pub worker: RawWorker,
    pub metrics: RawMetrics,
    pub reconcile: RawReconcile,
    pub coverage: RawCoverage,
    pub silences: RawSilences,
    pub console: RawConsole,
    pub runbook: Vec<RawRunbook>,
    pub destination: Vec<RawDestination>,
}

impl Raw {
    /// The first destination, which the variables set. Makes one if there is none.
    pub fn first_destination(&mut self) -> &mut RawDestination {
        if self.destination.is_empty() {
            self.destination.push(RawDestination::default());
        }
        &mut self.destination[0]
    }

    /// The first runbook, which the variables set. Makes one if there is none.
    pub fn first_runbook(&mut self) -> &mut RawRunbook {
        if self.runbook.is_empty() {
            self.runbook.push(RawRunbook::default());
        }
        &mut self.runbook[0]
    }
}

/// Sections whose keys all have a plain value.
macro_rules! sections {
    ($($section:ident: $($key:ident),+;)+) => {$(
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $section {
            $(pub $key: Option<Given>,)+
        }
    )+};
}

sections! {
    RawQueue: standard, express, quarantine;
    RawLedger: table, retention, remind_after;
    RawEmbedded: path, listen, token;
    RawWorker: visibility, heartbeat, lease, skew, post_timeout, buffer_findings, buffer_bytes, fleet,
        seed;
    RawMetrics: listen, emf;
    RawReconcile: every, regions;
    RawCoverage: every;
    RawSilences: weekly_summary;
    RawConsole: portal, role;
    RawMention: informational, low, medium, high, critical;
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawRunbook {
    #[serde(rename = "type")]
    pub types: Option<Given>,
    pub url: Option<Given>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RawDestination {
    pub name: Option<Given>,
    pub webhook: Option<Given>,
    pub min_severity: Option<Given>,
    pub pace: Option<Given>,
    pub fallback: Option<Given>,
    pub resolved: Option<Given>,
    /// The rules have no variables.
    #[serde(rename = "match")]
    pub matcher: Option<Value>,
    #[serde(rename = "continue")]
    pub continues: Option<Given>,
    pub mention: RawMention,
    /// One table or several. They have no variables.
    pub on_call: Option<Value>,
}

/// serde reads the file only, so the origin is the file.
impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Given, D::Error> {
        let value = match Value::deserialize(from)? {
            Value::String(text) => Scalar::Text(text),
            Value::Integer(number) => Scalar::Integer(number),
            Value::Float(number) => Scalar::Float(number),
            Value::Boolean(flag) => Scalar::Bool(flag),
            Value::Array(items) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map_or(Scalar::Other("a list"), Scalar::List)
            }
            Value::Table(_) | Value::Datetime(_) => Scalar::Other("a table or a date"),
        };
        Ok(Given { value, origin: Origin::File })
    }
}

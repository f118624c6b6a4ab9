//! Traces: spans of what the programs do, sent to a collector by OpenTelemetry's protocol (OTLP over HTTP, protobuf).
//!
//! ```text
//! Traces::begin ─▶ Span (attributes, events) ─▶ ended when dropped ─▶ queue (bounded) ─▶ exporter's thread ─▶ collector
//!                                                     └── full: the span is dropped and counted, nobody waits
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | the settings, which both programs have |
//! | [`parent`] | W3C's `traceparent` |
//! | `on` | by OpenTelemetry's own SDK (feature `otlp`) |
//! | `client` | its way to the collector |
//! | `off` | the same without that feature: there are never any spans |
//!
//! Off unless a collector is configured; then [`Traces::begin`] is one comparison. Whether a trace that begins here is
//! recorded is decided by `sluiceway.trace.sampling.ratio`; one that goes on here keeps what its first service decided.

#[cfg(feature = "otlp")]
mod client;
mod config;
#[cfg(not(feature = "otlp"))]
mod off;
#[cfg(feature = "otlp")]
mod on;
mod parent;

use std::time::SystemTime;

use thiserror::Error;

pub use config::TraceConfig;
#[cfg(not(feature = "otlp"))]
pub use off::{Span, Traces};
#[cfg(feature = "otlp")]
pub use on::{Span, Traces};
pub use parent::TraceParent;

/// Why there are no traces although settings ask for them.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The program was built without them.
    #[error("sluiceway.trace.otlp.endpoint is set, but this build has no traces (feature `otlp`)")]
    NotBuilt,
    /// The exporter refuses its settings.
    #[error("spans cannot be sent to {endpoint}: {reason}")]
    Exporter {
        /// Where they were to go.
        endpoint: String,
        /// Why they cannot.
        reason: String,
    },
    /// The registry has metrics of the same names.
    #[error("metrics of traces cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Answers a request.
    Server,
    /// Sends records to Kafka.
    Producer,
    /// Processes records from Kafka.
    Consumer,
}

/// What a span begins with.
#[derive(Clone, Debug)]
pub struct Begin {
    /// Which side it is.
    pub kind: SpanKind,
    /// Its name, of few different ones.
    pub name: String,
    /// The span that it is part of; `None` begins a trace.
    pub parent: Option<TraceParent>,
    /// Spans of other traces that belong to it.
    pub links: Vec<TraceParent>,
    /// When it began, if that was not now.
    pub at: Option<SystemTime>,
}

impl Begin {
    /// A span that begins now.
    pub fn new(kind: SpanKind, name: impl Into<String>, parent: Option<TraceParent>) -> Self {
        Self {
            kind,
            name: name.into(),
            parent,
            links: Vec::new(),
            at: None,
        }
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Attribute {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

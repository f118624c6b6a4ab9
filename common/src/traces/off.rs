//! [`super::Traces`] of a build without them: the same names, and never a span.

use prometheus::Registry;

use super::{Attribute, Begin, TraceConfig, TraceError, TraceParent};

/// Where spans go: nowhere.
#[derive(Clone, Debug, Default)]
pub struct Traces;

/// A span; there is none.
#[derive(Debug)]
pub enum Span {}

impl Traces {
    /// Nothing to start.
    ///
    /// # Errors
    /// The settings ask for traces.
    pub fn start(config: &TraceConfig, _: &str, _: &Registry) -> Result<Self, TraceError> {
        if config.endpoint.is_empty() {
            Ok(Self)
        } else {
            Err(TraceError::NotBuilt)
        }
    }

    /// Whether spans are made.
    #[must_use]
    pub fn is_on(&self) -> bool {
        false
    }

    /// Begins a span, where there are any.
    #[must_use]
    pub fn begin(&self, _: impl FnOnce() -> Begin) -> Option<Span> {
        None
    }

    /// Sends what waits.
    pub fn end(&self) {}
}

impl Span {
    /// Its trace and itself, as parent of others.
    #[must_use]
    pub fn context(&self) -> TraceParent {
        match *self {}
    }

    /// Whether anybody will see it.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        match *self {}
    }

    /// Sets an attribute.
    pub fn set(&mut self, _: &'static str, _: impl Into<Attribute>) {
        match *self {}
    }

    /// Something happened, now or at that time.
    pub fn event(&mut self, _: &'static str, _: Option<std::time::SystemTime>) {
        match *self {}
    }

    /// It failed.
    pub fn fail(&mut self, _: impl Into<String>) {
        match *self {}
    }
}

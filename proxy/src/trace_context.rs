//! A request's W3C trace context in the headers of its records, so that whoever reads them goes on with the trace. Only with
//! `sluiceway.trace.context.enable`.
//!
//! With a collector (`sluiceway.trace.otlp.endpoint`), sending is a span of its own, part of the request's, and the records
//! carry that one instead.
//!
//! In: the headers `traceparent` and `tracestate` of a request. Out: record headers of the same names. What is not as the
//! specification has it is left out, as the specification wants it. A record that brings a `traceparent` of its own keeps it.

use std::borrow::Cow;

use http::HeaderMap;
use sluiceway_common::traces::{Begin, Span, SpanKind, TraceParent, Traces};

use crate::api::Request;
use crate::envelope::extras::Extras;
use crate::format::Batch;
use crate::produce::RecordError;
use crate::record_request::Header;

const PARENT: &str = TraceParent::NAME;
const STATE: &str = "tracestate";
/// Longest state that is passed on, in bytes; the specification asks for 512 at least.
const MAX_STATE: usize = 512;

/// What a request's records belong to. Empty when nobody wants it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TraceContext {
    /// The context that came, as headers of records.
    came: Vec<Header>,
    /// Whether records get it.
    in_records: bool,
    traces: Traces,
    /// The request's span, else the one that it came from.
    parent: Option<TraceParent>,
}

impl TraceContext {
    /// The context of a request.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        let app = request.app;
        let in_records = app.config.trace_context;
        if !in_records && !app.traces.is_on() {
            return Self::default();
        }
        Self {
            came: read(request.headers),
            in_records,
            traces: app.traces.clone(),
            parent: request.caller.trace,
        }
    }

    /// Begins to send records to a topic.
    pub(crate) fn sending(&self, topic: &str) -> Sending {
        let begin = || {
            let name = format!("send {topic}");
            Begin::new(SpanKind::Producer, name, self.parent)
        };
        let mut span = self.traces.begin(begin);
        if let Some(span) = &mut span {
            span.set("messaging.system", "kafka");
            span.set("messaging.operation.type", "send");
            span.set("messaging.operation.name", "send");
            span.set("messaging.destination.name", topic);
        }
        let headers = match &span {
            _ if !self.in_records => Vec::new(),
            None => self.came.clone(),
            Some(span) => {
                let state = self.came.iter().find(|header| header.name == STATE);
                let own = header(PARENT, &span.context().to_string());
                std::iter::once(own).chain(state.cloned()).collect()
            }
        };
        Sending { headers, span }
    }
}

/// Records on their way to a topic, and what they carry of their trace.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    headers: Vec<Header>,
    span: Option<Span>,
}

impl Sending {
    /// Adds the context to a record's headers.
    pub(crate) fn add_to(&self, headers: &mut Vec<Header>) {
        if !headers.iter().any(|header| header.name == PARENT) {
            headers.extend(self.headers.iter().cloned());
        }
    }

    /// Adds it to every record of a batch.
    pub(crate) fn add_to_all(&self, batch: &mut Batch) {
        if self.headers.is_empty() {
            return;
        }
        let mut known = std::mem::take(&mut batch.extras).into_iter().peekable();
        batch.extras = (0..batch.records.len())
            .map(|index| {
                let own = known.next_if(|(at, _)| *at == index);
                let mut extras = own.map_or_else(Extras::default, |(_, extras)| extras);
                self.add_to(&mut extras.headers);
                (index, extras)
            })
            .collect();
    }

    /// Kafka has reported all of them. `outcome` says how many of the `records` it took, and why it did not take one.
    pub(crate) fn delivered(
        self,
        records: usize,
        outcome: impl FnOnce() -> (usize, Option<RecordError>),
    ) {
        let Some(mut span) = self.span else { return };
        let (stored, lost) = outcome();
        span.set("messaging.batch.message_count", records);
        if stored < records {
            span.set("sluiceway.records.stored", stored);
            let reason = lost.map_or(Cow::Borrowed("records were refused"), |lost| lost.message);
            span.fail(reason);
        }
    }
}

fn header(name: &str, value: &str) -> Header {
    Header {
        name: name.to_owned(),
        value: Some(value.as_bytes().to_vec()),
    }
}

/// The one value of a header.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    values.next().is_none().then_some(value)
}

/// The span that a request came from.
pub(crate) fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    TraceParent::parse(one(headers, PARENT)?)
}

/// The context of a request as headers of records.
fn read(headers: &HeaderMap) -> Vec<Header> {
    let parent = one(headers, PARENT).filter(|text| TraceParent::parse(text).is_some());
    let Some(parent) = parent else {
        return Vec::new();
    };
    let state = one(headers, STATE).filter(|state| !state.is_empty() && state.len() <= MAX_STATE);
    let state = state.map(|state| header(STATE, state));
    [header(PARENT, parent)].into_iter().chain(state).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::envelope::Record;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(pairs: &[(&'static str, &str)]) -> Sending {
        let pair = |(name, value): &(&'static str, &str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        };
        let mut headers = HeaderMap::new();
        pairs.iter().map(pair).for_each(|(name, value)| {
            headers.append(name, value);
        });
        Sending {
            headers: read(&headers),
            span: None,
        }
    }

    #[test]
    fn contexts_that_are_passed_on() {
        let both = context(&[("traceparent", GOOD), ("tracestate", "vendor=1")]);
        let names: Vec<_> = both
            .headers
            .iter()
            .map(|header| header.name.as_str())
            .collect();
        assert_eq!(names, ["traceparent", "tracestate"]);
        assert_eq!(both.headers[0].value.as_deref(), Some(GOOD.as_bytes()));
        assert_eq!(context(&[("traceparent", GOOD)]).headers.len(), 1);
        let newer = GOOD.replacen("00-", "01-", 1) + "-more";
        assert_eq!(context(&[("traceparent", &newer)]).headers.len(), 1);
        let long = "x".repeat(513);
        assert_eq!(
            context(&[("traceparent", GOOD), ("tracestate", &long)])
                .headers
                .len(),
            1
        );
    }

    #[test]
    fn contexts_that_are_none() {
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            let found = context(&[("traceparent", wrong)]);
            assert!(found.headers.is_empty(), "{wrong}");
        }
        assert!(context(&[("tracestate", "vendor=1")]).headers.is_empty());
        let twice = context(&[("traceparent", GOOD), ("traceparent", GOOD)]);
        assert!(twice.headers.is_empty());
    }

    #[test]
    fn a_record_keeps_its_own() {
        let own = Extras {
            headers: vec![Header {
                name: PARENT.to_owned(),
                value: Some(b"own".to_vec()),
            }],
            timestamp: Some(7),
        };
        let mut batch = Batch {
            bytes: Vec::new(),
            records: vec![Record::default(), Record::default()],
            extras: vec![(1, own.clone())],
        };
        context(&[("traceparent", GOOD)]).add_to_all(&mut batch);
        assert_eq!(
            batch.extras(0).unwrap().headers[0].value.as_deref(),
            Some(GOOD.as_bytes())
        );
        assert_eq!(batch.extras(1), Some(&own));
    }
}

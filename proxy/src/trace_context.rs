//! A request's W3C trace context in the headers of its records, so that whoever reads them goes on with the trace. Only with
//! `sluiceway.trace.context.enable`.
//!
//! In: the headers `traceparent` and `tracestate` of a request. Out: record headers of the same names. What is not as the
//! specification has it is left out, as the specification wants it. A record that brings a `traceparent` of its own keeps it.

use http::HeaderMap;

use crate::api::Request;
use crate::envelope::extras::Extras;
use crate::format::Batch;
use crate::record_request::Header;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// Longest state that is passed on, in bytes; the specification asks for 512 at least.
const MAX_STATE: usize = 512;

/// See the module. Empty when there is none, or nobody wants it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TraceContext(Vec<Header>);

impl TraceContext {
    /// The context of a request.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        if request.app.config.trace_context {
            Self::read(request.headers)
        } else {
            Self::default()
        }
    }

    fn read(headers: &HeaderMap) -> Self {
        let one = |name: &str| {
            let mut values = headers.get_all(name).iter();
            let value = values.next()?.to_str().ok()?.trim();
            values.next().is_none().then_some(value)
        };
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: Some(value.as_bytes().to_vec()),
        };
        let Some(parent) = one(PARENT).filter(|parent| is_parent(parent)) else {
            return Self::default();
        };
        let state = one(STATE).filter(|state| !state.is_empty() && state.len() <= MAX_STATE);
        let state = state.map(|state| header(STATE, state));
        Self([header(PARENT, parent)].into_iter().chain(state).collect())
    }

    /// Adds it to a record's headers.
    pub(crate) fn add_to(&self, headers: &mut Vec<Header>) {
        if !headers.iter().any(|header| header.name == PARENT) {
            headers.extend(self.0.iter().cloned());
        }
    }

    /// Adds it to every record of a batch.
    pub(crate) fn add_to_all(&self, batch: &mut Batch) {
        if self.0.is_empty() {
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
}

/// `00-<32 hexadecimal digits>-<16>-<2>`; ids of zeros only are none. Later versions may have more behind that.
fn is_parent(text: &str) -> bool {
    let hex = |text: &str, length: usize| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let id = |text: &str, length| hex(text, length) && text.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    let mut next = || parts.next().unwrap_or_default();
    let (version, trace, parent, flags) = (next(), next(), next(), next());
    let fits =
        hex(version, 2) && version != "ff" && id(trace, 32) && id(parent, 16) && hex(flags, 2);
    fits && (version != "00" || parts.next().is_none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::envelope::Record;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn context(pairs: &[(&'static str, &str)]) -> TraceContext {
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
        TraceContext::read(&headers)
    }

    #[test]
    fn contexts_that_are_passed_on() {
        let both = context(&[("traceparent", GOOD), ("tracestate", "vendor=1")]);
        let names: Vec<_> = both.0.iter().map(|header| header.name.as_str()).collect();
        assert_eq!(names, ["traceparent", "tracestate"]);
        assert_eq!(both.0[0].value.as_deref(), Some(GOOD.as_bytes()));
        assert_eq!(context(&[("traceparent", GOOD)]).0.len(), 1);
        let newer = GOOD.replacen("00-", "01-", 1) + "-more";
        assert_eq!(context(&[("traceparent", &newer)]).0.len(), 1);
        let long = "x".repeat(513);
        assert_eq!(
            context(&[("traceparent", GOOD), ("tracestate", &long)])
                .0
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
            assert_eq!(
                context(&[("traceparent", wrong)]),
                TraceContext::default(),
                "{wrong}"
            );
        }
        assert_eq!(
            context(&[("tracestate", "vendor=1")]),
            TraceContext::default()
        );
        let twice = context(&[("traceparent", GOOD), ("traceparent", GOOD)]);
        assert_eq!(twice, TraceContext::default());
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

//! The traces that the records of open files belong to, and the span of each object.
//!
//! In: headers of records (`traceparent`). Out: a span a visible object, from the opening of its file to its completion, part of the
//! first record's trace and linked to the others'. Only with `sluiceway.trace.otlp.endpoint`.

use std::sync::Arc;
use std::time::SystemTime;

use sluiceway_common::traces::{Begin, SpanKind, TraceParent, Traces};

use crate::events::ClosedObject;
use crate::record::Headers;
use crate::topic_partition::Tools;

/// Traces that an object is linked to at most; of further ones the number is told.
const MAX_LINKS: usize = 32;

/// What is known of the traces of the records in files that are open together.
#[derive(Clone, Debug)]
pub(crate) struct FileTrace {
    opened: SystemTime,
    closed: Option<SystemTime>,
    planned: Option<SystemTime>,
    parents: Vec<TraceParent>,
    /// Records of traces beyond those.
    more: u64,
}

impl FileTrace {
    /// Files that are opened now.
    pub(crate) fn new(traces: &Traces) -> Option<Box<Self>> {
        traces.is_on().then(|| {
            Box::new(Self {
                opened: SystemTime::now(),
                closed: None,
                planned: None,
                parents: Vec::new(),
                more: 0,
            })
        })
    }

    /// A record with these headers was written.
    pub(crate) fn add(&mut self, headers: &dyn Headers) {
        let Some(parent) = parent(headers).filter(|parent| parent.sampled) else {
            return;
        };
        if self.parents.contains(&parent) {
            return;
        }
        if self.parents.len() < MAX_LINKS {
            self.parents.push(parent);
        } else {
            self.more += 1;
        }
    }

    /// The files take no more records.
    pub(crate) fn closed(mut self: Box<Self>) -> Arc<Self> {
        self.closed = Some(SystemTime::now());
        Arc::from(self)
    }

    /// The plan stands in Kafka: the object is being completed.
    pub(crate) fn planned(self: Arc<Self>) -> Self {
        let mut trace = Arc::unwrap_or_clone(self);
        trace.planned = Some(SystemTime::now());
        trace
    }

    /// The object is visible.
    pub(crate) fn completed(self, tools: &Tools, place: (&str, i32), object: &ClosedObject) {
        let (topic, partition) = place;
        let begin = || Begin {
            links: self.parents.clone(),
            at: Some(self.opened),
            ..Begin::new(
                SpanKind::Consumer,
                format!("process {topic}"),
                self.parents.first().copied(),
            )
        };
        let Some(mut span) = tools.traces.begin(begin) else {
            return;
        };
        span.event("file closed", self.closed);
        span.event("plan committed", self.planned);
        span.set("messaging.system", "kafka");
        span.set("messaging.operation.type", "process");
        span.set("messaging.operation.name", "process");
        span.set("messaging.destination.name", topic);
        span.set("messaging.destination.partition.id", partition.to_string());
        span.set("messaging.consumer.group.name", tools.config.group_id());
        let records = i64::try_from(object.records).unwrap_or(i64::MAX);
        span.set("messaging.batch.message_count", records);
        span.set("aws.s3.bucket", tools.config.s3.bucket.as_str());
        span.set("aws.s3.key", object.key.as_str());
        span.set("sluiceway.connector", tools.config.name.as_str());
        span.set("sluiceway.offset.first", object.first_offset);
        span.set("sluiceway.offset.last", object.last_offset);
        span.set("sluiceway.close.reason", object.reason.name());
        let bytes = i64::try_from(object.bytes).unwrap_or(i64::MAX);
        span.set("sluiceway.object.bytes", bytes);
        if self.more > 0 {
            let more = i64::try_from(self.more).unwrap_or(i64::MAX);
            span.set("sluiceway.links.left_out", more);
        }
    }
}

/// The span that a record was sent by.
fn parent(headers: &dyn Headers) -> Option<TraceParent> {
    let all = (0..headers.count()).filter_map(|index| headers.get(index));
    let mut named = all.filter(|header| header.key == TraceParent::NAME);
    let text = std::str::from_utf8(named.next()?.value?).ok()?;
    TraceParent::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RawHeader;

    fn trace() -> FileTrace {
        FileTrace {
            opened: SystemTime::now(),
            closed: None,
            planned: None,
            parents: Vec::new(),
            more: 0,
        }
    }

    fn headers(value: &str) -> Vec<RawHeader<'_>> {
        let header = |key, value| RawHeader { key, value };
        vec![
            header("other", Some(&b"x"[..])),
            header("traceparent", Some(value.as_bytes())),
        ]
    }

    #[test]
    fn each_trace_is_linked_once_and_only_so_many() {
        let mut trace = trace();
        for number in [1, 1, 2, 1] {
            trace.add(&headers(&format!("00-{number:032x}-{number:016x}-01")));
        }
        assert_eq!(trace.parents.len(), 2);
        for number in 1..=MAX_LINKS + 3 {
            trace.add(&headers(&format!("00-{number:032x}-{number:016x}-01")));
        }
        assert_eq!((trace.parents.len(), trace.more), (MAX_LINKS, 3));
    }

    #[test]
    fn traces_that_nobody_records_are_left_out() {
        let mut trace = trace();
        trace.add(&headers(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ));
        trace.add(&headers("nonsense"));
        trace.add(&Vec::<RawHeader<'_>>::new());
        assert!(trace.parents.is_empty() && trace.more == 0);
    }
}

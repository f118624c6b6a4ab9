//! Keys of what the original does not have: each is off, or invisible to clients that do not ask for it.

use sluiceway_common::config_def::{Key, Kind};

/// What records carry besides keys and values.
pub(super) fn v2_records() -> Vec<Key> {
    vec![
        Key::with(
            "sluiceway.v2.record.extras.enable",
            Kind::Boolean,
            "false",
            "Whether records of v2 produce requests may have `headers` and a `timestamp`; else they are unknown fields (422), as in the original.",
        ),
        Key::with(
            "sluiceway.trace.context.enable",
            Kind::Boolean,
            "false",
            "Whether the W3C trace context of a produce request (`traceparent`, `tracestate`) becomes headers of its records, in v2, v3 and raw requests. Records with a `traceparent` of their own keep it.",
        ),
    ]
}

/// Bodies that are no envelopes.
pub(super) fn raw() -> Vec<Key> {
    vec![
        Key::with(
            "sluiceway.raw.topics",
            Kind::List,
            "",
            "Topics that take raw records: a produce request with any other media type than an envelope's is then one record, or one a line for NDJSON and CSV, or one a part of a form. Names with commas between them, `*` for any characters; empty: none, such requests are a 415 as in the original.",
        ),
        Key::with(
            "sluiceway.raw.forward.headers",
            Kind::List,
            "",
            "Request headers that become headers of raw records, e.g. `Content-Type,X-GitHub-*`. `Authorization`, `Cookie` and `Proxy-Authorization` only when named in full.",
        ),
        Key::with("sluiceway.raw.block.bytes", Kind::Int, "1048576", "Bytes of an NDJSON or CSV body that are held and written at once. Within the first block the body is checked before anything is written.").between(4096, 67_108_864),
        Key::with("sluiceway.raw.lines.max", Kind::Int, "1000000", "Records that one NDJSON or CSV body may bring; above: 413. Each takes about 72 bytes until the answer is sent.").at_least(1),
    ]
}

/// Server-sent events, and reads of partitions without a group.
pub(super) fn streams() -> Vec<Key> {
    vec![
        Key::with("sluiceway.sse.streams.max", Kind::Int, "256", "Server-sent event streams (`Accept: text/event-stream`) at once; above: 429. 0: none, such requests are a 406 as in the original.").at_least(0),
        Key::with("sluiceway.sse.max.duration.ms", Kind::Long, "3600000", "Milliseconds after which a stream ends; browsers come back by themselves and go on where it ended.").at_least(1000),
        Key::with("sluiceway.sse.heartbeat.ms", Kind::Long, "15000", "Milliseconds of silence after which a stream sends a comment, so that what stands between does not take it for dead.").at_least(100),
        Key::with("sluiceway.sse.stall.ms", Kind::Long, "30000", "Milliseconds that a client may leave events unread before its stream ends.").at_least(100),
        Key::with("sluiceway.sse.chunk.bytes", Kind::Int, "262144", "Bytes of keys and values that a stream sends together at most; a stream holds about three times as much for a client that does not read.").between(1024, 67_108_864),
        Key::with("sluiceway.partition.reads.max", Kind::Int, "32", "Partitions read without a group at once, streams included; above: 429. Each has a client of librdkafka while it reads.").at_least(0),
        Key::with("sluiceway.partition.reads.max.records", Kind::Int, "10000", "Records that one read without a group returns at most, whatever `count` says.").at_least(1),
    ]
}

/// Connections behind balancers.
pub(super) fn connections() -> Vec<Key> {
    vec![
        Key::with("sluiceway.tcp.keepalive.ms", Kind::Long, "60000", "Milliseconds of silence after which TCP probes the peer of a connection; 0: it does not.").at_least(0),
        Key::with("sluiceway.http2.keepalive.interval.ms", Kind::Long, "0", "Milliseconds between HTTP/2 PINGs to clients; 0: none.").at_least(0),
        Key::with("sluiceway.http2.keepalive.timeout.ms", Kind::Long, "20000", "Milliseconds that the answer to a PING may take before the connection is closed.").at_least(1),
        Key::with("sluiceway.connection.max.age.ms", Kind::Long, "0", "Milliseconds, give or take a tenth, after which a connection takes no new request and ends when those under way have, so that balancers spread anew; 0: never.").at_least(0),
    ]
}

/// Bodies and descriptions.
pub(super) fn http() -> Vec<Key> {
    vec![
        Key::with(
            "sluiceway.openapi.enable",
            Kind::Boolean,
            "true",
            "Whether `/openapi.json` (this API as OpenAPI 3.1) and `/docs` (a page to read and try it, which loads nothing from elsewhere) are served.",
        ),
        Key::with(
            "sluiceway.request.decompression.enable",
            Kind::Boolean,
            "false",
            "Whether request bodies with `Content-Encoding: gzip` or `zstd` are decompressed (other encodings: 415); else they are taken as they are, as in the original. `sluiceway.request.max.bytes` bounds what comes out.",
        ),
    ]
}

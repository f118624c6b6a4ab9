//! What must hold for every input: the entry points of the fuzz targets (`fuzz/`) and of the tests that mutate the same
//! seeds (`tests/fuzz.rs`). Each takes bytes and panics when something does not hold. Nothing else calls them.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Method};
use serde_json::Value;
use sluiceway_common::props;
use sluiceway_schemas::avro;

use crate::config::{Config, Endpoints};
use crate::envelope::{self, Envelope};
use crate::format::binary::Binary;
use crate::format::{Serializer, Side, Written};
use crate::media::{self, MediaType, Offers};
use crate::router::{self, Router};
use crate::stream::input::in_pieces;
use crate::stream::split::Splitter;

/// A target: takes an input, panics when something does not hold.
pub type Target = fn(&[u8]);

/// Name and function of every target.
pub const TARGETS: [(&str, Target); 7] = [
    ("envelope", envelope),
    ("v3_stream", v3_stream),
    ("media_types", media_types),
    ("query_strings", query_strings),
    ("base64", base64),
    ("avro_json", avro_json),
    ("properties", properties),
];

/// A produce request's body: what is taken is JSON, and the same as in serde_json's tree.
///
/// # Panics
/// It is not.
pub fn envelope(data: &[u8]) {
    let decoded = envelope::decode(data, "produceJson");
    let tree = serde_json::from_slice::<Value>(data).ok();
    if let Some(tree) = tree.as_ref().filter(|tree| is_plain(tree)) {
        // Written anew: a tree does not show what of repeated members was refused.
        let again = envelope::decode(tree.to_string().as_bytes(), "produceJson");
        assert!(again.is_ok(), "refused: {again:?}");
    }
    let Ok(decoded) = decoded else {
        return;
    };
    let parts = |envelope: &Envelope, index: usize| {
        let record = envelope.records.get(index).copied().unwrap_or_default();
        [record.key, record.value].map(|span| span.map(|span| span.of(&envelope.json).to_vec()))
    };
    for index in 0..decoded.records.len() {
        for json in parts(&decoded, index).into_iter().flatten() {
            let read = serde_json::from_slice::<serde::de::IgnoredAny>(&json);
            let too_deep = json
                .iter()
                .filter(|byte| matches!(byte, b'[' | b'{'))
                .count()
                > 100;
            assert!(
                read.is_ok() || too_deep,
                "{}",
                String::from_utf8_lossy(&json)
            );
        }
    }
    let Some(Value::Array(records)) = tree.as_ref().and_then(|tree| tree.get("records")) else {
        return;
    };
    assert_eq!(records.len(), decoded.records.len());
    for (index, record) in records.iter().enumerate() {
        for (name, json) in ["key", "value"].into_iter().zip(parts(&decoded, index)) {
            let expected = record.get(name).filter(|value| !value.is_null());
            let found = json.and_then(|json| serde_json::from_slice::<Value>(&json).ok());
            assert_eq!(expected, found.as_ref(), "{name} of record {index}");
        }
    }
}

/// Whether a tree is a produce request without anything that could be refused.
fn is_plain(tree: &Value) -> bool {
    let plain = |record: &Value| {
        let members = record.as_object();
        members.is_some_and(|members| {
            members
                .keys()
                .all(|name| matches!(name.as_str(), "key" | "value"))
        })
    };
    let records = tree.get("records").and_then(Value::as_array);
    tree.as_object().is_some_and(|members| members.len() == 1)
        && records.is_some_and(|records| !records.is_empty() && records.iter().all(plain))
}

/// A stream of JSON values: it is split in the same places however it is cut, and so are the records and errors that are read
/// of it, whether or not one is read like the one before. The first byte says how.
///
/// # Panics
/// It is not.
pub fn v3_stream(data: &[u8]) {
    let Some((&step, stream)) = data.split_first() else {
        return;
    };
    let whole = split(stream, stream.len().max(1));
    let pieces = split(stream, usize::from(step).max(1));
    assert_eq!(whole, pieces);
    assert!(whole.iter().all(|value| !value.is_empty()));
    let read = |step| in_pieces(stream, step, &CONFIG);
    let (whole, pieces) = (read(stream.len().max(1)), read(usize::from(step).max(1)));
    assert_eq!(whole, pieces);
}

/// Of a proxy that has only what it must.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let settings = props::parse("bootstrap.servers=127.0.0.1:1").unwrap_or_default();
    Config::parse(&settings).unwrap_or_else(|errors| panic!("{errors:?}"))
});

/// The values of a stream that comes in pieces of so many bytes.
fn split(stream: &[u8], step: usize) -> Vec<Vec<u8>> {
    let (mut splitter, mut buffer, mut values) = (Splitter::default(), Vec::new(), Vec::new());
    let mut rest = stream;
    loop {
        let (piece, more) = rest.split_at(step.min(rest.len()));
        rest = more;
        buffer.extend_from_slice(piece);
        let end = rest.is_empty();
        while let Some(extent) = splitter.next(&buffer, end) {
            values.push(buffer.get(extent).unwrap_or_default().to_vec());
        }
        let before = splitter.before().min(buffer.len());
        buffer.drain(..before);
        splitter.consumed(before);
        if end {
            return values;
        }
    }
}

/// `Accept` and `Content-Type`: what is chosen was offered.
///
/// # Panics
/// It was not.
pub fn media_types(data: &[u8]) {
    let Ok(header) = HeaderValue::from_bytes(data) else {
        return;
    };
    for lenient in [false, true] {
        let offers = Offers { lenient };
        for list in [
            offers.v2(),
            offers.consumers(),
            offers.records(),
            offers.json(),
        ] {
            if let Ok(chosen) = media::accept([&header], list) {
                assert!(list.iter().any(|offer| offer.media == chosen.media));
                assert!(!chosen.header().is_empty());
            }
        }
    }
    let reads = [MediaType::V2, MediaType::Json];
    if let Ok(Some(read)) = media::content_type(Some(&header), &reads) {
        assert!(reads.contains(&read));
    }
    let _first = media::first_accepted(Some(&header));
    let _body = media::for_unsupported([&header]);
}

/// Paths and queries: a route's parameters are those of the path, and what is decoded has no escape left undone.
///
/// # Panics
/// They are not.
pub fn query_strings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    for part in query.split(['&', '=']) {
        if let Some(decoded) = router::decode(part) {
            assert!(decoded.len() <= part.len());
            assert!(part.contains('%') || decoded == part);
        }
    }
    static ROUTER: LazyLock<Option<Router>> = LazyLock::new(|| {
        let mut endpoints = Endpoints::default();
        (endpoints.v2, endpoints.v3) = (true, true);
        Router::new(&endpoints, Offers { lenient: false }).ok()
    });
    let Some(router) = &*ROUTER else {
        return;
    };
    for method in [Method::GET, Method::POST] {
        let matched = router.find(&method, path);
        if let router::Target::Route(index) = matched.target {
            assert!(index < router.routes().len());
        }
        for number in 0..6 {
            if let Ok(parameter) = matched.param(path, number) {
                assert!(parameter.len() <= path.len());
            }
        }
    }
}

/// Base64 in JSON: what other decoders take is decoded alike.
///
/// # Panics
/// It is not.
pub fn base64(data: &[u8]) {
    let mut out = Vec::new();
    let outcome = Binary.serialize(Side::Value, Some(data), &mut out);
    let text = serde_json::from_slice::<String>(data).ok();
    if let Some(bytes) = text.and_then(|text| STANDARD.decode(text).ok()) {
        assert_eq!(outcome.ok(), Some(Written::Bytes));
        assert_eq!(out, bytes);
    }
}

const EVERYTHING: &str = r#"{"type":"record","name":"R","fields":[
    {"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},{"name":"f","type":"float"},
    {"name":"d","type":"double"},{"name":"s","type":"string"},{"name":"y","type":"bytes"},
    {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
    {"name":"x","type":{"type":"fixed","name":"X","size":2}},
    {"name":"a","type":{"type":"array","items":["null","int","string"]}},
    {"name":"m","type":{"type":"map","values":"long"}},
    {"name":"u","type":["null","R"]}]}"#;

/// Avro's JSON: what is taken comes back as the same bytes; any bytes are read or refused.
///
/// # Panics
/// They are not.
pub fn avro_json(data: &[u8]) {
    static SCHEMA: LazyLock<Option<avro::Schema>> =
        LazyLock::new(|| avro::Schema::parse(EVERYTHING, &[]).ok());
    let Some(schema) = &*SCHEMA else {
        panic!("the schema of this test is one");
    };
    let mut binary = Vec::new();
    if schema.json_to_binary(data, &mut binary).is_ok() {
        let (mut json, mut again) = (Vec::new(), Vec::new());
        assert!(schema.binary_to_json(&binary, &mut json).is_ok());
        assert!(
            schema.json_to_binary(&json, &mut again).is_ok(),
            "{}",
            String::from_utf8_lossy(&json)
        );
        assert_eq!(binary, again);
    }
    let mut json = Vec::new();
    let _either = schema.binary_to_json(data, &mut json);
}

/// Properties files: read, or refused with a line.
///
/// # Panics
/// Never.
pub fn properties(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(read) = props::parse(text)
    {
        assert!(read.len() <= text.lines().count().max(1) + text.matches('\r').count());
    }
}

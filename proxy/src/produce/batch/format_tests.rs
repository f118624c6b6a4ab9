#![allow(clippy::unwrap_used)]
use bytes::Bytes;
use kafka_protocol::records::{Compression, RecordBatchDecoder, TimestampType};
use rdkafka::message::Header;

use super::*;

/// Reads a batch back with a library that shares no code with the writer; it checks the sum, too.
fn read(bytes: &[u8]) -> kafka_protocol::records::RecordSet {
    RecordBatchDecoder::decode(&mut Bytes::copy_from_slice(bytes)).unwrap()
}

#[test]
fn a_batch_is_read_back_as_it_was_written() {
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "trace",
            value: Some(&b"abc"[..]),
        })
        .insert(Header {
            key: "none",
            value: None::<&[u8]>,
        });
    let large = vec![b'x'; 70_000];
    let record = |key, value, timestamp, headers| Fields {
        key,
        value,
        timestamp,
        headers,
    };
    let written = [
        record(None, Some(&b"{\"a\":1}"[..]), None, None),
        record(Some(&b"k"[..]), None, Some(1_000), Some(&headers)),
        record(Some(&b""[..]), Some(&b""[..]), Some(i64::MAX / 4), None),
        record(None, Some(&large[..]), Some(1_700_000_000_123), None),
    ];
    let now = 1_700_000_000_000;
    let mut batch = RecordBatch::behind(b"head".to_vec(), now);
    written.iter().for_each(|record| batch.push(record));
    assert_eq!(batch.records(), 4);
    let identity = Identity {
        producer: 77,
        epoch: 3,
        sequence: 41,
    };
    let length = batch.len();
    let (bytes, start) = batch.finish(identity);
    assert_eq!(
        (&bytes[..start], bytes.len() - start),
        (&b"head"[..], length)
    );
    let set = read(&bytes[start..]);
    assert_eq!((set.version, set.compression), (2, Compression::None));
    for (index, (record, expected)) in set.records.iter().zip(&written).enumerate() {
        assert_eq!(record.offset, index as i64);
        assert_eq!(record.sequence, 41 + i32::try_from(index).unwrap());
        assert_eq!((record.producer_id, record.producer_epoch), (77, 3));
        assert_eq!(record.timestamp_type, TimestampType::Creation);
        assert_eq!(
            record.timestamp,
            expected.timestamp.unwrap_or(now),
            "{index}"
        );
        assert_eq!(record.key.as_deref(), expected.key, "{index}");
        assert_eq!(record.value.as_deref(), expected.value, "{index}");
        let count = expected.headers.map_or(0, Headers::count);
        assert_eq!(record.headers.len(), count);
    }
    let trace = set.records[1].headers.iter();
    let trace: Vec<_> = trace
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    assert_eq!(trace[0], ("trace".to_owned(), Some(Bytes::from("abc"))));
    assert_eq!(trace[1], ("none".to_owned(), None));
}

#[test]
fn lengths_of_numbers_are_those_that_are_written() {
    for number in [
        0,
        1,
        -1,
        63,
        64,
        -64,
        -65,
        8191,
        8192,
        1 << 40,
        -(1 << 40),
        i64::MAX,
        i64::MIN,
    ] {
        let mut out = Vec::new();
        put(&mut out, number);
        assert_eq!(out.len(), signed_len(number), "{number}");
    }
}

#[test]
fn times_span_the_batch() {
    let mut batch = RecordBatch::behind(Vec::new(), 500);
    for timestamp in [Some(300), None, Some(100)] {
        batch.push(&Fields {
            key: None,
            value: Some(b"v"),
            timestamp,
            headers: None,
        });
    }
    let (bytes, _) = batch.finish(Identity::NONE);
    let number = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!(
        (number(27), number(35)),
        (300, 500),
        "the first, and the highest"
    );
    let times: Vec<i64> = read(&bytes)
        .records
        .iter()
        .map(|record| record.timestamp)
        .collect();
    assert_eq!(times, [300, 500, 100]);
}

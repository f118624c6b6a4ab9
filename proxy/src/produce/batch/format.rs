//! The bytes of a record batch (Kafka's message format 2, in use since 0.11).
//!
//! In: records one after the other. Out: a batch that a broker appends as it is: no compression, times of the records, and
//! what tells it from a repeated one.

use rdkafka::message::{Headers, OwnedHeaders};

use crate::produce::varint_len;

/// Bytes of a batch before its first record.
pub(crate) const OVERHEAD: usize = 61;
/// Bytes that a record takes beside key, value and headers, roughly.
pub(crate) const RECORD_OVERHEAD: usize = 16;

/// Where in the batch its parts are.
const LENGTH: usize = 8;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
/// Bytes of base offset and length, which the length does not count.
const UNCOUNTED: usize = 12;
const MAGIC: u8 = 2;

/// A record to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// Its key.
    pub(crate) key: Option<&'a [u8]>,
    /// Its value.
    pub(crate) value: Option<&'a [u8]>,
    /// Epoch milliseconds; `None`: those of the batch.
    pub(crate) timestamp: Option<i64>,
    /// Its headers.
    pub(crate) headers: Option<&'a OwnedHeaders>,
}

/// Who writes a batch, and the number of its first record; brokers append no number of a partition twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The producer's id; -1: brokers tell no batches apart.
    pub(crate) producer: i64,
    /// Its epoch.
    pub(crate) epoch: i16,
    /// The first record's number.
    pub(crate) sequence: i32,
}

impl Identity {
    /// Without idempotence.
    pub(crate) const NONE: Self = Self {
        producer: -1,
        epoch: -1,
        sequence: -1,
    };
}

/// A batch under construction, behind what lies in its buffer before it.
#[derive(Debug)]
pub(crate) struct RecordBatch {
    bytes: Vec<u8>,
    start: usize,
    records: i32,
    now: i64,
    first_time: i64,
    last_time: i64,
}

impl RecordBatch {
    /// An empty batch behind `bytes`; `now` is the time of records that have none, in epoch milliseconds.
    pub(crate) fn behind(mut bytes: Vec<u8>, now: i64) -> Self {
        let start = bytes.len();
        bytes.resize(start + OVERHEAD, 0);
        Self {
            bytes,
            start,
            records: 0,
            now,
            first_time: now,
            last_time: i64::MIN,
        }
    }

    /// How many records it has.
    pub(crate) fn records(&self) -> i32 {
        self.records
    }

    /// Bytes of the batch.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Appends a record.
    pub(crate) fn push(&mut self, record: &Fields<'_>) {
        let time = record.timestamp.unwrap_or(self.now);
        if self.records == 0 {
            self.first_time = time;
        }
        self.last_time = self.last_time.max(time);
        let (time, number) = (time - self.first_time, i64::from(self.records));
        let length = 1
            + signed_len(time)
            + signed_len(number)
            + field_len(record.key)
            + field_len(record.value)
            + headers_len(record.headers);
        let out = &mut self.bytes;
        put(out, wide(length));
        out.push(0);
        put(out, time);
        put(out, number);
        put_field(out, record.key);
        put_field(out, record.value);
        put_headers(out, record.headers);
        self.records += 1;
    }

    /// Completes it: the buffer, and where in it the batch begins.
    pub(crate) fn finish(mut self, identity: Identity) -> (Vec<u8>, usize) {
        let length = u32::try_from(self.len() - UNCOUNTED).unwrap_or(u32::MAX);
        let batch = &mut self.bytes[self.start..];
        let mut at = 0;
        let mut write = |bytes: &[u8]| {
            batch[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        write(&0_i64.to_be_bytes()); // base offset: the broker's to say
        write(&length.to_be_bytes());
        write(&(-1_i32).to_be_bytes()); // leader's epoch
        write(&[MAGIC]);
        write(&[0; 4]); // the check sum comes last
        write(&0_i16.to_be_bytes()); // no compression, times of the records
        write(&(self.records - 1).to_be_bytes());
        write(&self.first_time.to_be_bytes());
        write(&self.last_time.to_be_bytes());
        write(&identity.producer.to_be_bytes());
        write(&identity.epoch.to_be_bytes());
        write(&identity.sequence.to_be_bytes());
        write(&self.records.to_be_bytes());
        debug_assert_eq!((at, LENGTH), (OVERHEAD, 8));
        let sum = crc32c::crc32c(&batch[ATTRIBUTES..]);
        batch[CRC..ATTRIBUTES].copy_from_slice(&sum.to_be_bytes());
        (self.bytes, self.start)
    }
}

fn wide(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Bytes of a number: zigzag, seven bits a byte.
fn signed_len(number: i64) -> usize {
    let bits = u64::BITS - zigzag(number).leading_zeros();
    (bits.max(1) as usize).div_ceil(7)
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn put(out: &mut Vec<u8>, number: i64) {
    let mut left = zigzag(number);
    while left >= 0x80 {
        out.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    out.push(left.to_le_bytes()[0]);
}

fn field_len(field: Option<&[u8]>) -> usize {
    field.map_or(1, |bytes| varint_len(bytes.len()) + bytes.len())
}

fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => put(out, -1),
        Some(bytes) => {
            put(out, wide(bytes.len()));
            out.extend_from_slice(bytes);
        }
    }
}

fn headers_len(headers: Option<&OwnedHeaders>) -> usize {
    let Some(headers) = headers else {
        return 1;
    };
    let one =
        |name: &str, value: Option<&[u8]>| field_len(Some(name.as_bytes())) + field_len(value);
    let all = headers.iter().map(|header| one(header.key, header.value));
    varint_len(headers.count()) + all.sum::<usize>()
}

fn put_headers(out: &mut Vec<u8>, headers: Option<&OwnedHeaders>) {
    let count = headers.map_or(0, Headers::count);
    put(out, wide(count));
    for header in headers.iter().flat_map(|headers| headers.iter()) {
        put_field(out, Some(header.key.as_bytes()));
        put_field(out, header.value);
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;

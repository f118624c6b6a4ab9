//! JSON without schemas, no transforms, the default partitioner: nothing is allocated per record on its way from the
//! consumer's bytes to the part buffer. Everything that a task does with a record takes part (`explain` runs it); the
//! allocator counts. One test in a program of its own: the count is the whole process's.
#![allow(clippy::unwrap_used)]

use std::alloc::System;

use sluiceway_common::props::{self, Properties};
use sluiceway_sink::config::ConnectorConfig;
use sluiceway_sink::explain::{SampleRecord, explain};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations, moved ones included, while `records` records pass.
fn allocations(converter: &str, records: i64) -> usize {
    let text = format!(
        "name=c\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1000000\nstorage.class=S3Storage\n\
         format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter={converter}\n\
         value.converter.schemas.enable=false\n"
    );
    let config = ConnectorConfig::parse(&props::parse(&text).unwrap(), &Properties::new()).unwrap();
    let record = |offset| SampleRecord {
        topic: "t".into(),
        partition: i32::try_from(offset % 3).unwrap(),
        offset,
        timestamp: Some(1_700_000_000_000),
        key: Some(b"key".to_vec()),
        value: Some(
            format!(
                "{{\"index\": {offset}, \"title\": \"a \\u00fc title\", \"more\": [1.50, null]}}"
            )
            .into_bytes(),
        ),
        headers: Vec::new(),
    };
    let records: Vec<SampleRecord> = (0..records).map(record).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let region = Region::new(ALLOCATOR);
    let found = explain(config, &records, 0, runtime.handle()).unwrap();
    let change = region.change();
    assert_eq!(found.written, records.len() as u64);
    change.allocations + change.reallocations
}

#[test]
fn nothing_is_allocated_per_record() {
    for converter in ["JsonConverter", "StringConverter"] {
        allocations(converter, 10);
        let (few, many) = (
            allocations(converter, 20_000),
            allocations(converter, 100_000),
        );
        // Buffers that grow double; that is all.
        assert!(
            many < few + 200,
            "{converter}: {few} allocations for 20,000 records, {many} for 100,000"
        );
    }
}

//! Partitioners, rotation and names, driven with inputs and objects recorded from the genuine connector.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sluiceway_common::props::Properties;

use crate::config::ConnectorConfig;
use crate::error::RecordError;
use crate::path::FileName;
use crate::pipeline::{Outcome, Pipeline};
use crate::record::RawRecord;
use crate::rotate::OpenSet;
use crate::value::{SchemaRef, same_schema};

const CASES: &str = include_str!("../../tests/data/recorded-partitions.json");

/// An open file: its key, its records, their schema.
type File = (String, u64, Option<SchemaRef>);

/// What a task would leave behind.
struct Run<'a> {
    config: &'a ConnectorConfig,
    pipeline: Pipeline,
    files: BTreeMap<String, File>,
    open: OpenSet,
    objects: BTreeMap<String, u64>,
}

impl Run<'_> {
    fn close(&mut self) {
        self.open.clear();
        for (_, (key, records, _)) in std::mem::take(&mut self.files) {
            assert_eq!(self.objects.insert(key, records), None);
        }
    }

    fn take(&mut self, raw: &RawRecord<'_>) -> Result<(), RecordError> {
        let rules = self.config.rotation.clone();
        let (encoded, time, schema) = match self.pipeline.process(raw)? {
            Outcome::Write(record) => (
                record.encoded_partition.to_owned(),
                record.time,
                record.value.schema,
            ),
            Outcome::Skip(reason) => panic!("{reason:?}"),
        };
        if self.open.before(&rules, time, &encoded).is_some() {
            self.close();
        }
        let file = self.files.get(&encoded);
        if file.is_some_and(|file| !same_schema(file.2.as_ref(), schema.as_ref())) {
            self.close();
        }
        if !self.files.contains_key(&encoded) {
            if OpenSet::before_file(&rules, self.files.len()).is_some() {
                self.close();
            }
            let key = self.key(raw, &encoded);
            self.files.insert(encoded.clone(), (key, 0, schema));
        }
        self.files.get_mut(&encoded).unwrap().1 += 1;
        self.open.add(&rules, time, &encoded, 1, 0);
        if self.open.after(&rules).is_some() {
            self.close();
        }
        Ok(())
    }

    fn key(&self, raw: &RawRecord<'_>, encoded: &str) -> String {
        let path = &self.config.path;
        path.key(&FileName {
            folder_topic: raw.topic,
            encoded_partition: encoded,
            topic: raw.topic,
            partition: raw.partition,
            first_offset: raw.offset,
            extension: self.pipeline.format().extension(),
        })
    }
}

fn run(case: &Json) -> (BTreeMap<String, u64>, String) {
    let mut properties: Properties = serde_json::from_value(case["config"].clone()).unwrap();
    properties.insert("name".into(), "c".into());
    let config = ConnectorConfig::parse(&properties, &Properties::new())
        .unwrap_or_else(|errors| panic!("{}: {errors}", case["case"]));
    let pipeline = match Pipeline::new(&config) {
        Ok(pipeline) => pipeline,
        Err(error) => return (BTreeMap::new(), error.stacktrace()),
    };
    let mut run = Run {
        config: &config,
        pipeline,
        files: BTreeMap::new(),
        open: OpenSet::default(),
        objects: BTreeMap::new(),
    };
    for record in case["input"].as_array().unwrap() {
        let raw = RawRecord {
            topic: record["topic"].as_str().unwrap(),
            partition: 0,
            offset: record["offset"].as_i64().unwrap(),
            timestamp: record["timestamp"].as_i64().filter(|time| *time != -1),
            key: None,
            value: record["value"].as_str().map(str::as_bytes),
            headers: None,
        };
        if let Err(error) = run.take(&raw)
            && !config.errors.tolerates(&error)
        {
            return (BTreeMap::new(), error.task_trace());
        }
    }
    (run.objects, String::new())
}

#[test]
fn folders_and_boundaries_are_those_of_the_genuine_connector() {
    let cases: Vec<Json> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 40);
    for case in &cases {
        let (objects, trace) = run(case);
        let recorded = case["objects"].as_array().unwrap().iter().map(|object| {
            let lines = object[1].as_u64().unwrap();
            (object[0].as_str().unwrap().to_owned(), lines)
        });
        assert_eq!(objects, recorded.collect(), "{}", case["case"]);
        for line in case["errors"].as_array().unwrap() {
            let line = line.as_str().unwrap();
            // The original goes on with the record's key and value.
            let line = line.split(" ConnectRecord{").next().unwrap();
            let found = trace.lines().any(|ours| ours == line);
            assert!(found, "{}: {line} is not in {trace}", case["case"]);
        }
        assert_eq!(
            trace.is_empty(),
            case["errors"].as_array().unwrap().is_empty()
        );
    }
}

//! `sluiceway-sink explain`: which objects a connector would write for some records.
//!
//! In: a checked configuration and sample records. Out: an [`Explanation`]: each object with its key, offsets, count and
//! the reason for closing it; what would still be open; records passed over or refused; the offsets that would be
//! committed. Converters, transforms, partitioner, rotation and the commit protocol are the task's own
//! ([`crate::assignment`]); only the uploader lists objects instead of sending them. Kafka and S3 are not asked; a
//! Schema Registry is, where a converter needs one.

mod explanation;
mod sample;

pub use explanation::{Explanation, FileExplained, RecordExplained};
pub use sample::{Sample, SampleError, SampleRecord};

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use prometheus::Registry;
use sluiceway_common::traces::Traces;
use tokio::runtime::Handle;

use crate::assignment::{Assignment, Failure, Taken};
use crate::budget::Budget;
use crate::config::ConnectorConfig;
use crate::error::{CONNECT_EXCEPTION, Exception, unrecoverable};
use crate::events::ClosedObject;
use crate::metrics::SinkMetrics;
use crate::pipeline::Pipeline;
use crate::record::{RawHeader, RawRecord};
use crate::topic_partition::Tools;
use crate::upload::Uploader;

/// Runs `records` through the connector `config`, on `runtime`'s threads where a converter asks a registry. Records
/// without a timestamp get `now_ms` (milliseconds since 1970); the clock shows the latest timestamp so far.
///
/// # Errors
/// What would fail the task before it reads a record, as its status would show it.
pub fn explain(
    config: ConnectorConfig,
    records: &[SampleRecord],
    now_ms: i64,
    runtime: &Handle,
) -> Result<Explanation, Exception> {
    config.start_check()?;
    let mut dry = DryTask::start(config, runtime)?;
    dry.assign(records);
    let mut explanation = Explanation::default();
    let mut clock_ms = i64::MIN;
    for record in records {
        let timestamp = record.timestamp.unwrap_or(now_ms);
        clock_ms = clock_ms.max(timestamp);
        if let Err(failure) = dry.take(record, timestamp, clock_ms, &mut explanation) {
            explanation.failed_at(record, &failure);
            break;
        }
    }
    dry.end(&mut explanation);
    Ok(explanation)
}

/// A task without Kafka and S3.
struct DryTask {
    assignment: Assignment,
    objects: mpsc::Receiver<ClosedObject>,
}

impl DryTask {
    fn start(config: ConnectorConfig, runtime: &Handle) -> Result<Self, Exception> {
        let config = Arc::new(config);
        let objects = &config.s3.objects;
        objects
            .check(config.s3.endpoint.as_deref())
            .map_err(unrecoverable)?;
        let _entered = runtime.enter();
        let pipeline = Pipeline::new(&config)?;
        let metrics = SinkMetrics::register(&Registry::new())
            .map_err(|error| Exception::new(CONNECT_EXCEPTION, error.to_string()))?;
        let metrics = Arc::new(metrics);
        let (events, uploads) = mpsc::channel();
        let (listing, objects) = mpsc::channel();
        let uploader = Uploader::listing(
            &config,
            runtime.clone(),
            Arc::clone(&metrics),
            events,
            listing,
        );
        let tools = Tools {
            stored: pipeline.stored().clone(),
            budget: Budget::new(usize::MAX),
            config,
            metrics,
            uploader,
            dead_letters: None,
            traces: Traces::default(),
        };
        Ok(Self {
            assignment: Assignment::new(Arc::new(tools), pipeline, uploads),
            objects,
        })
    }

    fn assign(&mut self, records: &[SampleRecord]) {
        let partitions: BTreeSet<_> = records
            .iter()
            .map(|record| (record.topic.as_str(), record.partition))
            .collect();
        for (topic, partition) in partitions {
            self.assignment.add(topic, partition, None, "");
        }
    }

    fn take(
        &mut self,
        record: &SampleRecord,
        timestamp: i64,
        clock_ms: i64,
        explanation: &mut Explanation,
    ) -> Result<(), Failure> {
        self.assignment.on_clock(clock_ms)?;
        let headers: Vec<RawHeader<'_>> = record
            .headers
            .iter()
            .map(|(key, value)| RawHeader {
                key,
                value: value.as_deref(),
            })
            .collect();
        let raw = RawRecord {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: (timestamp >= 0).then_some(timestamp),
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: (!headers.is_empty()).then_some(&headers),
        };
        let taken = match self.assignment.take(&raw)? {
            Taken::Behind(_) => self.assignment.take_afresh(&raw)?,
            taken => taken,
        };
        match taken {
            Taken::Written => explanation.written += 1,
            Taken::Skipped(reason) => explanation.skip(record, reason.name()),
            Taken::Refused(error) => explanation.refuse(record, &error),
            // Every partition of the sample is assigned, and its offsets ascend.
            Taken::NotOurs | Taken::Seen | Taken::Behind(_) => {}
        }
        self.settle(explanation)
    }

    /// Plans, completes and commits what was closed.
    fn settle(&mut self, explanation: &mut Explanation) -> Result<(), Failure> {
        loop {
            let due = self.assignment.commits_due();
            let done = due.is_empty();
            for commit in due {
                self.assignment.acknowledged(commit);
            }
            self.assignment.absorb_uploads(Duration::ZERO)?;
            if done {
                break;
            }
        }
        explanation
            .objects
            .extend(self.objects.try_iter().map(FileExplained::closed));
        Ok(())
    }

    fn end(mut self, explanation: &mut Explanation) {
        // Good records before one that fails the task are written.
        if let Err(failure) = self.settle(explanation) {
            explanation.fail(&failure);
        }
        self.assignment.settle_skipped();
        for commit in self.assignment.commits_due() {
            self.assignment.acknowledged(commit);
        }
        explanation.open = self
            .assignment
            .files_so_far()
            .map(FileExplained::open)
            .collect();
        for (topic, partitions) in self.assignment.committed() {
            for (partition, offset) in partitions {
                if let Some(offset) = offset {
                    explanation
                        .committed
                        .insert(format!("{topic}-{partition}"), offset);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

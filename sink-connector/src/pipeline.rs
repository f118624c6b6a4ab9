//! One record's way from bytes to encoder: converters → transforms → null handling → partitioner.
//!
//! In: a [`RawRecord`]. Out: an [`Outcome`]: a [`SinkRecord`] with its encoded partition, or why it is passed over.
//! Fails with a [`RecordError`] that says at which stage; [`crate::config::ErrorsConfig::tolerates`] says what follows.
//!
//! Buffers are kept from record to record. With JSON without schemas, strings or bytes in, no transforms, and the
//! default partitioner, nothing is allocated per record. Keys and headers are converted only where something reads
//! them; else a key is checked, as Connect would convert it.

use crate::config::{ConnectorConfig, FormatConfig, NullValues, TransformStage};
use crate::convert::header::HeaderConverter;
use crate::convert::{self, Converter, Shape};
use crate::encode::{self, Format};
use crate::error::{CONNECT_EXCEPTION, Exception, RecordError, Stage, unrecoverable};
use crate::file_set::Stored;
use crate::partition::{self, Partitioner};
use crate::record::{Datum, RawRecord, SinkRecord};
use crate::transform::Verdict;

use std::borrow::Cow;
use std::sync::Arc;

/// What becomes of a record.
// Boxing the record would allocate for each of them.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Outcome<'a> {
    /// It is written.
    Write(SinkRecord<'a>),
    /// It is passed over by rule.
    Skip(SkipReason),
}

/// Why a record is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Its value is null and `behavior.on.null.values=ignore`.
    NullValue,
    /// A transform dropped it.
    Filtered,
}

impl SkipReason {
    /// Name of the reason in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NullValue => "null_value",
            Self::Filtered => "filtered",
        }
    }
}

/// The stages between consumer and open files. One per task; not shared.
pub struct Pipeline {
    key_converter: Box<dyn Converter>,
    value_converter: Box<dyn Converter>,
    header_converter: HeaderConverter,
    transforms: Vec<TransformStage>,
    reads_keys: bool,
    reads_headers: bool,
    partitioner: Box<dyn Partitioner>,
    null_values: NullValues,
    /// Records have times that rotation goes by.
    has_time: bool,
    /// Null values that are ignored are reported like bad records.
    report_nulls: bool,
    /// The time of processing, in milliseconds of the epoch.
    clock_ms: i64,
    encoded_partition: String,
    stored: Stored,
}

impl Pipeline {
    /// Builds the stages of a connector.
    ///
    /// # Errors
    /// What makes a task fail when it starts although its configuration was accepted, as its status shows it.
    pub fn new(config: &ConnectorConfig) -> Result<Self, Exception> {
        // Connect configures transforms before it starts the task, and shows their errors as they are.
        let transforms = config.transforms.stages()?;
        config.path.check().map_err(unrecoverable)?;
        let partitioner = partition::new(&config.partitioner)?;
        let transformed = config.transforms.look_inside();
        let value_shape = match transformed || config.partitioner.reads_values() {
            true => Shape::Tree,
            false => shape(&config.format),
        };
        let key_shape = match &config.stored.keys {
            _ if transformed || config.partitioner.reads_keys() => Shape::Tree,
            Some(format) => shape(format),
            None => Shape::Text,
        };
        let header_converter = HeaderConverter::new(&config.header_converter)?;
        let any = !transforms.is_empty();
        Ok(Self {
            key_converter: convert::new(&config.key_converter, Stage::KeyConverter, key_shape)?,
            value_converter: convert::new(
                &config.value_converter,
                Stage::ValueConverter,
                value_shape,
            )?,
            reads_keys: any || config.stored.keys.is_some() || config.partitioner.reads_keys(),
            reads_headers: any
                || config.stored.headers.is_some()
                || config.partitioner.reads_headers()
                || header_converter.may_fail(),
            header_converter,
            transforms,
            partitioner,
            null_values: config.null_values.clone(),
            has_time: config.partitioner.has_time(),
            report_nulls: config.errors.report_null_values && config.errors.has_reporter(),
            clock_ms: 0,
            encoded_partition: String::new(),
            stored: stored(config),
        })
    }

    /// Format of the value files.
    pub fn format(&self) -> &Arc<dyn Format> {
        &self.stored.value
    }

    /// What is stored, in which formats.
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Sets the time of processing, which records without another have as theirs.
    pub fn set_clock(&mut self, clock_ms: i64) {
        self.clock_ms = clock_ms;
    }

    /// What of the clock decides encoded partitions, see [`Partitioner::clock_bucket`].
    pub fn clock_bucket(&self, clock_ms: i64) -> Option<i64> {
        self.partitioner.clock_bucket(clock_ms)
    }

    /// Takes a record through converters, transforms, null handling and partitioner. The outcome borrows the
    /// pipeline's buffers: it is to be written before the next record is processed.
    ///
    /// # Errors
    /// A converter, a transform, the partitioner, or `behavior.on.null.values=fail` refuses the record.
    pub fn process<'a>(&'a mut self, raw: &RawRecord<'a>) -> Result<Outcome<'a>, RecordError> {
        let key = if self.reads_keys {
            self.key_converter.convert(raw.topic, raw.key)?
        } else {
            self.key_converter.check(raw.topic, raw.key)?;
            Datum::NULL
        };
        let value = self.value_converter.convert(raw.topic, raw.value)?;
        let headers = match raw.headers {
            Some(headers) if self.reads_headers => {
                self.header_converter.convert(raw.topic, headers)?
            }
            _ => Vec::new(),
        };
        let mut record = SinkRecord {
            topic: Cow::Borrowed(raw.topic),
            source_topic: raw.topic,
            partition: raw.partition,
            offset: raw.offset,
            timestamp: raw.timestamp,
            key,
            value,
            headers,
            time: None,
            encoded_partition: "",
        };
        for stage in &mut self.transforms {
            let class = stage.class;
            let applied = stage.apply(&mut record);
            match applied.map_err(|error| RecordError::new(Stage::Transformation, class, error))? {
                Verdict::Keep => {}
                Verdict::Drop => return Ok(Outcome::Skip(SkipReason::Filtered)),
            }
        }
        let tombstone = match record.value.payload.is_null() {
            true => Some(tombstone_partition(&self.null_values)?),
            false => None,
        };
        match tombstone {
            Some(None) if self.report_nulls => {
                let ignored = Exception::data("Skipping null value record.");
                return Err(RecordError::put(ignored));
            }
            Some(None) => return Ok(Outcome::Skip(SkipReason::NullValue)),
            // A tombstone has no field that tells its time.
            Some(Some(_)) => record.time = record.timestamp.filter(|_| self.has_time),
            None => record.time = self.partitioner.time(&record, self.clock_ms)?,
        }
        self.encoded_partition.clear();
        match tombstone.flatten() {
            Some(partition) => self.encoded_partition.push_str(partition),
            None => self
                .partitioner
                .encode(&record, &mut self.encoded_partition)?,
        }
        record.encoded_partition = &self.encoded_partition;
        Ok(Outcome::Write(record))
    }
}

/// What the stages behind a converter need of schemaless JSON: Avro and Parquet look inside.
fn shape(format: &FormatConfig) -> Shape {
    match format {
        FormatConfig::Avro { .. } | FormatConfig::Parquet { .. } => Shape::Tree,
        FormatConfig::Json { .. } | FormatConfig::ByteArray { .. } => Shape::Text,
    }
}

fn stored(config: &ConnectorConfig) -> Stored {
    let format = |format: &FormatConfig| encode::format(format, config.compression);
    Stored {
        value: format(&config.format),
        key: config.stored.keys.as_ref().map(format),
        headers: config.stored.headers.as_ref().map(format),
    }
}

/// The folder of a record without value; `None` where it is passed over.
fn tombstone_partition(behavior: &NullValues) -> Result<Option<&str>, RecordError> {
    match behavior {
        NullValues::Ignore => Ok(None),
        NullValues::Write { encoded_partition } => Ok(Some(encoded_partition)),
        NullValues::Fail => Err(RecordError::fatal(Exception::new(
            CONNECT_EXCEPTION,
            "Null valued records are not writeable with current behavior.on.null.values 'settings.",
        ))),
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "pipeline_transform_tests.rs"]
mod transform_tests;

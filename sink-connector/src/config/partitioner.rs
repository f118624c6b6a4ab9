//! How records are spread over folders: `partitioner.class` and its options, `s3.schema.partition.affix.type`.

use jiff::tz::TimeZone;
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind, Values};

use super::classes::{PartitionerClass, no_such_class};
use super::rotation;

/// `partitioner.class` with its options, as they are given; a task checks what its partitioner needs.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionerConfig {
    /// The class.
    pub class: PartitionerClass,
    /// `directory.delim`, between the levels of an encoded partition.
    pub delim: String,
    /// `partition.field.name`.
    pub fields: Vec<String>,
    /// `partition.field.extended`: fields may be looked for in schemaless values, keys and headers.
    pub extended: bool,
    /// `partition.duration.ms`; -1 when it is not given.
    pub duration_ms: i64,
    /// `path.format`.
    pub path_format: String,
    /// `locale`.
    pub locale: String,
    /// `timezone` as it is given.
    pub timezone_id: String,
    /// The zone of `timezone`; `None` when it is empty.
    pub timezone: Option<TimeZone>,
    /// `timestamp.extractor`.
    pub extractor: String,
    /// `timestamp.field`.
    pub timestamp_field: String,
    /// `s3.schema.partition.affix.type`.
    pub affix: SchemaAffix,
}

impl PartitionerConfig {
    /// Whether records have a time: `rotate.interval.ms` goes by it.
    pub fn has_time(&self) -> bool {
        !matches!(
            self.class,
            PartitionerClass::Default | PartitionerClass::Field
        )
    }

    /// Whether it looks into values without a schema.
    pub fn reads_values(&self) -> bool {
        let by_field = self.has_time() && self.extractor.contains("RecordField");
        by_field || (self.names_fields() && self.extended)
    }

    /// Whether it looks into keys.
    pub fn reads_keys(&self) -> bool {
        self.reads("key:")
    }

    /// Whether it looks into headers.
    pub fn reads_headers(&self) -> bool {
        self.reads("header:")
    }

    fn reads(&self, place: &str) -> bool {
        let mut fields = self.fields.iter();
        self.names_fields() && self.extended && fields.any(|field| field.starts_with(place))
    }

    fn names_fields(&self) -> bool {
        matches!(
            self.class,
            PartitionerClass::Field | PartitionerClass::FieldAndTime
        )
    }
}

/// `s3.schema.partition.affix.type`: where the name of a record's schema stands in its encoded partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaAffix {
    /// Nowhere.
    None,
    /// Before everything else.
    Prefix,
    /// After everything else.
    Suffix,
}

pub(super) fn keys() -> Vec<Key> {
    const DEFAULT: &str = "io.confluent.connect.storage.partitioner.DefaultPartitioner";
    vec![
        low(
            "partitioner.class",
            Kind::Class,
            DEFAULT,
            "How records are spread over folders: `DefaultPartitioner` (a folder a Kafka partition), `FieldPartitioner`, \
             `TimeBasedPartitioner`, `DailyPartitioner`, `HourlyPartitioner`, or \
             `io.sluiceway.connect.partitioner.FieldAndTimePartitioner` (fields, then time).",
        )
        .importance(Importance::High),
        medium("partition.field.name", Kind::List, "", "Fields of the FieldPartitioner, in order; dots lead into what is nested."),
        low(
            "partition.field.extended",
            Kind::Boolean,
            "false",
            "Not in the original: fields are also looked for in maps without a schema, in the key (`key:id`, `key:` for a \
             plain key) and in headers (`header:tenant`); what is not there is `null`.",
        ),
        medium(
            "partition.duration.ms",
            Kind::Long,
            "-1",
            "Length of a time-based partition in milliseconds, more than 0.",
        ),
        medium(
            "path.format",
            Kind::String,
            "",
            "Joda-Time pattern of a time-based partition: `'year'=YYYY/'month'=MM/'day'=dd`.",
        ),
        medium(
            "locale",
            Kind::String,
            "",
            "Language of a time-based partition's texts (`en`, `fr`); anything else has the root locale's.",
        ),
        medium(
            "timezone",
            Kind::String,
            "",
            "Zone of time-based partitions and of the schedule (`UTC`, `Europe/Paris`, `+02:00`).",
        )
        .check(rotation::check_timezone),
        medium(
            "timestamp.extractor",
            Kind::String,
            "Wallclock",
            "What time a record has: `Wallclock` (the time of processing), `Record` (its Kafka timestamp), `RecordField`.",
        ),
        medium(
            "timestamp.field",
            Kind::String,
            "timestamp",
            "Field of the `RecordField` extractor: a timestamp, milliseconds of the epoch, or ISO 8601.",
        ),
        low(
            "partitioner.max.open.files",
            Kind::Int,
            "-1",
            "Open files of a topic-partition at most; one more closes them all. -1 for no limit.",
        )
        .check(open_files),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    medium(name, kind, default, doc).importance(Importance::Low)
}

fn medium(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Medium)
}

/// 0 makes the genuine connector loop for ever without writing.
fn open_files(text: &str) -> Result<(), String> {
    if text == "0" {
        Err("Value must be -1 (no limit) or at least 1".to_owned())
    } else {
        Ok(())
    }
}

/// Reads the class and its options. That it has no fields to go by is found only in a configuration that can otherwise
/// be read, and told in `across`.
pub(super) fn read(
    values: &Values,
    errors: &mut ConfigErrors,
    across: &mut ConfigErrors,
) -> Option<PartitionerConfig> {
    const KEY: &str = "partitioner.class";
    let name = values.text(KEY);
    let Some(class) = PartitionerClass::of(name) else {
        errors.0.push(no_such_class(KEY, name));
        return None;
    };
    let fields = values.list("partition.field.name").to_vec();
    let named = fields.iter().any(|field| !field.trim().is_empty());
    let config = PartitionerConfig {
        class,
        delim: values.text("directory.delim").to_owned(),
        fields,
        extended: values.boolean("partition.field.extended"),
        duration_ms: values.number("partition.duration.ms"),
        path_format: values.text("path.format").to_owned(),
        locale: values.text("locale").to_owned(),
        timezone_id: values.text("timezone").to_owned(),
        timezone: rotation::timezone(values.text("timezone")).ok(),
        extractor: values.text("timestamp.extractor").to_owned(),
        timestamp_field: values.text("timestamp.field").to_owned(),
        affix: affix(values),
    };
    if config.names_fields() && !named {
        let text = "Partition field name cannot be null or empty when using FieldPartitioner.";
        across
            .0
            .push(ConfigError::other("partition.field.name", text));
        return None;
    }
    Some(config)
}

fn affix(values: &Values) -> SchemaAffix {
    match values.text("s3.schema.partition.affix.type") {
        "PREFIX" => SchemaAffix::Prefix,
        "SUFFIX" => SchemaAffix::Suffix,
        _ => SchemaAffix::None,
    }
}

//! Whole property maps: what is read, what is refused and in which words.
#![allow(clippy::unwrap_used, clippy::panic)]

use sluiceway_common::props;

use super::*;
use crate::config::Credentials;

/// The property map that the users of the bootcamp paste into the console, comments included.
const BOOTCAMP: &str = "\
connector.class=io.confluent.connect.s3.S3SinkConnector
# same region as our bucket and cluster
s3.region=us-east-1
flush.size=1
schema.compatibility=NONE
tasks.max=3
# include nomeclature of topic name, here as an example will read all data from topic names starting with msk.topic
topics.regex=<user>.*
format.class=io.confluent.connect.s3.format.json.JsonFormat
partitioner.class=io.confluent.connect.storage.partitioner.DefaultPartitioner
value.converter.schemas.enable=false
value.converter=org.apache.kafka.connect.json.JsonConverter
storage.class=io.confluent.connect.s3.storage.S3Storage
key.converter=org.apache.kafka.connect.storage.StringConverter
s3.bucket.name=user-<user>-bucket
";

fn bootcamp() -> Properties {
    let mut properties = props::parse(BOOTCAMP).unwrap();
    properties.insert("name".into(), "boot".into());
    properties
}

fn with(changes: &[(&str, &str)]) -> Properties {
    let mut properties = bootcamp();
    for (key, value) in changes {
        properties.insert((*key).to_owned(), (*value).to_owned());
    }
    properties
}

fn read(changes: &[(&str, &str)]) -> ConnectorConfig {
    ConnectorConfig::parse(&with(changes), &Properties::new()).unwrap()
}

fn messages(properties: &Properties) -> Vec<String> {
    let errors = ConnectorConfig::parse(properties, &Properties::new()).unwrap_err();
    errors.0.into_iter().map(|error| error.message).collect()
}

fn refused(changes: &[(&str, &str)]) -> Vec<String> {
    messages(&with(changes))
}

#[test]
fn the_bootcamp_map_is_read_as_it_is() {
    let config = read(&[]);
    assert_eq!((config.name.as_str(), config.tasks_max), ("boot", 3));
    assert!(config.topics.selects("<user>.pin") && !config.topics.selects("pin"));
    assert_eq!(
        config.value_converter,
        ConverterConfig::Json {
            schemas: false,
            cache_size: 1000,
            replace_null_with_default: true
        }
    );
    assert_eq!(
        config.key_converter,
        ConverterConfig::String(Encoding::Utf8)
    );
    assert_eq!(
        config.format,
        FormatConfig::Json {
            decimals: DecimalFormat::Base64
        }
    );
    assert_eq!(
        config.rotation,
        RotationConfig {
            flush_size: 1,
            flush_bytes: None,
            interval_ms: None,
            on_partition_change: true,
            on_schema_change: true,
            on_late_record: true,
            max_open_files: None,
            idle_ms: None,
            schedule: None
        }
    );
    assert_eq!(
        (config.s3.bucket.as_str(), config.s3.region.as_str()),
        ("user-<user>-bucket", "us-east-1")
    );
    assert_eq!(
        (
            config.s3.part_size,
            config.s3.part_retries,
            config.s3.path_style
        ),
        (26_214_400, 3, true)
    );
    assert_eq!(config.s3.credentials, Credentials::DefaultChain);
    assert_eq!(config.null_values, NullValues::Fail);
    assert_eq!(config.group_id(), "connect-boot");
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.start_check(), Ok(()));
}

#[test]
fn every_error_is_reported_at_once_in_connects_words() {
    let mut properties = with(&[
        ("flush.size", "abc"),
        ("s3.part.size", "5242879"),
        ("tasks.max", "0"),
        ("timezone", "Mars/Base"),
    ]);
    properties.shift_remove("s3.bucket.name");
    let mut messages = messages(&properties);
    messages.sort();
    assert_eq!(
        messages,
        [
            "Invalid value 0 for configuration tasks.max: Value must be at least 1",
            "Invalid value 5242879 for configuration s3.part.size: Part size must be at least: 5242880 bytes (5MB)",
            "Invalid value Mars/Base for configuration timezone: The datetime zone id 'Mars/Base' is not recognised",
            "Invalid value abc for configuration flush.size: Not a number of type INT",
            "Missing required configuration \"s3.bucket.name\" which has no default value.",
        ]
    );
}

/// Refusals as the genuine connector worded them.
#[test]
fn single_refusals() {
    let unknown = "Class com.example.Nope could not be found.";
    for (key, value, message) in [
        (
            "s3.acl.canned",
            "bogus",
            "Value must be one of: [private, public-read, public-read-write, authenticated-read, aws-exec-read, bucket-owner-read, bucket-owner-full-control]",
        ),
        (
            "s3.schema.partition.affix.type",
            "BOTH",
            "String must be one of: SUFFIX, PREFIX, NONE",
        ),
        (
            "avro.codec",
            "zstandard",
            "String must be one of: null, deflate, snappy, bzip2",
        ),
        (
            "json.decimal.format",
            "float",
            "String must be one of (case insensitive): NUMERIC, BASE64",
        ),
        ("format.class", "com.example.Nope", unknown),
        ("partitioner.class", "com.example.Nope", unknown),
        ("value.converter", "com.example.Nope", unknown),
        ("storage.class", "com.example.Nope", unknown),
        ("connector.class", "com.example.Nope", unknown),
        (
            "s3.path.style.access.enabled",
            "maybe",
            "Expected value to be either true or false",
        ),
        (
            "partitioner.max.open.files",
            "0",
            "Value must be -1 (no limit) or at least 1",
        ),
        (
            "value.converter.schemas.enable",
            "x",
            "Expected value to be either true or false",
        ),
    ] {
        // The options of converters are told of without their prefix.
        let told = key.trim_start_matches("value.converter.");
        assert_eq!(
            refused(&[(key, value)]),
            [format!(
                "Invalid value {value} for configuration {told}: {message}"
            )]
        );
    }
    let regex = refused(&[("topics.regex", "(")]);
    assert!(
        regex.len() == 1
            && regex[0]
                .starts_with("Invalid value ( for configuration topics.regex: Invalid regex: "),
        "{regex:?}"
    );
}

/// What Kafka's own validation says of settings that are wrong in more than one way.
#[test]
fn of_several_faults_those_are_told_that_kafka_tells() {
    let messages = |pairs: &[(&str, &str)]| {
        let mut all = vec![("transforms", "t")];
        all.extend_from_slice(pairs);
        refused(&all)
    };
    let negated = "Config 'transforms.t.negate' was provided but there is no config 'transforms.t.predicate' defining a \
        predicate to be negated.";
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let unfit = format!("Class class {string} does not implement the Transformation interface");
    for (class, negate, expected) in [
        (
            "",
            Some("x"),
            vec![
                "Invalid value  for configuration transforms.t.type: Class  could not be found.",
                negated,
            ],
        ),
        (string, Some("x"), vec![negated]),
        (string, None, vec![unfit.as_str()]),
    ] {
        let mut pairs = vec![("transforms.t.type", class)];
        pairs.extend(negate.map(|value| ("transforms.t.negate", value)));
        assert_eq!(messages(&pairs), expected, "{class} {negate:?}");
    }
    assert_eq!(
        refused(&[("header.converter", "")]),
        ["Invalid value  for configuration header.converter: Class  could not be found."]
    );
    let router = "org.apache.kafka.connect.transforms.RegexRouter";
    let avro = "io.confluent.connect.avro.AvroConverter";
    let simple = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
    for (key, class, interface) in [
        ("header.converter", router, "HeaderConverter"),
        ("header.converter", avro, "HeaderConverter"),
        ("value.converter", simple, "Converter"),
    ] {
        let expected = format!("Class class {class} does not implement the {interface} interface");
        assert_eq!(refused(&[(key, class)]), [expected]);
    }
    let both = "topics and topics.regex are mutually exclusive options, but both are set.";
    let regex = refused(&[("topics", "t"), ("topics.regex", "(")]);
    assert!(regex.len() == 3 && regex[1..] == [both, both], "{regex:?}");
}

#[test]
fn contradictions_stand_at_each_of_their_keys() {
    let both = "topics and topics.regex are mutually exclusive options, but both are set.";
    assert_eq!(refused(&[("topics", "a")]), [both, both]);
    let none = "Must configure one of topics or topics.regex";
    assert_eq!(refused(&[("topics.regex", "")]), [none, none]);
    let gzip = "Compression Type gzip not valid for data format class: ( io.confluent.connect.s3.format.avro.AvroFormat ).";
    let messages = refused(&[
        ("s3.compression.type", "gzip"),
        (
            "format.class",
            "io.confluent.connect.s3.format.avro.AvroFormat",
        ),
    ]);
    assert_eq!(
        messages.iter().filter(|message| *message == gzip).count(),
        2,
        "{messages:?}"
    );
}

#[test]
fn what_is_for_a_later_version_is_refused_by_name() {
    for (key, value) in [
        (
            "value.converter",
            "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter",
        ),
        ("s3.credentials.provider.class", "com.example.Provider"),
    ] {
        let expected =
            format!("Invalid value {value} for configuration {key}: not supported by this version");
        assert_eq!(refused(&[(key, value)]), [expected]);
    }
}

#[test]
fn values_are_typed() {
    let config = read(&[
        ("flush.size", "-1"),
        ("behavior.on.null.values", "IGNORE"),
        ("format.class", "ByteArrayFormat"),
        ("format.bytearray.separator", " \t"),
        ("format.bytearray.extension", "txt"),
        ("s3.compression.type", "gzip"),
        ("s3.compression.level", "-1"),
        ("store.url", "minio:9000"),
        ("s3.path.style.access.enabled", "false"),
        ("aws.access.key.id", "dev"),
        ("aws.secret.access.key", "devsecret"),
        ("errors.tolerance", "all"),
        ("errors.retry.timeout", "-1"),
        ("consumer.override.group.id", "g"),
        ("topics.dir", "a/b"),
        ("value.converter", "StringConverter"),
        ("value.converter.converter.encoding", "latin1"),
    ]);
    assert_eq!(config.rotation.flush_size, 1);
    assert_eq!(config.null_values, NullValues::Ignore);
    assert_eq!(
        config.format,
        FormatConfig::ByteArray {
            extension: "txt".into(),
            separator: b" \t".to_vec()
        }
    );
    assert_eq!(config.compression, Compression::Gzip { level: 6 });
    assert_eq!(config.s3.endpoint.as_deref(), Some("https://minio:9000"));
    assert!(!config.s3.path_style);
    assert!(
        matches!(&config.s3.credentials, Credentials::Static(key) if key.key_id == "dev" && key.secret.expose() == "devsecret")
    );
    assert_eq!(
        (config.errors.tolerance, config.errors.retry_timeout),
        (Tolerance::All, None)
    );
    assert_eq!(config.group_id(), "g");
    assert_eq!(config.path.topics_dir, "a/b");
    assert_eq!(
        config.value_converter,
        ConverterConfig::String(Encoding::Latin1)
    );
}

#[test]
fn converters_come_from_the_worker_with_the_workers_options() {
    let mut properties = bootcamp();
    properties.shift_remove("value.converter");
    let worker = props::parse("value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=true\n").unwrap();
    let config = ConnectorConfig::parse(&properties, &worker).unwrap();
    // The connector's own option belongs to a converter that it does not name.
    assert!(matches!(
        config.value_converter,
        ConverterConfig::Json { schemas: true, .. }
    ));
    assert_eq!(
        config.warnings,
        [
            "value.converter.schemas.enable is ignored: value.converter is not set, so that the worker's converter counts, \
             with the worker's options"
        ]
    );
    let missing = ConnectorConfig::parse(&properties, &Properties::new()).unwrap_err();
    assert_eq!(
        missing.0[0].message,
        "Missing required configuration \"value.converter\" which has no default value."
    );
}

#[test]
fn a_schedule_needs_a_zone_when_the_connector_starts() {
    let config = read(&[("rotate.schedule.interval.ms", "60000")]);
    assert_eq!(config.rotation.schedule, None);
    assert!(
        config
            .start_check()
            .unwrap_err()
            .to_string()
            .contains("configuration timezone")
    );
    let config = read(&[
        ("rotate.schedule.interval.ms", "60000"),
        ("timezone", "Europe/Paris"),
    ]);
    assert_eq!(config.start_check(), Ok(()));
    assert_eq!(
        config.rotation.schedule.unwrap().interval,
        Duration::from_secs(60)
    );
}

#[test]
fn half_a_key_is_refused_and_no_secret_is_ever_shown() {
    let messages = refused(&[("aws.secret.access.key", "devsecret")]);
    assert!(
        messages.len() == 1 && messages[0].contains("aws.access.key.id"),
        "{messages:?}"
    );
    let config = read(&[
        ("aws.access.key.id", "dev"),
        ("aws.secret.access.key", "devsecret"),
        (
            "consumer.override.sasl.jaas.config",
            "password=\"devsecret\"",
        ),
    ]);
    assert!(!format!("{config:?}").contains("devsecret"));
}

#[test]
fn what_has_no_effect_is_a_warning() {
    let config = read(&[("rotate.interval.ms", "1000"), ("flush.siez", "3")]);
    assert_eq!(
        config.warnings,
        [
            "unknown configuration key \"flush.siez\" is ignored; did you mean \"flush.size\"?",
            "rotate.interval.ms is ignored: io.confluent.connect.storage.partitioner.DefaultPartitioner extracts no timestamps",
        ]
    );
}

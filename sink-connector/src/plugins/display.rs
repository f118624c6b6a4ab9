//! How a property is shown in user interfaces: width, place in its group, title.
//!
//! The genuine definitions carry this for Control Center and the like; it changes nothing.

/// How a property is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Display {
    pub(super) width: &'static str,
    pub(super) order: i32,
    pub(super) name: &'static str,
}

/// Where the API lists the property `key`; what the genuine connector does not have comes last.
pub(super) fn place(key: &str) -> usize {
    let found = TABLE.iter().position(|(name, ..)| *name == key);
    found.unwrap_or(TABLE.len())
}

/// Properties that are of interest only with certain values of the property `key`.
pub(super) fn dependents(key: &str) -> &'static [&'static str] {
    match key {
        "store.kafka.keys" => &["keys.format.class"],
        "store.kafka.headers" => &["headers.format.class"],
        "partitioner.class" => &[
            "partition.field.name",
            "partition.duration.ms",
            "path.format",
            "locale",
            "timezone",
        ],
        _ => &[],
    }
}

/// How the property `key` is shown; one without an entry is shown under its own name.
pub(super) fn of(key: &'static str) -> Display {
    let entry = TABLE.iter().find(|(name, ..)| *name == key);
    let (_, width, order, name) = entry.copied().unwrap_or((key, "NONE", -1, key));
    Display { width, order, name }
}

/// Key, width, order, title; in the order in which the API lists them, the framework's first.
const TABLE: [(&str, &str, i32, &str); 89] = [
    ("name", "MEDIUM", 1, "Connector name"),
    ("connector.class", "LONG", 2, "Connector class"),
    ("tasks.max", "SHORT", 3, "Tasks max"),
    ("tasks.max.enforce", "SHORT", 4, "Enforce tasks max"),
    ("key.converter", "SHORT", 5, "Key converter class"),
    ("value.converter", "SHORT", 6, "Value converter class"),
    ("header.converter", "SHORT", 7, "Header converter class"),
    ("transforms", "LONG", 8, "Transforms"),
    ("predicates", "LONG", 9, "Predicates"),
    ("config.action.reload", "MEDIUM", 10, "Reload Action"),
    (
        "errors.retry.timeout",
        "MEDIUM",
        1,
        "Retry Timeout for Errors",
    ),
    (
        "errors.retry.delay.max.ms",
        "MEDIUM",
        2,
        "Maximum Delay Between Retries for Errors",
    ),
    ("errors.tolerance", "SHORT", 3, "Error Tolerance"),
    ("errors.log.enable", "SHORT", 4, "Log Errors"),
    (
        "errors.log.include.messages",
        "SHORT",
        5,
        "Log Error Details",
    ),
    ("topics", "LONG", 4, "Topics"),
    ("topics.regex", "LONG", 4, "Topics regex"),
    (
        "errors.deadletterqueue.topic.name",
        "MEDIUM",
        6,
        "Dead Letter Queue Topic Name",
    ),
    (
        "errors.deadletterqueue.topic.replication.factor",
        "MEDIUM",
        7,
        "Dead Letter Queue Topic Replication Factor",
    ),
    (
        "errors.deadletterqueue.context.headers.enable",
        "MEDIUM",
        8,
        "Enable Error Context Headers",
    ),
    ("format.class", "NONE", 1, "Format class"),
    ("flush.size", "LONG", 2, "Flush Size"),
    ("rotate.interval.ms", "MEDIUM", 3, "Rotate Interval (ms)"),
    (
        "rotate.schedule.interval.ms",
        "MEDIUM",
        4,
        "Rotate Schedule Interval (ms)",
    ),
    ("schemas.cache.config", "LONG", 5, "Schema Cache Size"),
    (
        "enhanced.avro.schema.support",
        "SHORT",
        6,
        "Enhanced Avro Support",
    ),
    ("connect.meta.data", "SHORT", 7, "Connect Metadata"),
    ("retry.backoff.ms", "MEDIUM", 8, "Retry Backoff (ms)"),
    (
        "filename.offset.zero.pad.width",
        "LONG",
        10,
        "Filename Offset Zero Pad Width",
    ),
    ("avro.codec", "MEDIUM", 11, "Avro Compression Codec"),
    (
        "allow.optional.map.keys",
        "SHORT",
        12,
        "Allow Optional Map Keys",
    ),
    ("schema.compatibility", "SHORT", 1, "Schema Compatibility"),
    ("parquet.codec", "MEDIUM", 13, "Parquet Compression Codec"),
    ("s3.bucket.name", "LONG", 1, "S3 Bucket"),
    ("s3.object.tagging", "LONG", 2, "S3 Object Tagging"),
    (
        "s3.object.tagging.key.value.pairs",
        "LONG",
        3,
        "S3 Object Tagging Extra Key Value pairs",
    ),
    (
        "s3.object.behavior.on.tagging.error",
        "SHORT",
        4,
        "Behavior for S3 object tagging error",
    ),
    ("s3.region", "LONG", 5, "AWS region"),
    ("s3.part.size", "LONG", 6, "S3 Part Size"),
    (
        "s3.credentials.provider.class",
        "LONG",
        7,
        "AWS Credentials Provider Class",
    ),
    ("aws.access.key.id", "LONG", 8, "AWS Access Key ID"),
    ("aws.secret.access.key", "LONG", 9, "AWS Secret Access Key"),
    (
        "s3.ssea.name",
        "LONG",
        10,
        "S3 Server Side Encryption Algorithm",
    ),
    (
        "s3.sse.customer.key",
        "LONG",
        11,
        "S3 Server Side Encryption Customer-Provided Key (SSE-C)",
    ),
    (
        "s3.sse.kms.key.id",
        "LONG",
        12,
        "S3 Server Side Encryption Key",
    ),
    ("s3.acl.canned", "LONG", 13, "S3 Canned ACL"),
    ("s3.wan.mode", "LONG", 14, "S3 accelerated endpoint enabled"),
    ("s3.compression.type", "LONG", 15, "Compression type"),
    ("s3.compression.level", "LONG", 16, "Compression Level"),
    ("json.decimal.format", "MEDIUM", 17, "Decimal Format"),
    ("s3.part.retries", "LONG", 18, "S3 Part Upload Retries"),
    ("s3.retry.backoff.ms", "SHORT", 19, "Retry Backoff (ms)"),
    (
        "format.bytearray.extension",
        "LONG",
        20,
        "Output file extension for ByteArrayFormat",
    ),
    (
        "format.bytearray.separator",
        "LONG",
        21,
        "Line separator ByteArrayFormat",
    ),
    ("s3.proxy.url", "LONG", 22, "S3 Proxy Settings"),
    ("s3.proxy.user", "LONG", 23, "S3 Proxy User"),
    ("s3.proxy.password", "LONG", 24, "S3 Proxy Password"),
    (
        "s3.http.send.expect.continue",
        "SHORT",
        25,
        "S3 HTTP Send Uses Expect Continue",
    ),
    (
        "behavior.on.null.values",
        "SHORT",
        26,
        "Behavior for null-valued records",
    ),
    (
        "report.null.values.to.dlq",
        "SHORT",
        27,
        "Report null value to dlq",
    ),
    (
        "tombstone.encoded.partition",
        "SHORT",
        28,
        "Tombstone Encoded Partition",
    ),
    (
        "s3.schema.partition.affix.type",
        "LONG",
        29,
        "Schema Partition Affix Type",
    ),
    (
        "s3.send.digest",
        "SHORT",
        30,
        "S3 Send Upload Message Digest",
    ),
    ("store.kafka.keys", "SHORT", 1, "Store kafka keys"),
    ("store.kafka.headers", "SHORT", 2, "Store kafka headers"),
    ("keys.format.class", "NONE", 3, "Keys format class"),
    ("headers.format.class", "NONE", 4, "Headers format class"),
    (
        "s3.path.style.access.enabled",
        "SHORT",
        5,
        "Enable Path Style Access to S3",
    ),
    (
        "s3.elastic.buffer.enable",
        "LONG",
        6,
        "Enable elastic buffer to staging s3-part",
    ),
    (
        "s3.elastic.buffer.init.capacity",
        "LONG",
        7,
        "Elastic buffer initial capacity",
    ),
    ("storage.class", "NONE", 1, "Storage Class"),
    ("topics.dir", "NONE", 2, "Topics directory"),
    ("store.url", "NONE", 3, "Store URL"),
    ("directory.delim", "LONG", 4, "Directory Delimiter"),
    ("file.delim", "LONG", 5, "File Delimiter"),
    ("partitioner.class", "LONG", 1, "Partitioner Class"),
    ("partition.field.name", "NONE", 2, "Partition Field Name"),
    (
        "partition.duration.ms",
        "LONG",
        3,
        "Partition Duration (ms)",
    ),
    ("path.format", "LONG", 4, "Path Format"),
    ("locale", "LONG", 5, "Locale"),
    ("timezone", "LONG", 6, "Timezone"),
    ("timestamp.extractor", "LONG", 7, "Timestamp Extractor"),
    (
        "timestamp.field",
        "LONG",
        8,
        "Record Field for Timestamp Extractor",
    ),
    ("converter.type", "NONE", -1, "converter.type"),
    ("schemas.enable", "MEDIUM", 0, "Enable Schemas"),
    ("schemas.cache.size", "MEDIUM", 1, "Schema Cache Size"),
    ("decimal.format", "MEDIUM", 0, "Decimal Format"),
    (
        "replace.null.with.default",
        "MEDIUM",
        1,
        "Replace null with default",
    ),
    ("converter.encoding", "MEDIUM", -1, "Encoding"),
];

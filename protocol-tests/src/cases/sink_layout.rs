//! What objects are called and what is in them, for every format and converter of today; and what the worker tells
//! about its connectors.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{SINK_LIMIT, numbered, wait_for_objects};
use crate::connector::Connector;
use crate::kafka::Record;
use crate::s3::{Bucket, Object};
use crate::target::Sink;
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_layout_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_layout
            json_objects_tile_the_topic names_follow_their_options bytes_are_kept_and_separated strings_become_json_strings
            gzip_is_named_and_readable structs_keep_the_order_of_their_schema a_regex_chooses_topics
            objects_have_no_metadata_and_the_plain_type null_values_are_ignored_or_fail_the_task);
    };
}

/// Starts a sink with one connector, waits for its objects, ends it.
async fn objects_of(
    session: &Session,
    connector: &Connector,
    bucket: &Bucket,
    count: usize,
) -> Result<Vec<Object>> {
    let mut sink = Sink::start(session, std::slice::from_ref(connector)).await?;
    wait_for_objects(bucket, count).await?;
    sink.stop().await?;
    bucket.objects("").await
}

/// Two partitions, flush.size 3: every full set of three, and no tail.
///
/// # Errors
/// The case fails.
pub async fn json_objects_tile_the_topic(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("tiles", 2).await?,
        session.bucket("tiles").await?,
    );
    session
        .kafka
        .write(&topic, &[numbered(0, 0..10), numbered(1, 0..6)].concat())
        .await?;
    let connector = Connector::json(session, "tiles", &topic, &bucket);
    let objects = objects_of(session, &connector, &bucket, 5).await?;
    let tiles = tiling::check(&topic, &session.kafka.read_all(&topic)?, &objects)?;
    ensure!(
        tiling::end_of(&tiles, 0) == 9 && tiling::end_of(&tiles, 1) == 6,
        "{tiles:?}"
    );
    ensure!(
        tiles.values().flatten().all(|tile| tile.count == 3),
        "{tiles:?}"
    );
    let committed = session.kafka.committed(&connector.group(), &topic)?;
    ensure!(
        committed[&0].offset == 9 && committed[&1].offset == 6,
        "{committed:?}"
    );
    ensure!(
        objects
            .iter()
            .all(|object| !object.body.windows(2).any(|pair| pair == b": ")),
        "not compact"
    );
    Ok(())
}

/// topics.dir, directory.delim, file.delim, filename.offset.zero.pad.width.
///
/// # Errors
/// The case fails.
pub async fn names_follow_their_options(session: &Session) -> Result<()> {
    let topic = session.topic("names", 1).await?;
    session.kafka.write(&topic, &numbered(0, 0..3)).await?;
    let name = format!("{topic}+0+0000000000.json");
    let options = [
        (
            "plain",
            "",
            "",
            format!("topics/{topic}/partition=0/{name}"),
        ),
        (
            "dir",
            "topics.dir",
            "a/b",
            format!("a/b/{topic}/partition=0/{name}"),
        ),
        (
            "nodir",
            "topics.dir",
            "",
            format!("{topic}/partition=0/{name}"),
        ),
        (
            "folder",
            "directory.delim",
            "_",
            format!("topics_{topic}_partition=0_{name}"),
        ),
        (
            "file",
            "file.delim",
            "-",
            format!("topics/{topic}/partition=0/{topic}-0-0000000000.json"),
        ),
        (
            "pad",
            "filename.offset.zero.pad.width",
            "2",
            format!("topics/{topic}/partition=0/{topic}+0+00.json"),
        ),
    ];
    let mut connectors = Vec::new();
    let mut buckets = Vec::new();
    for (name, property, value, _) in &options {
        let bucket = session.bucket(&format!("names-{name}")).await?;
        let connector = Connector::json(session, &format!("names-{name}"), &topic, &bucket);
        connectors.push(match *property {
            "" => connector,
            property => connector.set(property, value),
        });
        buckets.push(bucket);
    }
    let _sink = Sink::start(session, &connectors).await?;
    for ((name, .., key), bucket) in options.iter().zip(&buckets) {
        let keys = wait_for_objects(bucket, 1)
            .await
            .with_context(|| (*name).to_owned())?;
        ensure!(keys == [key.clone()], "{name}: {keys:?} instead of {key}");
    }
    Ok(())
}

/// ByteArrayFormat: the very bytes, a separator after each, the configured extension.
///
/// # Errors
/// The case fails.
pub async fn bytes_are_kept_and_separated(session: &Session) -> Result<()> {
    let (topic, bucket) = (session.topic("raw", 1).await?, session.bucket("raw").await?);
    let values: [&[u8]; 3] = [b"one", b"\x00\xff\n", b""];
    session
        .kafka
        .write(&topic, &values.map(|value| Record::value(0, value)))
        .await?;
    let connector = Connector::json(session, "raw", &topic, &bucket)
        .set(
            "format.class",
            "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        )
        .set(
            "value.converter",
            "org.apache.kafka.connect.converters.ByteArrayConverter",
        )
        .unset("value.converter.schemas.enable")
        .set("format.bytearray.extension", ".dat")
        .set("format.bytearray.separator", " \t|");
    let objects = objects_of(session, &connector, &bucket, 1).await?;
    ensure!(
        objects[0].key.ends_with("+0+0000000000.dat"),
        "{}",
        objects[0].key
    );
    ensure!(
        objects[0].body == b"one \t|\x00\xff\n \t| \t|",
        "{:?}",
        objects[0].body
    );
    Ok(())
}

/// StringConverter with JsonFormat.
///
/// # Errors
/// The case fails.
pub async fn strings_become_json_strings(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("strings", 1).await?,
        session.bucket("strings").await?,
    );
    let values = ["plain", "{\"a\":1}", "q\" \\ / é 😀 \u{1}\n"];
    session
        .kafka
        .write(&topic, &values.map(|value| Record::value(0, value)))
        .await?;
    let connector = Connector::json(session, "strings", &topic, &bucket)
        .set(
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        )
        .unset("value.converter.schemas.enable");
    let objects = objects_of(session, &connector, &bucket, 1).await?;
    let lines = objects[0].lines()?;
    let found: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str(line))
        .collect::<Result<_, _>>()?;
    ensure!(found == values, "{found:?}");
    Ok(())
}

/// `.json.gz`, readable by any gunzip, no Content-Encoding.
///
/// # Errors
/// The case fails.
pub async fn gzip_is_named_and_readable(session: &Session) -> Result<()> {
    let (topic, bucket) = (session.topic("zip", 1).await?, session.bucket("zip").await?);
    session.kafka.write(&topic, &numbered(0, 0..6)).await?;
    let connector =
        Connector::json(session, "zip", &topic, &bucket).set("s3.compression.type", "gzip");
    let objects = objects_of(session, &connector, &bucket, 2).await?;
    ensure!(
        objects
            .iter()
            .all(|object| object.key.ends_with(".json.gz")),
        "other names"
    );
    ensure!(
        objects
            .iter()
            .all(|object| object.content_encoding.is_none()),
        "a content encoding"
    );
    let tiles = tiling::check_complete(&topic, &session.kafka.read_all(&topic)?, &objects)?;
    ensure!(tiles[&0].len() == 2, "{tiles:?}");
    Ok(())
}

/// schemas.enable=true: the envelope goes, fields come in the schema's order, defaults fill in.
///
/// # Errors
/// The case fails.
pub async fn structs_keep_the_order_of_their_schema(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("structs", 1).await?,
        session.bucket("structs").await?,
    );
    let schema = json!({"type": "struct", "optional": false, "fields": [
        {"field": "z", "type": "int64", "optional": false},
        {"field": "a", "type": "string", "optional": true},
        {"field": "m", "type": "int32", "optional": true, "default": 7}]});
    let envelope = |payload: Value| json!({"schema": schema, "payload": payload}).to_string();
    let values = [
        json!({"a": "x", "m": 1, "z": 5}),
        json!({"z": 6}),
        json!({"z": 7, "a": null, "m": null}),
    ];
    session
        .kafka
        .write(
            &topic,
            &values.map(|value| Record::value(0, envelope(value))),
        )
        .await?;
    let connector = Connector::json(session, "structs", &topic, &bucket)
        .set("value.converter.schemas.enable", "true");
    let objects = objects_of(session, &connector, &bucket, 1).await?;
    let lines = objects[0].lines()?;
    let expected = [
        r#"{"z":5,"a":"x","m":1}"#,
        r#"{"z":6,"a":null,"m":7}"#,
        r#"{"z":7,"a":null,"m":7}"#,
    ];
    ensure!(lines == expected, "{lines:?}");
    Ok(())
}

/// Also topics that appear later.
///
/// # Errors
/// The case fails.
pub async fn a_regex_chooses_topics(session: &Session) -> Result<()> {
    let bucket = session.bucket("regex").await?;
    let (first, other) = (
        session.topic("user.pin", 1).await?,
        session.topic("another.pin", 1).await?,
    );
    for topic in [&first, &other] {
        session.kafka.write(topic, &numbered(0, 0..3)).await?;
    }
    let connector = Connector::json(session, "regex", "none", &bucket)
        .unset("topics")
        .set("topics.regex", &format!("user.*{}", session.run()))
        .set("consumer.override.metadata.max.age.ms", "1000");
    let _sink = Sink::start(session, &[connector]).await?;
    let keys = wait_for_objects(&bucket, 1).await?;
    ensure!(keys[0].starts_with(&format!("topics/{first}/")), "{keys:?}");
    let later = session.topic("user.geo", 1).await?;
    session.kafka.write(&later, &numbered(0, 0..3)).await?;
    let keys = wait_for_objects(&bucket, 2).await?;
    ensure!(
        keys.iter()
            .any(|key| key.starts_with(&format!("topics/{later}/"))),
        "{keys:?}"
    );
    Ok(())
}

/// The store's own default type and no metadata: as the recordings show.
///
/// # Errors
/// The case fails.
pub async fn objects_have_no_metadata_and_the_plain_type(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("plain", 1).await?,
        session.bucket("plain").await?,
    );
    session.kafka.write(&topic, &numbered(0, 0..3)).await?;
    let connector = Connector::json(session, "plain", &topic, &bucket);
    let objects = objects_of(session, &connector, &bucket, 1).await?;
    let plain = bucket.default_type().await?;
    for object in objects {
        ensure!(
            object.content_type == plain,
            "{:?} is not {plain:?}",
            object.content_type
        );
        ensure!(
            object.metadata == 0 && object.content_encoding.is_none(),
            "metadata"
        );
    }
    ensure!(
        bucket
            .open_uploads()
            .await?
            .is_none_or(|open| open.is_empty()),
        "an open upload"
    );
    Ok(())
}

/// behavior.on.null.values.
///
/// # Errors
/// The case fails.
pub async fn null_values_are_ignored_or_fail_the_task(session: &Session) -> Result<()> {
    let topic = session.topic("nulls", 1).await?;
    let mut records = numbered(0, 0..4);
    records[1].value = None;
    session.kafka.write(&topic, &records).await?;
    let (ignoring, failing) = (
        session.bucket("ignoring").await?,
        session.bucket("failing").await?,
    );
    let ignore = Connector::json(session, "ignore", &topic, &ignoring)
        .set("behavior.on.null.values", "ignore");
    let fail = Connector::json(session, "fail", &topic, &failing);
    let sink = Sink::start(session, &[ignore.clone(), fail.clone()]).await?;
    let keys = wait_for_objects(&ignoring, 1).await?;
    let lines = ignoring.object(&keys[0]).await?.lines()?;
    ensure!(lines.len() == 3 && lines[1].contains("2"), "{lines:?}");
    eventually("waiting for the failed task", SINK_LIMIT, async || {
        Ok((sink.task_states(&fail).await? == ["FAILED"]).then_some(()))
    })
    .await?;
    ensure!(
        sink.task_states(&ignore).await? == ["RUNNING"],
        "the other one is not running"
    );
    let status = sink.status(&fail).await?.context("no status")?;
    let trace = status["tasks"][0]["trace"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure!(
        trace.contains("Null valued records are not writeable"),
        "{trace}"
    );
    Ok(())
}

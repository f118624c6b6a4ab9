//! `POST /topics/{topic}` and `/topics/{topic}/partitions/{partition}`: what is acknowledged lies in Kafka, once, at
//! the told place, with the meaning it was posted with.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{V2_BINARY, acknowledged, expect_status, produce, produce_ok};
use crate::kafka::Record;
use crate::target::Proxy;
use crate::{Session, json};

/// The list of these cases.
#[macro_export]
macro_rules! rest_v2_produce_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_v2_produce
            json_values_keep_their_meaning keys_choose_partitions_as_java_does a_record_may_name_its_partition
            null_is_a_tombstone base64_becomes_bytes order_is_kept_within_a_request
            a_large_body_of_small_records_passes);
    };
}

/// Every kind of JSON value, with texts that a careless writer would break.
///
/// # Errors
/// The case fails.
pub async fn json_values_keep_their_meaning(session: &Session) -> Result<()> {
    let topic = session.topic("values", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let values = [
        r#"{"z" : 1, "a":[1, 2.50, -0.0, 1e2], "long":9007199254740993}"#,
        r#""text with \"quotes\", \u00e9, \ud83d\ude00 and 😀""#,
        r#"{"":null,"a\/b":true,"nested":{"deep":[[],{}]}}"#,
        "true",
        "[]",
        "0",
        "\"\"",
        "12345678901234567890",
    ];
    let records: Vec<String> = values
        .iter()
        .map(|value| format!("{{\"value\" : {value} }}"))
        .collect();
    let body = format!("{{ \"records\" : [ {} ] }}", records.join(" , "));
    let mut request = produce(&format!("/topics/{topic}"), &json!(null));
    request.body = Some(body.into_bytes());
    let answer = proxy.http.call(&request).await?;
    expect_status(&answer, 200)?;
    ensure!(
        acknowledged(&answer.json()?)?.len() == values.len(),
        "not all are acknowledged"
    );
    let stored = session.kafka.read_all(&topic)?;
    ensure!(stored.len() == values.len(), "{} records", stored.len());
    for (value, record) in values.iter().zip(&stored) {
        let text = record.text();
        ensure!(json::same_text(value, &text), "{value} became {text}");
        ensure!(
            !text.contains(" :") && !text.ends_with(' '),
            "not compact: {text}"
        );
        ensure!(
            record.key.is_none() && record.headers.is_empty(),
            "{record:?}"
        );
    }
    Ok(())
}

/// Keys are hashed with murmur2 over the bytes that are stored, `"key0"` with its quotes: places as in the recordings.
///
/// # Errors
/// The case fails.
pub async fn keys_choose_partitions_as_java_does(session: &Session) -> Result<()> {
    let topic = session.topic("keys", 3).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let records: Vec<Value> = (0..6)
        .map(|i| json!({"key": format!("key{i}"), "value": i}))
        .collect();
    let body = json!({ "records": records });
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    let partitions: Vec<i64> = places.iter().map(|place| place.0).collect();
    ensure!(partitions == [0, 2, 2, 1, 2, 2], "{partitions:?}");
    for record in session.kafka.read_all(&topic)? {
        let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
        ensure!(
            key == format!("\"key{}\"", record.text()),
            "{key}: {}",
            record.text()
        );
    }
    Ok(())
}

/// In the record or in the path; the record wins.
///
/// # Errors
/// The case fails.
pub async fn a_record_may_name_its_partition(session: &Session) -> Result<()> {
    let topic = session.topic("places", 3).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [{"partition": 2, "value": "a"}, {"partition": 0, "key": "k", "value": "b"}]});
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    ensure!(places == [(2, 0), (0, 0)], "{places:?}");
    let body = json!({"records": [{"value": "c"}, {"key": "k", "value": "d"}, {"partition": 2, "value": "e"}]});
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}/partitions/1"), &body).await?;
    ensure!(places == [(1, 0), (1, 1), (2, 1)], "{places:?}");
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(|record| (record.partition, record.text()))
        .collect();
    let expected =
        [(0, "b"), (1, "c"), (1, "d"), (2, "a"), (2, "e")].map(|(p, v)| (p, format!("\"{v}\"")));
    ensure!(stored == expected, "{stored:?}");
    Ok(())
}

/// `null` and a missing value; the same for keys.
///
/// # Errors
/// The case fails.
pub async fn null_is_a_tombstone(session: &Session) -> Result<()> {
    let topic = session.topic("nulls", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [{"key": "k", "value": null}, {"key": "k"}, {"key": null, "value": 1}, {}]});
    produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    let stored = keys_and_values(session, &topic)?;
    let key = || Some(b"\"k\"".to_vec());
    let expected = [
        (key(), None),
        (key(), None),
        (None, Some(b"1".to_vec())),
        (None, None),
    ];
    ensure!(stored == expected, "{stored:?}");
    Ok(())
}

type Bytes = Option<Vec<u8>>;

fn keys_and_values(session: &Session, topic: &str) -> Result<Vec<(Bytes, Bytes)>> {
    let records = session.kafka.read_all(topic)?.into_iter();
    Ok(records.map(|record| (record.key, record.value)).collect())
}

/// With and without padding, empty, bytes that are no text.
///
/// # Errors
/// The case fails.
pub async fn base64_becomes_bytes(session: &Session) -> Result<()> {
    let topic = session.topic("bytes", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [
        {"key": "aw==", "value": "AP8="}, {"value": "aGVsbG8"}, {"value": ""}, {"value": "+/+/"}, {"value": null}]});
    let mut request = produce(&format!("/topics/{topic}"), &body);
    request.headers[0].1 = V2_BINARY.into();
    let answer = proxy.http.call(&request).await?;
    expect_status(&answer, 200)?;
    acknowledged(&answer.json()?)?;
    let stored = keys_and_values(session, &topic)?;
    let expected = [
        (Some(b"k".to_vec()), Some(vec![0, 255])),
        (None, Some(b"hello".to_vec())),
        (None, Some(vec![])),
        (None, Some(vec![0xfb, 0xff, 0xbf])),
        (None, None),
    ];
    ensure!(stored == expected, "{stored:?}");
    Ok(())
}

/// A thousand records of one request keep their order in the partition, and the answer its order of entries.
///
/// # Errors
/// The case fails.
pub async fn order_is_kept_within_a_request(session: &Session) -> Result<()> {
    let topic = session.topic("order", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let records: Vec<Value> = (0..1000).map(|i| json!({ "value": i })).collect();
    let places = produce_ok(
        &proxy.http,
        &format!("/topics/{topic}"),
        &json!({ "records": records }),
    )
    .await?;
    ensure!(
        places.iter().map(|place| place.1).eq(0..1000),
        "offsets are not in order"
    );
    let stored = session.kafka.read_all(&topic)?;
    ensure!(
        stored
            .iter()
            .map(Record::text)
            .eq((0..1000).map(|i| i.to_string())),
        "values are not in order"
    );
    Ok(())
}

/// 2.7 MB in one request, each record below the limit.
///
/// # Errors
/// The case fails.
pub async fn a_large_body_of_small_records_passes(session: &Session) -> Result<()> {
    let topic = session.topic("large", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let text = "y".repeat(900_000);
    let body = json!({"records": [{"value": text}, {"value": text}, {"value": text}]});
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    ensure!(places == [(0, 0), (0, 1), (0, 2)], "{places:?}");
    let lengths: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(|record| record.text().len())
        .collect();
    ensure!(lengths == [900_002; 3], "{lengths:?}");
    Ok(())
}

//! v3's records, streamed and in batches, against the development broker.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Running, kafka, read_raw, start};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const JSON: &str = "application/json";
const RECORDS: &str = "/v3/clusters/C/topics/t/records";
/// How long nothing comes before it counts as nothing.
const SILENCE: Duration = Duration::from_millis(400);

/// A record of type STRING.
fn record(text: &str) -> String {
    json!({"value": {"type": "STRING", "data": text}}).to_string()
}

/// The objects of a streamed answer.
async fn post(proxy: &Running, body: &str) -> Vec<Value> {
    let answer = proxy
        .call(http::Method::POST, RECORDS, Some(JSON), body.as_bytes())
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(JSON));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.is_empty() || text.ends_with("\r\n"), "{text:?}");
    text.split_terminator("\r\n")
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn codes(answers: &[Value]) -> Vec<i64> {
    let code = |answer: &Value| answer["error_code"].as_i64().unwrap();
    answers.iter().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn types_sizes_and_what_is_stored() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let body = concat!(
        r#"{"key":{"type":"JSON","data":"k"},"value":{"type":"JSON","data":[ 1, 2.5 ]}}"#,
        r#"{"key":{"type":"STRING","data":"k"},"value":{"type":"STRING","data":"\u00e9"}}"#,
        r#"{"key":{"type":"BINARY","data":"aw=="},"value":{"type":"BINARY","data":"AP8="}}"#,
        r#"{"key":{"type":"STRING","data":"k"},"value":{"type":"STRING","data":null}}"#,
        "{}",
        r#"{"value":null,"timestamp":"2021-02-05T19:14:42.123+02:00"}"#,
        r#"{"timestamp":1600000000000}"#,
    );
    let answers = post(&proxy, body).await;
    assert_eq!(codes(&answers), [200; 7]);
    let shown = |index: usize, field: &str| answers[index].get(field).cloned();
    assert_eq!(shown(0, "cluster_id"), Some(json!("C")));
    assert_eq!(shown(0, "topic_name"), Some(json!("t")));
    assert_eq!(shown(0, "key"), Some(json!({"type": "JSON", "size": 3})));
    assert_eq!(shown(0, "value"), Some(json!({"type": "JSON", "size": 7})));
    assert_eq!(
        shown(1, "value"),
        Some(json!({"type": "STRING", "size": 2}))
    );
    assert_eq!(
        shown(2, "value"),
        Some(json!({"type": "BINARY", "size": 2}))
    );
    assert_eq!(
        shown(3, "value"),
        Some(json!({"type": "STRING", "size": -1}))
    );
    assert_eq!((shown(4, "key"), shown(4, "value")), (None, None));
    assert_eq!(
        shown(5, "timestamp"),
        Some(json!("2021-02-05T17:14:42.123Z"))
    );
    assert!(
        shown(6, "timestamp")
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("+52671-")
    );
    let records = kafka.records("t", 0).await;
    let bytes = |text: &[u8]| Some(text.to_vec());
    assert_eq!(
        records[..5],
        [
            (bytes(b"\"k\""), bytes(b"[1,2.5]")),
            (bytes(b"k"), bytes("é".as_bytes())),
            (bytes(b"k"), bytes(b"\x00\xff")),
            (bytes(b"k"), None),
            (None, None),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_does_not_end_the_stream() {
    let kafka = kafka(true).await;
    kafka.create("t", 3).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let good = record("x");
    for (bad, code) in [
        (r#"{"value":{"type":"BOGUS","data":1}}"#, 400),
        (r#"{"value":{"type":"BINARY","data":"!!"}}"#, 400),
        (r#"{"value":{"type":"STRING","data":1}}"#, 400),
        (r#"{"partition_id":99}"#, 40401),
        (r#"{"partition_id":-1}"#, 40402),
        (r#"{"zz":1}"#, 400),
        ("[{}]", 400),
        ("null", 500),
        ("12", 400),
        (r#"{"value":{"data":nope}}"#, 400),
    ] {
        let answers = post(&proxy, &format!("{good}{bad}\n{good}")).await;
        assert_eq!(codes(&answers), [200, code, 200], "{bad}: {answers:?}");
    }
    let large = record(&"x".repeat(1_200_000));
    let answers = post(&proxy, &large).await;
    assert_eq!(
        answers,
        [
            json!({"error_code": 413, "message": "The message is 1200088 bytes when serialized which is larger than 1048576, which is the value of the max.request.size configuration."})
        ]
    );
    assert!(post(&proxy, "").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_json_ends_it_with_a_second_error() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let source = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column:";
    let answers = post(&proxy, &format!("{}{{\"value\":", record("s1"))).await;
    assert_eq!(codes(&answers), [200, 400, 400]);
    assert_eq!(
        answers[1]["message"],
        "Unexpected end-of-input within/between Object entries"
    );
    let second = format!(
        "Bad Request: Error processing message: Unexpected end-of-input: expected close marker for Object (start marker at {source} 40])"
    );
    assert_eq!(answers[2]["message"], second.as_str());
    let answers = post(&proxy, "hello").await;
    assert_eq!(
        answers,
        [
            json!({"error_code": 400, "message": "Bad Request: Error processing message: Unrecognized token 'hello': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"})
        ]
    );
    let answers = post(&proxy, &format!("{{\"value\":}}{}", record("s1"))).await;
    assert_eq!(codes(&answers), [400, 400]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_written_while_the_request_is_open() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let _created = post(&proxy, &record("first")).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let head = format!(
        "POST {RECORDS} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let first = record("c0");
    let (left, right) = first.split_at(20);
    stream.write_all(chunk(left).as_bytes()).await.unwrap();
    let answer = read_raw(&mut stream, SILENCE).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    for text in [
        right.to_owned(),
        record("c1"),
        "{\"partition_id\":-1}".to_owned(),
    ] {
        stream.write_all(chunk(&text).as_bytes()).await.unwrap();
        let answer = read_raw(&mut stream, SILENCE).await;
        let (size, rest) = answer.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        assert!(rest[..size].ends_with('}'), "{answer:?}");
        assert_eq!(&rest[size..], "\r\n2\r\n\r\n\r\n");
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(read_raw(&mut stream, SILENCE).await, "0\r\n\r\n");
    // The connection is as good as new.
    let again = "GET /topics HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(again.as_bytes()).await.unwrap();
    assert!(
        read_raw(&mut stream, SILENCE)
            .await
            .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_are_answered_in_their_order() {
    let kafka = kafka(true).await;
    kafka.create("t", 4).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    const COUNT: usize = 5000;
    let body: String = (0..COUNT)
        .map(|n| {
            let data = format!("{n}:{}", "x".repeat(n % 90));
            json!({"partition_id": n % 4, "value": {"type": "STRING", "data": data}}).to_string()
        })
        .collect();
    let answers = post(&proxy, &body).await;
    assert_eq!(answers.len(), COUNT);
    let mut ends = [0; 4];
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer["partition_id"], n % 4, "{answer}");
        assert_eq!(answer["offset"], ends[n % 4], "{answer}");
        let size = format!("{n}:{}", "x".repeat(n % 90)).len();
        assert_eq!(answer["value"]["size"], size);
        ends[n % 4] += 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches() {
    let kafka = kafka(true).await;
    kafka.create("t", 3).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let post = async |body: Value| {
        let path = format!("{RECORDS}:batch");
        let body = body.to_string();
        let answer = proxy
            .call(http::Method::POST, &path, Some(JSON), body.as_bytes())
            .await;
        (answer.status, answer.json())
    };
    let value = |data: &str| json!({"type": "STRING", "data": data});
    let (status, answer) = post(json!({"entries": [
        {"id": "1", "value": value("b1")}, {"id": "2", "partition_id": 99, "value": value("b2")},
        {"id": "3", "partition_id": 1, "value": {"type": "JSON", "data": {"b": 3}}}
    ]}))
    .await;
    assert_eq!(status, 207);
    let ids = |list: &str| -> Vec<String> {
        let list = answer[list].as_array().unwrap().iter();
        list.map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        (ids("successes"), ids("failures")),
        (vec!["1".into(), "3".into()], vec!["2".into()])
    );
    assert_eq!(answer["failures"][0]["error_code"], 40401);
    assert_eq!(
        answer["successes"][1]["value"],
        json!({"type": "JSON", "size": 7})
    );
    let entry = |id: Value| json!({"id": id, "value": value("b")});
    for (entries, message) in [
        (
            json!([entry(json!("1")), entry(json!("1"))]),
            "Batch entry IDs are not distinct.",
        ),
        (json!([]), "Empty batch."),
        (
            json!([entry(json!(null))]),
            "Batch entry identifier is not a valid string.",
        ),
        (
            json!([entry(json!(1))]),
            "Batch entry identifier is not a valid string.",
        ),
        (
            (0..11).map(|n| entry(json!(n.to_string()))).collect(),
            "Too many entries in batch.",
        ),
    ] {
        let (status, answer) = post(json!({"entries": entries})).await;
        assert_eq!(
            (status, answer),
            (422, json!({"error_code": 42208, "message": message}))
        );
    }
    for (entries, class, problem) in [
        (
            json!([{"value": value("b"), "zz": 1}]),
            "Builder",
            "Null id",
        ),
        (
            json!([entry(json!("1")), null]),
            "ProduceBatchRequest",
            "at index 1",
        ),
    ] {
        let (status, answer) = post(json!({"entries": entries})).await;
        let message = format!("Cannot construct instance of `{class}`, problem: {problem}");
        assert_eq!(
            (status, answer),
            (400, json!({"error_code": 400, "message": message}))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_utf_8() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let post = async |path: &str, charset: &str| {
        let media = format!("{JSON}; Charset={charset}");
        let body = r#"{"value":{"type":"STRING","data":"é"}}"#;
        proxy
            .call(http::Method::POST, path, Some(&media), body.as_bytes())
            .await
    };
    for charset in ["utf-8", "\"UTF-8\"", "iso-8859-1"] {
        let answer = post(RECORDS, charset).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["value"]["size"], 2, "{charset}");
    }
    let refused = json!({
        "error_code": 400,
        "message": "Unsupported charset in Content-Type header. Supports \"UTF-8\" and \"ISO-8859-1\".",
    });
    for charset in ["utf-16", "\"latin1\""] {
        let answer = post(RECORDS, charset).await;
        assert_eq!((answer.status, answer.json()), (400, refused.clone()));
        assert_eq!(answer.header("content-type"), Some(JSON));
    }
    let batch = post(&format!("{RECORDS}:batch"), "utf-16").await;
    assert_eq!(batch.json()["message"], "Unrecognized field: value");
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_limited() {
    let kafka = kafka(true).await;
    for limit in [
        "requests.per.sec",
        "requests.global.per.sec",
        "bytes.per.sec",
        "bytes.global.per.sec",
    ] {
        for (enabled, expected) in [(true, [200, 429, 429]), (false, [200; 3])] {
            let limits = format!(
                "api.v3.produce.rate.limit.enabled={enabled}\napi.v3.produce.rate.limit.max.{limit}=1\n"
            );
            let proxy = start(&kafka.bootstrap(), &limits).await;
            // The first record's debt keeps the others out: one second's, or one second's for each of its bytes.
            let answers = post(&proxy, &record("x").repeat(3)).await;
            assert_eq!(codes(&answers), expected, "{limits}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_proxy_does() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let first = record("x");
    let request = format!(
        "POST {RECORDS} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n",
        first.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(
        read_raw(&mut stream, SILENCE)
            .await
            .contains("\"offset\":0")
    );
    let started = std::time::Instant::now();
    proxy.proxy.drain().await;
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert!(read_raw(&mut stream, SILENCE).await.ends_with("0\r\n\r\n"));
}

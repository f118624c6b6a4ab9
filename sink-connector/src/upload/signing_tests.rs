//! What the signature of an upload covers, by what a client of the sink's sends: over https not the payload, over http all.
#![allow(clippy::unwrap_used)]

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::store_for_tests::{Answering, config};

const BODY: &[u8] = b"{\"a\":1}\n";
/// base64 of the body's CRC-32.
const CRC32: &str = "dOijRg==";

/// Method, what is said of the payload, and its check sum.
type Sent = (String, String, Option<String>);

/// What goes out for an object in one piece, for a part, and for a look at the bucket.
async fn sent(url: &str) -> Vec<Sent> {
    let answering = Answering::default();
    let client = answering.client(&config(url)).await;
    let body = || ByteStream::from(Bytes::from_static(BODY));
    let put = client.put_object().bucket("b").key("k").body(body());
    put.send().await.unwrap();
    let part = client.upload_part().bucket("b").key("k").upload_id("u");
    let part = part.part_number(1).body(body());
    part.send().await.unwrap();
    client.head_bucket().bucket("b").send().await.unwrap();
    let asked = answering.asked.lock();
    let sent = asked.iter().map(|asked| {
        let check_sum = asked.headers.get("x-amz-checksum-crc32").cloned();
        let payload = asked.header("x-amz-content-sha256").to_owned();
        (asked.method.clone(), payload, check_sum)
    });
    sent.collect()
}

fn with_check_sum(payload: &str) -> Sent {
    ("PUT".into(), payload.into(), Some(CRC32.into()))
}

fn hash(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn over_https_payloads_are_not_signed() {
    for url in [
        "store.url=https://store.invalid",
        "store.url=store.invalid",
        // AWS's own endpoint.
        "s3.region=eu-west-1",
    ] {
        let sent = sent(url).await;
        let unsigned = with_check_sum("UNSIGNED-PAYLOAD");
        assert_eq!(sent[..2], [unsigned.clone(), unsigned], "{url}");
        // Nothing is in it.
        assert_eq!(sent[2], ("HEAD".into(), hash(b""), None), "{url}");
    }
}

#[tokio::test]
async fn over_http_payloads_are_signed() {
    let sent = sent("store.url=http://store.invalid").await;
    let signed = with_check_sum(&hash(BODY));
    assert_eq!(sent[..2], [signed.clone(), signed]);
}

//! What the signature of an upload covers, by what a client of the sink's sends: over https not the payload, over http all.
#![allow(clippy::unwrap_used)]

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::config::ConnectorConfig;

const BODY: &[u8] = b"{\"a\":1}\n";
/// base64 of the body's CRC-32.
const CRC32: &str = "dOijRg==";

/// Method, what is said of the payload, and its check sum.
type Sent = (String, String, Option<String>);

/// Answers every request, and notes it.
#[derive(Clone, Debug, Default)]
struct Answering(Arc<Mutex<Vec<Sent>>>);

impl HttpConnector for Answering {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let header = |name: &str| request.headers().get(name).map(str::to_owned);
        self.0.lock().push((
            request.method().to_owned(),
            header("x-amz-content-sha256").unwrap(),
            header("x-amz-checksum-crc32"),
        ));
        let status = 200.try_into().unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::empty())))
    }
}

/// What goes out for an object in one piece, for a part, and for a look at the bucket.
async fn sent(url: &str) -> Vec<Sent> {
    let text = format!(
        "name=n\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1\nstorage.class=S3Storage\n\
         format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=StringConverter\n{url}\n\
         aws.access.key.id=k\naws.secret.access.key=s\n"
    );
    let properties = sluiceway_common::props::parse(&text).unwrap();
    let config = ConnectorConfig::parse(&properties, &Default::default()).unwrap();
    let answering = Answering::default();
    let connector = answering.clone();
    let client = connect(&config.s3).await;
    let client = Client::from_conf(
        client
            .config()
            .to_builder()
            .http_client(http_client_fn(move |_, _| {
                SharedHttpConnector::new(connector.clone())
            }))
            .build(),
    );
    let body = || ByteStream::from(Bytes::from_static(BODY));
    let put = client.put_object().bucket("b").key("k").body(body());
    put.send().await.unwrap();
    let part = client.upload_part().bucket("b").key("k").upload_id("u");
    let part = part.part_number(1).body(body());
    part.send().await.unwrap();
    client.head_bucket().bucket("b").send().await.unwrap();
    let sent = answering.0.lock();
    sent.clone()
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

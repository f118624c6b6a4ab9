//! A broker played by hand: old ones, rude ones, silent ones.
#![allow(clippy::unwrap_used)]

use bytes::{Buf, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::MetadataResponseBroker;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, DescribeAclsRequest, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the broker does with a request for metadata.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Answer,
    /// Answers, then closes the connection.
    Close,
    Silence,
    /// Announces more bytes than are taken.
    Shout,
    /// Answers another request.
    Confuse,
}

struct Request {
    key: i16,
    version: i16,
    correlation: i32,
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let length = stream.read_i32().await.ok()?;
    let mut bytes = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut bytes).await.ok()?;
    let mut start = &bytes[..];
    let (key, version) = (start.get_i16(), start.get_i16());
    let header = ApiKey::try_from(key)
        .unwrap()
        .request_header_version(version);
    let header = RequestHeader::decode(&mut &bytes[..], header).unwrap();
    assert_eq!(header.client_id.unwrap().as_str(), "sluiceway-proxy");
    let correlation = header.correlation_id;
    Some(Request {
        key,
        version,
        correlation,
    })
}

async fn write(stream: &mut TcpStream, request: &Request, version: i16, body: &impl Encodable) {
    let mut out = BytesMut::from(&[0; 4][..]);
    let header = ApiKey::try_from(request.key)
        .unwrap()
        .response_header_version(version);
    ResponseHeader::default()
        .with_correlation_id(request.correlation)
        .encode(&mut out, header)
        .unwrap();
    body.encode(&mut out, version).unwrap();
    let length = u32::try_from(out.len() - 4).unwrap();
    out[..4].copy_from_slice(&length.to_be_bytes());
    stream.write_all(&out).await.unwrap();
}

/// A broker with `ApiVersions` 0 and `Metadata` up to 4 only.
async fn serve(mut stream: TcpStream, port: u16, manner: Manner) {
    while let Some(mut request) = read(&mut stream).await {
        if request.key == ApiKey::ApiVersions as i16 {
            let range = |key: ApiKey, max| {
                ApiVersion::default()
                    .with_api_key(key as i16)
                    .with_max_version(max)
            };
            let known = [range(ApiKey::ApiVersions, 0), range(ApiKey::Metadata, 4)];
            let refused = if request.version == 0 { 0 } else { 35 };
            let answer = ApiVersionsResponse::default()
                .with_error_code(refused)
                .with_api_keys(known.to_vec());
            write(&mut stream, &request, 0, &answer).await;
            continue;
        }
        assert_eq!((request.key, request.version), (ApiKey::Metadata as i16, 4));
        match manner {
            Manner::Silence => continue,
            Manner::Shout => {
                stream.write_all(&[0x7f, 0xff, 0xff, 0xff]).await.unwrap();
                continue;
            }
            Manner::Confuse => request.correlation += 1,
            Manner::Answer | Manner::Close => {}
        }
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(7))
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(i32::from(port));
        let answer = MetadataResponse::default()
            .with_controller_id(BrokerId(7))
            .with_brokers(vec![broker]);
        write(&mut stream, &request, request.version, &answer).await;
        if manner == Manner::Close {
            return;
        }
    }
}

/// A pool of such a broker, and how many connections the broker has had.
async fn pool(manner: Manner) -> (Pool, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(stream, port, manner));
        }
    });
    let mut config = sluiceway_common::kafka_config::KafkaConfig::default();
    config.force("bootstrap.servers", format!("127.0.0.1:{port}"));
    let settings = Settings::read(&config, 2, Duration::from_millis(500), None);
    (Pool::new(settings), connections)
}

#[tokio::test]
async fn an_old_broker_is_asked_in_its_own_versions() {
    let (pool, connections) = pool(Manner::Answer).await;
    for _ in 0..3 {
        assert_eq!(pool.broker_ids().await.unwrap(), [7]);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    let request = DescribeAclsRequest::default();
    for to in [To::Any, To::Controller, To::Broker(7)] {
        let refused = pool.call(to, &request, i16::MAX, "describeAcls").await;
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, WireError::Unsupported("describeAcls")),
            "{refused}"
        );
    }
    let missing = pool
        .call(To::Broker(8), &request, i16::MAX, "describeAcls")
        .await;
    assert!(matches!(
        missing,
        Err(WireError::NoSuchBroker { id: 8, .. })
    ));
}

#[tokio::test]
async fn a_connection_that_was_closed_is_not_used_again() {
    let (pool, connections) = pool(Manner::Close).await;
    for _ in 0..3 {
        assert_eq!(pool.broker_ids().await.unwrap(), [7]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn waiting_for_a_silent_broker_ends() {
    let (pool, connections) = pool(Manner::Silence).await;
    let started = Instant::now();
    let error = pool.broker_ids().await.unwrap_err();
    assert!(matches!(error, WireError::TimedOut(_)), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
    // Its answer may still come: the connection is not used for another request.
    assert!(pool.broker_ids().await.is_err());
    assert_eq!(connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn answers_that_are_none() {
    for manner in [Manner::Shout, Manner::Confuse] {
        let (pool, _) = pool(manner).await;
        let error = pool.broker_ids().await.unwrap_err();
        assert!(matches!(error, WireError::Unreadable { .. }), "{error}");
    }
}

#[test]
fn addresses_of_brokers() {
    assert_eq!(address("a", 1), "a:1");
    assert_eq!(address("::1", 9092), "[::1]:9092");
}

//! The protocol itself: requests as bytes on a connection, for what a well-behaved client never does.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, FetchRequest, MetadataRequest, RequestHeader,
    ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};

use super::Bench;

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    correlation_id: i32,
}

impl Wire {
    pub(crate) fn connect(bootstrap: &str) -> Self {
        let stream = TcpStream::connect(bootstrap).unwrap();
        stream.set_read_timeout(Some(super::SOON)).unwrap();
        Self {
            stream,
            correlation_id: 0,
        }
    }

    pub(crate) fn send<R: Request>(&mut self, version: i16, request: &R) {
        self.correlation_id += 1;
        let mut out = BytesMut::new();
        RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some("wire".into()))
            .encode(&mut out, R::header_version(version))
            .unwrap();
        request.encode(&mut out, version).unwrap();
        self.stream
            .write_all(&(out.len() as u32).to_be_bytes())
            .unwrap();
        self.stream.write_all(&out).unwrap();
    }

    /// The next answer; `None` when the broker has closed the connection.
    pub(crate) fn receive(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut answer).unwrap();
        Some(answer.into())
    }

    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request);
        let mut answer = self.receive().expect("an answer");
        let header =
            ResponseHeader::decode(&mut answer, R::Response::header_version(version)).unwrap();
        assert_eq!(header.correlation_id, self.correlation_id);
        let response = R::Response::decode(&mut answer, version).unwrap();
        assert!(!answer.has_remaining());
        response
    }
}

#[tokio::test]
async fn a_client_that_is_too_new_is_told_the_versions() {
    let bench = Bench::start().await;
    let mut wire = Wire::connect(&bench.bootstrap());
    let mut request = BytesMut::new();
    request.extend_from_slice(&(ApiKey::ApiVersions as i16).to_be_bytes());
    request.extend_from_slice(&99i16.to_be_bytes());
    request.extend_from_slice(&7i32.to_be_bytes());
    request.extend_from_slice(&[0xff, 0xff, 0, 0]);
    wire.stream
        .write_all(&(request.len() as u32).to_be_bytes())
        .unwrap();
    wire.stream.write_all(&request).unwrap();
    let mut answer = wire.receive().unwrap();
    assert_eq!(answer.get_i32(), 7);
    let versions = ApiVersionsResponse::decode(&mut answer, 0).unwrap();
    assert_eq!(versions.error_code, 35);
    assert!(
        versions
            .api_keys
            .iter()
            .any(|api| api.api_key == ApiKey::Produce as i16)
    );
}

#[tokio::test]
async fn every_version_that_is_announced_is_answered() {
    let bench = Bench::start().await;
    let mut wire = Wire::connect(&bench.bootstrap());
    for version in 0..=4 {
        let request = ApiVersionsRequest::default()
            .with_client_software_name("wire".into())
            .with_client_software_version("1".into());
        assert_eq!(wire.call(version, &request).error_code, 0);
    }
    for version in 0..=12 {
        let response = wire.call(
            version,
            &MetadataRequest::default().with_topics(Some(Vec::new())),
        );
        assert_eq!(response.brokers.len(), 1, "version {version}");
    }
}

#[tokio::test]
async fn what_is_not_supported_ends_the_connection_and_nothing_else() {
    let bench = Bench::start().await;
    let mut other = Wire::connect(&bench.bootstrap());
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 0, 0, 8, 0, 68, 0, 0, 0, 0, 0, 1],
        &[0, 0, 0, 1, 0],
    ] {
        let mut wire = Wire::connect(&bench.bootstrap());
        wire.stream.write_all(bytes).unwrap();
        assert!(wire.receive().is_none());
    }
    assert_eq!(other.call(3, &ApiVersionsRequest::default()).error_code, 0);
}

#[tokio::test]
async fn fetch_sessions_are_declined() {
    let bench = Bench::start().await;
    let mut wire = Wire::connect(&bench.bootstrap());
    let fresh = wire.call(12, &FetchRequest::default().with_max_wait_ms(0));
    assert_eq!((fresh.error_code, fresh.session_id), (0, 0));
    assert_eq!(
        wire.call(12, &FetchRequest::default().with_session_id(5))
            .error_code,
        70
    );
}

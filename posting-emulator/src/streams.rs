//! Requests that put a row into a Kinesis stream: as the original's second script sends them to API Gateway, or as AWS
//! SDKs send them.
//!
//! ```text
//! PUT /streams/streaming-<user>-pin/record   {"StreamName": …, "Data": {…}, "PartitionKey": …}
//! POST /  X-Amz-Target: Kinesis_20131202.PutRecord   {"StreamName": …, "Data": base64, "PartitionKey": …}, signed
//! ```

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    Method, Request, Uri,
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use http_body_util::Full;

use crate::{
    options::{KinesisTarget, Protocol},
    table::Table,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AMZ_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const PUT_RECORD: HeaderValue = HeaderValue::from_static("Kinesis_20131202.PutRecord");

/// A request could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// A URL or header is none.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// It cannot be signed.
    #[error("the request cannot be signed: {0}")]
    Sign(String),
}

/// Makes the requests of one target.
#[derive(Debug)]
pub(crate) struct Streams {
    target: KinesisTarget,
    names: [String; 3],
    urls: [Uri; 3],
}

// === impl Streams ===

impl Streams {
    pub(crate) fn new(target: KinesisTarget, user: &str) -> Result<Self, http::Error> {
        let names = Table::ALL.map(|table| table.stream(user));
        let url = |name: &String| match &target.protocol {
            Protocol::Resource => target.endpoint.url_of(&format!("/streams/{name}/record")),
            Protocol::Sdk(_) => target.endpoint.url_of("/"),
        };
        let urls = [url(&names[0])?, url(&names[1])?, url(&names[2])?];
        Ok(Self {
            target,
            names,
            urls,
        })
    }

    /// The request that puts a row, given as JSON.
    pub(crate) fn request(
        &self,
        table: Table,
        partition_key: &str,
        value: &str,
    ) -> Result<Request<Full<Bytes>>, RequestError> {
        let (name, url) = (&self.names[table.position()], &self.urls[table.position()]);
        match &self.target.protocol {
            Protocol::Resource => {
                let body = format!(
                    r#"{{"StreamName": "{name}", "Data": {value}, "PartitionKey": "{partition_key}"}}"#
                );
                let request = Request::builder()
                    .method(Method::PUT)
                    .uri(url.clone())
                    .header(CONTENT_TYPE, JSON);
                Ok(request.body(Full::new(body.into()))?)
            }
            Protocol::Sdk(keys) => {
                let data = STANDARD.encode(value);
                let body = format!(
                    r#"{{"StreamName":"{name}","Data":"{data}","PartitionKey":"{partition_key}"}}"#
                );
                let host = url.authority().map_or("", |authority| authority.as_str());
                let request = Request::builder()
                    .method(Method::POST)
                    .uri(url.clone())
                    .header(HOST, host)
                    .header(CONTENT_TYPE, AMZ_JSON)
                    .header("x-amz-target", PUT_RECORD)
                    .body(Bytes::from(body))?;
                signed(request, &keys.id, &keys.secret, &keys.region)
            }
        }
    }
}

/// Signs a request with Signature Version 4, as of now.
fn signed(
    mut request: Request<Bytes>,
    id: &str,
    secret: &str,
    region: &str,
) -> Result<Request<Full<Bytes>>, RequestError> {
    let wrong = |error: &dyn std::fmt::Display| RequestError::Sign(error.to_string());
    let identity = Credentials::new(id, secret, None, None, "posting-emulator").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("kinesis")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| wrong(&error))?
        .into();
    let headers = request.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let url = request.uri().to_string();
    let signable = SignableRequest::new(
        request.method().as_str(),
        &url,
        headers,
        SignableBody::Bytes(request.body()),
    )
    .map_err(|error| wrong(&error))?;
    let signed = sign(signable, &parameters).map_err(|error| wrong(&error))?;
    let (instructions, _) = signed.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.map(Full::new))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::options::SdkKeys;

    #[test]
    fn the_scripts_request() {
        let target = KinesisTarget::new("http://host/test", Protocol::Resource).unwrap();
        let streams = Streams::new(target, "0a1b2c3d4e5f").unwrap();
        let request = streams.request(Table::Geo, "7", r#"{"ind": 7}"#).unwrap();
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(
            request.uri(),
            "http://host/test/streams/streaming-0a1b2c3d4e5f-geo/record"
        );
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn the_sdks_request_is_signed_and_does_not_show_the_secret() {
        let keys = SdkKeys::new(
            "AKIAIOSFODNN7EXAMPLE",
            "a-secret-of-no-consequence",
            "eu-west-1",
        );
        let target = KinesisTarget::new("http://host:8082", Protocol::Sdk(keys)).unwrap();
        let streams = Streams::new(target, "0a1b2c3d4e5f").unwrap();
        let request = streams.request(Table::Pin, "7", "{}").unwrap();
        assert_eq!(request.uri(), "http://host:8082/");
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(
            authorization.contains("Credential=AKIAIOSFODNN7EXAMPLE/"),
            "{authorization}"
        );
        assert!(
            authorization.contains("/eu-west-1/kinesis/aws4_request"),
            "{authorization}"
        );
        assert!(
            authorization.contains("host;x-amz-date;x-amz-target"),
            "{authorization}"
        );
        assert!(!format!("{streams:?}{request:?}").contains("no-consequence"));
    }
}

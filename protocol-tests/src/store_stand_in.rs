//! A stand-in for S3, STS and an HTTP proxy: it says yes to everything and remembers what it was asked. For what a
//! store of the tests cannot show afterwards: headers of encryption, rights, roles, proxies.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;

use crate::stand_in::StandIn;

/// Credentials that the stand-in gives for a role: key id, secret, token.
pub const ROLE_CREDENTIALS: [&str; 3] = ["ASIASTANDIN", "role-secret", "role-token"];

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its target: a path, or for a proxy the whole URL.
    pub target: Uri,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Seen {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the query holds this parameter.
    #[must_use]
    pub fn asks(&self, parameter: &str) -> bool {
        let query = self.target.query().unwrap_or_default();
        query
            .split('&')
            .any(|one| one.split('=').next() == Some(parameter))
    }
}

/// A stand-in that listens; it ends when dropped.
pub struct StoreStandIn {
    server: StandIn,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl StoreStandIn {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> Result<Self> {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let shared = Arc::clone(&seen);
        let server = StandIn::start(move |request| answer(request, Arc::clone(&shared))).await?;
        Ok(Self { server, seen })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What was asked so far, and names `part` in its target.
    #[must_use]
    pub fn seen(&self, part: &str) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let concerned = seen.iter();
        concerned
            .filter(|one| one.target.to_string().contains(part))
            .cloned()
            .collect()
    }
}

async fn answer(request: Request<Incoming>, seen: Arc<Mutex<Vec<Seen>>>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let body = body.collect().await.map(|body| body.to_bytes());
    let one = Seen {
        method: head.method.to_string(),
        target: head.uri,
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.unwrap_or_default().to_vec(),
    };
    let says = says(&one);
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(one);
    let mut response = Response::new(Full::new(Bytes::from(says)));
    let etag = http::HeaderValue::from_static("\"0123456789abcdef0123456789abcdef\"");
    response.headers_mut().insert("etag", etag);
    response
}

fn says(request: &Seen) -> String {
    const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
    match request.method.as_str() {
        "POST" if request.text().contains("Action=AssumeRole") => role(),
        "POST" if request.asks("uploads") => format!(
            "<InitiateMultipartUploadResult xmlns=\"{NAMESPACE}\"><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
        ),
        "POST" if request.asks("uploadId") => format!(
            "<CompleteMultipartUploadResult xmlns=\"{NAMESPACE}\"><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>"
        ),
        "GET" if request.asks("uploads") => format!(
            "<ListMultipartUploadsResult xmlns=\"{NAMESPACE}\"><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
        ),
        _ => String::new(),
    }
}

fn role() -> String {
    let [key, secret, token] = ROLE_CREDENTIALS;
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/writer/s</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult><ResponseMetadata>\
         <RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"
    )
}

//! Whole objects by a form: a `PutObject` request that the client library made once, and that is filled in for each object.
//!
//! The library decides what a request looks like and where it goes: endpoint and style, headers, credentials and their
//! renewal, proxy, connections. From object to object only the key differs, the body with its check sums, the metadata and
//! the signature. With `flush.size=1` making the rest anew each time was most of the sink's CPU time.
//!
//! In: the first request that succeeded. Out: whether an object was put. A put that was not answered with success is made
//! again by the library, which repeats it and knows its error.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_runtime::auth::sigv4::SCHEME_ID;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http::label::{EncodingStrategy, fmt_string};
use aws_smithy_runtime_api::client::auth::AuthScheme as _;
use aws_smithy_runtime_api::client::http::{
    HttpClient as _, HttpConnector as _, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::identity::{
    Identity, ResolveCachedIdentity as _, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Crc;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;

const CRC32: HeaderName = HeaderName::from_static("x-amz-checksum-crc32");
const METADATA: &str = "x-amz-meta-";
/// Headers that come with the signature, and those that the library counts its tries by.
const OF_ONE_REQUEST: [&str; 6] = [
    "authorization",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
];

/// What the `PutObject` requests of a task have in common.
pub(super) struct Form {
    /// The URL before the key.
    before: String,
    /// The URL behind the key.
    behind: String,
    headers: HeaderMap,
    /// Payloads go with their CRC-32.
    crc32: bool,
    /// Payloads are not signed.
    unsigned: bool,
    region: String,
    connector: SharedHttpConnector,
    identities: Identities,
}

/// Where the client library has its credentials from.
struct Identities {
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
}

impl Form {
    /// Puts an object.
    ///
    /// # Errors
    /// There are no credentials, or nobody answered.
    pub(super) async fn put(
        &self,
        key: &str,
        body: &Bytes,
        metadata: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<StatusCode, BoxError> {
        let identity = self.identities.current().await?;
        let request = self.filled_in(key, body, metadata, &identity)?;
        let response = self.connector.call(HttpRequest::try_from(request)?).await?;
        Ok(StatusCode::from_u16(response.status().as_u16())?)
    }

    fn filled_in(
        &self,
        key: &str,
        body: &Bytes,
        metadata: impl IntoIterator<Item = (&'static str, String)>,
        identity: &Identity,
    ) -> Result<http::Request<SdkBody>, BoxError> {
        let key = fmt_string(key, EncodingStrategy::Greedy);
        let url = [self.before.as_str(), &key, &self.behind].concat();
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_LENGTH, body.len().into());
        if self.crc32 {
            headers.insert(CRC32, crc32(body).parse()?);
        }
        for (name, value) in metadata {
            let name = HeaderName::try_from([METADATA, name].concat())?;
            headers.insert(name, HeaderValue::try_from(value)?);
        }
        let mut request = http::Request::put(&url).body(SdkBody::from(body.clone()))?;
        let signed = headers.iter().filter_map(|(name, value)| {
            let value = value.to_str().ok()?;
            Some((name.as_str(), value))
        });
        let payload = match self.unsigned {
            true => SignableBody::UnsignedPayload,
            false => SignableBody::Bytes(body),
        };
        let signable = SignableRequest::new("PUT", &url, signed, payload)?;
        let params = SigningParams::builder()
            .identity(identity)
            .region(&self.region)
            .name("s3")
            .time(self.identities.now())
            .settings(settings())
            .build()?
            .into();
        let (signature, _) = sign(signable, &params)?.into_parts();
        *request.headers_mut() = headers;
        signature.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// The form of a signed request that puts an object of `key`. Nothing if it is signed in a way that only the library knows:
    /// directory buckets, access points of several regions.
    fn of(
        request: &HttpRequest,
        key: &str,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Option<Self> {
        let uri = request.uri();
        let path = uri.find('?').map_or(uri, |at| &uri[..at]);
        let before = path.strip_suffix(&fmt_string(key, EncodingStrategy::Greedy))?;
        let timeouts = config.load::<TimeoutConfig>()?;
        let mut settings = HttpConnectorSettings::builder();
        settings.set_connect_timeout(timeouts.connect_timeout());
        settings.set_read_timeout(timeouts.read_timeout());
        let client = components.http_client()?;
        let sent = request.headers();
        Some(Self {
            before: before.to_owned(),
            behind: uri[path.len()..].to_owned(),
            headers: common(request),
            crc32: sent.contains_key(CRC32),
            unsigned: sent.get("x-amz-content-sha256")? == "UNSIGNED-PAYLOAD",
            region: region(sent.get("authorization")?)?.to_owned(),
            connector: client.http_connector(&settings.build(), components),
            identities: Identities {
                resolver: components
                    .auth_scheme(SCHEME_ID)?
                    .identity_resolver(components)?,
                components: components.clone(),
                config: ConfigBag::base(),
            },
        })
    }
}

impl Identities {
    async fn current(&self) -> Result<Identity, BoxError> {
        let cache = self.components.identity_cache();
        let cached =
            cache.resolve_cached_identity(self.resolver.clone(), &self.components, &self.config);
        let identity = cached.await?;
        match identity.data::<Credentials>() {
            Some(_) => Ok(identity),
            None => Err("the identity has no credentials".into()),
        }
    }

    fn now(&self) -> SystemTime {
        let source = self.components.time_source();
        source.map_or_else(SystemTime::now, |source| source.now())
    }
}

/// The headers of `request` that every object has.
fn common(request: &HttpRequest) -> HeaderMap {
    let common = request.headers().iter().filter_map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        let own = name == CONTENT_LENGTH || name == CRC32 || name.as_str().starts_with(METADATA);
        if own || OF_ONE_REQUEST.contains(&name.as_str()) {
            return None;
        }
        Some((name, HeaderValue::try_from(value).ok()?))
    });
    common.collect()
}

/// The region in `AWS4-HMAC-SHA256 Credential=<key>/<day>/<region>/s3/aws4_request, …`.
fn region(authorization: &str) -> Option<&str> {
    let scope = authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let (scope, _) = scope.split_once(',')?;
    let (_, region) = scope.strip_suffix("/s3/aws4_request")?.rsplit_once('/')?;
    Some(region)
}

/// As S3 wants requests signed: with the path as it is, and the payload's hash in a header.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

/// As S3 wants it: base64 of the big-endian bytes.
fn crc32(body: &[u8]) -> String {
    let mut crc = Crc::new();
    crc.update(body);
    STANDARD.encode(crc.sum().to_be_bytes())
}

/// Takes the form of a request of the library when it goes out.
#[derive(Debug)]
pub(super) struct TakeForm {
    key: String,
    taken: Taken,
}

/// Where [`TakeForm`] leaves it.
pub(super) type Taken = Arc<Mutex<Option<Form>>>;

impl TakeForm {
    /// Of a request that puts an object of `key`.
    pub(super) fn new(key: &str) -> (Self, Taken) {
        let taken = Taken::default();
        let take = Self {
            key: key.to_owned(),
            taken: Arc::clone(&taken),
        };
        (take, taken)
    }
}

impl Intercept for TakeForm {
    fn name(&self) -> &'static str {
        "TakeForm"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        *self.taken.lock() = Form::of(context.request(), &self.key, components, config);
        Ok(())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

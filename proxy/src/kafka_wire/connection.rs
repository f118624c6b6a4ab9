//! One connection to one broker: length-prefixed requests out, answers in, one at a time.
//!
//! Opening it asks for the versions that the broker answers, and proves who the proxy is. A connection whose call was
//! given up half-way is dropped with its future, so an answer never meets the wrong question.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, Request, StrBytes, VersionRange,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::WireError;
use super::sasl;
use super::settings::Settings;

/// What a connection runs over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// See the module.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    address: String,
    client_id: StrBytes,
    correlation: i32,
    timeout: Duration,
    max_answer_bytes: usize,
    /// By API key: what the broker answers.
    versions: Vec<(i16, VersionRange)>,
    /// When the broker wants to be told anew who this is; a new connection does.
    session_ends: Option<Instant>,
}

/// The newest `ApiVersions` that is asked with; a broker that is older says so in the oldest format.
const API_VERSIONS: i16 = 3;
const UNSUPPORTED_VERSION: i16 = 35;

impl Connection {
    /// Connects, negotiates and authenticates.
    pub(crate) async fn open(address: &str, settings: &Settings) -> Result<Self, WireError> {
        if let Some(reason) = &settings.impossible {
            return Err(WireError::Authentication(reason.clone()));
        }
        let opening = Self::open_unbounded(address, settings);
        timeout(settings.timeout, opening)
            .await
            .map_err(|_| WireError::Disconnected {
                address: address.to_owned(),
                reason: "connecting timed out".to_owned(),
            })?
    }

    async fn open_unbounded(address: &str, settings: &Settings) -> Result<Self, WireError> {
        let tcp = TcpStream::connect(address)
            .await
            .map_err(|error| WireError::io(address, &error))?;
        tcp.set_nodelay(true)
            .map_err(|error| WireError::io(address, &error))?;
        let mut connection = Self {
            stream: secure(tcp, address, settings).await?,
            address: address.to_owned(),
            client_id: StrBytes::from_string(settings.client_id.clone()),
            correlation: 0,
            timeout: settings.timeout,
            max_answer_bytes: settings.max_answer_bytes,
            versions: Vec::new(),
            session_ends: None,
        };
        connection.negotiate().await?;
        if let Some(settings) = &settings.sasl {
            sasl::authenticate(&mut connection, settings).await?;
        }
        Ok(connection)
    }

    /// Whether another request can be sent: the broker has neither closed it nor said something unasked, and still takes
    /// who the proxy said it is.
    pub(crate) fn is_usable(&mut self) -> bool {
        let mut byte = [0];
        let valid = self.session_ends.is_none_or(|ends| Instant::now() < ends);
        valid && self.stream.read(&mut byte).now_or_never().is_none()
    }

    /// The broker believes who the proxy is for so many milliseconds (`connections.max.reauth.ms`); 0 is for ever.
    pub(crate) fn believed_for(&mut self, millis: i64) {
        let lifetime = u64::try_from(millis).ok().filter(|millis| *millis > 0);
        self.session_ends =
            lifetime.map(|millis| Instant::now() + Duration::from_millis(millis / 10 * 9));
    }

    /// Sends a request in the newest version both sides know, but not above `newest`, and waits for its answer.
    pub(crate) async fn call<R: Request>(
        &mut self,
        request: &R,
        newest: i16,
        name: &'static str,
    ) -> Result<R::Response, WireError> {
        let version = self
            .version::<R>(newest)
            .ok_or(WireError::Unsupported(name))?;
        let limit = self.timeout;
        timeout(limit, self.exchange(request, version))
            .await
            .map_err(|_| WireError::TimedOut(name))?
    }

    fn version<R: Request>(&self, newest: i16) -> Option<i16> {
        let (_, theirs) = self.versions.iter().find(|(key, _)| *key == R::KEY)?;
        let common = R::VERSIONS.intersect(theirs).intersect(&VersionRange {
            min: 0,
            max: newest,
        });
        (!common.is_empty()).then_some(common.max)
    }

    async fn negotiate(&mut self) -> Result<(), WireError> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("sluiceway"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        let mut answer = self.raw(&request, API_VERSIONS).await?;
        let mut version = API_VERSIONS;
        if answer
            .get(..2)
            .is_some_and(|mut code| code.get_i16() == UNSUPPORTED_VERSION)
        {
            version = 0;
            answer = self.raw(&request, version).await?;
        }
        let answer = ApiVersionsResponse::decode(&mut answer, version)
            .map_err(|error| WireError::unreadable(&self.address, error))?;
        super::fault::check(answer.error_code, None)?;
        self.versions = answer
            .api_keys
            .iter()
            .map(|api| {
                let (min, max) = (api.min_version, api.max_version);
                (api.api_key, VersionRange { min, max })
            })
            .collect();
        Ok(())
    }

    async fn exchange<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, WireError> {
        let mut answer = self.raw(request, version).await?;
        R::Response::decode(&mut answer, version)
            .map_err(|error| WireError::unreadable(&self.address, error))
    }

    /// Sends a request; the answer without its header.
    async fn raw<R: Request>(&mut self, request: &R, version: i16) -> Result<Bytes, WireError> {
        self.correlation = self.correlation.wrapping_add(1);
        let out = self
            .encode(request, version)
            .map_err(|error| WireError::unreadable(&self.address, error))?;
        let io = |error| WireError::io(&self.address, &error);
        self.stream.write_all(&out).await.map_err(io)?;
        self.stream.flush().await.map_err(io)?;
        let length = self.stream.read_i32().await.map_err(io)?;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.max_answer_bytes)
            .ok_or_else(|| {
                WireError::unreadable(&self.address, format!("{length} bytes are announced"))
            })?;
        let mut answer = BytesMut::zeroed(length);
        self.stream.read_exact(&mut answer).await.map_err(io)?;
        let mut answer = answer.freeze();
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version))
            .map_err(|error| WireError::unreadable(&self.address, error))?;
        if header.correlation_id == self.correlation {
            Ok(answer)
        } else {
            Err(WireError::unreadable(
                &self.address,
                "it answers another request",
            ))
        }
    }

    fn encode<R: Request>(&self, request: &R, version: i16) -> Result<BytesMut, String> {
        let mut out = BytesMut::with_capacity(256);
        out.extend_from_slice(&[0; 4]);
        RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client_id.clone()))
            .encode(&mut out, R::header_version(version))
            .map_err(|error| error.to_string())?;
        request
            .encode(&mut out, version)
            .map_err(|error| error.to_string())?;
        let length = u32::try_from(out.len() - 4).map_err(|error| error.to_string())?;
        out[..4].copy_from_slice(&length.to_be_bytes());
        Ok(out)
    }
}

#[cfg(feature = "tls")]
async fn secure(
    tcp: TcpStream,
    address: &str,
    settings: &Settings,
) -> Result<Box<dyn Stream>, WireError> {
    match &settings.tls {
        Some(tls) => super::tls::handshake(tcp, address, tls).await,
        None => Ok(Box::new(tcp)),
    }
}

#[cfg(not(feature = "tls"))]
async fn secure(
    tcp: TcpStream,
    _address: &str,
    _settings: &Settings,
) -> Result<Box<dyn Stream>, WireError> {
    Ok(Box::new(tcp))
}

//! One connection to one broker: length-prefixed requests out, answers in, one at a time.
//!
//! Opening it asks for the versions that the broker answers, and proves who the proxy is. A connection whose call was
//! given up half-way is dropped with its future, so an answer never meets the wrong question.

use std::num::TryFromIntError;
use std::ops::Range;
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
/// Bytes of the length in front of requests and answers.
const LENGTH: usize = 4;
/// Where a request's version and number are.
const VERSION: Range<usize> = 6..8;
const CORRELATION: Range<usize> = 8..12;
/// Room for an answer at first: those of writing have a hundred bytes.
const ANSWER_BYTES: usize = 512;

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

    /// Sends a request that was [encoded](encode) elsewhere, in the newest version that both sides know and whose shape
    /// lies within `shapes`, and waits so long for its answer.
    pub(crate) async fn call_encoded<R: Request>(
        &mut self,
        frame: &mut [u8],
        shapes: VersionRange,
        limit: Duration,
        name: &'static str,
    ) -> Result<R::Response, WireError> {
        let version = self.version::<R>(shapes.max);
        let version = version.filter(|version| *version >= shapes.min);
        let version = version.ok_or(WireError::Unsupported(name))?;
        self.correlation = self.correlation.wrapping_add(1);
        for (place, bytes) in [
            (VERSION, &version.to_be_bytes()[..]),
            (CORRELATION, &self.correlation.to_be_bytes()[..]),
        ] {
            if let Some(place) = frame.get_mut(place) {
                place.copy_from_slice(bytes);
            }
        }
        let exchange = async {
            let mut answer = self.exchange_bytes::<R>(frame, version).await?;
            R::Response::decode(&mut answer, version)
                .map_err(|error| WireError::unreadable(&self.address, error))
        };
        let answered = timeout(limit, exchange).await;
        answered.map_err(|_| WireError::TimedOut(name))?
    }

    /// Sends a request; the answer without its header.
    async fn raw<R: Request>(&mut self, request: &R, version: i16) -> Result<Bytes, WireError> {
        self.correlation = self.correlation.wrapping_add(1);
        let mut out = Vec::with_capacity(256);
        encode(
            &mut out,
            request,
            version,
            self.correlation,
            &self.client_id,
        )
        .map_err(|error| WireError::unreadable(&self.address, error))?;
        self.exchange_bytes::<R>(&out, version).await
    }

    async fn exchange_bytes<R: Request>(
        &mut self,
        out: &[u8],
        version: i16,
    ) -> Result<Bytes, WireError> {
        let io = |error| WireError::io(&self.address, &error);
        self.stream.write_all(out).await.map_err(io)?;
        self.stream.flush().await.map_err(io)?;
        let mut answer = self.answer().await?;
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

    /// Reads one answer: most come whole, with a single look.
    async fn answer(&mut self) -> Result<Bytes, WireError> {
        let mut read = BytesMut::with_capacity(ANSWER_BYTES);
        let mut missing = LENGTH;
        while missing > 0 {
            let io = |error| WireError::io(&self.address, &error);
            if self.stream.read_buf(&mut read).await.map_err(io)? == 0 {
                return Err(io(std::io::ErrorKind::UnexpectedEof.into()));
            }
            missing = self.missing(&mut read)?;
        }
        read.advance(LENGTH);
        Ok(read.freeze())
    }

    /// How many bytes of the answer are still to come; there is room for them then.
    fn missing(&self, read: &mut BytesMut) -> Result<usize, WireError> {
        let Some(length) = read.get(..LENGTH) else {
            return Ok(LENGTH - read.len());
        };
        let length = (&mut &*length).get_i32();
        let unreadable = |reason| WireError::unreadable(&self.address, reason);
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= self.max_answer_bytes)
            .ok_or_else(|| unreadable(format!("{length} bytes are announced")))?;
        let missing = (LENGTH + length)
            .checked_sub(read.len())
            .ok_or_else(|| unreadable("it says more than was asked".to_owned()))?;
        read.reserve(missing);
        Ok(missing)
    }
}

/// Appends a request to `out`: length, header and body.
pub(crate) fn encode<R: Request>(
    out: &mut Vec<u8>,
    request: &R,
    version: i16,
    correlation: i32,
    client_id: &StrBytes,
) -> Result<(), String> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation)
        .with_client_id(Some(client_id.clone()))
        .encode(out, R::header_version(version))
        .map_err(|error| error.to_string())?;
    request
        .encode(out, version)
        .map_err(|error| error.to_string())?;
    set_length(&mut out[start..]).map_err(|error| error.to_string())
}

/// Tells a request its length, which lies in front of it.
pub(crate) fn set_length(frame: &mut [u8]) -> Result<(), TryFromIntError> {
    let length = u32::try_from(frame.len().saturating_sub(LENGTH))?;
    if let Some(place) = frame.get_mut(..LENGTH) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
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

//! An HTTP/1.1 client that hides nothing: request headers go out as given and in that order, the
//! response keeps its header order and case and says how its body was framed. One connection a
//! call, unless a [`Connection`] is held. HTTP/2 without TLS is in [`crate::http2`].

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What a call may take before it counts as hung.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);

/// A request as it goes over the wire. `Host` and `Content-Length` are added unless given.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Any token, also one that is no method.
    pub method: String,
    /// Path and query, sent as they are.
    pub path: String,
    /// In the order of sending.
    pub headers: Vec<(String, String)>,
    /// No body is different from an empty one.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            ..Self::default()
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    fn encode(&self, host: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.has("host") {
            head += &format!("Host: {host}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let needs_length =
            self.body.is_some() || !matches!(&*self.method, "GET" | "HEAD" | "OPTIONS" | "DELETE");
        if needs_length && !self.has("content-length") && !self.has("transfer-encoding") {
            let length = self.body.as_ref().map_or(0, Vec::len);
            head += &format!("Content-Length: {length}\r\n");
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

/// How the length of a body was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// No body by rule (HEAD, 204, 304).
    None,
    /// `Content-Length`.
    Length(usize),
    /// `Transfer-Encoding: chunked`, with the size of each chunk.
    Chunked(Vec<usize>),
    /// The connection was closed after the body.
    Close,
}

/// A response as it came over the wire; informational (1xx) responses before it are only counted.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// In the order of arrival, names in their case.
    pub headers: Vec<(String, String)>,
    /// How the body was framed.
    pub framing: Framing,
    /// The body without its framing; content encodings are left as they are.
    pub body: Vec<u8>,
    /// Number of 1xx responses that came first.
    pub informational: usize,
}

impl Response {
    /// First value of a header, by name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text; a gzip content encoding is undone.
    ///
    /// # Errors
    /// No UTF-8, broken gzip.
    pub fn text(&self) -> Result<String> {
        let plain = match self.header("content-encoding") {
            Some("gzip") => crate::gunzip(&self.body)?,
            Some(other) => bail!("content encoding {other}"),
            None => self.body.clone(),
        };
        Ok(String::from_utf8(plain)?)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// No JSON; the text is part of the message.
    pub fn json(&self) -> Result<serde_json::Value> {
        let text = self.text()?;
        serde_json::from_str(&text).with_context(|| format!("no JSON in a {}: {text}", self.status))
    }
}

/// A server: where calls go.
#[derive(Debug, Clone)]
pub struct Client {
    /// `host:port`
    authority: String,
}

impl Client {
    /// A client for `http://host:port` (a path after it is not supported).
    ///
    /// # Errors
    /// Another scheme.
    pub fn new(base: &str) -> Result<Self> {
        let authority = base
            .strip_prefix("http://")
            .with_context(|| format!("only http:// can be called, not {base}"))?;
        Ok(Self {
            authority: authority.trim_end_matches('/').to_owned(),
        })
    }

    /// `http://host:port`
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// `host:port`
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Opens a connection to keep.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.authority)
            .await
            .with_context(|| format!("connecting to {}", self.authority))?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Connection {
            read: BufReader::new(read),
            write,
            host: self.authority.clone(),
        })
    }

    /// One request on a connection of its own.
    ///
    /// # Errors
    /// No connection, no answer in time, an answer that is no HTTP.
    pub async fn call(&self, request: &Request) -> Result<Response> {
        self.connect().await?.call(request).await
    }

    /// `GET` with an `Accept` header, if any.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn get(&self, path: &str, accept: Option<&str>) -> Result<Response> {
        let mut request = Request::new("GET", path);
        if let Some(accept) = accept {
            request = request.header("Accept", accept);
        }
        self.call(&request).await
    }
}

/// One kept-alive connection.
#[derive(Debug)]
pub struct Connection {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    host: String,
}

impl Connection {
    /// Sends a request and reads its response; sending and reading overlap, so that an early
    /// answer to a large body is seen.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn call(&mut self, request: &Request) -> Result<Response> {
        let bytes = request.encode(&self.host);
        let head_only = request.method == "HEAD";
        let exchange = async {
            let sending = self.write.write_all(&bytes);
            // A server may answer and close before it has read everything: the answer counts.
            let (sent, response) = tokio::join!(sending, read_response(&mut self.read, head_only));
            response.with_context(|| format!("sending: {sent:?}"))
        };
        tokio::time::timeout(CALL_TIMEOUT, exchange)
            .await
            .with_context(|| format!("no answer to {} {}", request.method, request.path))?
            .with_context(|| format!("{} {}", request.method, request.path))
    }

    /// Sends bytes that need not be HTTP.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.write.write_all(bytes).await?)
    }

    /// Reads whatever comes until the text so far is enough, and returns it; chunk sizes are in it.
    ///
    /// # Errors
    /// It is not within the limit, or the connection ends before; the message shows what came.
    pub async fn read_text(
        &mut self,
        limit: Duration,
        enough: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        let until = tokio::time::Instant::now() + limit;
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if enough(&text) {
                return Ok(text.into_owned());
            }
            match tokio::time::timeout_at(until, self.read.read(&mut buffer)).await {
                Ok(Ok(count @ 1..)) => bytes.extend_from_slice(&buffer[..count]),
                Ok(Ok(0)) => bail!("the connection ended after: {text}"),
                Ok(Err(error)) => bail!("{error} after: {text}"),
                Err(_) => bail!("not within {limit:?}: {text}"),
            }
        }
    }

    /// Reads the next response.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub async fn read(&mut self) -> Result<Response> {
        tokio::time::timeout(CALL_TIMEOUT, read_response(&mut self.read, false)).await?
    }

    /// Whether the server closes the connection within `wait` without sending more.
    pub async fn closes_within(&mut self, wait: Duration) -> bool {
        let mut byte = [0];
        matches!(
            tokio::time::timeout(wait, self.read.read(&mut byte)).await,
            Ok(Ok(0) | Err(_))
        )
    }
}

// === reading ===

async fn read_response<R: AsyncBufReadExt + Unpin>(
    read: &mut R,
    head_only: bool,
) -> Result<Response> {
    let mut informational = 0;
    loop {
        let (status, headers) = read_head(read).await?;
        if (100..200).contains(&status) {
            informational += 1;
            continue;
        }
        let (framing, body) = read_body(read, status, &headers, head_only).await?;
        return Ok(Response {
            status,
            headers,
            framing,
            body,
            informational,
        });
    }
}

async fn read_line<R: AsyncBufReadExt + Unpin>(read: &mut R) -> Result<String> {
    let mut line = Vec::new();
    read.read_until(b'\n', &mut line).await?;
    ensure!(
        line.ends_with(b"\r\n"),
        "the connection was closed in a line"
    );
    line.truncate(line.len() - 2);
    Ok(String::from_utf8(line)?)
}

async fn read_head<R: AsyncBufReadExt + Unpin>(
    read: &mut R,
) -> Result<(u16, Vec<(String, String)>)> {
    let line = read_line(read).await?;
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .with_context(|| format!("no status line: {line}"))?
        .parse()?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(read).await?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line
            .split_once(':')
            .with_context(|| format!("no header: {line}"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

async fn read_body<R: AsyncBufReadExt + Unpin>(
    read: &mut R,
    status: u16,
    headers: &[(String, String)],
    head_only: bool,
) -> Result<(Framing, Vec<u8>)> {
    let header = |name: &str| {
        headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    if head_only || status == 204 || status == 304 {
        return Ok((Framing::None, Vec::new()));
    }
    if header("transfer-encoding").is_some_and(|(_, value)| value.eq_ignore_ascii_case("chunked")) {
        return read_chunks(read).await;
    }
    if let Some((_, length)) = header("content-length") {
        let length = length.parse()?;
        let mut body = vec![0; length];
        read.read_exact(&mut body)
            .await
            .context("the body is cut")?;
        return Ok((Framing::Length(length), body));
    }
    let mut body = Vec::new();
    read.read_to_end(&mut body).await?;
    Ok((Framing::Close, body))
}

async fn read_chunks<R: AsyncBufReadExt + Unpin>(read: &mut R) -> Result<(Framing, Vec<u8>)> {
    let (mut sizes, mut body) = (Vec::new(), Vec::new());
    loop {
        let size =
            usize::from_str_radix(read_line(read).await?.trim(), 16).context("no chunk size")?;
        if size == 0 {
            ensure!(
                read_line(read).await?.is_empty(),
                "trailers are not expected"
            );
            return Ok((Framing::Chunked(sizes), body));
        }
        let start = body.len();
        body.resize(start + size, 0);
        read.read_exact(&mut body[start..])
            .await
            .context("a chunk is cut")?;
        ensure!(
            read_line(read).await?.is_empty(),
            "a chunk is longer than its size"
        );
        sizes.push(size);
    }
}

//! One HTTP/1.1 connection, kept alive, for calls one after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::response;

/// A connection to the REST proxy.
pub(super) struct RestClient {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl RestClient {
    /// Connects to `host:port`.
    pub(super) fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let (host, buffer) = (address.to_owned(), Vec::new());
        Ok(Self {
            stream,
            host,
            buffer,
        })
    }

    /// Sends a request with a v2 JSON body (perhaps empty) and returns the answer as it came, head and framing
    /// included.
    ///
    /// # Errors
    /// The connection fails, or the answer is none of 200 and 204.
    pub(super) fn call(
        &mut self,
        method: &str,
        path: &str,
        accept: &str,
        body: &str,
    ) -> Result<&[u8]> {
        let content = if body.is_empty() {
            String::new()
        } else {
            let length = body.len();
            format!("Content-Type: application/vnd.kafka.v2+json\r\nContent-Length: {length}\r\n")
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\n{content}\r\n{body}",
            self.host
        );
        self.stream.write_all(request.as_bytes())?;
        let status = self.read()?;
        ensure!(
            matches!(status, 200 | 204),
            "{method} {path} was answered with {}",
            String::from_utf8_lossy(&self.buffer)
        );
        Ok(&self.buffer)
    }

    fn read(&mut self) -> Result<u16> {
        self.buffer.clear();
        let mut piece = vec![0; 256 * 1024];
        loop {
            let count = self.stream.read(&mut piece)?;
            if count == 0 {
                bail!("the connection was closed in the middle of an answer");
            }
            self.buffer
                .extend_from_slice(piece.get(..count).unwrap_or_default());
            if let Some(status) = response::complete(&self.buffer)? {
                return Ok(status);
            }
        }
    }
}

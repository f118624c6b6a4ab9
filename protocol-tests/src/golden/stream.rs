//! Streamed calls: a body that is sent in chunks, each of which is answered while the request is still open. In: what was
//! sent and what had come back by then. Out: what comes back now.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{Client, Request};

/// What an answer to a chunk may take.
const WAIT: Duration = Duration::from_secs(10);

/// A chunk that was sent and the objects that had come back before the next one.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// As sent; `<end>` ends the body.
    pub sent: String,
    /// As received, chunk lengths included.
    pub received: String,
}

/// Reads `events` of a recorded call.
#[must_use]
pub fn exchanges(events: &Value) -> Vec<Exchange> {
    let mut all: Vec<Exchange> = Vec::new();
    for event in events.as_array().into_iter().flatten() {
        if let Some(sent) = event["sent"].as_str() {
            all.push(Exchange {
                sent: sent.to_owned(),
                received: String::new(),
            });
        }
        if let (Some(received), Some(last)) = (event["received"].as_str(), all.last_mut()) {
            last.received += received;
        }
    }
    all
}

/// The JSON objects in a text that was received: each stands on lines of its own between chunk lengths.
#[must_use]
pub fn objects(received: &str) -> Vec<Value> {
    let lines = received
        .split(['\r', '\n'])
        .filter(|line| line.starts_with('{'));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Sends the chunks one by one, each when the answer to the one before it has come, and returns what came back for each.
///
/// # Errors
/// The proxy can't be reached, or closes the connection early.
pub async fn converse(
    client: &Client,
    request: &Request,
    exchanges: &[Exchange],
) -> Result<Vec<String>> {
    let mut stream = TcpStream::connect(client.authority()).await?;
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\n",
        request.method,
        request.path,
        client.authority()
    );
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "Transfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let mut all = Vec::new();
    for exchange in exchanges {
        let chunk = match exchange.sent.as_str() {
            "<end>" => "0\r\n\r\n".to_owned(),
            text => format!("{:x}\r\n{text}\r\n", text.len()),
        };
        // A proxy that has answered for good may have closed its side.
        let _ = stream.write_all(chunk.as_bytes()).await;
        let last = exchange.sent == "<end>";
        all.push(
            receive(&mut stream, objects(&exchange.received).len(), last)
                .await
                .context("reading the answer")?,
        );
    }
    Ok(all)
}

/// Reads until so many objects have come, or the body has ended.
async fn receive(stream: &mut TcpStream, wanted: usize, last: bool) -> Result<String> {
    let (until, mut text) = (Instant::now() + WAIT, String::new());
    let mut buffer = vec![0; 16 * 1024];
    while Instant::now() < until {
        let ended = text.ends_with("0\r\n\r\n");
        if ended || !last && objects(&text).len() >= wanted {
            break;
        }
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, stream.read(&mut buffer)).await {
            Ok(Ok(0)) | Ok(Err(_)) | Err(_) => break,
            Ok(Ok(count)) => text += &String::from_utf8_lossy(&buffer[..count]),
        }
    }
    Ok(text)
}

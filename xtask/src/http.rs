//! One request at a time, to see whether something answers and what its metrics say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// The body (of an answer that ends with its connection).
    pub(crate) body: String,
}

/// `GET http://host:port/path`, in plain text, over a connection of its own.
pub(crate) fn get(url: &str) -> Result<Answer> {
    call("GET", url, None)
}

/// A request in plain text, over a connection of its own, perhaps with JSON.
pub(crate) fn call(method: &str, url: &str, json: Option<&str>) -> Result<Answer> {
    call_with(method, url, &[], json)
}

/// The same with further headers.
pub(crate) fn call_with(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    json: Option<&str>,
) -> Result<Answer> {
    let rest = url
        .strip_prefix("http://")
        .with_context(|| format!("not an http URL: {url}"))?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path.is_empty() { "/" } else { path };
    let mut stream =
        TcpStream::connect(host).with_context(|| format!("cannot connect to {host}"))?;
    let patience = if method == "GET" { 5 } else { 30 };
    stream.set_read_timeout(Some(Duration::from_secs(patience)))?;
    let content = json.map_or_else(String::new, |json| {
        format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            json.len()
        )
    });
    let headers = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let content = headers.collect::<String>() + &content;
    let body = json.unwrap_or_default();
    // HTTP/1.0: the answer's body is neither chunked nor followed by another answer.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{content}\r\n{body}"
    )?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    parse(&String::from_utf8_lossy(&text))
}

fn parse(text: &str) -> Result<Answer> {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        bail!("no HTTP answer: {text:.80}")
    };
    let status = head
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.context("no status code")?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn status_and_body_are_taken_apart() {
        let answer = parse("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno").unwrap();
        assert_eq!(
            answer,
            Answer {
                status: 404,
                body: "no".into()
            }
        );
        assert!(parse("SSH-2.0").is_err());
    }
}

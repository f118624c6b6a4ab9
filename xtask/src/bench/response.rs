//! HTTP/1.1 responses as the load generator needs them: whether one is complete, and its status.

use anyhow::{Context, Result, bail, ensure};

/// The status of the response in `bytes`; `None` until all of it is there. Bytes behind it are an
/// error: only one request is in flight.
pub(crate) fn complete(bytes: &[u8]) -> Result<Option<u16>> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).context("a response head that is no text")?;
    let status = head
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok());
    let status: u16 = status.with_context(|| format!("a response without status: {head}"))?;
    let body = &bytes[end + 4..];
    let length = match (
        header(head, "content-length"),
        header(head, "transfer-encoding"),
    ) {
        (Some(length), None) => Some(length.parse().context("content-length")?),
        (None, Some("chunked")) => chunked_length(body)?,
        // No content, by rule.
        (None, None) if status == 204 => Some(0),
        _ => bail!("a response without a length: {head}"),
    };
    match length {
        Some(length) if body.len() >= length => {
            ensure!(body.len() == length, "bytes behind the response");
            Ok(Some(status))
        }
        _ => Ok(None),
    }
}

/// A field of a head, of a request too.
pub(super) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The length of a chunked body with its framing; `None` until its last chunk is there.
fn chunked_length(body: &[u8]) -> Result<Option<usize>> {
    let mut at = 0;
    loop {
        let Some(line) = body.get(at..).and_then(|rest| find(rest, b"\r\n")) else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&body[at..at + line]).context("chunk size")?;
        let size = usize::from_str_radix(size.trim(), 16)
            .with_context(|| format!("chunk size {size:?}"))?;
        // The size line, the chunk, and the line end behind it (no trailers).
        at += line + 2 + size + 2;
        if size == 0 {
            return Ok(Some(at));
        }
    }
}

/// Where a piece is first.
pub(super) fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, pattern)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// `None` for every beginning of it, the status for all of it, an error for more.
    fn check(text: &str) {
        for end in 0..text.len() {
            assert_eq!(
                complete(&text.as_bytes()[..end]).unwrap(),
                None,
                "{end} bytes"
            );
        }
        assert_eq!(complete(text.as_bytes()).unwrap(), Some(200));
        assert!(complete(format!("{text}x").as_bytes()).is_err());
    }

    #[test]
    fn without_content() {
        let text = b"HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n";
        assert_eq!(complete(&text[..text.len() - 1]).unwrap(), None);
        assert_eq!(complete(text).unwrap(), Some(204));
    }

    #[test]
    fn by_length() {
        check("HTTP/1.1 200 OK\r\ncontent-Length: 5\r\n\r\nhello");
    }

    #[test]
    fn in_chunks() {
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1f\r\n0123456789012345678901234567890\r\n0\r\n\r\n",
        );
    }

    #[test]
    fn without_either() {
        assert!(complete(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

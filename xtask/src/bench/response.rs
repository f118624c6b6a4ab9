//! HTTP/1.1 responses as the load generator needs them: complete, and with which status.

use anyhow::{Context, Result, bail};

/// Status and total length (head and body) of the response at the start of `bytes`; `None` while its
/// head is incomplete.
pub(crate) fn measure(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).context("a response head that is no text")?;
    let status = head
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    match (status, length) {
        (Some(status), Some(length)) => Ok(Some((status, end + 4 + length))),
        _ => bail!("a response without status or length: {head}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn head_and_body_are_measured() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-Length: 5\r\n\r\nhello";
        assert_eq!(measure(text).unwrap(), Some((200, text.len())));
        assert_eq!(measure(&text[..20]).unwrap(), None);
        assert!(measure(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}

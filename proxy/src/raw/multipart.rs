//! The parts of `multipart/form-data` (RFC 7578): each is a record, and what the form says of it are record headers.
//!
//! ```text
//! --boundary CRLF headers CRLF CRLF content CRLF --boundary … CRLF --boundary--
//! ```

use memchr::memmem;

use super::Piece;
use crate::envelope::Span;
use crate::media::parameter;
use crate::record_request::Header;

/// The parts of a body.
///
/// # Errors
/// A boundary is missing, or a part has no end of its headers.
pub(super) fn parts(body: &[u8], boundary: &str) -> Result<Vec<Piece>, String> {
    let delimiter = format!("--{boundary}");
    let inner = format!("\r\n{delimiter}");
    let missing = || format!("the boundary {delimiter} is missing");
    let mut at = if body.starts_with(delimiter.as_bytes()) {
        delimiter.len()
    } else {
        // Text before the first boundary is no part.
        memmem::find(body, inner.as_bytes()).ok_or_else(missing)? + inner.len()
    };
    let finder = memmem::Finder::new(inner.as_bytes());
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let blank = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let start = at + blank;
        if body.get(start..start + 2) != Some(b"\r\n") {
            return Err(missing());
        }
        // From the line end on, so that a part without headers is found, too.
        let length = finder
            .find(body.get(start..).unwrap_or_default())
            .ok_or("the last boundary is missing: the body is cut")?;
        parts.push(part(body, start, start + length)?);
        at = start + length + inner.len();
    }
}

/// A part from the line end behind its boundary to the line end before the next.
fn part(body: &[u8], start: usize, end: usize) -> Result<Piece, String> {
    const BLANK_LINE: &[u8] = b"\r\n\r\n";
    let text = body.get(start..end).unwrap_or_default();
    let head =
        memmem::find(text, BLANK_LINE).ok_or("a part has no blank line behind its headers")?;
    let content = start + head + BLANK_LINE.len();
    let mut headers = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let (name, value) = (name.to_owned(), Some(value.into_bytes()));
            headers.push(Header { name, value });
        }
    };
    let lines = text.get(..head).unwrap_or_default();
    for line in String::from_utf8_lossy(lines).lines() {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-disposition") {
            add("part-name", parameter(value, "name"));
            add("part-filename", parameter(value, "filename"));
        } else if name.eq_ignore_ascii_case("content-type") {
            add("part-content-type", Some(value.trim().to_owned()));
        }
    }
    Ok(Piece {
        value: Span::new(content, end),
        headers,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(body: &str) -> Result<Vec<(String, Vec<String>)>, String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let shown = |piece: &Piece| {
            let headers = piece.headers.iter();
            let headers = headers
                .map(|header| format!("{}={}", header.name, text(header.value.as_ref().unwrap())));
            (text(piece.value.of(body.as_bytes())), headers.collect())
        };
        Ok(parts(body.as_bytes(), "X")?.iter().map(shown).collect())
    }

    #[test]
    fn files_and_fields() {
        let body = "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.txt\"\r\nContent-Type: text/plain\r\n\r\none\r\n--two\r\n--X\r\ncontent-disposition: form-data; name=note\r\n\r\n\r\n--X--\r\n";
        assert_eq!(
            shown(body).unwrap(),
            [
                (
                    "one\r\n--two".to_owned(),
                    vec![
                        "part-name=f".to_owned(),
                        "part-filename=a b.txt".to_owned(),
                        "part-content-type=text/plain".to_owned()
                    ]
                ),
                (String::new(), vec!["part-name=note".to_owned()]),
            ]
        );
        assert_eq!(
            shown("preamble\r\n--X \r\n\r\nv\r\n--X--").unwrap().len(),
            1
        );
        assert_eq!(shown("--X--"), Ok(vec![]));
    }

    #[test]
    fn damaged() {
        for body in [
            "",
            "--Y\r\n",
            "--X\r\na: b\r\n\r\nv",
            "--Xv\r\n",
            "--X\r\na: b\r\n--X--",
        ] {
            assert!(shown(body).is_err(), "{body}");
        }
    }
}

//! Lines and CSV rows of a body, without their ends; empty ones are left out.

use crate::envelope::Span;

/// The lines that are not blank, with their numbers from 1.
pub(super) fn lines(body: &[u8]) -> Vec<(usize, Span)> {
    let (mut lines, mut start, mut number) = (Vec::new(), 0, 1);
    let mut push = |number, start, end| {
        let line = trimmed(body, start, end);
        if !line.of(body).trim_ascii().is_empty() {
            lines.push((number, line));
        }
    };
    for end in memchr::memchr_iter(b'\n', body) {
        push(number, start, end);
        (start, number) = (end + 1, number + 1);
    }
    push(number, start, body.len());
    lines
}

/// The rows of RFC 4180: a line end within quotes is part of the row.
///
/// # Errors
/// A quote that is not closed: the byte at which it opens.
pub(super) fn rows(body: &[u8]) -> Result<Vec<Span>, usize> {
    let (mut rows, mut start, mut quoted, mut opened) = (Vec::new(), 0, false, 0);
    let mut push = |start, end| {
        let row = trimmed(body, start, end);
        if !row.is_empty() {
            rows.push(row);
        }
    };
    for at in memchr::memchr2_iter(b'\n', b'"', body) {
        if body.get(at) == Some(&b'"') {
            // A doubled quote closes and opens again, which comes to the same.
            quoted = !quoted;
            opened = at;
        } else if !quoted {
            push(start, at);
            start = at + 1;
        }
    }
    if quoted {
        return Err(opened);
    }
    push(start, body.len());
    Ok(rows)
}

fn trimmed(body: &[u8], start: usize, end: usize) -> Span {
    let line = body.get(start..end).unwrap_or_default();
    Span::new(start, end - usize::from(line.ends_with(b"\r")))
}

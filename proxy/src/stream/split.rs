//! Where one JSON value of a stream ends and the next begins.
//!
//! In: bytes as they come, cut anywhere. Out: the extents of top-level values. Every byte is looked at once, however
//! finely the stream is cut; whether a value is valid is not judged here.

use std::ops::Range;

use memchr::memchr2;

/// Finds values in a buffer that grows at its end and is consumed at its front.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// How far the buffer was looked at.
    pos: usize,
    /// Where the value under way begins.
    start: usize,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No value has begun.
    #[default]
    Between,
    /// Inside of so many brackets.
    Inside(usize),
    /// Inside of a string, which is inside of so many brackets.
    Quoted(usize),
    /// A bare word or number.
    Bare,
}

/// What may be between values.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

impl Splitter {
    /// The extent of the next value. `None`: the buffer holds no whole one. At the `end` of the stream the rest of the
    /// buffer counts as one.
    pub(crate) fn next(&mut self, buffer: &[u8], end: bool) -> Option<Range<usize>> {
        loop {
            self.state = match self.state {
                State::Between => self.begin(buffer)?,
                State::Inside(depth) => match self.inside(buffer, depth) {
                    Some(State::Between) => return Some(self.done()),
                    Some(state) => state,
                    None => return self.rest(buffer, end),
                },
                State::Quoted(depth) => match self.quoted(buffer) {
                    true if depth == 0 => return Some(self.done()),
                    true => State::Inside(depth),
                    false => return self.rest(buffer, end),
                },
                State::Bare => {
                    let bare =
                        |b: &u8| b.is_ascii_alphanumeric() || b"+-._$".contains(b) || *b >= 0x80;
                    let rest = buffer.get(self.pos..).unwrap_or_default();
                    match rest.iter().position(|b| !bare(b)) {
                        Some(more) => {
                            self.pos += more;
                            return Some(self.done());
                        }
                        None => {
                            self.pos = buffer.len();
                            return self.rest(buffer, end);
                        }
                    }
                }
            };
        }
    }

    /// Whether no value is under way.
    pub(crate) fn is_between(&self) -> bool {
        self.state == State::Between
    }

    /// Says that the buffer lost so many bytes at its front, none of them of a value under way.
    pub(crate) fn consumed(&mut self, bytes: usize) {
        self.pos = self.pos.saturating_sub(bytes);
        self.start = self.start.saturating_sub(bytes);
    }

    /// Says that the next value begins behind so many bytes.
    pub(crate) fn skip_to(&mut self, pos: usize) {
        self.pos = pos;
        self.state = State::Between;
    }

    /// Bytes in front of the value under way, or of the next: no one needs them.
    pub(crate) fn before(&self) -> usize {
        if self.state == State::Between {
            self.pos
        } else {
            self.start
        }
    }

    fn begin(&mut self, buffer: &[u8]) -> Option<State> {
        let rest = buffer.get(self.pos..)?;
        let Some(skipped) = rest.iter().position(|b| !is_space(*b)) else {
            self.pos = buffer.len();
            return None;
        };
        self.start = self.pos + skipped;
        self.pos = self.start + 1;
        Some(match buffer.get(self.start) {
            Some(b'{' | b'[') => State::Inside(1),
            Some(b'"') => State::Quoted(0),
            _ => State::Bare,
        })
    }

    fn inside(&mut self, buffer: &[u8], mut depth: usize) -> Option<State> {
        for (at, byte) in buffer.iter().enumerate().skip(self.pos) {
            match byte {
                b'"' => {
                    self.pos = at + 1;
                    return Some(State::Quoted(depth));
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.pos = at + 1;
                        return Some(State::Between);
                    }
                }
                _ => {}
            }
        }
        self.pos = buffer.len();
        self.state = State::Inside(depth);
        None
    }

    /// Whether the closing quote was found.
    fn quoted(&mut self, buffer: &[u8]) -> bool {
        loop {
            let rest = buffer.get(self.pos..).unwrap_or_default();
            match memchr2(b'"', b'\\', rest) {
                Some(at) if rest.get(at) == Some(&b'"') => {
                    self.pos += at + 1;
                    return true;
                }
                // The byte behind a backslash may be yet to come.
                Some(at) if at + 1 >= rest.len() => {
                    self.pos += at;
                    return false;
                }
                Some(at) => self.pos += at + 2,
                None => {
                    self.pos = buffer.len();
                    return false;
                }
            }
        }
    }

    fn rest(&mut self, buffer: &[u8], end: bool) -> Option<Range<usize>> {
        end.then(|| {
            self.pos = buffer.len();
            self.done()
        })
    }

    fn done(&mut self) -> Range<usize> {
        self.state = State::Between;
        self.start..self.pos
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn split(pieces: &[&str]) -> Vec<String> {
        let (mut splitter, mut buffer, mut values) = (Splitter::default(), Vec::new(), Vec::new());
        for (number, piece) in pieces.iter().enumerate() {
            buffer.extend_from_slice(piece.as_bytes());
            while let Some(range) = splitter.next(&buffer, number + 1 == pieces.len()) {
                values.push(String::from_utf8(buffer[range].to_vec()).unwrap());
                let done = splitter.before();
                buffer.drain(..done);
                splitter.consumed(done);
            }
        }
        values
    }

    #[test]
    fn however_the_stream_is_cut() {
        let text = " {\"a\":\"}\\\"{\\\\\"}[1,[2]]\n\"s\\\"\" 12 tru,{\"b\":{}} {\"c\":";
        let whole = split(&[text]);
        assert_eq!(
            whole,
            [
                "{\"a\":\"}\\\"{\\\\\"}",
                "[1,[2]]",
                "\"s\\\"\"",
                "12",
                "tru",
                ",",
                "{\"b\":{}}",
                "{\"c\":"
            ]
        );
        let bytes: Vec<&str> = text.split_inclusive(|_| true).collect();
        assert_eq!(split(&bytes), whole);
        for cut in 1..text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(split(&[left, right]), whole, "cut at {cut}");
        }
    }
}

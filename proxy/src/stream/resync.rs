//! Behind a syntax error: where the next record of a stream begins, if the rest of the broken one can be passed over.
//!
//! The original goes on reading tokens behind the offence until the record is closed. Mostly that fails, too; then the
//! stream ends with a second error. In: the bytes from the broken record on, and the first error. Out: [`Resync`].

use sluiceway_common::json::{Container, End, JsonError, JsonErrorKind, Options, Scanner};

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Resync {
    /// The record ends before this offset.
    Resumed(usize),
    /// The stream ends with this error.
    Failed(JsonError),
    /// That depends on what is yet to come.
    More,
}

/// Passes over the rest of the record that begins at 0 and is broken by `error`. `end`: nothing follows `input`.
pub(crate) fn resync(input: &[u8], error: &JsonError, end: bool, options: &Options) -> Resync {
    let broken = error.offset.min(input.len());
    let behind = match &error.kind {
        JsonErrorKind::UnexpectedEnd(_) => input.len(),
        JsonErrorKind::UnrecognizedToken(_) | JsonErrorKind::NonStandardToken(_) => {
            let word = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | 0x80..);
            let rest = input.get(broken..).unwrap_or_default();
            broken + rest.iter().take_while(word).count()
        }
        JsonErrorKind::TooDeep { .. } => return Resync::Failed(error.clone()),
        _ => (broken + 1).min(input.len()),
    };
    let mut walk = Walk {
        input,
        pos: behind,
        open: open_at(input, broken),
        options,
    };
    match walk.run() {
        Ok(()) => Resync::Resumed(walk.pos),
        Err(error) if !end && is_undecided(&error, input) => Resync::More,
        Err(error) => Resync::Failed(error),
    }
}

/// Whether what follows the input decides: it ends too soon, inside of a character, or in the word that the error quotes.
fn is_undecided(error: &JsonError, input: &[u8]) -> bool {
    let looked_at = match &error.kind {
        JsonErrorKind::UnexpectedEnd(_) => return true,
        JsonErrorKind::InvalidUtf8Middle(_) => 1,
        JsonErrorKind::UnrecognizedToken(word) => word.len(),
        _ => 0,
    };
    let rest = input.get(error.offset + looked_at..).unwrap_or_default();
    match std::str::from_utf8(rest.get(..4).unwrap_or(rest)) {
        Ok(rest) => rest.is_empty(),
        Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
    }
}

/// The arrays and objects that are open at `end`, and where.
fn open_at(input: &[u8], end: usize) -> Vec<(Container, usize)> {
    let (mut open, mut quoted) = (Vec::new(), false);
    let mut bytes = input.iter().enumerate().take(end);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => drop(bytes.next()),
            b'{' if !quoted => open.push((Container::Object, at)),
            b'[' if !quoted => open.push((Container::Array, at)),
            b'}' | b']' if !quoted => drop(open.pop()),
            _ => {}
        }
    }
    open
}

struct Walk<'i, 'o> {
    input: &'i [u8],
    pos: usize,
    open: Vec<(Container, usize)>,
    options: &'o Options,
}

impl Walk<'_, '_> {
    /// To the end of the outermost of what is open.
    fn run(&mut self) -> Result<(), JsonError> {
        let mut behind_value = true;
        while let Some((container, start)) = self.open.last().copied() {
            let Some(byte) = self.peek() else {
                let (line, column) = place(self.input, start);
                return Err(self.ended(End::Container {
                    container,
                    line,
                    column,
                }));
            };
            match byte {
                b'}' | b']' => {
                    self.close(byte, container, start)?;
                    behind_value = true;
                }
                _ => {
                    if behind_value {
                        self.comma(byte, container)?;
                    }
                    behind_value = self.entry(container)?;
                }
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.input.get(self.pos) {
            self.pos += 1;
        }
        self.input.get(self.pos).copied()
    }

    fn close(&mut self, found: u8, container: Container, start: usize) -> Result<(), JsonError> {
        if (found == b'}') != (container == Container::Object) {
            let (line, column) = place(self.input, start);
            return Err(self.error(JsonErrorKind::MismatchedClose {
                found: char::from(found),
                container,
                line,
                column,
            }));
        }
        self.pos += 1;
        self.open.pop();
        Ok(())
    }

    fn comma(&mut self, byte: u8, container: Container) -> Result<(), JsonError> {
        if byte != b',' {
            return Err(self.unexpected(match container {
                Container::Object => "was expecting comma to separate Object entries",
                _ => "was expecting comma to separate Array entries",
            }));
        }
        self.pos += 1;
        match self.peek() {
            Some(_) => Ok(()),
            None => Err(self.ended(End::Between(container))),
        }
    }

    /// A member or element. `false`: it opens something.
    fn entry(&mut self, container: Container) -> Result<bool, JsonError> {
        if container == Container::Object {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("was expecting double-quote to start field name"));
            }
            self.string()?;
            match self.peek() {
                Some(b':') => self.pos += 1,
                Some(_) => {
                    return Err(
                        self.unexpected("was expecting a colon to separate field name and value")
                    );
                }
                None => return Err(self.ended(End::Between(container))),
            }
        }
        match self.peek() {
            Some(b'{') => self.push(Container::Object),
            Some(b'[') => self.push(Container::Array),
            Some(b'"') => {
                self.string()?;
                return Ok(true);
            }
            Some(b'-' | b'0'..=b'9') => {
                while let Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') =
                    self.input.get(self.pos)
                {
                    self.pos += 1;
                }
                return Ok(true);
            }
            Some(_) => {
                let mut scanner = Scanner::new(self.input, self.pos, self.options);
                scanner.skip()?;
                self.pos = scanner.position();
                return Ok(true);
            }
            None => return Err(self.ended(End::Between(container))),
        }
        Ok(false)
    }

    fn push(&mut self, container: Container) {
        self.open.push((container, self.pos));
        self.pos += 1;
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let mut scanner = Scanner::new(self.input, self.pos, self.options);
        scanner.string()?;
        self.pos = scanner.position();
        Ok(())
    }

    fn ended(&self, end: End) -> JsonError {
        JsonError::at(
            self.input,
            self.input.len(),
            JsonErrorKind::UnexpectedEnd(end),
        )
    }

    fn unexpected(&self, expected: &'static str) -> JsonError {
        let code = self.input.get(self.pos).copied().unwrap_or_default().into();
        self.error(JsonErrorKind::UnexpectedCharacter { code, expected })
    }

    fn error(&self, kind: JsonErrorKind) -> JsonError {
        JsonError::at(self.input, self.pos, kind)
    }
}

/// Line and column of an offset, both from 1.
fn place(input: &[u8], offset: usize) -> (usize, usize) {
    let before = input.get(..offset).unwrap_or(input);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(input: &str, end: bool) -> (String, Resync) {
        let options = Options::STRICT;
        let error = sluiceway_common::json::skip(input.as_bytes(), 0, &options).unwrap_err();
        let again = resync(input.as_bytes(), &error, end, &options);
        (error.to_string(), again)
    }

    fn failed(input: &str) -> String {
        match read(input, true).1 {
            Resync::Failed(error) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_that_never_ends() {
        let (first, again) = read("{\"value\":", true);
        assert_eq!(
            first,
            "Unexpected end-of-input within/between Object entries"
        );
        let place = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]";
        let expected = format!(
            "Unexpected end-of-input: expected close marker for Object (start marker at {place})"
        );
        assert!(matches!(again, Resync::Failed(error) if error.to_string() == expected));
        assert_eq!(read("{\"value\":nope", false).1, Resync::More);
    }

    #[test]
    fn what_can_be_passed_over_is() {
        assert_eq!(read("{\"a\":nope} {}", false).1, Resync::Resumed(10));
        assert_eq!(
            read("{\"a\":[nope,{\"b\":[1,\"}\"]}],\"c\":true}{}", false).1,
            Resync::Resumed(35)
        );
        assert!(
            failed("{\"value\":} {\"value\":1}").contains("'{' (code 123)): was expecting comma")
        );
        assert!(failed("{value:1}").contains("'a' (code 97)): was expecting comma"));
        assert!(failed("{\"a\":[1}").starts_with("Unexpected end-of-input: expected close marker"));
    }
}

//! `{"schema":…,"payload":…}` → the text of its two parts.

use sluiceway_common::json::{Options, Scanner};

use super::unreadable;
use crate::error::Exception;

/// The parts of an envelope, each one valid JSON value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope<'a> {
    pub(super) schema: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// Splits the object that begins at `start`.
pub(super) fn split(input: &[u8], start: usize) -> Result<Envelope<'_>, Exception> {
    let mut scanner = Scanner::new(input, start, &Options::LENIENT);
    if scanner.peek() != Some(b'{') {
        scanner.skip().map_err(unreadable)?;
        return Err(not_an_envelope());
    }
    scanner.enter().map_err(unreadable)?;
    let (mut schema, mut payload, mut other) = (None, None, false);
    let mut first = true;
    while let Some(name) = scanner.member(&mut first).map_err(unreadable)? {
        let from = scanner.position();
        scanner.skip().map_err(unreadable)?;
        let part = input.get(from..scanner.position());
        match &*name.decode() {
            "schema" => schema = part,
            "payload" => payload = part,
            _ => other = true,
        }
    }
    match (schema, payload, other) {
        (Some(schema), Some(payload), false) => Ok(Envelope { schema, payload }),
        _ => Err(not_an_envelope()),
    }
}

/// Connect's words for JSON without the envelope.
#[cold]
pub(super) fn not_an_envelope() -> Exception {
    Exception::data(
        "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional fields. \
         If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.",
    )
}

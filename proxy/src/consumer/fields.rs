//! Bodies of `/consumers`, read field by field as the original's parser does.
//!
//! In: a body. Out: whether there was an object in it, its fields given to a closure. What fails: what
//! [`EnvelopeError`] says, in the order of the original: syntax and shape first, unknown fields last.

use sluiceway_common::json::{Options, Scanner};

use crate::coerce::{self, Mismatch};
use crate::envelope::{EnvelopeError, told};
use crate::record_request::timestamp;

/// A body, or an object in it.
pub(crate) struct Fields<'b, 's> {
    body: &'b [u8],
    scanner: &'s mut Scanner<'b>,
}

type Read<T> = Result<T, EnvelopeError>;

/// Reads a body that is one object of the class `class`. `field` is called at each value with the field's name and
/// says whether it knows it. `false`: there is no body, or it is `null`.
pub(crate) fn read(
    body: &[u8],
    class: &str,
    mut field: impl FnMut(&str, &mut Fields<'_, '_>) -> Read<bool>,
) -> Read<bool> {
    let mut scanner = Scanner::document(body, &Options::STRICT);
    if scanner.peek().is_none() {
        return Ok(false);
    }
    let mut fields = Fields {
        body,
        scanner: &mut scanner,
    };
    let present = fields.object(class, &mut field)?;
    coerce::nothing_behind(&mut scanner, body, class).map_err(told)?;
    Ok(present)
}

/// What an object was read to be, and what is built of its fields: that it cannot be built is told before fields that
/// nobody knows, since the original's parser calls the constructor first.
///
/// # Errors
/// Those of reading and of building.
pub(crate) fn build<B, E: From<EnvelopeError>>(
    read: Read<bool>,
    built: Result<B, E>,
) -> Result<(bool, B), E> {
    match read {
        Ok(present) => Ok((present, built?)),
        Err(unknown @ EnvelopeError::UnknownField(_)) => built.and(Err(unknown.into())),
        Err(error) => Err(error.into()),
    }
}

impl Fields<'_, '_> {
    /// An object, or `null` (`false`).
    pub(crate) fn object(
        &mut self,
        class: &str,
        field: &mut dyn FnMut(&str, &mut Fields<'_, '_>) -> Read<bool>,
    ) -> Read<bool> {
        match self.scanner.peek() {
            Some(b'{') => self.scanner.enter().map_err(EnvelopeError::Syntax)?,
            Some(b'n') => {
                return self
                    .scanner
                    .skip()
                    .map(|()| false)
                    .map_err(EnvelopeError::Syntax);
            }
            _ => {
                return Err(told(coerce::not_an_object(self.scanner, self.body, class)));
            }
        }
        let (mut first, mut unknown) = (true, None);
        while let Some(name) = self
            .scanner
            .member(&mut first)
            .map_err(EnvelopeError::Syntax)?
        {
            let name = name.decode();
            if !field(&name, self)? {
                self.scanner.skip().map_err(EnvelopeError::Syntax)?;
                unknown.get_or_insert_with(|| name.into_owned());
            }
        }
        unknown.map_or(Ok(true), |name| Err(EnvelopeError::UnknownField(name)))
    }

    /// A list of `class`, each read by `item`; `None` is `null`.
    pub(crate) fn list<T>(
        &mut self,
        class: &str,
        mut item: impl FnMut(&mut Fields<'_, '_>) -> Read<T>,
    ) -> Read<Option<Vec<T>>> {
        match self.scanner.peek() {
            Some(b'[') => self.scanner.enter().map_err(EnvelopeError::Syntax)?,
            Some(b'n') => {
                return self
                    .scanner
                    .skip()
                    .map(|()| None)
                    .map_err(EnvelopeError::Syntax);
            }
            // A list can be made of nothing but a list; a text is tried as its constructor's argument first.
            Some(b'"') => {
                return Err(told(coerce::not_an_object(
                    self.scanner,
                    self.body,
                    "ArrayList",
                )));
            }
            _ => {
                let wanted = format!("{class}>");
                return Err(told(coerce::unexpected(self.scanner, self.body, &wanted)));
            }
        }
        let (mut items, mut first) = (Vec::new(), true);
        while self
            .scanner
            .element(&mut first)
            .map_err(EnvelopeError::Syntax)?
        {
            items.push(item(self)?);
        }
        Ok(Some(items))
    }

    /// A text, or `null`.
    pub(crate) fn text(&mut self) -> Read<Option<String>> {
        coerce::text(self.body, self.scanner).map_err(told)
    }

    /// An `Integer`, or `null`.
    pub(crate) fn int(&mut self) -> Read<Option<i32>> {
        coerce::int(self.body, self.scanner).map_err(told)
    }

    /// A `Long`, or `null`.
    pub(crate) fn long(&mut self) -> Read<Option<i64>> {
        let wrong = |text: &str| {
            EnvelopeError::Shape(format!(
                "Cannot deserialize value of type `Long` from String \"{text}\": not a valid `java.lang.Long` value"
            ))
        };
        match self.scanner.peek() {
            Some(b'"') => {
                let text = self.scanner.string().map_err(EnvelopeError::Syntax)?;
                let text = text.decode();
                match text.trim() {
                    "" | "null" => Ok(None),
                    digits => digits.parse().map(Some).map_err(|_| wrong(digits)),
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                let start = self.scanner.position();
                self.scanner.skip().map_err(EnvelopeError::Syntax)?;
                long_of_number(&self.body[start..self.scanner.position()]).map(Some)
            }
            Some(b'n') => self
                .scanner
                .skip()
                .map(|()| None)
                .map_err(EnvelopeError::Syntax),
            _ => Err(told(coerce::unexpected(self.scanner, self.body, "Long"))),
        }
    }

    /// The next value's first byte.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.scanner.peek()
    }

    /// An `Instant` in epoch milliseconds, or `null`.
    pub(crate) fn instant(&mut self) -> Read<Option<i64>> {
        timestamp::read(self.body, self.scanner).map_err(|mismatch| match mismatch {
            Mismatch::Shape(message) => EnvelopeError::Shape(coerce::shorten(&message)),
            syntax => told(syntax),
        })
    }
}

fn long_of_number(raw: &[u8]) -> Read<i64> {
    let text = std::str::from_utf8(raw).unwrap_or_default();
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let fraction: f64 = text.parse().unwrap_or(f64::INFINITY);
    // 2^63 itself is out of range.
    if raw.iter().any(|b| b".eE".contains(b)) && (-9.3e18..9.2e18).contains(&fraction) {
        #[allow(clippy::cast_possible_truncation)]
        return Ok(fraction as i64);
    }
    Err(EnvelopeError::Shape(format!(
        "Numeric value ({text}) out of range of long (-9223372036854775808 - 9223372036854775807)"
    )))
}

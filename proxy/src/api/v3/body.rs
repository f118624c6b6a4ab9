//! Bodies of v3 requests, read in one pass, and refused as the original's parser refuses them.
//!
//! In: the bytes of a body. Out: what is in it. What fails, in the order in which the original notices it: syntax and
//! types while reading, what is missing when an object ends, then a field that nobody knows.

pub(super) mod acl;
pub(super) mod config;
pub(super) mod topic;

use sluiceway_common::json::{JsonError, Options, Scanner};

use crate::coerce::{self, Mismatch};
use crate::envelope::{EnvelopeError, told};
use crate::error::Error;

/// What a request is answered with whose body is empty or `null`.
const EMPTY: &str = "Request body is empty. Data is required.";

/// A cursor in a body.
pub(super) struct Reader<'b> {
    body: &'b [u8],
    scanner: Scanner<'b>,
}

/// Why a body is not what it should be.
type Read<T> = Result<T, EnvelopeError>;

/// Reads a whole body with `object`, which is called in front of an object of this class.
pub(super) fn whole<T>(
    body: &[u8],
    class: &str,
    empty: &'static str,
    object: impl FnOnce(&mut Reader<'_>) -> Read<T>,
) -> Result<T, Error> {
    let mut reader = Reader {
        body,
        scanner: Scanner::document(body, &Options::STRICT),
    };
    match reader.scanner.peek() {
        None => return Err(Error::InvalidPayload(empty)),
        Some(b'n') => {
            reader.scanner.skip().map_err(EnvelopeError::Syntax)?;
            return Err(Error::InvalidPayload(empty));
        }
        Some(b'{') => {}
        Some(_) => return Err(reader.not_an_object(class).into()),
    }
    let read = object(&mut reader)?;
    coerce::nothing_behind(&mut reader.scanner, body, class).map_err(told)?;
    Ok(read)
}

impl Reader<'_> {
    /// Reads an object: `member` reads the value of a field it knows and says whether it did. The name of the first
    /// field that nobody knows, for [`Fields::finish`].
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Read<bool>,
    ) -> Read<Fields> {
        self.scanner.enter().map_err(EnvelopeError::Syntax)?;
        let (mut first, mut unknown) = (true, None);
        while let Some(name) = self
            .scanner
            .member(&mut first)
            .map_err(EnvelopeError::Syntax)?
        {
            let name = name.decode().into_owned();
            if !member(self, &name)? {
                self.scanner.skip().map_err(EnvelopeError::Syntax)?;
                unknown.get_or_insert(name);
            }
        }
        Ok(Fields { unknown })
    }

    /// Reads an array of objects of this class; `null` is none.
    pub(super) fn objects<T>(
        &mut self,
        class: &str,
        mut object: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Option<Vec<T>>> {
        if !self.enter_array(&format!("{class}>"))? {
            return Ok(None);
        }
        let (mut first, mut all) = (true, Vec::new());
        while self.scanner.element(&mut first).map_err(inside)? {
            if self.scanner.peek() != Some(b'{') {
                return Err(self.not_an_object(class));
            }
            all.push(object(self)?);
        }
        Ok(Some(all))
    }

    /// Enters an array; `false`: it is `null`, which was passed over.
    fn enter_array(&mut self, class: &str) -> Read<bool> {
        match self.scanner.peek() {
            Some(b'[') => self.scanner.enter().map(|()| true).map_err(inside),
            Some(b'n') => self.scanner.skip().map(|()| false).map_err(inside),
            _ => Err(self.unexpected(class)),
        }
    }

    /// A `String`.
    pub(super) fn text(&mut self) -> Read<Option<String>> {
        coerce::text(self.body, &mut self.scanner).map_err(mismatch)
    }

    /// An `Integer`.
    pub(super) fn int(&mut self) -> Read<Option<i32>> {
        coerce::int(self.body, &mut self.scanner).map_err(mismatch)
    }

    /// A `Short`.
    pub(super) fn short(&mut self) -> Read<Option<i16>> {
        let narrow = |number: i32| {
            i16::try_from(number).map_err(|_| {
                let message =
                    format!("Numeric value ({number}) out of range of `short` (-32768 - 32767)");
                EnvelopeError::Shape(message)
            })
        };
        self.int()?.map(narrow).transpose()
    }

    /// A `Boolean`.
    pub(super) fn boolean(&mut self) -> Read<Option<bool>> {
        coerce::boolean(self.body, &mut self.scanner).map_err(mismatch)
    }

    /// One of an enumeration's names, told by `known`; `listed` are all of them.
    pub(super) fn one_of<T>(
        &mut self,
        class: &str,
        listed: &str,
        known: impl Fn(&str) -> Option<T>,
    ) -> Read<Option<T>> {
        match self.scanner.peek() {
            Some(b'"') => {}
            Some(b'n') => return self.scanner.skip().map(|()| None).map_err(inside),
            _ => return Err(self.unexpected(class)),
        }
        let text = self.text()?.unwrap_or_default();
        let refused = match text.as_str() {
            "" => format!(
                "Cannot coerce empty String (\"\") to `{class}` value (but could if coercion was enabled using `CoercionConfig`)"
            ),
            _ => format!(
                "Cannot deserialize value of type `{class}` from String \"{text}\": not one of the values accepted for Enum class: [{listed}]"
            ),
        };
        known(&text).map(Some).ok_or(EnvelopeError::Shape(refused))
    }

    fn unexpected(&mut self, class: &str) -> EnvelopeError {
        mismatch(coerce::unexpected(&mut self.scanner, self.body, class))
    }

    fn not_an_object(&mut self, class: &str) -> EnvelopeError {
        mismatch(coerce::not_an_object(&mut self.scanner, self.body, class))
    }
}

/// What is left to say of an object that was read.
pub(super) struct Fields {
    unknown: Option<String>,
}

impl Fields {
    /// Fails if there was a field that nobody knows.
    pub(super) fn finish(self) -> Read<()> {
        self.unknown
            .map_or(Ok(()), |name| Err(EnvelopeError::UnknownField(name)))
    }
}

/// A field that has to be there. `field` is its name in Java.
pub(super) fn required<T>(value: Option<T>, class: &str, field: &str) -> Read<T> {
    value.ok_or_else(|| {
        EnvelopeError::Shape(format!(
            "Cannot construct instance of `{class}`, problem: Null {field}"
        ))
    })
}

/// A list that has to be there.
pub(super) fn required_list<T>(value: Option<Vec<T>>, class: &str) -> Read<Vec<T>> {
    value.ok_or_else(|| {
        EnvelopeError::Shape(format!(
            "Cannot construct instance of `{class}`, problem: Cannot invoke \"java.util.Collection.toArray()\" because \"elements\" is null"
        ))
    })
}

fn inside(error: JsonError) -> EnvelopeError {
    EnvelopeError::SyntaxInside(error)
}

fn mismatch(mismatch: Mismatch) -> EnvelopeError {
    match mismatch {
        Mismatch::Syntax(error) => EnvelopeError::SyntaxInside(error),
        Mismatch::Shape(message) => EnvelopeError::Shape(message),
    }
}

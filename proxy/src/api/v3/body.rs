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
use crate::record_request;

/// What a request is answered with whose body is empty or `null`: one that makes a topic or sets one setting.
const EMPTY: &str = "Request body is empty. Data is required.";
/// The same of access rules, and of changes of several settings.
const NULL: &str = "Null input provided. Data is required.";

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

    /// Reads an array of objects of this class; `null` is none, in the array, too.
    pub(super) fn objects<T>(
        &mut self,
        class: &str,
        mut object: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Option<Vec<Option<T>>>> {
        if !self.enter_array(&format!("{class}>"))? {
            return Ok(None);
        }
        let (mut first, mut all) = (true, Vec::new());
        while self.scanner.element(&mut first).map_err(inside)? {
            all.push(match self.scanner.peek() {
                Some(b'{') => Some(object(self)?),
                Some(b'n') => self.scanner.skip().map(|()| None).map_err(inside)?,
                _ => return Err(self.not_an_object(class)),
            });
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

    /// The place of an enumeration's value in `names`; `listed` are the same in the order of the original's errors.
    pub(super) fn one_of(
        &mut self,
        class: &str,
        listed: &str,
        names: &[&str],
    ) -> Read<Option<usize>> {
        let names = names.iter().copied();
        coerce::one_of(self.body, &mut self.scanner, class, listed, names).map_err(mismatch)
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
    value.ok_or_else(|| cannot_construct(class, &format!("Null {field}")))
}

/// A list that has to be there, without a `null` in it.
pub(super) fn required_list<T>(list: Option<Vec<Option<T>>>, class: &str) -> Read<Vec<T>> {
    const ABSENT: &str =
        "Cannot invoke \"java.util.Collection.toArray()\" because \"elements\" is null";
    let list = list.ok_or_else(|| cannot_construct(class, ABSENT))?;
    without_null(list, class)
}

/// A list without a `null` in it.
pub(super) fn without_null<T>(list: Vec<Option<T>>, class: &str) -> Read<Vec<T>> {
    match list.iter().position(Option::is_none) {
        Some(index) => Err(cannot_construct(class, &format!("at index {index}"))),
        None => Ok(list.into_iter().flatten().collect()),
    }
}

fn cannot_construct(class: &str, problem: &str) -> EnvelopeError {
    mismatch(record_request::cannot_construct(class, problem))
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

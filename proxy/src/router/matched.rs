//! What a request was matched with: a route or the reason why there is none, and the parameters of its path.

use crate::error::Error;

/// What a request was matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// Route, or why there is none.
    pub target: Target,
    params: Params,
}

/// Route, or why there is none; numbers are indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// This route.
    Route(usize),
    /// OPTIONS of this resource.
    Options(usize),
    /// This resource has no such method.
    NoMethod(usize),
    /// No resource has this path.
    NoPath,
}

const MAX_PARAMS: usize = 6;

/// Where in the path the parameters stand, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Params {
    spans: [(u16, u16); MAX_PARAMS],
}

impl Matched {
    /// What was found, and the parameters of the path.
    pub(super) fn new(target: Target, path: &str, params: &matchit::Params<'_, '_>) -> Self {
        Self {
            target,
            params: spans(path, params),
        }
    }

    /// A route without a path.
    pub(crate) fn route(index: usize) -> Self {
        Self {
            target: Target::Route(index),
            params: Params::default(),
        }
    }

    /// No resource.
    pub(super) fn no_path() -> Self {
        Self {
            target: Target::NoPath,
            params: Params::default(),
        }
    }

    /// The path parameter of this number, decoded.
    ///
    /// # Errors
    /// It is not UTF-8, or has a broken escape.
    pub fn param(&self, path: &str, number: usize) -> Result<String, Error> {
        let (start, end) = self.params.spans.get(number).copied().unwrap_or_default();
        decode(path.get(start as usize..end as usize).unwrap_or_default())
            .ok_or(Error::PathParameter)
    }
}

fn spans(path: &str, params: &matchit::Params<'_, '_>) -> Params {
    let mut spans = Params::default();
    let base = path.as_ptr() as usize;
    for (span, (_, value)) in spans.spans.iter_mut().zip(params.iter()) {
        let start = value.as_ptr() as usize - base;
        let narrow = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        *span = (narrow(start), narrow(start + value.len()));
    }
    spans
}

/// Undoes `%20` and the like.
pub(crate) fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

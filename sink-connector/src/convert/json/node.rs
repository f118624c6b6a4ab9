//! JSON text → tree.

use std::borrow::Cow;

use indexmap::IndexMap;
use sluiceway_common::json::{JsonError, Options, Scanner};

use crate::value::{Number, Value};

/// A JSON value. Of several members of one name the last counts, at the place of the first.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::convert) enum Node<'a> {
    Null,
    Boolean(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(IndexMap<Cow<'a, str>, Node<'a>>),
}

impl Node<'_> {
    /// Jackson's name of the node's type, as error texts have it.
    pub(in crate::convert) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "BOOLEAN",
            Self::Number(_) => "NUMBER",
            Self::String(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }
}

impl From<Node<'_>> for Value {
    fn from(node: Node<'_>) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Boolean(value) => Self::Boolean(value),
            Node::Number(number) => Self::Number(number),
            Node::String(text) => Self::String(text.into_owned()),
            Node::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Node::Object(members) => Self::Map(
                members
                    .into_iter()
                    .map(|(name, node)| (Self::String(name.into_owned()), Self::from(node)))
                    .collect(),
            ),
        }
    }
}

/// Parses the value that begins at `start`; what follows it is not looked at.
pub(in crate::convert) fn parse(input: &[u8], start: usize) -> Result<Node<'_>, JsonError> {
    parse_as(input, start, &Options::LENIENT)
}

/// The same with other leniencies.
pub(in crate::convert) fn parse_as<'a>(
    input: &'a [u8],
    start: usize,
    options: &Options,
) -> Result<Node<'a>, JsonError> {
    let mut scanner = Scanner::new(input, start, options);
    value(&mut scanner)
}

/// The recursion is as deep as the text, which the scanner limits.
fn value<'a>(scanner: &mut Scanner<'a>) -> Result<Node<'a>, JsonError> {
    match scanner.peek() {
        Some(b'{') => object(scanner),
        Some(b'[') => array(scanner),
        Some(b'"') => Ok(Node::String(scanner.string()?.decode())),
        _ => scalar(scanner),
    }
}

fn object<'a>(scanner: &mut Scanner<'a>) -> Result<Node<'a>, JsonError> {
    scanner.enter()?;
    let mut members = IndexMap::new();
    let mut first = true;
    while let Some(name) = scanner.member(&mut first)? {
        let node = value(scanner)?;
        members.insert(name.decode(), node);
    }
    Ok(Node::Object(members))
}

fn array<'a>(scanner: &mut Scanner<'a>) -> Result<Node<'a>, JsonError> {
    scanner.enter()?;
    let mut items = Vec::new();
    let mut first = true;
    while scanner.element(&mut first)? {
        items.push(value(scanner)?);
    }
    Ok(Node::Array(items))
}

fn scalar<'a>(scanner: &mut Scanner<'a>) -> Result<Node<'a>, JsonError> {
    if let Some(text) = scanner.non_number() {
        return Ok(Node::Number(Number::new(text)));
    }
    let mut text = Vec::with_capacity(16);
    scanner.minify(&mut text)?;
    Ok(match text.as_slice() {
        b"null" => Node::Null,
        b"true" => Node::Boolean(true),
        b"false" => Node::Boolean(false),
        // A valid number is ASCII.
        number => Node::Number(Number::new(String::from_utf8_lossy(number))),
    })
}

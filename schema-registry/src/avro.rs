//! Avro: schemas with every attribute kept, binary data, and its JSON form.
//!
//! | module | what it is |
//! |---|---|
//! | [`parse`] | schema text → [`Schema`] |
//! | [`Reader`] | binary data, piece by piece |
//! | [`from_json`] | JSON → binary, without a tree between them |
//! | [`to_json`] | binary → JSON |
//!
//! Named types may use themselves, so the types of a schema lie in one list and name one another by [`TypeId`].

mod from_json;
mod parse;
mod reader;
#[cfg(test)]
mod tests;
mod to_json;

pub use reader::Reader;

use serde_json::{Map, Value};

use crate::error::{DataError, SchemaError};
use crate::schema::Resolved;

/// How deep arrays, maps, unions and records of a value may stand inside one another.
pub const MAX_DEPTH: usize = 256;

/// Place of a type in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeId(usize);

/// A schema: its types, and the one that values have.
#[derive(Debug)]
pub struct Schema {
    types: Vec<Type>,
    root: TypeId,
}

/// One type of a schema.
#[derive(Debug)]
pub struct Type {
    /// What it is.
    pub kind: Kind,
    /// Every attribute that [`Kind`] does not hold (`logicalType`, `connect.name` …), in the text's order.
    pub attributes: Map<String, Value>,
}

/// The kinds of type.
#[derive(Debug)]
pub enum Kind {
    /// `null`.
    Null,
    /// `boolean`.
    Boolean,
    /// `int`.
    Int,
    /// `long`.
    Long,
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// `bytes`.
    Bytes,
    /// `string`.
    String,
    /// `record` or `error`.
    Record(Record),
    /// `enum`.
    Enum(Enum),
    /// `fixed`.
    Fixed(Fixed),
    /// `array`.
    Array(TypeId),
    /// `map`.
    Map(TypeId),
    /// A union's branches.
    Union(Vec<TypeId>),
}

/// The full name of a record, enum or fixed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    full: String,
    simple_at: usize,
}

impl Name {
    fn new(full: String) -> Self {
        let simple_at = full.rfind('.').map_or(0, |dot| dot + 1);
        Self { full, simple_at }
    }

    /// Namespace and name.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// The name without namespace.
    #[must_use]
    pub fn simple(&self) -> &str {
        &self.full[self.simple_at..]
    }

    /// The namespace, if there is one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.simple_at.checked_sub(1).map(|dot| &self.full[..dot])
    }
}

/// A record.
#[derive(Debug)]
pub struct Record {
    /// Its name.
    pub name: Name,
    /// `doc`.
    pub doc: Option<String>,
    /// `aliases`, as full names.
    pub aliases: Vec<String>,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// A field of a record.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// `doc`.
    pub doc: Option<String>,
    /// `default`, in Avro's JSON form; [`Value::Null`] is a default, `None` is none.
    pub default: Option<Value>,
    /// `aliases`.
    pub aliases: Vec<String>,
    /// Its type.
    pub schema: TypeId,
    /// Every other attribute (`order` …), in the text's order.
    pub attributes: Map<String, Value>,
}

/// An enum.
#[derive(Debug)]
pub struct Enum {
    /// Its name.
    pub name: Name,
    /// `doc`.
    pub doc: Option<String>,
    /// `aliases`, as full names.
    pub aliases: Vec<String>,
    /// Its symbols, in order.
    pub symbols: Vec<String>,
    /// `default`: the symbol that stands for unknown ones.
    pub default: Option<String>,
}

/// A fixed.
#[derive(Debug)]
pub struct Fixed {
    /// Its name.
    pub name: Name,
    /// `doc`.
    pub doc: Option<String>,
    /// `aliases`, as full names.
    pub aliases: Vec<String>,
    /// Bytes of a value.
    pub size: usize,
}

impl Schema {
    /// Parses `text`. `resolved` are the schemas whose names it uses, each behind those it uses itself.
    ///
    /// # Errors
    /// When a text is no Avro schema.
    pub fn parse(text: &str, resolved: &[Resolved]) -> Result<Self, SchemaError> {
        parse::parse(text, resolved)
    }

    /// The type that values have.
    #[must_use]
    pub fn root(&self) -> TypeId {
        self.root
    }

    /// A type of this schema.
    #[must_use]
    pub fn get(&self, id: TypeId) -> &Type {
        // Ids are made by the parser of the same schema only.
        &self.types[id.0]
    }

    /// How many types there are; a [`TypeId`]'s place is below it.
    #[must_use]
    pub fn type_count(&self) -> usize {
        self.types.len()
    }

    /// Full name of the root, when it is a record.
    #[must_use]
    pub fn record_name(&self) -> Option<&str> {
        match &self.get(self.root).kind {
            Kind::Record(record) => Some(record.name.full()),
            _ => None,
        }
    }

    /// The name that Avro's JSON form gives a union's branch: full name, or the type's name.
    #[must_use]
    pub fn branch_name(&self, id: TypeId) -> &str {
        let of = self.get(id);
        of.name().map_or_else(|| of.type_name(), Name::full)
    }

    /// Appends the binary form of the value that `json` holds in Avro's JSON form.
    ///
    /// # Errors
    /// When the value does not fit; the texts are those of Java's `JsonDecoder`.
    pub fn json_to_binary(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        from_json::write(self, json, out)
    }

    /// Appends Avro's JSON form of the value that `bytes` hold. What follows the value is passed over. As in Confluent's
    /// proxy a union at the top carries no branch name.
    ///
    /// # Errors
    /// When the bytes are no value of the schema.
    pub fn binary_to_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        to_json::write(self, bytes, out)
    }

    /// The same for one of several values that lie one behind the other: as files have them, without exceptions for bytes.
    /// How many bytes it took.
    ///
    /// # Errors
    /// When the bytes begin with no value of the schema.
    pub fn next_to_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, DataError> {
        to_json::next(self, bytes, out)
    }
}

impl TypeId {
    /// The place in the schema's list of types.
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

impl Type {
    /// The name, of a named type.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Record(of) => Some(&of.name),
            Kind::Enum(of) => Some(&of.name),
            Kind::Fixed(of) => Some(&of.name),
            _ => None,
        }
    }

    /// `doc`, of a named type.
    #[must_use]
    pub fn doc(&self) -> Option<&str> {
        match &self.kind {
            Kind::Record(of) => of.doc.as_deref(),
            Kind::Enum(of) => of.doc.as_deref(),
            Kind::Fixed(of) => of.doc.as_deref(),
            _ => None,
        }
    }

    /// `logicalType`.
    #[must_use]
    pub fn logical_type(&self) -> Option<&str> {
        self.attributes.get("logicalType").and_then(Value::as_str)
    }

    /// Avro's word for the kind.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Int => "int",
            Kind::Long => "long",
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Bytes => "bytes",
            Kind::String => "string",
            Kind::Record(_) => "record",
            Kind::Enum(_) => "enum",
            Kind::Fixed(_) => "fixed",
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
        }
    }
}

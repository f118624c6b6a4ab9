//! Connect's data as Avro, as Confluent's `AvroData` makes it: what Avro and Parquet files hold.
//!
//! In: Connect schemas and values. Out: an [`AvroSchema`] with its JSON text, and values in Avro's binary form. Fails
//! with a `SchemaParseException` for names that Avro refuses, a `DataException` for values that are none of their schema.
//!
//! | module | what it is |
//! |---|---|
//! | [`schema`] | Avro's schemas and their text |
//! | `from_connect` | Connect schema → Avro schema |
//! | `properties` | what of a Connect schema becomes properties of the Avro schema (`connect.*`, `logicalType`) |
//! | `default` | default values as JSON |
//! | [`write`](mod@write) | values in binary |
//! | `anything` | values without schema |

mod anything;
mod default;
mod from_connect;
mod properties;
pub mod schema;
pub mod write;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::AvroOptions;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Type, Value};
use schema::{Kind, Named, Node};

/// Java class of names that Avro refuses.
pub const SCHEMA_PARSE_EXCEPTION: &str = "org.apache.avro.SchemaParseException";
/// Name of a struct that is a union of its fields.
const UNION: &str = "io.confluent.connect.avro.Union";
/// Parameter of a struct that is a union of its fields, whichever converter made it.
pub(crate) const GENERAL_UNION: &str = "org.apache.kafka.connect.data.Union";
/// Parameter of a string that was an enum; with a symbol behind it, that of each symbol.
const ENUM: &str = "io.confluent.connect.avro.Enum";
/// Parameter of bytes of one length.
const FIXED_SIZE: &str = "connect.fixed.size";
/// Where things without a name of their own live.
const NAMESPACE: &str = "io.confluent.connect.avro";

/// An Avro schema made of a Connect schema.
#[derive(Debug)]
pub struct AvroSchema {
    /// The Connect schema it was made of; `None` is the schema of data without one.
    pub connect: Option<SchemaRef>,
    /// The schema itself.
    pub root: Node,
    /// Records, enums and fixed types by full name.
    pub named: HashMap<String, Named>,
    /// Its JSON text, as Avro's Java library prints it.
    pub text: String,
    optional_map_keys: bool,
}

impl AvroSchema {
    /// What `node` stands for: a reference is looked up.
    pub fn resolve<'s>(&'s self, node: &'s Node) -> Option<&'s Named> {
        match &node.kind {
            Kind::Named(named) => Some(named),
            Kind::Reference(name) => self.named.get(name),
            _ => None,
        }
    }

    /// Whether the values of a MAP schema are an Avro map and not a list of entries.
    pub fn is_avro_map(&self, schema: &Schema) -> bool {
        is_avro_map(schema, self.optional_map_keys)
    }
}

fn is_avro_map(schema: &Schema, optional_keys: bool) -> bool {
    let key = schema.key.as_ref();
    key.is_some_and(|key| key.kind == Type::String && (!key.optional || optional_keys))
}

/// Whether a struct stands for a union of its fields.
pub fn is_union(schema: &Schema) -> bool {
    schema.kind == Type::Struct
        && (schema.name.as_deref() == Some(UNION) || schema.parameters.contains_key(GENERAL_UNION))
}

/// The value of a struct's field as Java's `Struct.get` answers it: the default stands for null.
pub fn or_default<'v>(schema: &'v Schema, value: &'v Value) -> &'v Value {
    match (value, &schema.default) {
        (Value::Null, Some(default)) => default,
        (value, _) => value,
    }
}

/// How many schemas a [`Schemas`] keeps.
const KEPT: usize = 64;

/// Makes Avro schemas and keeps the last ones: files follow each other with the same schema.
#[derive(Debug)]
pub struct Schemas {
    options: AvroOptions,
    made: Mutex<Vec<Arc<AvroSchema>>>,
}

impl Schemas {
    /// With nothing made yet.
    pub fn new(options: AvroOptions) -> Self {
        Self {
            options,
            made: Mutex::new(Vec::new()),
        }
    }

    /// The Avro schema of a Connect schema.
    ///
    /// # Errors
    /// Names that Avro refuses, or types that it knows by one name only.
    pub fn of(&self, schema: Option<&SchemaRef>) -> Result<Arc<AvroSchema>, Exception> {
        let same = |made: &Arc<AvroSchema>| match (&made.connect, schema) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            (a, b) => a.is_none() && b.is_none(),
        };
        if let Some(found) = self.made.lock().iter().find(|made| same(made)) {
            return Ok(Arc::clone(found));
        }
        let new = Arc::new(from_connect::schema(schema, self.options)?);
        let mut made = self.made.lock();
        if made.len() >= KEPT {
            made.remove(0);
        }
        made.push(Arc::clone(&new));
        Ok(new)
    }
}

#[cfg(test)]
#[path = "avro/tests.rs"]
mod tests;

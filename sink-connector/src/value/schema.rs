//! Connect's schemas: type, logical name, version, default, fields.

use std::fmt;
use std::sync::Arc;

use super::{Parameters, Value};
use crate::error::Exception;

/// Names of Connect's logical types.
pub mod logical {
    /// `BigDecimal` over BYTES; parameter [`SCALE`].
    pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
    /// Days over INT32.
    pub const DATE: &str = "org.apache.kafka.connect.data.Date";
    /// Milliseconds of the day over INT32.
    pub const TIME: &str = "org.apache.kafka.connect.data.Time";
    /// Milliseconds of the epoch over INT64.
    pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
    /// Parameter of [`DECIMAL`]: digits after the point.
    pub const SCALE: &str = "scale";
}

/// Connect's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// 8-bit integer.
    Int8,
    /// 16-bit integer.
    Int16,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// 32-bit float.
    Float32,
    /// 64-bit float.
    Float64,
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// List of one element schema.
    Array,
    /// Map of one key and one value schema.
    Map,
    /// Named fields.
    Struct,
}

impl Type {
    /// All types, in Connect's order.
    pub const ALL: [Self; 12] = [
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Float32,
        Self::Float64,
        Self::Boolean,
        Self::String,
        Self::Bytes,
        Self::Array,
        Self::Map,
        Self::Struct,
    ];

    /// Connect's name (`INT8` … `STRUCT`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Float32 => "FLOAT32",
            Self::Float64 => "FLOAT64",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Array => "ARRAY",
            Self::Map => "MAP",
            Self::Struct => "STRUCT",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A shared schema.
pub type SchemaRef = Arc<Schema>;

/// A schema. Equal schemas are equal as `ConnectSchema.equals` has it: type, optional, name, version, doc, default,
/// parameters, and the schemas beneath, fields in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The type.
    pub kind: Type,
    /// Whether null is a value.
    pub optional: bool,
    /// Name of a record or logical type.
    pub name: Option<String>,
    /// Version of the schema.
    pub version: Option<i32>,
    /// Documentation.
    pub doc: Option<String>,
    /// Further properties.
    pub parameters: Parameters,
    /// What stands for null.
    pub default: Option<Value>,
    /// Fields of a STRUCT.
    pub fields: Vec<Field>,
    /// Key schema of a MAP.
    pub key: Option<SchemaRef>,
    /// Element schema of an ARRAY, value schema of a MAP.
    pub element: Option<SchemaRef>,
}

/// A field of a STRUCT schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its schema.
    pub schema: SchemaRef,
}

impl Schema {
    /// A required schema of `kind` without anything else.
    pub fn of(kind: Type) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Parameters::new(),
            default: None,
            fields: Vec::new(),
            key: None,
            element: None,
        }
    }

    /// An ARRAY of `element`.
    pub fn array(element: Self) -> Self {
        Self {
            element: Some(element.build()),
            ..Self::of(Type::Array)
        }
    }

    /// A MAP from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self {
            key: Some(key.build()),
            element: Some(value.build()),
            ..Self::of(Type::Map)
        }
    }

    /// A Decimal with `scale` digits after the point.
    pub fn decimal(scale: i32) -> Self {
        let mut schema = Self {
            version: Some(1),
            ..Self::of(Type::Bytes).named(logical::DECIMAL)
        };
        schema
            .parameters
            .insert(logical::SCALE.to_owned(), scale.to_string());
        schema
    }

    /// The same schema, null allowed.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same schema under a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same schema with a default.
    #[must_use]
    pub fn with_default(mut self, default: Value) -> Self {
        self.default = Some(default);
        self
    }

    /// The same STRUCT schema with one more field.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, schema: Self) -> Self {
        self.fields.push(Field {
            name: name.into(),
            schema: schema.build(),
        });
        self
    }

    /// Shares the schema.
    pub fn build(self) -> SchemaRef {
        Arc::new(self)
    }

    /// What Connect reads of a field of this schema that holds `value`: a null is the default, where there is one.
    pub fn or_default<'v>(&'v self, value: &'v Value) -> &'v Value {
        match (&self.default, value) {
            (Some(default), Value::Null) => default,
            _ => value,
        }
    }

    /// Position of the field `name` of a STRUCT.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Whether this is the logical type `name`.
    pub fn is_logical(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// Scale of a Decimal; `None` when the parameter is missing or no number.
    pub fn scale(&self) -> Option<i32> {
        self.parameters.get(logical::SCALE)?.parse().ok()
    }

    /// As [`Schema::scale`], of a Decimal that has to have one.
    ///
    /// # Errors
    /// Kafka's own for a parameter that is missing or no number.
    pub fn required_scale(&self) -> Result<i32, Exception> {
        if self.parameters.is_empty() {
            return Err(Exception::new(
                "java.lang.NullPointerException",
                "Cannot invoke \"java.util.Map.get(Object)\" because the return value of \
                 \"org.apache.kafka.connect.data.Schema.parameters()\" is null",
            ));
        }
        let Some(text) = self.parameters.get(logical::SCALE) else {
            let message = "Invalid Decimal schema: scale parameter not found.";
            return Err(Exception::data(message));
        };
        text.parse().map_err(|_| {
            let class = "java.lang.NumberFormatException";
            let cause = Exception::new(class, format!("For input string: \"{text}\""));
            Exception::data("Invalid scale parameter found in Decimal schema: ").caused_by(cause)
        })
    }
}

/// Whether two record schemas (`None`: schemaless) are the same for `schema.compatibility=NONE`: one differing
/// property anywhere makes a new file.
pub fn same_schema(a: Option<&SchemaRef>, b: Option<&SchemaRef>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Schema {
        Schema::of(Type::Struct)
            .named("r")
            .field("a", Schema::of(Type::Int32))
            .field("b", Schema::of(Type::String))
    }

    #[test]
    fn any_difference_makes_another_schema() {
        let schema = base();
        assert_eq!(schema, base());
        let mut parameters = base();
        parameters.parameters.insert("k".into(), "v".into());
        let others = [
            base().optional(),
            base().named("s"),
            Schema {
                version: Some(2),
                ..base()
            },
            Schema {
                doc: Some("d".into()),
                ..base()
            },
            base().field("c", Schema::of(Type::Int8)),
            parameters,
            Schema::of(Type::Struct)
                .named("r")
                .field("b", Schema::of(Type::String))
                .field("a", Schema::of(Type::Int32)),
            Schema::of(Type::Struct)
                .named("r")
                .field("a", Schema::of(Type::Int32).with_default(Value::Int32(1)))
                .field("b", Schema::of(Type::String)),
        ];
        for other in others {
            assert_ne!(schema, other);
        }
    }

    #[test]
    fn schemaless_and_schema_are_never_the_same() {
        let schema = base().build();
        assert!(same_schema(None, None));
        assert!(same_schema(Some(&schema), Some(&base().build())));
        assert!(!same_schema(Some(&schema), None));
    }

    #[test]
    fn a_decimal_knows_its_scale() {
        let schema = Schema::decimal(2);
        assert!(schema.is_logical(logical::DECIMAL));
        assert_eq!(schema.scale(), Some(2));
        assert_eq!(Schema::of(Type::Bytes).scale(), None);
    }
}

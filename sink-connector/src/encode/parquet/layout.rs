//! Avro schema → Parquet schema, as Avro's writer for Parquet makes it.
//!
//! Lists have two levels (`repeated … array`), unless a list somewhere may hold nulls: then all have three. Maps are
//! `repeated group key_value`, unions groups of optional members `member0`, `member1` ….

use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{Type as ParquetType, TypePtr};

use crate::avro::AvroSchema;
use crate::avro::schema::{Kind, Named, Node, Record};
use crate::error::{CONNECT_EXCEPTION, Exception};
use crate::value::{Schema, Type};

/// A file's schema, and where the parts of its records go.
pub(super) struct Layout {
    /// The schema.
    pub(super) schema: TypePtr,
    /// The record's fields, in order.
    pub(super) fields: Vec<Slot>,
    /// Type and deepest levels of each column.
    pub(super) columns: Vec<Column>,
}

/// A column.
pub(super) struct Column {
    /// What its values are.
    pub(super) physical: Physical,
    /// Whether its rows have definition levels.
    pub(super) defined: bool,
    /// Whether its rows have repetition levels.
    pub(super) repeated: bool,
}

/// A place in the schema that holds a value or nothing.
pub(super) struct Slot {
    /// Whether it may hold nothing.
    pub(super) optional: bool,
    /// Definition level of a value here.
    pub(super) defined: i16,
    /// The columns beneath.
    pub(super) columns: Range<usize>,
    /// What a value here is made of.
    pub(super) shape: Shape,
}

/// What a value is made of.
pub(super) enum Shape {
    /// Nothing else: it goes into this column.
    Leaf(usize),
    /// The fields of a record.
    Record(Vec<Slot>),
    /// Items, whose repetition level this is.
    List(i16, Box<Slot>),
    /// Keys and values, whose repetition level this is.
    Map(i16, Box<(Slot, Slot)>),
    /// Members, of which one is set.
    Union(Vec<Slot>),
}

impl Layout {
    /// The layout of files of `avro`, which was made of `connect`.
    ///
    /// # Errors
    /// The schema is no record, or one that Parquet cannot hold: recursive, or with a record without fields.
    pub(super) fn new(connect: &Schema, avro: &AvroSchema) -> Result<Self, Exception> {
        let Some(Named::Record(root)) = avro.resolve(&avro.root) else {
            return Err(illegal("Avro schema must be a record."));
        };
        let mut builder = Builder {
            avro,
            three_levels: has_lists_of_optional_items(connect),
            columns: Vec::new(),
            within: Vec::new(),
        };
        let (types, fields) = builder.record(root, Level::default())?;
        let schema = ParquetType::group_type_builder(&root.name.full())
            .with_fields(types)
            .build();
        Ok(Self {
            schema: Arc::new(schema.map_err(failed)?),
            fields,
            columns: builder.columns,
        })
    }
}

/// Levels at a place in the schema.
#[derive(Clone, Copy, Default)]
struct Level {
    defined: i16,
    repeated: i16,
}

impl Level {
    fn optional(self) -> Self {
        Self {
            defined: self.defined + 1,
            ..self
        }
    }

    fn repeated(self) -> Self {
        Self {
            defined: self.defined + 1,
            repeated: self.repeated + 1,
        }
    }
}

struct Builder<'a> {
    avro: &'a AvroSchema,
    three_levels: bool,
    columns: Vec<Column>,
    /// Names of the records around, to find recursion.
    within: Vec<String>,
}

type Built = (TypePtr, Slot);

impl Builder<'_> {
    fn record(
        &mut self,
        record: &Record,
        level: Level,
    ) -> Result<(Vec<TypePtr>, Vec<Slot>), Exception> {
        let name = record.name.full();
        if self.within.contains(&name) {
            let message =
                format!("Recursive Avro schemas are not supported by parquet-avro: {name}");
            return Err(Exception::new(
                "java.lang.UnsupportedOperationException",
                message,
            ));
        }
        if record.fields.is_empty() {
            let message = format!("Cannot write a schema with an empty group: {name}");
            return Err(Exception::new(
                "org.apache.parquet.schema.InvalidSchemaException",
                message,
            ));
        }
        self.within.push(name);
        let fields = record.fields.iter();
        let built: Result<Vec<Built>, Exception> = fields
            .map(|field| self.field(&field.name, &field.schema, level))
            .collect();
        self.within.pop();
        Ok(built?.into_iter().unzip())
    }

    /// A field that is required, or optional where its schema has null.
    fn field(&mut self, name: &str, node: &Node, level: Level) -> Result<Built, Exception> {
        let Kind::Union(members) = &node.kind else {
            return self.place(name, node, Repetition::REQUIRED, level);
        };
        let present: Vec<&Node> = members.iter().filter(|member| !member.is_null()).collect();
        let (repetition, level) = match present.len() < members.len() {
            true => (Repetition::OPTIONAL, level.optional()),
            false => (Repetition::REQUIRED, level),
        };
        match present.as_slice() {
            [one] => self.place(name, one, repetition, level),
            several => self.union(name, several, repetition, level),
        }
    }

    fn union(
        &mut self,
        name: &str,
        members: &[&Node],
        repetition: Repetition,
        level: Level,
    ) -> Result<Built, Exception> {
        let start = self.columns.len();
        let members = members.iter().enumerate().map(|(at, member)| {
            let name = format!("member{at}");
            self.place(&name, member, Repetition::OPTIONAL, level.optional())
        });
        let built: Result<Vec<Built>, Exception> = members.collect();
        let (types, slots) = built?.into_iter().unzip();
        let kind = group(name, repetition, types)?;
        let shape = Shape::Union(slots);
        Ok((kind, self.slot(repetition, level, start, shape)))
    }

    /// A place for values of `node`; `level` is that of a value here.
    fn place(
        &mut self,
        name: &str,
        node: &Node,
        repetition: Repetition,
        level: Level,
    ) -> Result<Built, Exception> {
        let start = self.columns.len();
        let avro = self.avro;
        let (kind, shape) = match (&node.kind, avro.resolve(node)) {
            (_, Some(Named::Record(record))) => {
                let (types, slots) = self.record(record, level)?;
                (group(name, repetition, types)?, Shape::Record(slots))
            }
            (Kind::Array(items), _) => self.list(name, items, repetition, level)?,
            (Kind::Map(values), _) => self.map(name, values, repetition, level)?,
            (Kind::Union(members), _) => {
                let members: Vec<&Node> = members.iter().collect();
                return self.union(name, &members, repetition, level);
            }
            (_, named) => self.leaf(name, node, named, repetition, level)?,
        };
        Ok((kind, self.slot(repetition, level, start, shape)))
    }

    fn slot(&self, repetition: Repetition, level: Level, start: usize, shape: Shape) -> Slot {
        Slot {
            optional: repetition == Repetition::OPTIONAL,
            defined: level.defined,
            columns: start..self.columns.len(),
            shape,
        }
    }

    fn list(
        &mut self,
        name: &str,
        items: &Node,
        repetition: Repetition,
        level: Level,
    ) -> Result<(TypePtr, Shape), Exception> {
        let inner = level.repeated();
        let (kind, slot) = match self.three_levels {
            true => {
                let (element, slot) = self.field("element", items, inner)?;
                (group("list", Repetition::REPEATED, vec![element])?, slot)
            }
            false => self.place("array", items, Repetition::REPEATED, inner)?,
        };
        let list = ParquetType::group_type_builder(name)
            .with_repetition(repetition)
            .with_logical_type(Some(LogicalType::List))
            .with_fields(vec![kind])
            .build();
        let shape = Shape::List(inner.repeated, Box::new(slot));
        Ok((Arc::new(list.map_err(failed)?), shape))
    }

    fn map(
        &mut self,
        name: &str,
        values: &Node,
        repetition: Repetition,
        level: Level,
    ) -> Result<(TypePtr, Shape), Exception> {
        let inner = level.repeated();
        let text = Node::primitive("string");
        let (key, key_slot) = self.place("key", &text, Repetition::REQUIRED, inner)?;
        let (value, value_slot) = self.field("value", values, inner)?;
        let entries = ParquetType::group_type_builder("key_value")
            .with_repetition(Repetition::REPEATED)
            .with_converted_type(ConvertedType::MAP_KEY_VALUE)
            .with_fields(vec![key, value])
            .build();
        let map = ParquetType::group_type_builder(name)
            .with_repetition(repetition)
            .with_logical_type(Some(LogicalType::Map))
            .with_fields(vec![Arc::new(entries.map_err(failed)?)])
            .build();
        let shape = Shape::Map(inner.repeated, Box::new((key_slot, value_slot)));
        Ok((Arc::new(map.map_err(failed)?), shape))
    }

    fn leaf(
        &mut self,
        name: &str,
        node: &Node,
        named: Option<&Named>,
        repetition: Repetition,
        level: Level,
    ) -> Result<(TypePtr, Shape), Exception> {
        let (physical, length, logical) = leaf_type(node, named)?;
        let mut builder = ParquetType::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_length(length);
        if let Some(LogicalType::Decimal(decimal)) = &logical {
            builder = builder
                .with_precision(decimal.precision)
                .with_scale(decimal.scale);
        }
        let kind = builder.with_logical_type(logical).build().map_err(failed)?;
        self.columns.push(Column {
            physical,
            defined: level.defined > 0,
            repeated: level.repeated > 0,
        });
        Ok((Arc::new(kind), Shape::Leaf(self.columns.len() - 1)))
    }
}

/// Physical type, length and logical type of a value without parts.
fn leaf_type(
    node: &Node,
    named: Option<&Named>,
) -> Result<(Physical, i32, Option<LogicalType>), Exception> {
    let logical = logical_type(node);
    let size = |size: usize| i32::try_from(size).map_err(|_| illegal("A fixed type is too long"));
    Ok(match (&node.kind, named) {
        (_, Some(Named::Enum(_))) => (Physical::BYTE_ARRAY, 0, Some(LogicalType::Enum)),
        (_, Some(Named::Fixed(_, length))) => {
            (Physical::FIXED_LEN_BYTE_ARRAY, size(*length)?, logical)
        }
        (Kind::Primitive("boolean"), _) => (Physical::BOOLEAN, 0, None),
        (Kind::Primitive("int"), _) => (Physical::INT32, 0, logical),
        (Kind::Primitive("long"), _) => (Physical::INT64, 0, logical),
        (Kind::Primitive("float"), _) => (Physical::FLOAT, 0, None),
        (Kind::Primitive("double"), _) => (Physical::DOUBLE, 0, None),
        (Kind::Primitive("string"), _) => (Physical::BYTE_ARRAY, 0, Some(LogicalType::String)),
        _ => (Physical::BYTE_ARRAY, 0, logical),
    })
}

fn logical_type(node: &Node) -> Option<LogicalType> {
    let property = |name: &str| {
        let found = node.properties.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    };
    let number = |name: &str| property(name)?.parse::<i32>().ok();
    match property("logicalType")? {
        "\"decimal\"" => {
            let (scale, precision) = (number("scale")?, number("precision")?);
            // Others are no decimals for Avro's Java library, only bytes.
            (0..=precision)
                .contains(&scale)
                .then(|| LogicalType::decimal(scale, precision))
        }
        "\"date\"" => Some(LogicalType::Date),
        "\"time-millis\"" => Some(LogicalType::time(true, TimeUnit::MILLIS)),
        "\"timestamp-millis\"" => Some(LogicalType::timestamp(true, TimeUnit::MILLIS)),
        _ => None,
    }
}

/// Whether a list somewhere may hold nulls.
pub(super) fn has_lists_of_optional_items(schema: &Schema) -> bool {
    let parts = [schema.key.as_deref(), schema.element.as_deref()];
    let optional_items =
        schema.kind == Type::Array && schema.element.as_ref().is_none_or(|items| items.optional);
    optional_items
        || parts.into_iter().flatten().any(has_lists_of_optional_items)
        || schema
            .fields
            .iter()
            .any(|field| has_lists_of_optional_items(&field.schema))
}

fn group(name: &str, repetition: Repetition, fields: Vec<TypePtr>) -> Result<TypePtr, Exception> {
    ParquetType::group_type_builder(name)
        .with_repetition(repetition)
        .with_fields(fields)
        .build()
        .map(Arc::new)
        .map_err(failed)
}

fn illegal(message: &str) -> Exception {
    Exception::new("java.lang.IllegalArgumentException", message)
}

#[cold]
fn failed(error: parquet::errors::ParquetError) -> Exception {
    Exception::new(CONNECT_EXCEPTION, format!("parquet: {error}"))
}

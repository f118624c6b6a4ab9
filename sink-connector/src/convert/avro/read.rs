//! Avro binary → [`Value`], read along the Avro schema and its translation at once.

use std::sync::Arc;

use sluiceway_schemas::DataError;
use sluiceway_schemas::avro::{Kind, MAX_DEPTH, Reader, Schema as Avro, TypeId};

use super::translate::{Translation, general_field, map_entry};
use crate::error::Exception;
use crate::value::{Decimal, SchemaRef, Struct, Type, Value, logical};

/// Why a datum cannot be read.
pub(super) enum ReadError {
    /// The bytes are no datum of the schema.
    Data(DataError),
    /// The datum is none of Connect's.
    Exception(Exception),
}

impl From<DataError> for ReadError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

/// The value that `bytes` begin with.
pub(super) fn value(
    avro: &Avro,
    translation: &Translation,
    bytes: &[u8],
) -> Result<Value, ReadError> {
    // Bytes alone are not framed by their length, says the original's serializer.
    if matches!(avro.get(avro.root()).kind, Kind::Bytes) {
        return Ok(blob(bytes, &translation.schema));
    }
    let mut walk = Walk {
        avro,
        translation,
        reader: Reader::new(bytes),
        depth: 0,
    };
    walk.value(avro.root(), &translation.schema)
}

struct Walk<'a> {
    avro: &'a Avro,
    translation: &'a Translation,
    reader: Reader<'a>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn value(&mut self, id: TypeId, schema: &SchemaRef) -> Result<Value, ReadError> {
        let avro = self.avro;
        Ok(match &avro.get(id).kind {
            Kind::Null => Value::Null,
            Kind::Boolean => Value::Boolean(self.reader.boolean()?),
            Kind::Int => {
                let value = self.reader.int()?;
                match (schema.name.as_deref(), schema.kind) {
                    (Some(logical::DATE), _) => Value::Date(value),
                    (Some(logical::TIME), _) => Value::Time(value),
                    (_, Type::Int8) => Value::Int8(value as i8),
                    (_, Type::Int16) => Value::Int16(value as i16),
                    _ => Value::Int32(value),
                }
            }
            Kind::Long => {
                let value = self.reader.long()?;
                if schema.is_logical(logical::TIMESTAMP) {
                    Value::Timestamp(value)
                } else {
                    Value::Int64(value)
                }
            }
            Kind::Float => Value::Float32(self.reader.float()?),
            Kind::Double => Value::Float64(self.reader.double()?),
            Kind::String => Value::String(self.reader.string()?.into_owned()),
            Kind::Bytes => blob(self.reader.bytes()?, schema),
            Kind::Fixed(fixed) => blob(self.reader.fixed(fixed.size)?, schema),
            Kind::Enum(of) => {
                Value::String(of.symbols[self.reader.index(of.symbols.len())?].clone())
            }
            _ => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(DataError::TooDeep(MAX_DEPTH).into());
                }
                let value = self.container(id, schema)?;
                self.depth -= 1;
                value
            }
        })
    }

    fn container(&mut self, id: TypeId, schema: &SchemaRef) -> Result<Value, ReadError> {
        let avro = self.avro;
        match &avro.get(id).kind {
            Kind::Record(record) => {
                // Where a record uses itself its schema has no fields; the whole one is kept aside.
                let whole = match self.translation.recursive.get(&id) {
                    Some(whole) if schema.fields.is_empty() => whole,
                    _ => schema,
                };
                let mut values = Vec::with_capacity(record.fields.len());
                for (field, of) in record.fields.iter().zip(&whole.fields) {
                    values.push(self.value(field.schema, &of.schema)?);
                }
                Ok(Value::Struct(Struct {
                    schema: Arc::clone(whole),
                    values,
                }))
            }
            Kind::Array(items) => match map_entry(avro.get(*items)) {
                Some(_) => self.entries(*items, schema),
                None => {
                    let mut values = Vec::new();
                    let element = inner(schema.element.as_ref())?;
                    self.items(|walk| {
                        values.push(walk.value(*items, element)?);
                        Ok(())
                    })?;
                    Ok(Value::Array(values))
                }
            },
            Kind::Map(of) => {
                let mut entries = Entries::default();
                let element = inner(schema.element.as_ref())?;
                self.items(|walk| {
                    let key = Value::String(walk.reader.string()?.into_owned());
                    let value = walk.value(*of, element)?;
                    entries.insert(key, value);
                    Ok(())
                })?;
                Ok(Value::Map(entries.0))
            }
            Kind::Union(branches) => self.union(branches, schema),
            _ => Ok(Value::Null),
        }
    }

    /// A map whose keys are no strings: an array of records with key and value.
    fn entries(&mut self, items: TypeId, schema: &SchemaRef) -> Result<Value, ReadError> {
        let avro = self.avro;
        let Kind::Record(record) = &avro.get(items).kind else {
            return Ok(Value::Null);
        };
        let (key_schema, value_schema) =
            (inner(schema.key.as_ref())?, inner(schema.element.as_ref())?);
        let mut entries = Entries::default();
        self.items(|walk| {
            let (mut key, mut value) = (Value::Null, Value::Null);
            for field in &record.fields {
                if field.name == "key" {
                    key = walk.value(field.schema, key_schema)?;
                } else {
                    value = walk.value(field.schema, value_schema)?;
                }
            }
            entries.insert(key, value);
            Ok(())
        })?;
        Ok(Value::Map(entries.0))
    }

    fn union(&mut self, branches: &[TypeId], schema: &SchemaRef) -> Result<Value, ReadError> {
        let index = self.reader.index(branches.len())?;
        let branch = branches[index];
        let is_null = |id: &TypeId| matches!(self.avro.get(*id).kind, Kind::Null);
        if is_null(&branch) {
            return Ok(Value::Null);
        }
        let others = branches.iter().filter(|id| !is_null(id)).count();
        let unwrapped = match branches.len() {
            1 => self.translation.flatten,
            2 => others == 1,
            _ => false,
        };
        if unwrapped {
            return self.value(branch, schema);
        }
        let place = branches[..index].iter().filter(|id| !is_null(id)).count();
        if self.translation.generalized {
            self.check_general(place, schema)?;
        }
        let mut members = Struct::new(schema);
        let Some(field) = schema.fields.get(place) else {
            return Err(ReadError::Exception(Exception::data(
                "Did not find matching union field for data",
            )));
        };
        members.values[place] = self.value(branch, &field.schema)?;
        Ok(Value::Struct(members))
    }

    /// The original names a branch's field by its place, null counted, and fills the one of its place without null: a union with
    /// null before the branch cannot be filled.
    fn check_general(&self, place: usize, schema: &SchemaRef) -> Result<(), ReadError> {
        let name = general_field(place);
        match schema.field_index(&name) {
            Some(found) if found == place => Ok(()),
            Some(_) => Err(ReadError::Exception(Exception::data(format!(
                "Invalid Java object for schema of field: \"{name}\""
            )))),
            None => Err(ReadError::Exception(Exception::data(format!(
                "{name} is not a valid field name"
            )))),
        }
    }

    fn items(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        loop {
            match self.reader.block()? {
                0 => return Ok(()),
                count => {
                    for _ in 0..count {
                        item(self)?;
                    }
                }
            }
        }
    }
}

/// Entries of a map, each key once: the last value of a key, at the key's first place.
#[derive(Default)]
struct Entries(Vec<(Value, Value)>);

impl Entries {
    /// Small maps are searched; what is larger than that is rare enough.
    fn insert(&mut self, key: Value, value: Value) {
        match self.0.iter_mut().find(|(own, _)| *own == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }
}

fn inner(schema: Option<&SchemaRef>) -> Result<&SchemaRef, ReadError> {
    schema.ok_or_else(|| ReadError::Exception(Exception::data("a collection without a schema")))
}

fn blob(bytes: &[u8], schema: &SchemaRef) -> Value {
    match schema
        .scale()
        .filter(|_| schema.is_logical(logical::DECIMAL))
    {
        Some(scale) => Value::Decimal(Decimal::new(bytes, scale)),
        None => Value::Bytes(bytes.to_vec()),
    }
}

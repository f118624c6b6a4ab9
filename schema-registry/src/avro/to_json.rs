//! Binary → Avro's JSON form: unions as `{"type": value}`, bytes as a string of one character per byte.

use serde::Serialize;

use super::{Kind, MAX_DEPTH, Reader, Schema, TypeId};
use crate::error::DataError;

pub(super) fn write(schema: &Schema, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
    let mut writer = Writer {
        schema,
        reader: Reader::new(bytes),
        out,
        depth: 0,
    };
    match &schema.get(schema.root()).kind {
        // Bytes alone are not framed by their length, says the original's deserializer.
        Kind::Bytes => {
            writer.bytes(bytes);
            Ok(())
        }
        // The value alone is known to who shows it, not the union it came from.
        Kind::Union(branches) => {
            let index = writer.reader.index(branches.len())?;
            writer.value(branches[index])
        }
        _ => writer.value(schema.root()),
    }
}

pub(super) fn next(schema: &Schema, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, DataError> {
    let mut writer = Writer {
        schema,
        reader: Reader::new(bytes),
        out,
        depth: 0,
    };
    writer.value(schema.root())?;
    Ok(bytes.len() - writer.reader.rest().len())
}

struct Writer<'a> {
    schema: &'a Schema,
    reader: Reader<'a>,
    out: &'a mut Vec<u8>,
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, id: TypeId) -> Result<(), DataError> {
        match &self.schema.get(id).kind {
            Kind::Null => self.out.extend_from_slice(b"null"),
            Kind::Boolean => {
                let value = self.reader.boolean()?;
                self.json(&value);
            }
            Kind::Int => {
                let value = self.reader.int()?;
                self.json(&value);
            }
            Kind::Long => {
                let value = self.reader.long()?;
                self.json(&value);
            }
            Kind::Float => {
                let value = self.reader.float()?;
                self.number(f64::from(value), format!("{value:?}"));
            }
            Kind::Double => {
                let value = self.reader.double()?;
                self.number(value, format!("{value:?}"));
            }
            Kind::Bytes => {
                let bytes = self.reader.bytes()?;
                self.bytes(bytes);
            }
            Kind::Fixed(fixed) => {
                let bytes = self.reader.fixed(fixed.size)?;
                self.bytes(bytes);
            }
            Kind::String => {
                let text = self.reader.string()?;
                self.json(text.as_ref());
            }
            Kind::Enum(of) => {
                let index = self.reader.index(of.symbols.len())?;
                self.json(&of.symbols[index]);
            }
            _ => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(DataError::TooDeep(MAX_DEPTH));
                }
                self.container(id)?;
                self.depth -= 1;
            }
        }
        Ok(())
    }

    fn container(&mut self, id: TypeId) -> Result<(), DataError> {
        match &self.schema.get(id).kind {
            Kind::Record(record) => {
                self.out.push(b'{');
                for (at, field) in record.fields.iter().enumerate() {
                    self.member(at == 0, &field.name);
                    self.value(field.schema)?;
                }
                self.out.push(b'}');
            }
            Kind::Array(items) => {
                self.out.push(b'[');
                self.items(|writer, first| {
                    if !first {
                        writer.out.push(b',');
                    }
                    writer.value(*items)
                })?;
                self.out.push(b']');
            }
            Kind::Map(values) => {
                self.out.push(b'{');
                self.items(|writer, first| {
                    let key = writer.reader.string()?;
                    writer.member(first, &key);
                    writer.value(*values)
                })?;
                self.out.push(b'}');
            }
            Kind::Union(branches) => {
                let branch = branches[self.reader.index(branches.len())?];
                if matches!(self.schema.get(branch).kind, Kind::Null) {
                    self.out.extend_from_slice(b"null");
                } else {
                    self.out.push(b'{');
                    self.member(true, self.schema.branch_name(branch));
                    self.value(branch)?;
                    self.out.push(b'}');
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn items(
        &mut self,
        mut item: impl FnMut(&mut Self, bool) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut first = true;
        loop {
            match self.reader.block()? {
                0 => return Ok(()),
                count => {
                    for _ in 0..count {
                        item(self, std::mem::take(&mut first))?;
                    }
                }
            }
        }
    }

    fn member(&mut self, first: bool, name: &str) {
        if !first {
            self.out.push(b',');
        }
        self.json(name);
        self.out.push(b':');
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) {
        // Writing a string, number or boolean to memory cannot fail.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }

    /// JSON has no NaN and no infinities; they are strings, as in Java.
    fn number(&mut self, value: f64, shortest: String) {
        if value.is_finite() {
            self.out.extend_from_slice(shortest.as_bytes());
        } else if value.is_nan() {
            self.out.extend_from_slice(b"\"NaN\"");
        } else if value > 0.0 {
            self.out.extend_from_slice(b"\"Infinity\"");
        } else {
            self.out.extend_from_slice(b"\"-Infinity\"");
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        self.json(&text);
    }
}

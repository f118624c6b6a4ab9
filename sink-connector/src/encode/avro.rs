//! `AvroFormat`: an object container file a file, written straight from Connect's values.
//!
//! The header goes out with the first record; records are gathered to blocks of [`BLOCK`] bytes, each of which is
//! compressed and followed by the file's sync marker. The marker is a function of the object's key: the same file has
//! the same bytes whoever writes it.

mod codec;

use std::sync::Arc;

use super::{Encoder, Format};
use crate::avro::schema::Node;
use crate::avro::{AvroSchema, Schemas, write};
use crate::config::{AvroCodec, AvroOptions};
use crate::error::{Exception, RecordError};
use crate::record::{Datum, Payload};
use crate::scratch::{self, append};
use crate::value::{SchemaRef, Type, Value};

/// Plain bytes of a block, as many as Avro's Java library takes.
const BLOCK: usize = 64_000;

/// The format with its options.
pub(super) struct AvroFormat {
    codec: AvroCodec,
    schemas: Arc<Schemas>,
}

impl AvroFormat {
    pub(super) fn new(codec: AvroCodec, options: AvroOptions) -> Self {
        Self {
            codec,
            schemas: Arc::new(Schemas::new(options)),
        }
    }
}

impl Format for AvroFormat {
    fn extension(&self) -> &'static str {
        ".avro"
    }

    fn encoder(&self, key: &str) -> Box<dyn Encoder> {
        Box::new(AvroEncoder {
            codec: self.codec,
            schemas: Arc::clone(&self.schemas),
            marker: marker(key),
            schema: None,
            block: Vec::new(),
            records: 0,
        })
    }
}

struct AvroEncoder {
    codec: AvroCodec,
    schemas: Arc<Schemas>,
    marker: [u8; 16],
    /// The schema of the first record, once it is written.
    schema: Option<Arc<AvroSchema>>,
    block: Vec<u8>,
    records: i64,
}

impl AvroEncoder {
    /// Encodes into `out`. Answers the file's schema.
    fn encode(&self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<Arc<AvroSchema>, RecordError> {
        let schema = match &self.schema {
            Some(schema) => Arc::clone(schema),
            None => self
                .schemas
                .of(datum.schema.as_ref())
                .map_err(RecordError::put)?,
        };
        datum_into(&schema, datum, out).map_err(RecordError::put)?;
        Ok(schema)
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        if self.records == 0 {
            return Ok(());
        }
        let data = codec::compress(self.codec, &self.block).map_err(RecordError::fatal)?;
        write::long(self.records, out);
        write::bytes(&data, out);
        out.extend_from_slice(&self.marker);
        self.block.clear();
        self.records = 0;
        Ok(())
    }
}

impl Encoder for AvroEncoder {
    fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        scratch::with(|encoded| self.encode(datum, encoded).map(drop))
    }

    fn write(&mut self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let schema = scratch::with(|encoded| {
            let schema = self.encode(datum, encoded)?;
            append(&mut self.block, encoded);
            Ok::<_, RecordError>(schema)
        })?;
        if self.schema.is_none() {
            header(&schema.text, self.codec, &self.marker, out);
            self.schema = Some(schema);
        }
        self.records += 1;
        if self.block.len() >= BLOCK {
            self.flush(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.flush(out)
    }

    fn buffered_bytes(&self) -> usize {
        self.block.capacity()
    }
}

/// Appends a datum in binary.
fn datum_into(schema: &AvroSchema, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), Exception> {
    match &datum.payload {
        Payload::Tree(value) => write::datum(schema, value, out),
        Payload::Null => write::datum(schema, &Value::Null, out),
        Payload::Text(text) => scalar(schema, Type::String, text.as_bytes(), datum, out),
        Payload::Bytes(bytes) => scalar(schema, Type::Bytes, bytes, datum, out),
        Payload::Json(_) => Err(Exception::data("JSON text without a schema was not read")),
    }
}

/// Text or bytes that a converter left where they were.
fn scalar(
    schema: &AvroSchema,
    kind: Type,
    bytes: &[u8],
    datum: &Datum<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    let fits = |connect: &SchemaRef| connect.kind == kind;
    if !schema.connect.as_ref().is_some_and(fits) {
        let wanted = schema
            .connect
            .as_ref()
            .map_or(Type::Struct, |connect| connect.kind);
        let class = datum.payload.java_class();
        return Err(Exception::data(format!(
            "Invalid type for {wanted}: class {class}"
        )));
    }
    if let crate::avro::schema::Kind::Union(members) = &schema.root.kind {
        let at = members.iter().position(|member| !Node::is_null(member));
        write::long(at.map_or(0, |at| at as i64), out);
    }
    write::bytes(bytes, out);
    Ok(())
}

fn header(schema: &str, codec: AvroCodec, marker: &[u8; 16], out: &mut Vec<u8>) {
    out.extend_from_slice(b"Obj\x01");
    write::long(2, out);
    for (name, value) in [("avro.schema", schema), ("avro.codec", codec::name(codec))] {
        write::bytes(name.as_bytes(), out);
        write::bytes(value.as_bytes(), out);
    }
    write::long(0, out);
    out.extend_from_slice(marker);
}

/// The sync marker of the object `key`: its 128-bit FNV-1a hash.
fn marker(key: &str) -> [u8; 16] {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    key.bytes()
        .fold(START, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(PRIME)
        })
        .to_be_bytes()
}

#[cfg(test)]
mod tests;

//! `ParquetFormat`: Parquet files with the schema that Avro's writer for Parquet would give them.
//!
//! Records are taken apart into columns as they come; a row group of [`ROW_GROUP`] bytes is encoded and goes out while the
//! file is still open. What is held counts against the byte budget. Values without a schema, or of another than a struct,
//! end the task as in the original.
//!
//! | module | what it is |
//! |---|---|
//! | [`layout`] | Avro schema → Parquet schema, and where in it each part of a record goes |
//! | [`columns`] | the values of a row group, column by column |
//! | [`shred`] | a record → columns |

mod columns;
mod layout;
mod shred;

use std::sync::Arc;

use parking_lot::Mutex;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;

use super::{Encoder, Format, View};
use crate::avro::{AvroSchema, Schemas};
use crate::config::{AvroOptions, ParquetCodec};
use crate::error::{CONNECT_EXCEPTION, Exception, RecordError};
use crate::record::{Datum, Payload};
use columns::Columns;
use layout::Layout;

/// Bytes of values that make a row group.
const ROW_GROUP: usize = 32 * 1024 * 1024;
/// Bytes of a page, as in the original.
const PAGE: usize = 64 * 1024;

/// The format with its options.
pub(super) struct ParquetFormat {
    codec: ParquetCodec,
    schemas: Arc<Schemas>,
    plans: Arc<Plans>,
}

/// What all files of one schema share.
struct Plan {
    avro: Arc<AvroSchema>,
    layout: Layout,
    properties: WriterPropertiesPtr,
}

/// The plans of the schemas that were seen last.
#[derive(Default)]
struct Plans(Mutex<Vec<Arc<Plan>>>);

/// Plans that are kept.
const PLANS: usize = 16;

impl ParquetFormat {
    pub(super) fn new(codec: ParquetCodec, options: AvroOptions) -> Self {
        Self {
            codec,
            schemas: Arc::new(Schemas::new(options)),
            plans: Arc::default(),
        }
    }
}

impl Format for ParquetFormat {
    fn extension(&self) -> &'static str {
        match self.codec {
            ParquetCodec::None => ".parquet",
            ParquetCodec::Snappy => ".snappy.parquet",
            ParquetCodec::Gzip => ".gz.parquet",
            ParquetCodec::Lz4 => ".lz4hadoop.parquet",
            ParquetCodec::Lz4Raw => ".lz4raw.parquet",
            ParquetCodec::Zstd => ".zstd.parquet",
            ParquetCodec::Lzo => ".lzo.parquet",
            ParquetCodec::Brotli => ".br.parquet",
        }
    }

    fn encoder(&self, _: &str) -> Box<dyn Encoder> {
        Box::new(ParquetEncoder {
            codec: self.codec,
            schemas: Arc::clone(&self.schemas),
            plans: Arc::clone(&self.plans),
            file: None,
        })
    }

    fn encloses(&self, view: View) -> bool {
        view != View::Value
    }
}

struct ParquetEncoder {
    codec: ParquetCodec,
    schemas: Arc<Schemas>,
    plans: Arc<Plans>,
    /// Begun by the first record.
    file: Option<File>,
}

/// A file that has a schema.
struct File {
    plan: Arc<Plan>,
    columns: Columns,
    /// Begun by the first row group.
    writer: Option<SerializedFileWriter<Vec<u8>>>,
}

impl ParquetEncoder {
    fn begin(&self, datum: &Datum<'_>) -> Result<File, RecordError> {
        let schemas = self.schemas.of(datum.schema.as_ref());
        let avro = schemas.map_err(RecordError::put)?;
        let mut plans = self.plans.0.lock();
        let known = plans.iter().position(|plan| Arc::ptr_eq(&plan.avro, &avro));
        let plan = match known {
            Some(at) => Arc::clone(&plans[at]),
            None => {
                let plan = Arc::new(Plan::new(avro, self.codec)?);
                if plans.len() >= PLANS {
                    plans.remove(0);
                }
                plans.push(Arc::clone(&plan));
                plan
            }
        };
        Ok(File {
            columns: Columns::new(&plan.layout.columns),
            plan,
            writer: None,
        })
    }
}

impl Plan {
    fn new(avro: Arc<AvroSchema>, codec: ParquetCodec) -> Result<Self, RecordError> {
        let Some(connect) = &avro.connect else {
            return Err(RecordError::fatal(Exception::new(
                "java.lang.NullPointerException",
                "Cannot invoke \"org.apache.kafka.connect.data.Schema.type()\" because \"schema\" is null",
            )));
        };
        let layout = Layout::new(connect, &avro).map_err(RecordError::fatal)?;
        let compression = compression(codec).map_err(RecordError::fatal)?;
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_data_page_size_limit(PAGE)
            .set_created_by(concat!("sluiceway version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![
                KeyValue::new("writer.model.name".to_owned(), "avro".to_owned()),
                KeyValue::new("parquet.avro.schema".to_owned(), avro.text.clone()),
            ]))
            .build();
        Ok(Self {
            layout,
            avro,
            properties: Arc::new(properties),
        })
    }
}

impl File {
    /// Takes a record apart. On an error nothing of it is left.
    fn shred(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        let value = match &datum.payload {
            Payload::Tree(value) => value,
            other => {
                let message = format!("Invalid type for STRUCT: class {}", other.java_class());
                return Err(RecordError::put(Exception::data(message)));
            }
        };
        self.columns.begin();
        let shredded = shred::record(&self.plan.avro, &self.plan.layout, value, &mut self.columns);
        if shredded.is_err() {
            self.columns.take_back();
        }
        shredded.map_err(RecordError::put)
    }

    /// Encodes what is held as a row group and hands out the bytes.
    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(SerializedFileWriter::new(
                Vec::new(),
                Arc::clone(&self.plan.layout.schema),
                Arc::clone(&self.plan.properties),
            )?),
        };
        if !self.columns.is_empty() {
            let mut group = writer.next_row_group()?;
            self.columns.write(&mut group)?;
            group.close()?;
        }
        writer.flush()?;
        // What was handed out is counted already: offsets go on from there.
        out.append(writer.inner_mut());
        Ok(())
    }

    fn finish(mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        self.flush(out)?;
        if let Some(writer) = self.writer {
            out.append(&mut writer.into_inner()?);
        }
        Ok(())
    }
}

impl Encoder for ParquetEncoder {
    fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        if let Some(file) = &mut self.file {
            file.shred(datum)?;
            file.columns.take_back();
            return Ok(());
        }
        self.begin(datum)?.shred(datum)
    }

    fn write(&mut self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = self.begin(datum)?;
                file.shred(datum)?;
                self.file = Some(file);
                return Ok(());
            }
        };
        let shredded = file.shred(datum);
        let file = self.file.insert(file);
        shredded?;
        if file.columns.bytes() >= ROW_GROUP {
            file.flush(out).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        match self.file.take() {
            Some(file) => file.finish(out).map_err(failed),
            None => Ok(()),
        }
    }

    fn buffered_bytes(&self) -> usize {
        self.file.as_ref().map_or(0, |file| file.columns.bytes())
    }
}

#[cold]
fn failed(error: ParquetError) -> RecordError {
    RecordError::fatal(Exception::new(
        CONNECT_EXCEPTION,
        format!("parquet: {error}"),
    ))
}

/// The codec, where the original has it: it knows two more by name, whose classes it does not bring along.
fn compression(codec: ParquetCodec) -> Result<Compression, Exception> {
    let missing = |class: &str| {
        let message = format!("Class {class} was not found");
        Exception::new(
            "org.apache.parquet.hadoop.BadConfigurationException",
            message,
        )
        .caused_by(Exception::new("java.lang.ClassNotFoundException", class))
    };
    Ok(match codec {
        ParquetCodec::None => Compression::UNCOMPRESSED,
        ParquetCodec::Snappy => Compression::SNAPPY,
        ParquetCodec::Gzip => Compression::GZIP(GzipLevel::default()),
        ParquetCodec::Lz4 => Compression::LZ4,
        ParquetCodec::Lz4Raw => Compression::LZ4_RAW,
        ParquetCodec::Zstd => Compression::ZSTD(ZstdLevel::default()),
        ParquetCodec::Lzo => return Err(missing("com.hadoop.compression.lzo.LzoCodec")),
        ParquetCodec::Brotli => {
            return Err(missing("org.apache.hadoop.io.compress.BrotliCodec"));
        }
    })
}

#[cfg(test)]
mod tests;

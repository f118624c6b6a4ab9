//! A Parquet file as a comparison sees it: schema, compression, row groups, the writer's Avro schema, and every row as
//! text in which maps are sorted. In: the bytes of an object. Fails on what the `parquet` crate cannot read.

use anyhow::Result;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::printer::print_schema;
use serde_json::Value;

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ParquetFile {
    /// The schema as the format's own language writes it.
    pub schema: String,
    /// Each compression that a column has.
    pub compression: Vec<String>,
    /// Number of row groups.
    pub groups: usize,
    /// `parquet.avro.schema` of the file's metadata.
    pub avro_schema: Value,
    /// Names of the file's metadata.
    pub metadata: Vec<String>,
    /// One text a row.
    pub rows: Vec<String>,
}

impl ParquetFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is none.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
        let metadata = reader.metadata();
        let file = metadata.file_metadata();
        let mut schema = Vec::new();
        print_schema(&mut schema, file.schema());
        let columns = metadata
            .row_groups()
            .iter()
            .flat_map(|group| group.columns());
        let mut compression: Vec<_> = columns
            .map(|column| format!("{:?}", column.compression()))
            .collect();
        compression.sort();
        compression.dedup();
        let pairs = file.key_value_metadata().cloned().unwrap_or_default();
        let avro = pairs.iter().find(|pair| pair.key == "parquet.avro.schema");
        let avro = avro
            .and_then(|pair| pair.value.as_deref())
            .unwrap_or("null");
        let mut names: Vec<_> = pairs.iter().map(|pair| pair.key.clone()).collect();
        names.sort();
        let mut rows = Vec::new();
        for row in reader.get_row_iter(None)? {
            let row = row?;
            rows.push(columns_shown(&row));
        }
        Ok(Self {
            schema: String::from_utf8(schema)?,
            compression,
            groups: metadata.num_row_groups(),
            avro_schema: serde_json::from_str(avro)?,
            metadata: names,
            rows,
        })
    }
}

fn columns_shown(row: &parquet::record::Row) -> String {
    let columns = row
        .get_column_iter()
        .map(|(name, field)| format!("{name}: {}", shown(field)));
    format!("{{{}}}", columns.collect::<Vec<_>>().join(", "))
}

fn shown(field: &Field) -> String {
    match field {
        Field::Group(row) => columns_shown(row),
        Field::ListInternal(list) => {
            let items: Vec<_> = list.elements().iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Field::MapInternal(map) => {
            let entry = |(key, value): &(Field, Field)| format!("{}: {}", shown(key), shown(value));
            let mut entries: Vec<_> = map.entries().iter().map(entry).collect();
            entries.sort();
            format!("map {entries:?}")
        }
        other => format!("{other:?}"),
    }
}

//! Rows of a Parquet file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::rows::Rows;

/// The first rows.
pub(super) fn rows(bytes: Vec<u8>, most: usize) -> Result<Rows, String> {
    let wrong = |error: parquet::errors::ParquetError| error.to_string();
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(wrong)?;
    let records = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or_default();
    let mut rows = Vec::new();
    for found in reader.get_row_iter(None).map_err(wrong)?.take(most) {
        let text = row(&found.map_err(wrong)?).to_string();
        rows.push(RawValue::from_string(text).map_err(|error| error.to_string())?);
    }
    Ok(Rows {
        more: records > rows.len() as u64,
        rows,
        records: Some(records),
    })
}

fn row(row: &Row) -> Value {
    let fields = row.get_column_iter();
    let fields = fields.map(|(name, field)| (name.clone(), value(field)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(value) => (*value).into(),
        Field::Short(value) => (*value).into(),
        Field::Int(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::UByte(value) => (*value).into(),
        Field::UShort(value) => (*value).into(),
        Field::UInt(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        Field::Float(value) => finite(f64::from(*value), field),
        Field::Double(value) => finite(*value, field),
        Field::Str(text) => text.as_str().into(),
        Field::Bytes(bytes) => STANDARD.encode(bytes.data()).into(),
        Field::Group(group) => row(group),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entries = map.entries().iter();
            let entries = entries.map(|(key, item)| match key {
                Field::Str(text) => (text.clone(), value(item)),
                other => (other.to_string(), value(item)),
            });
            Value::Object(entries.collect())
        }
        // Times and decimals, as the library writes them.
        other => other.to_string().into(),
    }
}

/// JSON has no other numbers.
fn finite(number: f64, field: &Field) -> Value {
    serde_json::Number::from_f64(number).map_or_else(|| field.to_string().into(), Value::Number)
}

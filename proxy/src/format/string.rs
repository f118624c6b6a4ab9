//! The `STRING` type of v3: a JSON string, its text in Kafka.

use sluiceway_common::json::{Options, Scanner};

use super::{SerializeError, Serializer, Side, Written, quoted};

/// Writes the text of JSON strings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

impl Serializer for Text {
    fn serialize(
        &self,
        _: Side,
        json: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Written, SerializeError> {
        let Some(json) = json else {
            return Ok(Written::Null);
        };
        let options = Options {
            max_string_len: usize::MAX,
            ..Options::STRICT
        };
        let text = Scanner::new(json, 0, &options)
            .string()
            .map_err(|_| SerializeError(format!("data={} is not a string.", quoted(json))))?;
        out.extend_from_slice(text.decode().as_bytes());
        Ok(Written::Bytes)
    }
}

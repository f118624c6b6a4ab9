//! `ShortConverter` … `BooleanConverter`: one big-endian number or boolean.

use std::sync::Arc;

use super::Converter;
use crate::error::{Exception, RecordError, SERIALIZATION_EXCEPTION, Stage};
use crate::record::{Datum, Payload};
use crate::value::{Schema, SchemaRef, Type, Value};

/// Which of the converters it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Short,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
}

/// Reads a value of fixed size under the optional schema of its type.
pub(super) struct PrimitiveConverter {
    kind: Kind,
    stage: Stage,
    schema: SchemaRef,
}

impl PrimitiveConverter {
    pub(super) fn new(kind: Kind, stage: Stage) -> Self {
        let connect_type = match kind {
            Kind::Short => Type::Int16,
            Kind::Integer => Type::Int32,
            Kind::Long => Type::Int64,
            Kind::Float => Type::Float32,
            Kind::Double => Type::Float64,
            Kind::Boolean => Type::Boolean,
        };
        Self {
            kind,
            stage,
            schema: Schema::of(connect_type).optional().build(),
        }
    }

    fn read(&self, bytes: &[u8]) -> Option<Value> {
        Some(match self.kind {
            Kind::Short => Value::Int16(i16::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Integer => Value::Int32(i32::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Long => Value::Int64(i64::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Float => Value::Float32(f32::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Double => Value::Float64(f64::from_be_bytes(bytes.try_into().ok()?)),
            Kind::Boolean => Value::Boolean(match bytes {
                [0] => false,
                [1] => true,
                _ => return None,
            }),
        })
    }

    #[cold]
    fn error(&self, bytes: &[u8]) -> RecordError {
        let name = self.type_name();
        let size = match self.kind {
            Kind::Boolean => 1,
            Kind::Short => 2,
            Kind::Integer | Kind::Float => 4,
            Kind::Long | Kind::Double => 8,
        };
        let reason = match bytes {
            [byte] if self.kind == Kind::Boolean => format!(
                "Unexpected byte received by BooleanDeserializer: {}",
                *byte as i8
            ),
            _ => format!("Size of data received by {name}Deserializer is not {size}"),
        };
        let exception = Exception::data(format!(
            "Failed to deserialize {}: ",
            name.to_ascii_lowercase()
        ))
        .caused_by(Exception::new(SERIALIZATION_EXCEPTION, reason));
        RecordError::new(self.stage, self.class(), exception)
    }

    fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Short => "Short",
            Kind::Integer => "Integer",
            Kind::Long => "Long",
            Kind::Float => "Float",
            Kind::Double => "Double",
            Kind::Boolean => "Boolean",
        }
    }
}

impl Converter for PrimitiveConverter {
    fn class(&self) -> &'static str {
        match self.kind {
            Kind::Short => "org.apache.kafka.connect.converters.ShortConverter",
            Kind::Integer => "org.apache.kafka.connect.converters.IntegerConverter",
            Kind::Long => "org.apache.kafka.connect.converters.LongConverter",
            Kind::Float => "org.apache.kafka.connect.converters.FloatConverter",
            Kind::Double => "org.apache.kafka.connect.converters.DoubleConverter",
            Kind::Boolean => "org.apache.kafka.connect.converters.BooleanConverter",
        }
    }

    fn convert<'a>(
        &'a mut self,
        _: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<Datum<'a>, RecordError> {
        let payload = match bytes {
            None => Payload::Null,
            Some(bytes) => Payload::Tree(self.read(bytes).ok_or_else(|| self.error(bytes))?),
        };
        Ok(Datum {
            schema: Some(Arc::clone(&self.schema)),
            payload,
        })
    }

    fn check(&mut self, _: &str, bytes: Option<&[u8]>) -> Result<(), RecordError> {
        match bytes {
            Some(bytes) if self.read(bytes).is_none() => Err(self.error(bytes)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_are_big_endian_and_of_one_size() {
        for (kind, bytes, value) in [
            (Kind::Short, &[0xff, 0xfe][..], Value::Int16(-2)),
            (Kind::Integer, &[0, 0, 1, 0][..], Value::Int32(256)),
            (Kind::Long, &[0, 0, 0, 0, 0, 0, 0, 9][..], Value::Int64(9)),
            (Kind::Float, &[0x3f, 0x80, 0, 0][..], Value::Float32(1.0)),
            (
                Kind::Double,
                &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0][..],
                Value::Float64(1.0),
            ),
            (Kind::Boolean, &[1][..], Value::Boolean(true)),
        ] {
            let mut converter = PrimitiveConverter::new(kind, Stage::ValueConverter);
            assert_eq!(
                converter.convert("t", Some(bytes)).unwrap().payload,
                Payload::Tree(value)
            );
            assert!(converter.convert("t", None).unwrap().payload.is_null());
            let error = converter.check("t", Some(b"abc")).unwrap_err();
            assert_eq!(
                (error.stage, error.exception.class),
                (Stage::ValueConverter, crate::error::DATA_EXCEPTION)
            );
        }
    }
}

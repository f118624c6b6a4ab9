//! Values as text: Java's number texts, and Connect's string form of any value, which headers are stored in.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Value;
use super::java_float::{self, DOUBLE_BITS, FLOAT_BITS};
use crate::date_format::DateFormat;

const DAY: i64 = 86_400_000;

/// `Double.toString`.
pub fn double(value: f64) -> String {
    let whole = java_float::whole(value, DOUBLE_BITS);
    whole.unwrap_or_else(|| number(value, format!("{value:?}"), format!("{value:e}")))
}

/// `Float.toString`.
pub fn float(value: f32) -> String {
    let whole = java_float::whole(f64::from(value), FLOAT_BITS);
    whole.unwrap_or_else(|| number(f64::from(value), format!("{value:?}"), format!("{value:e}")))
}

/// `plain` where Java writes no exponent, else `scientific` in Java's form (`1e-4` → `1.0E-4`).
fn number(value: f64, plain: String, scientific: String) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        value if value == 0.0 || (1e-3..1e7).contains(&value.abs()) => plain,
        _ => {
            let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
            let point = if mantissa.contains('.') { "" } else { ".0" };
            format!("{mantissa}{point}E{exponent}")
        }
    }
}

/// Connect's `Values.convertToString`: a text as it is, a number as Java prints it, bytes in base64, dates in ISO
/// 8601, lists, maps and structs much like JSON. `None` for null.
pub fn to_text(value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let mut out = String::new();
    append(value, false, &mut out);
    Some(out)
}

fn append(value: &Value, embedded: bool, out: &mut String) {
    // Writing to a String does not fail.
    let _ = match value {
        Value::Null => out.write_str("null"),
        Value::Int8(value) => write!(out, "{value}"),
        Value::Int16(value) => write!(out, "{value}"),
        Value::Int32(value) => write!(out, "{value}"),
        Value::Int64(value) => write!(out, "{value}"),
        Value::Float32(value) => out.write_str(&float(*value)),
        Value::Float64(value) => out.write_str(&double(*value)),
        Value::Boolean(value) => write!(out, "{value}"),
        Value::Decimal(value) => write!(out, "{value}"),
        Value::Number(value) if value.is_integer() => out.write_str(value.as_str()),
        Value::Number(value) => out.write_str(&double(value.as_f64())),
        Value::String(text) if embedded => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
            write!(out, "\"{escaped}\"")
        }
        Value::String(text) => out.write_str(text),
        Value::Bytes(bytes) => {
            let quote = if embedded { "\"" } else { "" };
            write!(out, "{quote}{}{quote}", STANDARD.encode(bytes))
        }
        Value::Date(days) => out.write_str(&date(i64::from(*days) * DAY)),
        Value::Time(millis) => out.write_str(&date(i64::from(*millis))),
        Value::Timestamp(millis) => out.write_str(&date(*millis)),
        Value::Array(items) => {
            out.push('[');
            join(items.iter(), out, |item, out| append(item, true, out));
            out.write_str("]")
        }
        Value::Map(entries) => {
            out.push('{');
            join(entries.iter(), out, |(key, value), out| {
                append(key, true, out);
                out.push(':');
                append(value, true, out);
            });
            out.write_str("}")
        }
        Value::Struct(value) => {
            out.push('{');
            join(value.iter(), out, |(field, value), out| {
                append(&Value::String(field.name.clone()), true, out);
                out.push(':');
                // `Struct.get` gives a field's default for its null.
                append(field.schema.or_default(value), true, out);
            });
            out.write_str("}")
        }
    };
}

fn join<T>(items: impl Iterator<Item = T>, out: &mut String, mut each: impl FnMut(T, &mut String)) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        each(item, out);
    }
}

/// The first day of the epoch is written as a time, midnights as a date, all else as a timestamp.
fn date(millis: i64) -> String {
    match millis {
        ..DAY => ISO_TIME.format(millis),
        _ if millis % DAY == 0 => ISO_DATE.format(millis),
        _ => ISO_TIMESTAMP.format(millis),
    }
}

/// A format whose pattern is known to be good.
macro_rules! iso {
    ($name:ident, $pattern:literal) => {
        pub(crate) static $name: LazyLock<DateFormat> =
            LazyLock::new(|| DateFormat::new($pattern).unwrap_or_else(|_| DateFormat::empty()));
    };
}

iso!(ISO_DATE, "yyyy-MM-dd");
iso!(ISO_TIME, "HH:mm:ss.SSS'Z'");
iso!(ISO_TIMESTAMP, "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Number, Schema, Struct, Type};

    fn text(value: Value) -> String {
        to_text(&value).unwrap_or_else(|| "none".to_owned())
    }

    #[test]
    fn scalars_print_as_java_prints_them() {
        for (value, expected) in [
            (Value::Null, "none"),
            (Value::Float32(1.5), "1.5"),
            (Value::Float64(1e20), "1.0E20"),
            (Value::Number(Number::new("1e-05")), "1.0E-5"),
            (
                Value::Number(Number::new("12345678901234567890")),
                "12345678901234567890",
            ),
            (Value::String("a\"b".into()), "a\"b"),
            (Value::Bytes(vec![0xff, 0]), "/wA="),
            (Value::Timestamp(0), "00:00:00.000Z"),
            (Value::Timestamp(1_704_067_200_000), "2024-01-01"),
            (
                Value::Timestamp(1_700_000_000_123),
                "2023-11-14T22:13:20.123Z",
            ),
            (Value::Date(19_675), "2023-11-14"),
            (Value::Time(3_723_004), "01:02:03.004Z"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn containers_are_much_like_json() {
        let schema = Schema::of(Type::Struct)
            .field(
                "a",
                Schema::of(Type::String)
                    .optional()
                    .with_default(Value::String("d".into())),
            )
            .field("b", Schema::of(Type::Int32).optional())
            .build();
        let record = Value::Struct(Struct::new(&schema));
        let map = Value::Map(vec![(
            Value::String("k\\".into()),
            Value::Array(vec![record, Value::Null]),
        )]);
        assert_eq!(text(map), "{\"k\\\\\":[{\"a\":\"d\",\"b\":null},null]}");
    }
}

//! What Jackson makes of a JSON value where a Java `Integer`, `String`, `Boolean`, enumeration or object is expected.
//!
//! In: a scanner in front of a value. Out: the coerced value (`"1"` and `1.5` are the integer 1), or a [`Mismatch`]
//! in Jackson's words with class names shortened as the original shortens them.

use sluiceway_common::json::{JsonError, Scanner};
use thiserror::Error;

/// Why a value is not of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// The text is not JSON.
    #[error(transparent)]
    Syntax(#[from] JsonError),
    /// It is JSON of another shape.
    #[error("{0}")]
    Shape(String),
}

/// Shortens the first quoted (`` ` ``) name of a message to its last part, and cuts off where an object began.
#[must_use]
pub fn shorten(message: &str) -> String {
    let message = message
        .split("(for Object starting at")
        .next()
        .unwrap_or_default()
        .trim();
    let mut parts: Vec<&str> = message.split('`').collect();
    if parts.len() > 2 {
        for separator in ['.', '$'] {
            match parts[1].rsplit_once(separator) {
                Some((_, last)) if !last.is_empty() => parts[1] = last,
                _ => {}
            }
        }
    }
    parts.join("`")
}

/// An `Integer`: numbers are truncated, strings parsed, blank ones and `null` are none.
///
/// # Errors
/// Other shapes, and numbers out of range.
pub fn int(input: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<i32>, Mismatch> {
    int_named(input, scanner, "Integer")
}

/// The same, with the class named so in errors: v3's streams do not shorten names.
///
/// # Errors
/// As [`int`].
pub fn int_named(
    input: &[u8],
    scanner: &mut Scanner<'_>,
    class: &str,
) -> Result<Option<i32>, Mismatch> {
    match scanner.peek() {
        Some(b'"') => int_of_text(scanner.string()?.decode().trim(), class),
        Some(b'-' | b'0'..=b'9') => {
            let start = scanner.position();
            scanner.skip()?;
            int_of_number(&input[start..scanner.position()]).map(Some)
        }
        Some(b'n') => Ok(scanner.skip().map(|()| None)?),
        _ => Err(unexpected(scanner, input, class)),
    }
}

fn int_of_text(text: &str, class: &str) -> Result<Option<i32>, Mismatch> {
    if text.is_empty() || text == "null" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let range = "(-2147483648 - 2147483647)";
        let reason = match text.parse::<i64>() {
            Ok(_) => format!("Overflow: numeric value ({text}) out of range of int {range}"),
            Err(_) => "not a valid `java.lang.Integer` value".to_owned(),
        };
        Mismatch::Shape(format!(
            "Cannot deserialize value of type `{class}` from String \"{text}\": {reason}"
        ))
    })
}

fn int_of_number(raw: &[u8]) -> Result<i32, Mismatch> {
    let text = String::from_utf8_lossy(raw);
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let fraction: f64 = text.parse().unwrap_or(f64::INFINITY);
    if raw.iter().any(|b| b".eE".contains(b))
        && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&fraction)
    {
        #[allow(clippy::cast_possible_truncation)]
        return Ok(fraction as i32);
    }
    Err(Mismatch::Shape(format!(
        "Numeric value ({text}) out of range of int (-2147483648 - 2147483647)"
    )))
}

/// A `String`: numbers and booleans as they are written, `null` is none.
///
/// # Errors
/// Arrays and objects.
pub fn text(input: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<String>, Mismatch> {
    text_named(input, scanner, "String")
}

/// The same, with the class named so in errors.
///
/// # Errors
/// As [`text`].
pub fn text_named(
    input: &[u8],
    scanner: &mut Scanner<'_>,
    class: &str,
) -> Result<Option<String>, Mismatch> {
    match scanner.peek() {
        Some(b'"') => Ok(Some(scanner.string()?.decode().into_owned())),
        Some(b'n') => Ok(scanner.skip().map(|()| None)?),
        Some(b'[' | b'{') => Err(unexpected(scanner, input, class)),
        _ => {
            let start = scanner.position();
            scanner.skip()?;
            Ok(Some(
                String::from_utf8_lossy(&input[start..scanner.position()]).into_owned(),
            ))
        }
    }
}

/// A `Boolean`: also as a text; of whole numbers 0 is false, and all others are true.
///
/// # Errors
/// Other texts, fractions, arrays and objects.
pub fn boolean(input: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<bool>, Mismatch> {
    let token = token(scanner, input)?;
    match (token.name, token.text.trim()) {
        ("VALUE_NULL", _) | ("VALUE_STRING", "" | "null") => Ok(None),
        ("VALUE_TRUE", _) | ("VALUE_STRING", "true" | "True" | "TRUE") => Ok(Some(true)),
        ("VALUE_FALSE", _) | ("VALUE_STRING", "false" | "False" | "FALSE") => Ok(Some(false)),
        ("VALUE_NUMBER_INT", number) => Ok(Some(number != "0")),
        ("VALUE_STRING", text) => Err(Mismatch::Shape(format!(
            "Cannot deserialize value of type `Boolean` from String \"{text}\": only \"true\" or \"false\" recognized"
        ))),
        _ => Err(token.mismatch("Boolean")),
    }
}

/// The place of an enumeration's value in `names`: by its name, with or without blanks around it, or by that place, also
/// as a text. `null` is none. `listed` are the names in the order of a Java hash table.
///
/// # Errors
/// Other texts and numbers, and other shapes.
pub fn one_of<'n>(
    input: &[u8],
    scanner: &mut Scanner<'_>,
    class: &str,
    listed: &str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Result<Option<usize>, Mismatch> {
    if scanner.peek() == Some(b'"') {
        let text = scanner.string()?;
        if let Some(place) = place_of_bytes(&text.bytes(), names.clone()) {
            return Ok(Some(place));
        }
        let text = text.decode();
        let text = text.trim_matches(|c| c <= ' ');
        return place_of_text(text, names)
            .map(Some)
            .ok_or_else(|| not_one_of(text, class, listed));
    }
    let token = token(scanner, input)?;
    match token.name {
        "VALUE_NULL" => Ok(None),
        "VALUE_NUMBER_INT" => place_of_number(int_of_number(token.text.as_bytes())?, class, names),
        _ => Err(token.mismatch(class)),
    }
}

fn place_of_bytes<'n>(text: &[u8], mut names: impl Iterator<Item = &'n str>) -> Option<usize> {
    names.position(|name| name.as_bytes() == text)
}

fn place_of_text<'n>(text: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<usize> {
    if let Some(place) = place_of_bytes(text.as_bytes(), names.clone()) {
        return Some(place);
    }
    let is_number = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    (is_number || text == "0")
        .then(|| text.parse().ok())?
        .filter(|place| *place < names.count())
}

fn not_one_of(text: &str, class: &str, listed: &str) -> Mismatch {
    Mismatch::Shape(match text {
        "" => format!(
            "Cannot coerce empty String (\"\") to `{class}` value (but could if coercion was enabled using `CoercionConfig`)"
        ),
        _ => format!(
            "Cannot deserialize value of type `{class}` from String \"{text}\": not one of the values accepted for Enum class: [{listed}]"
        ),
    })
}

fn place_of_number<'n>(
    number: i32,
    class: &str,
    names: impl Iterator<Item = &'n str>,
) -> Result<Option<usize>, Mismatch> {
    let count = names.count();
    match usize::try_from(number) {
        Ok(place) if place < count => Ok(Some(place)),
        _ => Err(Mismatch::Shape(format!(
            "Cannot deserialize value of type `{class}` from number {number}: index value outside legal index range [0..{}]",
            count.saturating_sub(1)
        ))),
    }
}

/// Fails unless only whitespace follows what was bound as `class`.
///
/// # Errors
/// What follows, or that it is not JSON.
pub fn nothing_behind(
    scanner: &mut Scanner<'_>,
    input: &[u8],
    class: &str,
) -> Result<(), Mismatch> {
    if scanner.peek().is_none() {
        return Ok(());
    }
    let token = token(scanner, input)?;
    Err(Mismatch::Shape(format!(
        "Trailing token (of type {}) found after value (bound as `{class}`): not allowed as per \
         `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`",
        token.name
    )))
}

/// The mismatch of a value of any other shape than the wanted type `wanted`.
#[must_use]
pub fn unexpected(scanner: &mut Scanner<'_>, input: &[u8], wanted: &str) -> Mismatch {
    match token(scanner, input) {
        Ok(token) => token.mismatch(wanted),
        Err(error) => Mismatch::Syntax(error),
    }
}

/// The mismatch of a value where an object of class `wanted` is expected: scalars are tried as constructor arguments.
#[must_use]
pub fn not_an_object(scanner: &mut Scanner<'_>, input: &[u8], wanted: &str) -> Mismatch {
    let token = match token(scanner, input) {
        Ok(token) => token,
        Err(error) => return error.into(),
    };
    let instance =
        format!("Cannot construct instance of `{wanted}` (although at least one Creator exists)");
    let (argument, value) = (token.argument, &token.text);
    Mismatch::Shape(match token.name {
        "VALUE_STRING" if value.is_empty() => format!(
            "Cannot coerce empty String (\"\") to `{wanted}` value (but could if coercion was enabled using `CoercionConfig`)"
        ),
        "VALUE_STRING" => format!(
            "{instance}: no String-argument constructor/factory method to deserialize from String value ('{value}')"
        ),
        "VALUE_TRUE" | "VALUE_FALSE" => format!(
            "{instance}: no boolean/Boolean-argument constructor/factory method to deserialize from boolean value ({value})"
        ),
        "VALUE_NUMBER_INT" | "VALUE_NUMBER_FLOAT" => format!(
            "{instance}: no {argument}-argument constructor/factory method to deserialize from Number value ({value})"
        ),
        _ => return token.mismatch(wanted),
    })
}

/// A value's first token, as Jackson describes it.
#[derive(Debug)]
pub(crate) struct Token {
    /// `START_OBJECT`, `VALUE_STRING` …
    pub(crate) name: &'static str,
    kind: &'static str,
    argument: &'static str,
    text: String,
}

/// Longest piece of a scalar that a message repeats, in characters.
const QUOTED_CHARACTERS: usize = 500;

/// Describes the next value. Scalars are read, of arrays and objects only the bracket is looked at.
pub(crate) fn token(scanner: &mut Scanner<'_>, input: &[u8]) -> Result<Token, JsonError> {
    let (name, kind, argument) = match scanner.peek() {
        Some(b'{') => return Ok(Token::bracket("START_OBJECT", "Object")),
        Some(b'[') => return Ok(Token::bracket("START_ARRAY", "Array")),
        Some(b'"') => {
            let text = scanner
                .string()?
                .decode()
                .chars()
                .take(QUOTED_CHARACTERS)
                .collect();
            return Ok(Token {
                name: "VALUE_STRING",
                kind: "String",
                argument: "String",
                text,
            });
        }
        Some(b't') => ("VALUE_TRUE", "Boolean", "boolean/Boolean"),
        Some(b'f') => ("VALUE_FALSE", "Boolean", "boolean/Boolean"),
        Some(b'n') => ("VALUE_NULL", "Null", ""),
        _ => ("VALUE_NUMBER_INT", "Integer", "int/Int"),
    };
    let start = scanner.position();
    scanner.skip()?;
    let raw = &input[start..scanner.position()];
    let text = String::from_utf8_lossy(raw).into_owned();
    if name == "VALUE_NUMBER_INT" && raw.iter().any(|b| b".eE".contains(b)) {
        return Ok(Token {
            name: "VALUE_NUMBER_FLOAT",
            kind: "Floating-point",
            argument: "double/Double",
            text,
        });
    }
    let argument = match (name, text.parse::<i32>(), text.parse::<i64>()) {
        ("VALUE_NUMBER_INT", Err(_), Ok(_)) => "long/Long",
        ("VALUE_NUMBER_INT", Err(_), Err(_)) => "BigInteger",
        _ => argument,
    };
    Ok(Token {
        name,
        kind,
        argument,
        text,
    })
}

impl Token {
    fn bracket(name: &'static str, kind: &'static str) -> Self {
        Self {
            name,
            kind,
            argument: "",
            text: String::new(),
        }
    }

    /// It is of another shape than the wanted type.
    fn mismatch(&self, wanted: &str) -> Mismatch {
        Mismatch::Shape(format!(
            "Cannot deserialize value of type `{wanted}` from {} value (token `JsonToken.{}`)",
            self.kind, self.name
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sluiceway_common::json::Options;

    fn read<T>(
        json: &str,
        coerce: fn(&[u8], &mut Scanner<'_>) -> Result<T, Mismatch>,
    ) -> Result<T, String> {
        let mut scanner = Scanner::new(json.as_bytes(), 0, &Options::STRICT);
        coerce(json.as_bytes(), &mut scanner).map_err(|mismatch| mismatch.to_string())
    }

    #[test]
    fn integers() {
        for (json, expected) in [
            ("1", Some(1)),
            ("-7", Some(-7)),
            ("1.5", Some(1)),
            ("-1.9", Some(-1)),
            ("1e2", Some(100)),
            ("\"1\"", Some(1)),
            ("\" 12 \"", Some(12)),
            ("\"\"", None),
            ("\"  \"", None),
            ("\"null\"", None),
            ("null", None),
        ] {
            assert_eq!(read(json, int), Ok(expected), "{json}");
        }
        for (json, message) in [
            (
                "\"x\"",
                "Cannot deserialize value of type `Integer` from String \"x\": not a valid `java.lang.Integer` value",
            ),
            (
                "99999999999",
                "Numeric value (99999999999) out of range of int (-2147483648 - 2147483647)",
            ),
            (
                "1e99",
                "Numeric value (1e99) out of range of int (-2147483648 - 2147483647)",
            ),
            (
                "true",
                "Cannot deserialize value of type `Integer` from Boolean value (token `JsonToken.VALUE_TRUE`)",
            ),
            (
                "{}",
                "Cannot deserialize value of type `Integer` from Object value (token `JsonToken.START_OBJECT`)",
            ),
            (
                "[1]",
                "Cannot deserialize value of type `Integer` from Array value (token `JsonToken.START_ARRAY`)",
            ),
        ] {
            assert_eq!(read(json, int), Err(message.to_owned()), "{json}");
        }
    }

    #[test]
    fn booleans() {
        for (json, expected) in [
            ("true", Some(true)),
            ("\"False\"", Some(false)),
            ("\" \"", None),
            ("null", None),
            ("0", Some(false)),
            ("-7", Some(true)),
        ] {
            assert_eq!(read(json, boolean), Ok(expected), "{json}");
        }
        for json in ["\"yes\"", "1.0", "[]", "{}"] {
            assert!(read(json, boolean).is_err(), "{json}");
        }
    }

    #[test]
    fn enumerations() {
        let read = |json: &str| {
            read(json, |input, scanner| {
                one_of(input, scanner, "E", "B, A", ["A", "B"].into_iter())
            })
        };
        for (json, expected) in [
            ("\"B\"", Some(1)),
            ("\" A\\n\"", Some(0)),
            ("1", Some(1)),
            ("\"0\"", Some(0)),
            ("null", None),
        ] {
            assert_eq!(read(json), Ok(expected), "{json}");
        }
        let none = "Cannot deserialize value of type `E` from";
        for text in ["b", "2", "01", "-1", "1.0"] {
            let message = format!(
                "{none} String \"{text}\": not one of the values accepted for Enum class: [B, A]"
            );
            assert_eq!(read(&format!("\"{text}\"")), Err(message));
        }
        for number in ["2", "-1"] {
            let message =
                format!("{none} number {number}: index value outside legal index range [0..1]");
            assert_eq!(read(number), Err(message));
        }
        let blank = "Cannot coerce empty String (\"\") to `E` value (but could if coercion was enabled using `CoercionConfig`)";
        assert_eq!(read("\" \""), Err(blank.to_owned()));
        let message = format!("{none} Floating-point value (token `JsonToken.VALUE_NUMBER_FLOAT`)");
        assert_eq!(read("1.0"), Err(message));
        let message = format!("{none} Boolean value (token `JsonToken.VALUE_TRUE`)");
        assert_eq!(read("true"), Err(message));
    }

    #[test]
    fn strings() {
        assert_eq!(read("\"a\\u0062\"", text), Ok(Some("ab".into())));
        assert_eq!(read("1.50", text), Ok(Some("1.50".into())));
        assert_eq!(read("true", text), Ok(Some("true".into())));
        assert_eq!(read("null", text), Ok(None));
        let message = "Cannot deserialize value of type `String` from Object value (token `JsonToken.START_OBJECT`)";
        assert_eq!(read("{}", text), Err(message.to_owned()));
    }

    #[test]
    fn messages_are_shortened_once() {
        let long = "Cannot construct instance of `io.x.ProduceRequest$ProduceRecord` (see `java.lang.Integer`)";
        assert_eq!(
            shorten(long),
            "Cannot construct instance of `ProduceRecord` (see `java.lang.Integer`)"
        );
        let listed = "Cannot deserialize value of type `java.util.ArrayList<io.x.Request$Record>` from Object";
        assert_eq!(
            shorten(listed),
            "Cannot deserialize value of type `Record>` from Object"
        );
        assert_eq!(shorten("a (for Object starting at [x])"), "a");
        assert_eq!(shorten("no name"), "no name");
    }
}

//! Parsed values of keys.

use indexmap::IndexMap;

use super::key::Kind;
use crate::secret::Secret;

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(i64),
    Double(f64),
    Text(String),
    List(Vec<String>),
    Secret(Secret),
}

/// Reads `raw` as a value of type `kind`.
///
/// # Errors
/// What is expected instead, in Kafka's words.
pub(super) fn parse(kind: Kind, raw: &str) -> Result<Value, String> {
    let text = raw.trim();
    match kind {
        Kind::Boolean if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Kind::Boolean if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        Kind::Boolean => Err("Expected value to be either true or false".into()),
        Kind::Short => parse_number::<i16>(kind, text),
        Kind::Int => parse_number::<i32>(kind, text),
        Kind::Long => parse_number::<i64>(kind, text),
        Kind::Double => text
            .parse()
            .map(Value::Double)
            .map_err(|_| not_a_number(kind)),
        Kind::String | Kind::Class => Ok(Value::Text(text.to_owned())),
        Kind::List if text.is_empty() => Ok(Value::List(Vec::new())),
        Kind::List => Ok(Value::List(
            text.split(',').map(|item| item.trim().to_owned()).collect(),
        )),
        Kind::Password => Ok(Value::Secret(Secret::new(text))),
    }
}

fn parse_number<T: std::str::FromStr + Into<i64>>(kind: Kind, text: &str) -> Result<Value, String> {
    text.parse::<T>()
        .map(|number| Value::Number(number.into()))
        .map_err(|_| not_a_number(kind))
}

fn not_a_number(kind: Kind) -> String {
    format!("Not a number of type {}", kind.name())
}

/// Parsed values. A getter of a key that was not declared, or is of another type, answers the type's empty value
/// (and stops a debug build: it is a slip in the program, not in the user's file).
#[derive(Clone, Debug, Default)]
pub struct Values(pub(super) IndexMap<&'static str, Value>);

impl Values {
    fn find(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.0.get(name).unwrap_or(NULL)
    }

    /// A number key's value.
    pub fn number(&self, name: &str) -> i64 {
        match self.find(name) {
            Value::Number(number) => *number,
            _ => 0,
        }
    }

    /// A number key's value as a count or size; negative ones are 0.
    pub fn size(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or(0)
    }

    /// A number key's value in milliseconds; negative ones are `None`.
    pub fn millis(&self, name: &str) -> Option<std::time::Duration> {
        u64::try_from(self.number(name))
            .ok()
            .map(std::time::Duration::from_millis)
    }

    /// A floating-point key's value.
    pub fn double(&self, name: &str) -> f64 {
        match self.find(name) {
            Value::Double(number) => *number,
            _ => 0.0,
        }
    }

    /// A boolean key's value.
    pub fn boolean(&self, name: &str) -> bool {
        matches!(self.find(name), Value::Bool(true))
    }

    /// A text key's value; unset is empty.
    pub fn text(&self, name: &str) -> &str {
        match self.find(name) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// A text key's value, when it is set and not empty.
    pub fn text_opt(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A list key's items.
    pub fn list(&self, name: &str) -> &[String] {
        match self.find(name) {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A password key's value.
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.find(name) {
            Value::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// The value as Connect's REST API shows it: lists joined, passwords hidden, unset as `None`.
    pub fn shown(&self, name: &str) -> Option<String> {
        match self.find(name) {
            Value::Null => None,
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(value) => Some(value.to_string()),
            Value::Double(value) => Some(value.to_string()),
            Value::Text(value) => Some(value.clone()),
            Value::List(items) => Some(items.join(",")),
            Value::Secret(_) => Some("[hidden]".into()),
        }
    }
}

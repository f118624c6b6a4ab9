//! Declared configuration keys, and properties checked against them.
//!
//! In: a [`ConfigDef`] (the keys a program knows) and [`Properties`] (what the user wrote). Out: typed [`Values`],
//! or one [`ConfigErrors`] that lists **every** bad key with its value and what is valid, in Kafka's own words.
//! Keys that nobody declared are no error: [`ConfigDef::unknown_keys`] names them with the nearest known one.

use std::fmt::{self, Write as _};

use indexmap::IndexMap;
use thiserror::Error;

use crate::props::Properties;
use crate::secret::{MASK, Secret, is_secret_name};

/// The type of a key's value; names as Kafka prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// 16-bit integer.
    Short,
    /// 32-bit integer.
    Int,
    /// 64-bit integer.
    Long,
    /// Floating-point number.
    Double,
    /// Text.
    String,
    /// Comma-separated texts.
    List,
    /// The name of a Java class.
    Class,
    /// Text that is never shown.
    Password,
}

impl Kind {
    /// The name Kafka uses in errors and in Connect's REST answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Short => "SHORT",
            Self::Int => "INT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::String => "STRING",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How much a key matters, as the originals declare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Most users set it.
    High,
    /// Some users set it.
    Medium,
    /// Few users set it.
    Low,
}

impl Importance {
    /// The name Kafka uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// What a key's value is when the user gives none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// The user must give one.
    Required,
    /// None: the key is unset.
    Null,
    /// This text, read like a user's.
    Text(&'static str),
}

/// A check beyond the type: `Err` says what is valid.
pub type Validator = fn(&str) -> Result<(), String>;

/// Limits on a key's value.
#[derive(Clone, Debug, Default)]
struct Limits {
    min: Option<i64>,
    max: Option<i64>,
    one_of: Option<(&'static [&'static str], bool)>,
    validator: Option<Validator>,
}

/// One declared key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name in the properties file.
    pub name: &'static str,
    /// The type of its value.
    pub kind: Kind,
    /// Its value when unset.
    pub default: DefaultValue,
    /// How much it matters.
    pub importance: Importance,
    /// What it does, units included; also the text in `docs/configuration.md`.
    pub doc: &'static str,
    /// The heading under which it is shown.
    pub group: &'static str,
    limits: Limits,
}

impl Key {
    /// A key of type `kind` with the default `default`.
    pub fn new(name: &'static str, kind: Kind, default: DefaultValue, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            default,
            importance: Importance::Medium,
            doc,
            group: "",
            limits: Limits::default(),
        }
    }

    /// A key that has to be set.
    pub fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::new(name, kind, DefaultValue::Required, doc).importance(Importance::High)
    }

    /// A key with a default value.
    pub fn with(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self::new(name, kind, DefaultValue::Text(default), doc)
    }

    /// A key that is unset by default.
    pub fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::new(name, kind, DefaultValue::Null, doc)
    }

    /// Sets the importance.
    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    /// Sets the heading.
    pub fn group(mut self, group: &'static str) -> Self {
        self.group = group;
        self
    }

    /// The smallest number allowed.
    pub fn at_least(mut self, min: i64) -> Self {
        self.limits.min = Some(min);
        self
    }

    /// The smallest and the largest number allowed.
    pub fn between(mut self, min: i64, max: i64) -> Self {
        self.limits.min = Some(min);
        self.limits.max = Some(max);
        self
    }

    /// The texts allowed; `any_case` takes them in upper and lower case.
    pub fn one_of(mut self, texts: &'static [&'static str], any_case: bool) -> Self {
        self.limits.one_of = Some((texts, any_case));
        self
    }

    /// A further check.
    pub fn check(mut self, validator: Validator) -> Self {
        self.limits.validator = Some(validator);
        self
    }

    /// What is valid, for the documentation: `[0,...]`, `[none, gzip]`, or nothing.
    pub fn valid_values(&self) -> String {
        match (&self.limits.one_of, self.limits.min, self.limits.max) {
            (Some((texts, _)), ..) => format!("[{}]", texts.join(", ")),
            (None, Some(min), Some(max)) => format!("[{min},...,{max}]"),
            (None, Some(min), None) => format!("[{min},...]"),
            _ => String::new(),
        }
    }

    fn read(&self, text: &str) -> Result<Value, String> {
        let value = parse_kind(self.kind, text)?;
        self.check_limits(&value, text)?;
        Ok(value)
    }

    fn check_limits(&self, value: &Value, text: &str) -> Result<(), String> {
        if let Value::Number(number) = value {
            if self.limits.min.is_some_and(|min| *number < min) {
                return Err(format!(
                    "Value must be at least {}",
                    self.limits.min.unwrap_or_default()
                ));
            }
            if self.limits.max.is_some_and(|max| *number > max) {
                return Err(format!(
                    "Value must be no more than {}",
                    self.limits.max.unwrap_or_default()
                ));
            }
        }
        if let Some((texts, any_case)) = self.limits.one_of {
            let text = text.trim();
            if !texts
                .iter()
                .any(|known| *known == text || (any_case && known.eq_ignore_ascii_case(text)))
            {
                return Err(format!("String must be one of: {}", texts.join(", ")));
            }
        }
        self.limits
            .validator
            .map_or(Ok(()), |validator| validator(text.trim()))
    }
}

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Number(i64),
    Double(f64),
    Text(String),
    List(Vec<String>),
    Secret(Secret),
}

fn parse_kind(kind: Kind, raw: &str) -> Result<Value, String> {
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

/// One bad key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key.
    pub key: String,
    /// The whole message, in Kafka's words, secrets masked.
    pub message: String,
}

impl ConfigError {
    /// `Invalid value V for configuration K: reason`; the value of a secret key is masked.
    pub fn invalid(key: &str, value: &str, reason: impl fmt::Display) -> Self {
        let value = if is_secret_name(key) { MASK } else { value };
        Self {
            key: key.into(),
            message: format!("Invalid value {value} for configuration {key}: {reason}"),
        }
    }

    /// `Missing required configuration "K" which has no default value.`
    pub fn missing(key: &str) -> Self {
        let message =
            format!("Missing required configuration \"{key}\" which has no default value.");
        Self {
            key: key.into(),
            message,
        }
    }

    /// An error in words of its own.
    pub fn other(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

/// Every error of one configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} error(s):", self.0.len())?;
        self.0
            .iter()
            .try_for_each(|error| write!(f, "\n  {}", error.message))
    }
}

impl ConfigErrors {
    /// `Ok` when there is no error.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// A key that no definition knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key as written.
    pub name: String,
    /// The nearest known key, when one is near enough to be meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown configuration key \"{}\" is ignored", self.name)?;
        self.nearest
            .map_or(Ok(()), |nearest| write!(f, "; did you mean \"{nearest}\"?"))
    }
}

/// The keys a program knows, in the order in which they are documented.
#[derive(Clone, Debug, Default)]
pub struct ConfigDef {
    keys: IndexMap<&'static str, Key>,
    prefixes: Vec<&'static str>,
}

impl ConfigDef {
    /// No keys yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; one of the same name is replaced.
    pub fn key(mut self, key: Key) -> Self {
        self.keys.insert(key.name, key);
        self
    }

    /// Adds keys under one heading.
    pub fn keys(mut self, group: &'static str, keys: impl IntoIterator<Item = Key>) -> Self {
        for key in keys {
            self.keys.insert(key.name, key.group(group));
        }
        self
    }

    /// Declares that any key under `prefix` (`producer.`) is known here and checked elsewhere.
    pub fn prefix(mut self, prefix: &'static str) -> Self {
        self.prefixes.push(prefix);
        self
    }

    /// The declared keys.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// The declared key of this name.
    pub fn get(&self, name: &str) -> Option<&Key> {
        self.keys.get(name)
    }

    /// Reads all declared keys from `properties`.
    ///
    /// # Errors
    /// All missing and all bad keys at once.
    pub fn parse(&self, properties: &Properties) -> Result<Values, ConfigErrors> {
        let (values, errors) = self.parse_all(properties);
        errors.into_result().map(|()| values)
    }

    /// Like [`ConfigDef::parse`], with the values that were good besides the errors, for checks across keys.
    pub fn parse_all(&self, properties: &Properties) -> (Values, ConfigErrors) {
        let mut values = Values::default();
        let mut errors = ConfigErrors::default();
        for key in self.keys.values() {
            let value = match (properties.get(key.name), key.default) {
                (Some(text), _) => key
                    .read(text)
                    .map_err(|reason| ConfigError::invalid(key.name, text, reason)),
                (None, DefaultValue::Required) => Err(ConfigError::missing(key.name)),
                (None, DefaultValue::Null) => Ok(Value::Null),
                (None, DefaultValue::Text(text)) => parse_kind(key.kind, text)
                    .map_err(|reason| ConfigError::invalid(key.name, text, reason)),
            };
            match value {
                Ok(value) => drop(values.0.insert(key.name, value)),
                Err(error) => errors.0.push(error),
            }
        }
        (values, errors)
    }

    /// The keys of `properties` that are neither declared nor under a declared prefix.
    pub fn unknown_keys(&self, properties: &Properties) -> Vec<UnknownKey> {
        properties
            .keys()
            .filter(|name| !self.keys.contains_key(name.as_str()))
            .filter(|name| !self.prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map(|name| UnknownKey {
                name: name.clone(),
                nearest: self.nearest(name),
            })
            .collect()
    }

    fn nearest(&self, name: &str) -> Option<&'static str> {
        self.keys
            .keys()
            .map(|known| {
                (
                    strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), known),
                    *known,
                )
            })
            .filter(|(similarity, _)| *similarity >= 0.6)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known)
    }

    /// The keys as Markdown tables, one a heading: the source of `docs/configuration.md`.
    pub fn to_markdown(&self) -> String {
        let mut groups: IndexMap<&str, Vec<&Key>> = IndexMap::new();
        for key in self.keys.values() {
            groups.entry(key.group).or_default().push(key);
        }
        let mut text = String::new();
        for (group, keys) in groups {
            let heading = if group.is_empty() { "General" } else { group };
            let _ = write!(
                text,
                "### {heading}\n\n| key | type | default | valid | meaning |\n|---|---|---|---|---|\n"
            );
            for key in keys {
                let default = match key.default {
                    DefaultValue::Required => "**required**".to_owned(),
                    DefaultValue::Null => "unset".to_owned(),
                    DefaultValue::Text("") => "empty".to_owned(),
                    DefaultValue::Text(text) => format!("`{}`", text.escape_default()),
                };
                let kind = key.kind.name().to_ascii_lowercase();
                let _ = writeln!(
                    text,
                    "| `{}` | {kind} | {default} | {} | {} |",
                    key.name,
                    key.valid_values(),
                    key.doc
                );
            }
            text.push('\n');
        }
        text
    }
}

/// Parsed values. A getter of a key that was not declared, or is of another type, answers the type's empty value
/// (and stops a debug build: it is a slip in the program, not in the user's file).
#[derive(Clone, Debug, Default)]
pub struct Values(IndexMap<&'static str, Value>);

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

#[cfg(test)]
#[path = "config_def_tests.rs"]
mod tests;

//! A declared key: name, type, default, limits, documentation.

use std::borrow::Cow;

use super::error::ConfigError;
use super::value::{self, Value};

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
    told_lower: bool,
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

    /// The texts allowed, in upper and lower case; errors tell a value in lower case, because the original's check lowers it
    /// before it looks.
    pub fn one_of_lowered(mut self, texts: &'static [&'static str]) -> Self {
        self.limits.told_lower = true;
        self.one_of(texts, true)
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

    /// Reads `text` as a value of this key. What is of another type is told as it was written, a value that a check
    /// refuses as it was read: trimmed, and numbers without what means nothing (`+5`, `007`).
    pub(super) fn read(&self, text: &str) -> Result<Value, ConfigError> {
        let value = value::parse(self.kind, text)
            .map_err(|reason| ConfigError::invalid(self.name, text, reason))?;
        match self.check_limits(&value, text) {
            Ok(()) => Ok(value),
            Err(reason) => Err(ConfigError::invalid(
                self.name,
                &self.told(&value, text),
                reason,
            )),
        }
    }

    fn told<'a>(&self, value: &Value, text: &'a str) -> Cow<'a, str> {
        match value {
            Value::Number(number) => number.to_string().into(),
            _ if self.limits.told_lower => text.trim().to_lowercase().into(),
            _ => text.trim().into(),
        }
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

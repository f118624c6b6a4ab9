//! Options of transforms and predicates: their definitions, checks and values.
//!
//! In: the options under one alias. Out: typed options, or every error in Connect's words. Validators see a missing
//! or bad value as null and complain once more, as Connect's do.

use sluiceway_common::config_def::{ConfigDef, ConfigError, DefaultValue, Importance, Key, Kind};
use sluiceway_common::props::Properties;

use crate::config::java_regex::JavaRegex;

/// A check beyond the type. It sees `None` for null; the error is the whole message.
pub(crate) type Check = fn(name: &str, value: Option<&str>) -> Result<(), String>;

/// An option.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) key: Key,
    check: Option<Check>,
}

impl Setting {
    pub(crate) fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::of(Key::required(name, kind, doc))
    }

    pub(crate) fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self::of(Key::optional(name, kind, doc))
    }

    pub(crate) fn with(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::of(Key::with(name, kind, default, doc))
    }

    fn of(key: Key) -> Self {
        Self { key, check: None }
    }

    pub(crate) fn importance(mut self, importance: Importance) -> Self {
        self.key = self.key.importance(importance);
        self
    }

    pub(crate) fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// Errors of this option under `prefix`.
    pub(crate) fn errors(&self, prefix: &str, options: &Properties) -> Vec<ConfigError> {
        let name = self.key.name;
        let full = format!("{prefix}{name}");
        let mut errors = Vec::new();
        let value = match (options.get(name), self.key.default) {
            (Some(text), _) => match bad_type(&self.key, text) {
                None => Some(text.trim()),
                Some(reason) => {
                    errors.push(ConfigError::invalid(&full, text, reason));
                    None
                }
            },
            (None, DefaultValue::Required) => {
                errors.push(ConfigError::missing(&full));
                None
            }
            (None, DefaultValue::Null) => None,
            (None, DefaultValue::Text(text)) => Some(text),
        };
        if let Some(Err(message)) = self.check.map(|check| check(name, value)) {
            errors.push(ConfigError::other(&full, message));
        }
        errors
    }
}

/// Why a text is not of the option's type.
fn bad_type(key: &Key, text: &str) -> Option<String> {
    let plain = Key::optional(key.name, key.kind, "");
    let options = Properties::from_iter([(key.name.to_owned(), text.to_owned())]);
    let (_, errors) = ConfigDef::new().key(plain).parse_all(&options);
    let message = errors.0.into_iter().next()?.message;
    let said = format!("configuration {}: ", key.name);
    let reason = message
        .split_once(&said)
        .map(|(_, reason)| reason.to_owned());
    Some(reason.unwrap_or(message))
}

/// The options of one alias, read with their defaults.
pub(crate) struct Options<'p> {
    settings: Vec<Setting>,
    given: &'p Properties,
}

impl<'p> Options<'p> {
    /// Checked options.
    pub(crate) fn new(settings: Vec<Setting>, given: &'p Properties) -> Self {
        Self { settings, given }
    }

    /// A text; `None` for null.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        if let Some(text) = self.given.get(name) {
            return Some(text.trim());
        }
        let setting = self.settings.iter().find(|one| one.key.name == name)?;
        match setting.key.default {
            DefaultValue::Text(text) => Some(text),
            DefaultValue::Required | DefaultValue::Null => None,
        }
    }

    /// A text, empty for null.
    pub(crate) fn string(&self, name: &str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }

    /// Comma-separated texts.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        list(self.text(name).unwrap_or_default())
    }

    /// A boolean.
    pub(crate) fn boolean(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// `replace.null.with.default`.
    pub(crate) fn replaces_null(&self) -> bool {
        self.boolean(REPLACE_NULL)
    }
}

const REPLACE_NULL: &str = "replace.null.with.default";

/// `replace.null.with.default`, which most transforms have.
pub(crate) fn replace_null() -> Setting {
    Setting::with(
        REPLACE_NULL,
        Kind::Boolean,
        "true",
        "Whether a null is read as its field's default.",
    )
}

/// A list as Kafka splits it.
pub(crate) fn list(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.trim()
        .split(',')
        .map(|item| item.trim().to_owned())
        .collect()
}

/// A list as Java prints it.
pub(crate) fn shown_list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

fn invalid(name: &str, value: &str, reason: impl std::fmt::Display) -> String {
    format!("Invalid value {value} for configuration {name}: {reason}")
}

/// `NonEmptyListValidator`.
pub(crate) fn non_empty_list(name: &str, value: Option<&str>) -> Result<(), String> {
    match value {
        None => Err(invalid(name, "null", "Empty list")),
        Some(text) if list(text).is_empty() => Err(invalid(name, "[]", "Empty list")),
        Some(_) => Ok(()),
    }
}

/// `NonEmptyString`.
pub(crate) fn non_empty(name: &str, value: Option<&str>) -> Result<(), String> {
    match value {
        Some("") => Err(invalid(name, "", "String must be non-empty")),
        _ => Ok(()),
    }
}

/// `NonNullValidator`.
pub(crate) fn non_null(name: &str, value: Option<&str>) -> Result<(), String> {
    match value {
        None => Err(invalid(name, "null", "entry must be non null")),
        Some(_) => Ok(()),
    }
}

/// `ValidString.in`.
pub(crate) fn one_of(name: &str, value: Option<&str>, texts: &[&str]) -> Result<(), String> {
    let shown = value.unwrap_or("null");
    if value.is_some_and(|value| texts.contains(&value)) {
        return Ok(());
    }
    let reason = format!("String must be one of: {}", texts.join(", "));
    Err(invalid(name, shown, reason))
}

/// `CaseInsensitiveValidString.in`.
pub(crate) fn one_of_any_case(
    name: &str,
    value: Option<&str>,
    texts: &[&str],
) -> Result<(), String> {
    let shown = value.unwrap_or("null");
    if texts.iter().any(|text| text.eq_ignore_ascii_case(shown)) {
        return Ok(());
    }
    let texts = texts.join(", ");
    let reason = format!("String must be one of (case insensitive): {texts}");
    Err(invalid(name, shown, reason))
}

/// `RegexValidator`.
pub(crate) fn regex(name: &str, value: Option<&str>) -> Result<(), String> {
    let Some(text) = value else {
        let reason =
            "Invalid regex: Cannot invoke \"String.isEmpty()\" because \"this.pattern\" is null";
        return Err(invalid(name, "null", reason));
    };
    match JavaRegex::new(text) {
        Ok(_) => Ok(()),
        Err(reason) => Err(invalid(name, text, format_args!("Invalid regex: {reason}"))),
    }
}

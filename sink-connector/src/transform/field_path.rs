//! Paths to fields: a plain name (`V1`), or names with dots between them and backticks round those that hold dots
//! (`V2`).

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, one_of_any_case};
use super::support::{member, read};
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::value::{SchemaRef, Type, Value};

const SYNTAX: &str = "field.syntax.version";
const PURPOSE: &str = "nested field access";
const NO_STRUCT: &str = "Cannot look up fields on non-struct type";

/// `field.syntax.version`.
pub(super) fn syntax_setting() -> Setting {
    Setting::with(
        SYNTAX,
        Kind::String,
        "V1",
        "`V1`: a field's name is taken as it is. `V2`: dots lead into nested fields.",
    )
    .importance(Importance::High)
    .check(|name, value| one_of_any_case(name, value, &["V1", "V2"]))
}

/// A path; at least one step.
pub(super) struct FieldPath {
    steps: Vec<String>,
    /// The option as it is given.
    text: String,
}

impl FieldPath {
    /// The path in the option `field`.
    ///
    /// # Errors
    /// A backtick without its pair.
    pub(super) fn from_options(options: &Options<'_>) -> Result<Self, Exception> {
        let text = options.string("field");
        let nested = options.string(SYNTAX).eq_ignore_ascii_case("V2");
        let steps = if nested {
            split(&text)?
        } else {
            vec![text.clone()]
        };
        Ok(Self { steps, text })
    }

    /// The field's schema; `None` when there is no such field.
    ///
    /// # Errors
    /// A step leads through a schema that has no fields.
    pub(super) fn schema(&self, schema: &SchemaRef) -> Result<Option<SchemaRef>, Exception> {
        let mut current = schema;
        for step in &self.steps {
            if current.kind != Type::Struct {
                return Err(Exception::data(NO_STRUCT));
            }
            let Some(at) = current.field_index(step) else {
                return Ok(None);
            };
            current = &current.fields[at].schema;
        }
        Ok(Some(current.clone()))
    }

    /// The value in a map or struct; null when there is no such field. Inner structs give defaults for nulls, the
    /// field itself only with `replace_null`.
    ///
    /// # Errors
    /// A step leads through a value that has no fields.
    pub(super) fn value(&self, value: Value, replace_null: bool) -> Result<Value, Exception> {
        let mut current = value;
        for (at, step) in self.steps.iter().enumerate() {
            let last = at + 1 == self.steps.len();
            current = match current {
                Value::Null => return Ok(Value::Null),
                Value::Map(members) => member(&members, step).clone(),
                Value::Struct(mut value) => match value.schema.field_index(step) {
                    None => return Ok(Value::Null),
                    Some(at) => {
                        let inner = std::mem::replace(&mut value.values[at], Value::Null);
                        let schema = &value.schema.fields[at].schema;
                        let inner = read(schema, inner, replace_null || !last);
                        if !last && schema.kind != Type::Struct && !inner.is_null() {
                            return Err(no_fields("Only Struct objects supported for", &inner));
                        }
                        inner
                    }
                },
                value => {
                    let what = "Only Map objects supported in absence of schema for";
                    return Err(no_fields(what, &value));
                }
            };
        }
        Ok(current)
    }

    /// The path as it is configured, backticks and all.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn no_fields(what: &str, value: &Value) -> Exception {
    Exception::data(format!("{what} [{PURPOSE}], found: {}", value.java_class()))
}

/// The steps of a `V2` path.
fn split(path: &str) -> Result<Vec<String>, Exception> {
    let mut steps = Vec::new();
    let mut rest = Some(path).filter(|path| !path.is_empty());
    while let Some(text) = rest {
        let (step, after) = match text.strip_prefix('`') {
            Some(quoted) => quoted_step(quoted).ok_or_else(|| {
                let at = path.encode_utf16().count() - text.encode_utf16().count();
                Exception::new(
                    CONFIG_EXCEPTION,
                    format!(
                        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at \
                         position {at} to escape it"
                    ),
                )
            })?,
            None => match text.split_once('.') {
                Some((step, after)) => (step.to_owned(), Some(after)),
                None => (text.to_owned(), None),
            },
        };
        steps.push(step);
        rest = after.filter(|after| !after.is_empty());
    }
    if path.ends_with('.') {
        steps.push(String::new());
    }
    Ok(steps)
}

/// The step up to the backtick that ends it: one before a dot or the path's end. A backslash before it makes it part
/// of the name.
fn quoted_step(text: &str) -> Option<(String, Option<&str>)> {
    let (mut step, mut start, mut from) = (String::new(), 0, 0);
    loop {
        let at = from + text[from..].find('`')?;
        let escaped = at > 0 && text.as_bytes()[at - 1] == b'\\';
        let after = &text[at + 1..];
        if after.is_empty() {
            return (!escaped).then(|| (step + &text[start..at], None));
        }
        from = at + 1;
        match (after.strip_prefix('.'), escaped) {
            (None, _) => {}
            (Some(_), true) => {
                step.push_str(&text[start..at - 1]);
                step.push('`');
                start = from;
            }
            (Some(rest), false) => return Some((step + &text[start..at], Some(rest))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_split_at_dots_outside_backticks() {
        for (path, steps) in [
            ("a", vec!["a"]),
            ("a.b.c", vec!["a", "b", "c"]),
            ("`a.b`.c", vec!["a.b", "c"]),
            ("a.`b.c`", vec!["a", "b.c"]),
            ("a`b.c", vec!["a`b", "c"]),
            ("`a`b.c`.d", vec!["a`b.c", "d"]),
            ("`a\\`.b`", vec!["a`.b"]),
            ("a.", vec!["a", ""]),
            (".a", vec!["", "a"]),
            ("`a`.", vec!["a", ""]),
        ] {
            assert_eq!(split(path).unwrap(), steps, "{path}");
        }
        let error = split("a.`b").unwrap_err();
        assert_eq!(
            error.message,
            "Incomplete backtick pair in path: [a.`b], consider adding a backslash before backtick at position 2 to \
             escape it"
        );
    }
}

//! Text → value: what Connect makes of a header's text (`Values.parseString`).
//!
//! In: any text. Out: the smallest type that fits: null, boolean, date, time, timestamp, number, list, map; what is
//! none of these is a string. Nothing fails. As in the original a value at the beginning wins: `12,foo` is 12.

use super::text::{ISO_DATE, ISO_TIME, ISO_TIMESTAMP};
use super::{Decimal, Schema, SchemaRef, Type, Value, logical};

/// A value with its schema; `None` is null.
pub(crate) type Parsed = Option<(SchemaRef, Value)>;

const DAY: i64 = 86_400_000;

/// The containers nested deeper than this are a string.
const MAX_DEPTH: usize = 200;

/// Parses a text.
pub(crate) fn parse_text(text: &str) -> Parsed {
    if text.is_empty() {
        return string(text);
    }
    let mut parser = Parser {
        text,
        at: 0,
        next: None,
        depth: 0,
    };
    // Only what is embedded can fail.
    parser.value(false).unwrap_or_else(|_| string(text))
}

fn string(text: &str) -> Parsed {
    typed(Schema::of(Type::String), Value::String(text.to_owned()))
}

fn typed(schema: Schema, value: Value) -> Parsed {
    Some((schema.build(), value))
}

/// It is no list or map after all.
struct NotThat;

/// The common schema of a list's items, a map's keys or a map's values.
enum Common {
    None,
    Schema(SchemaRef),
    Mixed,
}

impl Common {
    fn merge(&mut self, item: &Parsed) {
        let Some((schema, _)) = item else { return };
        *self = match std::mem::replace(self, Self::Mixed) {
            Self::None => Self::Schema(schema.clone()),
            Self::Schema(previous) => merged(previous, schema).map_or(Self::Mixed, Self::Schema),
            Self::Mixed => Self::Mixed,
        };
    }

    fn schema(&self) -> Option<&SchemaRef> {
        match self {
            Self::Schema(schema) => Some(schema),
            _ => None,
        }
    }
}

/// The later of two schemas of one type; the wider of two numeric types.
fn merged(previous: SchemaRef, latest: &SchemaRef) -> Option<SchemaRef> {
    if previous.kind == latest.kind {
        return Some(latest.clone());
    }
    Some(if width(previous.kind)? > width(latest.kind)? {
        previous
    } else {
        latest.clone()
    })
}

fn width(kind: Type) -> Option<u8> {
    Some(match kind {
        Type::Int8 => 0,
        Type::Int16 => 1,
        Type::Int32 => 2,
        Type::Int64 => 3,
        Type::Float32 => 4,
        Type::Float64 => 5,
        _ => return None,
    })
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    next: Option<&'t str>,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn value(&mut self, embedded: bool) -> Result<Parsed, NotThat> {
        if !self.has_next() {
            return Ok(None);
        }
        if embedded && self.take("\"") {
            return Ok(self.quoted());
        }
        if self.literal("null", embedded) {
            return Ok(None);
        }
        for (word, value) in [("true", true), ("false", false)] {
            if self.literal(word, embedded) {
                return Ok(typed(Schema::of(Type::Boolean), Value::Boolean(value)));
            }
        }
        let start = self.mark();
        if let Some(container) = self.container() {
            return Ok(container);
        }
        self.rewind(start);
        self.scalar(embedded)
    }

    /// A list or map, if one begins here and is whole.
    fn container(&mut self) -> Option<Parsed> {
        let list = self.take("[");
        if !list && !self.take("{") {
            return None;
        }
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let parsed = if list { self.list() } else { self.map() };
        self.depth -= 1;
        parsed.ok()
    }

    fn quoted(&mut self) -> Parsed {
        let mut content = String::new();
        while self.has_next() && !self.take("\"") {
            content.push_str(self.token());
        }
        let parsed = parse_text(&content);
        match &parsed {
            Some((schema, _)) if schema.name.is_some() && schema.kind != Type::Bytes => parsed,
            _ => string(&content),
        }
    }

    fn list(&mut self) -> Result<Parsed, NotThat> {
        let (mut items, mut common) = (Vec::new(), Common::None);
        while self.has_next() {
            if self.take("]") {
                return list_of(common, items);
            }
            if self.take(",") {
                return Err(NotThat);
            }
            let item = self.value(true)?;
            common.merge(&item);
            items.push(item.map_or(Value::Null, |(_, value)| value));
            let mark = self.mark();
            if self.take("]") {
                self.rewind(mark);
            } else if !self.take(",") {
                return Err(NotThat);
            }
        }
        Err(NotThat)
    }

    fn map(&mut self) -> Result<Parsed, NotThat> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        let (mut keys, mut values) = (Common::None, Common::None);
        while self.has_next() {
            if self.take("}") {
                return map_of(keys, values, entries);
            }
            if self.take(",") {
                return Err(NotThat);
            }
            let key = self.value(true)?;
            keys.merge(&key);
            let (_, key) = key.ok_or(NotThat)?;
            if !self.take(":") {
                return Err(NotThat);
            }
            let value = self.value(true)?;
            values.merge(&value);
            let value = value.map_or(Value::Null, |(_, value)| value);
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = value,
                None => entries.push((key, value)),
            }
            self.take(",");
        }
        Err(NotThat)
    }

    fn scalar(&mut self, embedded: bool) -> Result<Parsed, NotThat> {
        let token = self.token();
        if token.trim().is_empty() {
            return Ok(string(token));
        }
        let token = token.trim();
        let first = token.as_bytes()[0];
        if first.is_ascii_digit() {
            // A time's colons are delimiters: it comes in five tokens.
            let mark = self.mark();
            if let Some(rest) = self.tokens(4)
                && let Some(parsed) = temporal(&format!("{token}{rest}"))
            {
                return Ok(Some(parsed));
            }
            self.rewind(mark);
            if let Some(parsed) = temporal(token) {
                return Ok(Some(parsed));
            }
        }
        if (first.is_ascii_digit() || matches!(first, b'+' | b'-'))
            && let Some(parsed) = number(token)
        {
            return Ok(Some(parsed));
        }
        if embedded {
            return Err(NotThat);
        }
        Ok(string(self.text))
    }

    /// A word that stands alone, or embedded.
    fn literal(&mut self, word: &str, embedded: bool) -> bool {
        let start = self.mark();
        if self.take(word) && (embedded || !self.has_next()) {
            return true;
        }
        self.rewind(start);
        false
    }

    fn has_next(&self) -> bool {
        self.next.is_some() || self.at < self.text.len()
    }

    fn mark(&self) -> usize {
        self.at - self.next.map_or(0, str::len)
    }

    fn rewind(&mut self, mark: usize) {
        self.at = mark;
        self.next = None;
    }

    fn token(&mut self) -> &'t str {
        self.next.take().unwrap_or_else(|| self.read())
    }

    /// The text of the next `count` tokens.
    fn tokens(&mut self, count: usize) -> Option<&'t str> {
        let start = self.mark();
        for _ in 0..count {
            if !self.has_next() {
                return None;
            }
            self.token();
        }
        Some(&self.text[start..self.at])
    }

    /// Whether the next token that is not blank is `expected`; it is consumed then.
    fn take(&mut self, expected: &str) -> bool {
        if self.next.is_none() {
            if !self.has_next() {
                return false;
            }
            self.next = Some(self.read());
        }
        while self.next.is_some_and(|token| token.trim().is_empty()) && self.at < self.text.len() {
            self.next = Some(self.read());
        }
        let found = self.next.is_some_and(|token| token.trim() == expected);
        if found {
            self.next = None;
        }
        found
    }

    /// Up to the next delimiter that no backslash stands before, or the delimiter itself.
    fn read(&mut self) -> &'t str {
        let start = self.at;
        let rest = &self.text[start..];
        let mut escaped = false;
        for (at, c) in rest.char_indices() {
            match c {
                '\\' => escaped = !escaped,
                ':' | ',' | '{' | '}' | '[' | ']' | '"' if !escaped => {
                    self.at = start + at.max(1);
                    return &rest[..at.max(1)];
                }
                _ => escaped = false,
            }
        }
        self.at = self.text.len();
        rest
    }
}

fn list_of(common: Common, items: Vec<Value>) -> Result<Parsed, NotThat> {
    let Some(schema) = common.schema() else {
        return Ok(typed(Schema::of(Type::Array), Value::Array(items)));
    };
    let items = items.into_iter().map(|item| aligned(item, schema));
    let items = items.collect::<Result<_, _>>()?;
    let schema = Schema {
        element: Some(schema.clone()),
        ..Schema::of(Type::Array)
    };
    Ok(typed(schema, Value::Array(items)))
}

fn map_of(keys: Common, values: Common, entries: Vec<(Value, Value)>) -> Result<Parsed, NotThat> {
    let mut schema = Schema::of(Type::Map);
    let Some(key_schema) = keys.schema() else {
        return Ok(typed(schema, Value::Map(entries)));
    };
    let align = |(key, value)| {
        let value = match values.schema() {
            Some(schema) => aligned(value, schema)?,
            None => value,
        };
        Ok((aligned(key, key_schema)?, value))
    };
    let entries = entries.into_iter().map(align).collect::<Result<_, _>>()?;
    schema.key = Some(key_schema.clone());
    schema.element = values.schema().cloned();
    Ok(typed(schema, Value::Map(entries)))
}

/// A value under the common schema: numbers are widened; a null is not allowed there.
fn aligned(value: Value, schema: &SchemaRef) -> Result<Value, NotThat> {
    let whole = match &value {
        Value::Null => return Err(NotThat),
        Value::Int8(value) => i64::from(*value),
        Value::Int16(value) => i64::from(*value),
        Value::Int32(value) => i64::from(*value),
        Value::Int64(value) => *value,
        Value::Float32(fraction) if schema.kind == Type::Float64 => {
            return Ok(Value::Float64(f64::from(*fraction)));
        }
        Value::Date(_) | Value::Time(_) if schema.name.is_none() => return Err(NotThat),
        _ => return Ok(value),
    };
    Ok(match (schema.kind, schema.name.as_deref()) {
        (Type::Int32, Some(logical::DATE)) => Value::Date(whole as i32),
        (Type::Int32, Some(logical::TIME)) => Value::Time(whole as i32),
        (Type::Int64, Some(logical::TIMESTAMP)) => Value::Timestamp(whole),
        (Type::Int16, _) => Value::Int16(whole as i16),
        (Type::Int32, _) => Value::Int32(whole as i32),
        (Type::Int64, _) => Value::Int64(whole),
        (Type::Float32, _) => Value::Float32(whole as f32),
        (Type::Float64, _) => Value::Float64(whole as f64),
        _ => value,
    })
}

/// A time, date or timestamp, told by the text's length.
fn temporal(token: &str) -> Option<(SchemaRef, Value)> {
    let token = token.replace("\\:", ":");
    let logical = |kind, name: &str| Schema {
        version: Some(1),
        ..Schema::of(kind).named(name)
    };
    match token.encode_utf16().count() {
        10 => {
            let days = ISO_DATE.parse(&token)?.div_euclid(DAY);
            let days = i32::try_from(days).ok()?;
            typed(logical(Type::Int32, logical::DATE), Value::Date(days))
        }
        13 => {
            let millis = i32::try_from(ISO_TIME.parse(&token)?).ok()?;
            typed(logical(Type::Int32, logical::TIME), Value::Time(millis))
        }
        24 => {
            let millis = ISO_TIMESTAMP.parse(&token)?;
            typed(
                logical(Type::Int64, logical::TIMESTAMP),
                Value::Timestamp(millis),
            )
        }
        _ => None,
    }
}

/// The smallest type that holds the number exactly, else a float, else a decimal.
fn number(token: &str) -> Option<(SchemaRef, Value)> {
    let text = token.strip_prefix('+').unwrap_or(token);
    if text.starts_with('-') && token.starts_with('+') {
        return None;
    }
    let decimal = Decimal::parse(text)?;
    if let Some(whole) = decimal.exact_i64() {
        return Some(integer(whole));
    }
    if decimal.scale() != 0 {
        let single: f32 = text.parse().ok()?;
        if single.is_finite() {
            return typed(Schema::of(Type::Float32), Value::Float32(single));
        }
        let double: f64 = text.parse().ok()?;
        if double.is_finite() {
            return typed(Schema::of(Type::Float64), Value::Float64(double));
        }
    }
    typed(Schema::decimal(decimal.scale()), Value::Decimal(decimal))
}

fn integer(whole: i64) -> (SchemaRef, Value) {
    let (kind, value) = if let Ok(value) = i8::try_from(whole) {
        (Type::Int8, Value::Int8(value))
    } else if let Ok(value) = i16::try_from(whole) {
        (Type::Int16, Value::Int16(value))
    } else if let Ok(value) = i32::try_from(whole) {
        (Type::Int32, Value::Int32(value))
    } else {
        (Type::Int64, Value::Int64(whole))
    };
    (Schema::of(kind).build(), value)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;

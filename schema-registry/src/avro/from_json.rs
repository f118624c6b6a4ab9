//! Avro's JSON form → binary, without a tree between them.
//!
//! In: JSON, fields of a record in any order. Out: binary. What fails: a value that does not fit, with the text of Java's
//! `JsonDecoder`, which names the token it met. As there, defaults are not filled in, a field that is missing is an
//! error, unknown members behind the last field are passed over, and others are an error.

mod token;

use std::borrow::Cow;

use sluiceway_common::json::{JsonError, JsonErrorKind, Options, Scanner};

use super::{Enum, Field, Kind, MAX_DEPTH, Record, Schema, TypeId};
use crate::error::DataError;

pub(super) fn write(schema: &Schema, json: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
    let mut writer = Writer {
        schema,
        json,
        out,
        depth: 0,
    };
    let mut scanner = Scanner::new(json, 0, &Options::STRICT);
    writer.value(&mut scanner, schema.root())?;
    scanner.finish()?;
    Ok(())
}

struct Writer<'a> {
    schema: &'a Schema,
    json: &'a [u8],
    out: &'a mut Vec<u8>,
    depth: usize,
}

/// Members met before their fields: name, and where the value begins and ends.
type Saved<'a> = Vec<(Cow<'a, str>, usize, usize)>;

impl<'a> Writer<'a> {
    fn value(&mut self, scanner: &mut Scanner<'a>, id: TypeId) -> Result<(), DataError> {
        let schema = self.schema;
        match &schema.get(id).kind {
            Kind::Null => self.null(scanner),
            Kind::Boolean => self.boolean(scanner),
            Kind::Int => self.int(scanner),
            Kind::Long => self.long(scanner),
            Kind::Float => {
                let value = self.number(scanner, "float", |text| text.parse::<f32>().ok())?;
                self.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            Kind::Double => {
                let value = self.number(scanner, "double", |text| text.parse::<f64>().ok())?;
                self.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            Kind::String => {
                let text = self.text(scanner, "string")?;
                self.blob(text.as_bytes());
                Ok(())
            }
            Kind::Bytes => {
                let bytes = latin1(&self.text(scanner, "bytes")?);
                self.blob(&bytes);
                Ok(())
            }
            Kind::Fixed(fixed) => self.fixed(scanner, fixed.size),
            Kind::Enum(of) => self.symbol(scanner, of),
            kind => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(DataError::TooDeep(MAX_DEPTH));
                }
                match kind {
                    Kind::Record(record) => self.record(scanner, record)?,
                    Kind::Array(items) => self.array(scanner, *items)?,
                    Kind::Map(values) => self.map(scanner, *values)?,
                    Kind::Union(branches) => self.union(scanner, branches)?,
                    _ => {}
                }
                self.depth -= 1;
                Ok(())
            }
        }
    }

    // === single values ===

    fn null(&mut self, scanner: &mut Scanner<'a>) -> Result<(), DataError> {
        match scanner.peek() {
            Some(b'n') => Ok(scanner.skip()?),
            _ => Err(self.expected("null", scanner)),
        }
    }

    fn boolean(&mut self, scanner: &mut Scanner<'a>) -> Result<(), DataError> {
        let value = match scanner.peek() {
            Some(b't') => 1,
            Some(b'f') => 0,
            _ => return Err(self.expected("boolean", scanner)),
        };
        scanner.skip()?;
        self.out.push(value);
        Ok(())
    }

    fn int(&mut self, scanner: &mut Scanner<'a>) -> Result<(), DataError> {
        let text = self.number_text(scanner, "int")?;
        let value = match text.parse::<i32>() {
            Ok(value) => value,
            Err(_) if !is_integer(text) => {
                let value: f32 = text.parse().unwrap_or(f32::NAN);
                let whole = value.round() as i32;
                if value.round() != value || (whole as f32) != value {
                    return Err(self.expected("int", scanner));
                }
                whole
            }
            Err(_) => {
                let range = "int (-2147483648 - 2147483647)";
                return Err(self.out_of_range(text, range, scanner.position()));
            }
        };
        self.varint(i64::from(value));
        Ok(())
    }

    fn long(&mut self, scanner: &mut Scanner<'a>) -> Result<(), DataError> {
        let text = self.number_text(scanner, "long")?;
        let value = match text.parse::<i64>() {
            Ok(value) => value,
            Err(_) if !is_integer(text) => {
                let value: f64 = text.parse().unwrap_or(f64::NAN);
                if value.round() != value || value.abs() > 9.3e18 {
                    return Err(self.expected("long", scanner));
                }
                value as i64
            }
            Err(_) => {
                let range = "long (-9223372036854775808 - 9223372036854775807)";
                return Err(self.out_of_range(text, range, scanner.position()));
            }
        };
        self.varint(value);
        Ok(())
    }

    /// A float or double: a number, or one of the names that stand for what JSON cannot write.
    fn number<T>(
        &self,
        scanner: &mut Scanner<'a>,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, DataError> {
        if scanner.peek() == Some(b'"') {
            let text = scanner.string()?.decode();
            let special = matches!(
                text.as_ref(),
                "NaN" | "Infinity" | "INF" | "-Infinity" | "-INF"
            );
            return special
                .then(|| parse(&text.replace("INF", "Infinity")))
                .flatten()
                .ok_or_else(|| self.expected(what, scanner));
        }
        let text = self.number_text(scanner, what)?;
        parse(text).ok_or_else(|| self.expected(what, scanner))
    }

    /// The text of the number that comes next.
    fn number_text(&self, scanner: &mut Scanner<'a>, what: &str) -> Result<&'a str, DataError> {
        if !matches!(scanner.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.expected(what, scanner));
        }
        let start = scanner.position();
        scanner.skip()?;
        Ok(std::str::from_utf8(&self.json[start..scanner.position()]).unwrap_or_default())
    }

    fn text(&self, scanner: &mut Scanner<'a>, what: &str) -> Result<Cow<'a, str>, DataError> {
        match scanner.peek() {
            Some(b'"') => Ok(scanner.string()?.decode()),
            _ => Err(self.expected(what, scanner)),
        }
    }

    fn fixed(&mut self, scanner: &mut Scanner<'a>, size: usize) -> Result<(), DataError> {
        let bytes = latin1(&self.text(scanner, "fixed")?);
        if bytes.len() != size {
            return Err(DataError::Mismatch(format!(
                "Expected fixed length {size}, but got{}",
                bytes.len()
            )));
        }
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn symbol(&mut self, scanner: &mut Scanner<'a>, of: &Enum) -> Result<(), DataError> {
        // Java's decoder names the wrong type here.
        let text = self.text(scanner, "fixed")?;
        let index = of.symbols.iter().position(|symbol| *symbol == text);
        let index =
            index.ok_or_else(|| DataError::Mismatch(format!("Unknown symbol in enum {text}")))?;
        self.varint(index as i64);
        Ok(())
    }

    // === containers ===

    fn record(&mut self, scanner: &mut Scanner<'a>, record: &Record) -> Result<(), DataError> {
        self.enter(scanner, b'{', "record-start")?;
        let mut first = true;
        let mut ended = false;
        let mut saved = Saved::new();
        for field in &record.fields {
            if let Some(at) = saved.iter().position(|(name, ..)| is_of(name, field)) {
                let (_, start, end) = saved.remove(at);
                let mut aside = Scanner::new(&self.json[..end], start, &Options::STRICT);
                self.value(&mut aside, field.schema)?;
            } else if self.seek(scanner, field, &mut first, &mut ended, &mut saved)? {
                self.value(scanner, field.schema)?;
            } else {
                return Err(self.absent(field.schema));
            }
        }
        while !ended && scanner.member(&mut first)?.is_some() {
            scanner.skip()?;
        }
        if saved.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = saved.iter().map(|(name, ..)| name.as_ref()).collect();
        Err(DataError::Mismatch(format!(
            "Expected Unknown fields: [{}]. Got END_OBJECT",
            names.join(", ")
        )))
    }

    /// Moves to the value of `field`, saving the members before it. `false`: there was no further member.
    fn seek(
        &self,
        scanner: &mut Scanner<'a>,
        field: &Field,
        first: &mut bool,
        ended: &mut bool,
        saved: &mut Saved<'a>,
    ) -> Result<bool, DataError> {
        let mut passed = false;
        while !*ended {
            let Some(name) = scanner.member(first)? else {
                *ended = true;
                break;
            };
            let name = name.decode();
            if is_of(&name, field) {
                return Ok(true);
            }
            saved.retain(|(other, ..)| *other != name);
            let start = scanner.position();
            scanner.skip()?;
            saved.push((name, start, scanner.position()));
            passed = true;
        }
        if passed {
            let name = &field.name;
            return Err(DataError::Mismatch(format!(
                "Expected field name not found: {name}"
            )));
        }
        Ok(false)
    }

    /// A field behind the end of its object.
    fn absent(&self, id: TypeId) -> DataError {
        let what = match &self.schema.get(id).kind {
            Kind::Union(_) => "start-union",
            Kind::Record(_) => "record-start",
            Kind::Array(_) => "array-start",
            Kind::Map(_) => "map-start",
            Kind::Enum(_) => "fixed",
            _ => self.schema.get(id).type_name(),
        };
        DataError::Mismatch(format!("Expected {what}. Got END_OBJECT"))
    }

    fn array(&mut self, scanner: &mut Scanner<'a>, items: TypeId) -> Result<(), DataError> {
        self.enter(scanner, b'[', "array-start")?;
        let (start, mut count, mut first) = (self.out.len(), 0, true);
        while scanner.element(&mut first)? {
            self.value(scanner, items)?;
            count += 1;
        }
        self.close_block(start, count);
        Ok(())
    }

    fn map(&mut self, scanner: &mut Scanner<'a>, values: TypeId) -> Result<(), DataError> {
        self.enter(scanner, b'{', "map-start")?;
        let (start, mut count, mut first) = (self.out.len(), 0, true);
        while let Some(key) = scanner.member(&mut first)? {
            self.blob(key.decode().as_bytes());
            self.value(scanner, values)?;
            count += 1;
        }
        self.close_block(start, count);
        Ok(())
    }

    fn union(&mut self, scanner: &mut Scanner<'a>, branches: &[TypeId]) -> Result<(), DataError> {
        match scanner.peek() {
            Some(b'n') => {
                let branch = self.branch("null", branches)?;
                self.value(scanner, branch)
            }
            Some(b'{') => {
                scanner.enter()?;
                let mut first = true;
                let Some(label) = scanner.member(&mut first)? else {
                    return Err(DataError::Mismatch(
                        "Expected start-union. Got END_OBJECT".to_owned(),
                    ));
                };
                let branch = self.branch(&label.decode(), branches)?;
                self.value(scanner, branch)?;
                while scanner.member(&mut first)?.is_some() {
                    scanner.skip()?;
                }
                Ok(())
            }
            _ => Err(self.expected("start-union", scanner)),
        }
    }

    /// Writes the index of the branch that `label` names.
    fn branch(&mut self, label: &str, branches: &[TypeId]) -> Result<TypeId, DataError> {
        let found = branches
            .iter()
            .position(|branch| self.schema.branch_name(*branch) == label);
        let index =
            found.ok_or_else(|| DataError::Mismatch(format!("Unknown union branch {label}")))?;
        self.varint(index as i64);
        Ok(branches[index])
    }

    fn enter(&self, scanner: &mut Scanner<'a>, bracket: u8, what: &str) -> Result<(), DataError> {
        match scanner.peek() {
            Some(next) if next == bracket => Ok(scanner.enter()?),
            _ => Err(self.expected(what, scanner)),
        }
    }

    /// Puts the count before the items that begin at `start`, and the end behind them.
    fn close_block(&mut self, start: usize, count: i64) {
        if count > 0 {
            let mut bytes = [0; 10];
            let len = encode(count, &mut bytes);
            self.out.splice(start..start, bytes[..len].iter().copied());
        }
        self.out.push(0);
    }

    // === output and errors ===

    fn varint(&mut self, value: i64) {
        let mut bytes = [0; 10];
        let len = encode(value, &mut bytes);
        self.out.extend_from_slice(&bytes[..len]);
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as i64);
        self.out.extend_from_slice(bytes);
    }

    #[cold]
    fn expected(&self, what: &str, scanner: &Scanner<'_>) -> DataError {
        let at = scanner.position();
        // A text that is no JSON is told as such, not as a token of the wrong kind.
        match token::at(self.json, at) {
            Ok(got) => DataError::Mismatch(format!("Expected {what}. Got {got}")),
            Err(error) => DataError::Json(error),
        }
    }

    #[cold]
    fn out_of_range(&self, text: &str, range: &str, end: usize) -> DataError {
        let JsonError { line, column, .. } =
            JsonError::at(self.json, end, JsonErrorKind::LeadingZero);
        DataError::Mismatch(format!(
            "Numeric value ({text}) out of range of {range}\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"
        ))
    }
}

fn is_of(name: &str, field: &Field) -> bool {
    field.name == name || field.aliases.iter().any(|alias| alias == name)
}

fn is_integer(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

/// A byte for each character; what ISO-8859-1 does not have is `?`, as in Java.
fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

fn encode(value: i64, bytes: &mut [u8; 10]) -> usize {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    let mut len = 0;
    for byte in bytes.iter_mut() {
        len += 1;
        *byte = zigzag as u8 & 0x7f;
        zigzag >>= 7;
        if zigzag == 0 {
            break;
        }
        *byte |= 0x80;
    }
    len
}

//! JSON as the comparisons need it: every text that one of the programs may write is read (numbers
//! keep their digits, lone surrogates are kept, of a repeated member the last wins), and two texts
//! are the same when they mean the same. What is no JSON is an error, never a guess.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

/// A JSON value with nothing lost that a comparison could need.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number with its text as it was written.
    Number(String),
    /// A string as UTF-16 units: JSON allows half a surrogate pair.
    Text(Vec<u16>),
    /// An array.
    Array(Vec<Node>),
    /// An object: the order of members is not part of the meaning.
    Object(BTreeMap<Vec<u16>, Node>),
}

/// Reads one JSON text; anything after it but blanks is an error.
///
/// # Errors
/// The text is no JSON.
pub fn parse(text: &str) -> Result<Node> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
    };
    let node = reader.value()?;
    reader.blanks();
    ensure!(
        reader.at == reader.bytes.len(),
        "text after the JSON value at byte {}",
        reader.at
    );
    Ok(node)
}

/// Whether both texts are JSON of the same meaning. A text that is no JSON is like nothing.
#[must_use]
pub fn same_text(left: &str, right: &str) -> bool {
    match (parse(left), parse(right)) {
        (Ok(left), Ok(right)) => same(&left, &right),
        _ => false,
    }
}

/// Whether two values mean the same: numbers by value, members in any order.
#[must_use]
pub fn same(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Number(left), Node::Number(right)) => same_number(left, right),
        (Node::Array(left), Node::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Node::Object(left), Node::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Whole numbers are equal digit by digit; as soon as one side has a fraction or an exponent the
/// double next to it decides, since the Java programs store fractions as doubles. What is beyond a
/// double is equal only to itself.
fn same_number(left: &str, right: &str) -> bool {
    let whole = |text: &str| !text.contains(['.', 'e', 'E']);
    if whole(left) && whole(right) {
        let digits = |text: &str| {
            if text == "-0" {
                "0".into()
            } else {
                text.to_owned()
            }
        };
        return digits(left) == digits(right);
    }
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(l), Ok(r)) if l.is_finite() && r.is_finite() => l == r,
        _ => left == right,
    }
}

// === impl Reader ===

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn next(&mut self) -> Result<u8> {
        let Some(&byte) = self.bytes.get(self.at) else {
            bail!("the JSON ends too early");
        };
        self.at += 1;
        Ok(byte)
    }

    fn value(&mut self) -> Result<Node> {
        self.blanks();
        match self.bytes.get(self.at) {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Node::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Node> {
        for (word, node) in [
            ("null", Node::Null),
            ("true", Node::Bool(true)),
            ("false", Node::Bool(false)),
        ] {
            if self.bytes[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(node);
            }
        }
        bail!("no JSON value at byte {}", self.at)
    }

    fn number(&mut self) -> Result<Node> {
        let start = self.at;
        while matches!(
            self.bytes.get(self.at),
            Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
        ) {
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at])?;
        ensure!(
            text.parse::<f64>().is_ok() && !text.starts_with('+'),
            "no number at byte {start}: {text}"
        );
        Ok(Node::Number(text.to_owned()))
    }

    fn string(&mut self) -> Result<Vec<u16>> {
        ensure!(self.next()? == b'"', "no string at byte {}", self.at);
        let mut units = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Ok(units),
                b'\\' => units.push(self.escape()?),
                byte if byte < 0x20 => bail!("control character in a string"),
                byte if byte < 0x80 => units.push(u16::from(byte)),
                _ => self.wide(&mut units)?,
            }
        }
    }

    /// A character of several bytes, of which the first was read.
    fn wide(&mut self, units: &mut Vec<u16>) -> Result<()> {
        let start = self.at - 1;
        while matches!(self.bytes.get(self.at), Some(0x80..=0xbf)) {
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at])?;
        units.extend(text.encode_utf16());
        Ok(())
    }

    fn escape(&mut self) -> Result<u16> {
        Ok(match self.next()? {
            b'n' => 10,
            b't' => 9,
            b'r' => 13,
            b'b' => 8,
            b'f' => 12,
            byte @ (b'"' | b'\\' | b'/') => u16::from(byte),
            b'u' => {
                let end = self.at + 4;
                ensure!(end <= self.bytes.len(), "the JSON ends in an escape");
                let digits = std::str::from_utf8(&self.bytes[self.at..end])?;
                self.at = end;
                u16::from_str_radix(digits, 16)?
            }
            byte => bail!("no escape: \\{}", char::from(byte)),
        })
    }

    fn array(&mut self) -> Result<Node> {
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Node::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.blanks();
            match self.next()? {
                b',' => {}
                b']' => return Ok(Node::Array(items)),
                _ => bail!("no comma in an array at byte {}", self.at),
            }
        }
    }

    fn object(&mut self) -> Result<Node> {
        let mut members = BTreeMap::new();
        self.at += 1;
        self.blanks();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Node::Object(members));
        }
        loop {
            self.blanks();
            let name = self.string()?;
            self.blanks();
            ensure!(self.next()? == b':', "no colon at byte {}", self.at);
            members.insert(name, self.value()?);
            self.blanks();
            match self.next()? {
                b',' => {}
                b'}' => return Ok(Node::Object(members)),
                _ => bail!("no comma in an object at byte {}", self.at),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::same_text;

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(same_text("100.0", "1e2"));
        assert!(same_text("0.12345678901234568", "0.1234567890123456789"));
        assert!(same_text("1.0E-4", "0.0001"));
        assert!(same_text("-0.0", "0.0"));
        assert!(same_text("12345678901234567890", "12345678901234567890"));
        assert!(!same_text("9007199254740993", "9007199254740992"));
        assert!(!same_text("-6101065172474983726", "12345678901234567890"));
        assert!(!same_text("1e400", "2e400"));
        assert!(!same_text("1e400", "\"Infinity\""));
        assert!(same_text("1e-400", "0.0"));
    }

    #[test]
    fn strings_are_compared_by_utf16_units() {
        assert!(same_text(r#""é😀""#, r#""\u00e9\uD83D\uDE00""#));
        assert!(same_text(r#""a\/b""#, r#""a/b""#));
        assert!(same_text(r#""\ud800""#, r#""\uD800""#));
        assert!(!same_text(r#""\ud800""#, r#""\ud801""#));
    }

    #[test]
    fn members_may_come_in_any_order_and_the_last_of_a_name_wins() {
        assert!(same_text(r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1,2],"a":1}"#));
        assert!(same_text(r#"{"d":1,"d":2}"#, r#"{"d":2}"#));
        assert!(!same_text(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#));
        assert!(!same_text(r#"{"a":null}"#, "{}"));
    }

    #[test]
    fn no_json_is_like_nothing() {
        for text in [
            "",
            "{",
            "{\"a\":}",
            "[1,]",
            "tru",
            "1 2",
            "\"\u{1}\"",
            "'a'",
        ] {
            assert!(!same_text(text, text), "{text}");
        }
    }
}

//! Pattern → items: fields with their length, and literal text.

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Text as it is.
    Literal(String),
    /// A field by its letter, and how often the letter stands there.
    Field(char, usize),
}

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";

/// Splits a pattern; the error is the message of Java's `IllegalArgumentException`.
pub(super) fn compile(pattern: &str) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.next_if_eq(&'\'').is_some() => literal(&mut items, '\''),
            '\'' => loop {
                match chars.next() {
                    None => return Err("Unterminated quote".to_owned()),
                    Some('\'') if chars.next_if_eq(&'\'').is_some() => literal(&mut items, '\''),
                    Some('\'') => break,
                    Some(c) => literal(&mut items, c),
                }
            },
            c if c.is_ascii_alphabetic() => {
                if !LETTERS.contains(c) {
                    return Err(format!("Illegal pattern character '{c}'"));
                }
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if c == 'X' && count > 3 {
                    return Err(format!("invalid ISO 8601 format: length={count}"));
                }
                items.push(Item::Field(c, count));
            }
            c => literal(&mut items, c),
        }
    }
    Ok(items)
}

fn literal(items: &mut Vec<Item>, c: char) {
    match items.last_mut() {
        Some(Item::Literal(text)) => text.push(c),
        _ => items.push(Item::Literal(c.to_string())),
    }
}

//! The name of the token that comes next, as Jackson has it.

use sluiceway_common::json::{JsonError, Options, skip};

/// The token at or behind `at`. `null` is the end of the text.
///
/// # Errors
/// When there is no JSON.
pub(super) fn at(json: &[u8], at: usize) -> Result<&'static str, JsonError> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let rest = &json[at.min(json.len())..];
    let start = at
        + rest
            .iter()
            .position(|byte| !blank(byte))
            .unwrap_or(rest.len());
    let name = match json.get(start) {
        None => return Ok("null"),
        Some(b'}') => return Ok("END_OBJECT"),
        Some(b']') => return Ok("END_ARRAY"),
        // Behind a value: a further element or member follows, and a member begins with its name.
        Some(b',') => return after_comma(json, start + 1),
        Some(b'{') => "START_OBJECT",
        Some(b'[') => "START_ARRAY",
        Some(b'"') => "VALUE_STRING",
        Some(b't') => "VALUE_TRUE",
        Some(b'f') => "VALUE_FALSE",
        Some(b'n') => "VALUE_NULL",
        Some(_) => {
            let end = skip(json, start, &Options::STRICT).or_else(|error| {
                // A number is complete before the bracket or comma that a walk from here would stumble on.
                let number = json[start..error.offset.min(json.len())]
                    .iter()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
                let ended = matches!(json.get(error.offset), Some(b',' | b']' | b'}'));
                if number && ended && error.offset > start {
                    Ok(error.offset)
                } else {
                    Err(error)
                }
            })?;
            match json[start..end]
                .iter()
                .any(|byte| matches!(byte, b'.' | b'e' | b'E'))
            {
                true => "VALUE_NUMBER_FLOAT",
                false => "VALUE_NUMBER_INT",
            }
        }
    };
    Ok(name)
}

fn after_comma(json: &[u8], start: usize) -> Result<&'static str, JsonError> {
    let found = at(json, start)?;
    if found == "VALUE_STRING" {
        let end = skip(json, start, &Options::STRICT)?;
        let next = json[end..].iter().find(|byte| !byte.is_ascii_whitespace());
        if next == Some(&b':') {
            return Ok("FIELD_NAME");
        }
    }
    Ok(found)
}

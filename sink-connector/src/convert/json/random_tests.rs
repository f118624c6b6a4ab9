//! Random JSON through the converter, compared with what serde_json reads.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::tests::{text, tree};
use crate::value::Value;

/// Random JSON texts: minified and parsed, both must mean what serde_json reads.
#[test]
fn random_json_keeps_its_meaning() {
    use rand::{Rng, SeedableRng};
    let mut random = rand::rngs::SmallRng::seed_from_u64(7);
    for _ in 0..2_000 {
        let mut input = String::new();
        random_value(&mut random, 0, &mut input);
        let meaning: serde_json::Value = serde_json::from_str(&input).unwrap();
        let Some(minified) = text(input.as_bytes()).unwrap() else {
            assert!(meaning.is_null());
            continue;
        };
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&minified).unwrap(),
            meaning
        );
        assert_eq!(as_serde(&tree(input.as_bytes())), meaning, "{input}");
        let cut = random.random_range(0..input.trim_end().len());
        if input.is_char_boundary(cut)
            && serde_json::from_str::<serde_json::Value>(&input[..cut]).is_err()
        {
            let prefix = text(&input.as_bytes()[..cut]);
            // A cut text is refused, unless a whole first value is left of it.
            assert!(
                prefix.is_err() || cut < input.len() && input[..cut].trim().is_empty(),
                "{}",
                &input[..cut]
            );
        }
    }
}

/// Random damage to JSON texts: what serde_json refuses is refused, what it reads is read, except for the leniencies
/// that Connect has and the numbers and surrogates that serde_json has not.
#[test]
fn damaged_json_is_judged_as_by_another_parser() {
    use rand::{Rng, SeedableRng};
    const BYTES: &[u8] = b"{}[]:,\"\\ 019.eE-+tfnu\n\x01\x7f\x80\xc3\xe9\xff/";
    let mut random = rand::rngs::SmallRng::seed_from_u64(11);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut input = String::from("[");
        random_value(&mut random, 0, &mut input);
        input.push(']');
        let mut bytes = input.into_bytes();
        for _ in 0..random.random_range(1..3) {
            let at = random.random_range(1..bytes.len());
            let byte = BYTES[random.random_range(0..BYTES.len())];
            match random.random_range(0..3) {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        let reads = serde_json::Deserializer::from_slice(&bytes)
            .into_iter::<serde_json::Value>()
            .next()
            .is_some_and(|value| value.is_ok());
        let ours = text(&bytes);
        refused += u32::from(!reads);
        if reads != ours.is_ok() {
            let shown = String::from_utf8_lossy(&bytes);
            assert!(
                ours.is_ok() && lenient(&shown),
                "serde_json {reads}: {shown}"
            );
        }
    }
    assert!(refused > 5_000, "{refused}");
}

/// Whether a text has something that Connect reads and serde_json does not.
fn lenient(text: &str) -> bool {
    let zero = text.as_bytes().windows(3).any(|window| match window {
        [before, b'0', b'0'..=b'9'] => !matches!(before, b'0'..=b'9' | b'.'),
        _ => false,
    });
    let exponent = text
        .as_bytes()
        .windows(2)
        .any(|window| matches!(window, [b'0'..=b'9', b'e' | b'E']));
    zero || exponent || text.contains("\\ud")
}

fn random_value(random: &mut impl rand::Rng, depth: u32, out: &mut String) {
    let space = ["", "", "", " ", "\n\t"][random.random_range(0..5)];
    out.push_str(space);
    match random.random_range(0..if depth > 4 { 5 } else { 7 }) {
        0 => out.push_str("null"),
        1 => out.push_str(["true", "false"][random.random_range(0..2)]),
        2 => out.push_str(&random.random::<i64>().to_string()),
        3 => out.push_str(&format!("{:e}", f64::from(random.random::<f32>()) * 1e10)),
        4 => random_string(random, out),
        5 => {
            out.push('[');
            for at in 0..random.random_range(0..4) {
                out.push_str(if at > 0 { "," } else { "" });
                random_value(random, depth + 1, out);
            }
            out.push_str("\r]");
        }
        _ => {
            out.push('{');
            for at in 0..random.random_range(0..4) {
                out.push_str(if at > 0 { "," } else { "" });
                random_string(random, out);
                out.push_str(" :");
                random_value(random, depth + 1, out);
            }
            out.push('}');
        }
    }
    out.push_str(space);
}

fn random_string(random: &mut impl rand::Rng, out: &mut String) {
    const PIECES: [&str; 12] = [
        "a",
        "é",
        "😀",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\/",
        " ",
        "{",
        "日本",
    ];
    out.push('"');
    for _ in 0..random.random_range(0..6) {
        out.push_str(PIECES[random.random_range(0..PIECES.len())]);
    }
    out.push('"');
}

fn as_serde(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Number(number) => serde_json::from_str(number.as_str()).unwrap(),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(as_serde).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| match key {
                Value::String(key) => (key.clone(), as_serde(value)),
                other => panic!("{other:?}"),
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

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

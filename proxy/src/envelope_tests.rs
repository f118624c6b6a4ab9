//! The decoder against the recordings' texts, against serde_json, and against damaged bodies.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::*;

/// Key, value, partition.
type Shown = (Option<String>, Option<String>, Option<i32>);

fn decoded(body: &str) -> Result<Vec<Shown>, String> {
    let envelope = decode(body.as_bytes(), "produceJson").map_err(|error| error.to_string())?;
    let text = |span: Option<Span>| {
        span.map(|span| String::from_utf8(span.of(&envelope.json).to_vec()).unwrap())
    };
    Ok(envelope
        .records
        .iter()
        .map(|r| (text(r.key), text(r.value), r.partition))
        .collect())
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn keys_values_and_partitions() {
    assert_eq!(
        decoded(
            r#" { "records" : [ {"key": {"id" : 1}, "value": [1 , 2.50, "é"] }, {"value":null,"partition":"3"}, {} ] } "#
        ),
        Ok(vec![
            (some(r#"{"id":1}"#), some(r#"[1,2.50,"é"]"#), None),
            (None, None, Some(3)),
            (None, None, None),
        ])
    );
    assert_eq!(
        decoded("\u{feff}{\"records\":[{\"value\":1}]}"),
        Ok(vec![(None, some("1"), None)])
    );
    assert_eq!(
        decoded(r#"{"records":[{"value":1e400}]}"#),
        Ok(vec![(None, some("1e400"), None)])
    );
    assert_eq!(
        decoded(r#"{"records":[{"v\u0061lue":"\ud800"}]}"#),
        Ok(vec![(None, some(r#""\ud800""#), None)])
    );
}

#[test]
fn last_of_repeated_fields_wins() {
    assert_eq!(
        decoded(
            r#"{"records":[null,{"value":0}],"records":[{"value":1,"value":2,"key":"a","key":null}]}"#
        ),
        Ok(vec![(None, some("2"), None)])
    );
}

#[test]
fn schemas_are_kept() {
    let body = br#"{"key_schema":null,"value_schema":"\"string\"","value_schema_id":"7","records":[{"value":1}]}"#;
    let schemas = decode(body, "m").unwrap().schemas;
    assert_eq!(
        schemas,
        Schemas {
            value: some("\"string\""),
            value_id: Some(7),
            ..Schemas::default()
        }
    );
}

#[test]
fn texts_of_refusals() {
    const TOKENS: &str =
        "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    let cases = [
        ("", "produceJson.request must not be null (was null)".to_owned()),
        ("  \n", "produceJson.request must not be null (was null)".to_owned()),
        ("null", "produceJson.request must not be null (was null)".to_owned()),
        ("{}", "produceJson.request.records must not be empty (was [])".to_owned()),
        (r#"{"records":null}"#, "produceJson.request.records must not be empty (was [])".to_owned()),
        (r#"{"records":[]}"#, "produceJson.request.records must not be empty (was [])".to_owned()),
        ("hello", format!("Unrecognized token 'hello': {TOKENS}")),
        (r#"{"records":[{"value":"tg"}]} xyz"#, format!("Unrecognized token 'xyz': {TOKENS}")),
        (
            r#"{"records":[{"value":1}]}{}"#,
            "Trailing token (of type START_OBJECT) found after value (bound as `ProduceRequest`): not allowed as per `DeserializationFeature.FAIL_ON_TRAILING_TOKENS`".to_owned(),
        ),
        ("[]", "Cannot deserialize value of type `ProduceRequest` from Array value (token `JsonToken.START_ARRAY`)".to_owned()),
        (
            "\"x\"",
            "Cannot construct instance of `ProduceRequest` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('x')".to_owned(),
        ),
        (
            "5",
            "Cannot construct instance of `ProduceRequest` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (5)".to_owned(),
        ),
        (
            r#"{"records":["x"]}"#,
            "Cannot construct instance of `ProduceRecord` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('x')".to_owned(),
        ),
        (
            r#"{"records":{"value":1}}"#,
            "Cannot deserialize value of type `ProduceRecord>` from Object value (token `JsonToken.START_OBJECT`)".to_owned(),
        ),
        (r#"{"records":[null]}"#, "Cannot construct instance of `ProduceRequest`, problem: at index 0".to_owned()),
        (r#"{"records":[{},null],"x":1}"#, "Cannot construct instance of `ProduceRequest`, problem: at index 1".to_owned()),
        (r#"{"records":[{"value":1,"extra":2}]}"#, "Unrecognized field: extra".to_owned()),
        (r#"{"records":[{"value":1}],"extra":[1]}"#, "Unrecognized field: extra".to_owned()),
        (r#"{"zz":1,"records":[{"value":1,"headers":[]}]}"#, "Unrecognized field: headers".to_owned()),
        (
            r#"{"records":[{"partition":"x","value":"s"}]}"#,
            "Cannot deserialize value of type `Integer` from String \"x\": not a valid `java.lang.Integer` value".to_owned(),
        ),
        (
            r#"{"value_schema":{},"records":[{"value":1}]}"#,
            "Cannot deserialize value of type `String` from Object value (token `JsonToken.START_OBJECT`)".to_owned(),
        ),
        (
            r#"{"records":[{"value":NaN}]}"#,
            "Non-standard token 'NaN': enable `ALLOW_NON_NUMERIC_NUMBERS` to allow".to_owned(),
        ),
        (
            r#"{"records":NaN}"#,
            "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow".to_owned(),
        ),
        (
            "{",
            "Unexpected end-of-input: expected close marker for Object (start marker at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1])".to_owned(),
        ),
        (
            r#"{"records":[{"value":1}"#,
            "Unexpected end-of-input: expected close marker for Array (start marker at [Source: REDACTED (`INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 12])".to_owned(),
        ),
        (
            "\u{1f}\u{8b}",
            "Illegal character ((CTRL-CHAR, code 31)): only regular white space (\\r, \\n, \\t) is allowed between tokens".to_owned(),
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(decoded(body), Err(expected), "{body}");
    }
}

#[test]
fn depth_counts_the_envelope() {
    let body = |n: usize| {
        format!(
            r#"{{"records":[{{"value":{}{}}}]}}"#,
            "[".repeat(n),
            "]".repeat(n)
        )
    };
    assert!(decoded(&body(997)).is_ok());
    assert_eq!(
        decoded(&body(998)),
        Err("Document nesting depth (1001) exceeds the maximum allowed (1000, from `getMaxNestingDepth()`)".to_owned())
    );
}

#[test]
fn invalid_utf8() {
    let error = decode(b"{\"records\":[{\"value\":\"\xff\xfe\"}]}", "m").unwrap_err();
    assert_eq!(error.to_string(), "Invalid UTF-8 start byte 0xff");
    assert!(!error.is_rule());
}

// === against serde_json ===

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

fn random_value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 6 } else { 8 }) {
        6 => {
            let items: Vec<String> = (0..random.below(3))
                .map(|_| random_value(random, depth - 1))
                .collect();
            format!("[ {} ]", items.join(" ,"))
        }
        7 => {
            let members: Vec<String> = (0..random.below(3))
                .map(|n| format!("\"m{n}\" : {}", random_value(random, depth - 1)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        _ => random
            .of(&[
                "1",
                "-2.5",
                "true",
                "null",
                "\"a\\\"b\"",
                "\"{[é😀\\u0041\"",
            ])
            .to_owned(),
    }
}

fn random_body(random: &mut Random) -> String {
    let records: Vec<String> = (0..1 + random.below(4))
        .map(|_| {
            let mut fields = Vec::new();
            if random.below(3) > 0 {
                fields.push(format!("\"value\" : {}", random_value(random, 3)));
            }
            if random.below(3) == 0 {
                fields.push(format!("\"key\":{}", random_value(random, 1)));
            }
            if random.below(4) == 0 {
                fields.push(format!("\"partition\":{}", random.of(&["0", "5", "null"])));
            }
            format!("{{{}}}", fields.join(","))
        })
        .collect();
    let gap = random.of(&["", " ", "\n\t"]);
    format!(
        "{{{gap}\"records\"{gap}:{gap}[{}]{gap}}}{gap}",
        records.join(",")
    )
}

fn check_against_serde_json(body: &[u8]) -> bool {
    let Ok(envelope) = decode(body, "m") else {
        return false;
    };
    let tree: Value = serde_json::from_slice(body).unwrap();
    let records = tree["records"].as_array().unwrap();
    assert_eq!(records.len(), envelope.records.len());
    for (expected, record) in records.iter().zip(&envelope.records) {
        for (field, span) in [("key", record.key), ("value", record.value)] {
            let ours = span.map_or(Value::Null, |span| {
                serde_json::from_slice(span.of(&envelope.json)).unwrap()
            });
            assert_eq!(expected[field], ours);
        }
        if let Some(partition) = expected["partition"].as_i64() {
            assert_eq!(record.partition.map(i64::from), Some(partition));
        }
    }
    true
}

#[test]
fn equals_serde_json_on_random_bodies() {
    let mut random = Random(7);
    for _ in 0..2_000 {
        let body = random_body(&mut random);
        assert!(check_against_serde_json(body.as_bytes()), "{body}");
    }
}

#[test]
fn accepts_no_damaged_body_that_serde_json_refuses() {
    const BYTES: &[u8] = b"\"\\{}[],:01-.eEtfn \x00\x80\xc3";
    let mut random = Random(8);
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut body = random_body(&mut random).into_bytes();
        let at = random.below(body.len());
        match random.below(3) {
            0 => body.truncate(at),
            1 => drop(body.remove(at)),
            _ => body[at] = BYTES[random.below(BYTES.len())],
        }
        // An escape that was damaged into a lone surrogate is accepted here and refused there.
        refused += usize::from(!check_against_serde_json(&body));
    }
    assert!(refused > 5_000, "{refused}");
}

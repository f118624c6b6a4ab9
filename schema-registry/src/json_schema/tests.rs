//! Tests of `json_schema.rs`.
#![allow(clippy::unwrap_used)]
use super::*;

fn outcome(schema: &str, value: &str) -> String {
    let mut out = Vec::new();
    let schema = Schema::parse(schema, &[]).unwrap();
    match schema.json_to_binary(value.as_bytes(), &mut out) {
        Ok(()) => String::from_utf8(out).unwrap(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_are_validated_and_keep_their_text() {
    let closed = r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}"#;
    for (value, expected) in [
        (r#"{ "a": 1 }"#, r#"{"a":1}"#),
        (r#"{"b":1}"#, "#: 2 schema violations found"),
        (r#"{"a":"x"}"#, "#/a: expected type: Integer, found: String"),
        (r#"{}"#, "#: required key [a] not found"),
        (r#"[]"#, "#: expected type: JSONObject, found: JSONArray"),
        (r#"{"a":1,"b":1}"#, "#: extraneous key [b] is not permitted"),
    ] {
        assert_eq!(outcome(closed, value), expected, "{value}");
    }
}

#[test]
fn the_path_is_the_one_that_all_violations_share() {
    let schema =
        r#"{"properties":{"o":{"properties":{"x":{"type":"string"},"y":{"type":"string"}}}}}"#;
    assert_eq!(
        outcome(schema, r#"{"o":{"x":1,"y":2}}"#),
        "#/o: 2 schema violations found"
    );
}

#[test]
fn references_are_found_by_name_and_nothing_is_fetched() {
    let reference = Resolved {
        name: "other.json".to_owned(),
        text: r#"{"type":"string"}"#.to_owned(),
    };
    let text = r#"{"properties":{"a":{"$ref":"other.json"}}}"#;
    let schema = Schema::parse(text, &[reference]).unwrap();
    let error = schema.json_to_binary(b"{\"a\":1}", &mut Vec::new());
    assert_eq!(
        error.unwrap_err().to_string(),
        "#/a: expected type: String, found: Integer"
    );
    let error = Schema::parse(text, &[]).unwrap_err().to_string();
    assert!(error.contains("other.json"), "{error}");
}

#[test]
fn texts_that_are_no_schema() {
    for text in ["{bad", r#"{"type":"bogus"}"#, r##"{"$ref":"#/none"}"##] {
        assert!(Schema::parse(text, &[]).is_err(), "{text}");
    }
}

#[test]
fn every_draft_is_read() {
    for (draft, schema) in [
        (
            "http://json-schema.org/draft-04/schema#",
            r#""maximum":5,"exclusiveMaximum":true"#,
        ),
        (
            "http://json-schema.org/draft-06/schema#",
            r#""exclusiveMaximum":5"#,
        ),
        (
            "http://json-schema.org/draft-07/schema#",
            r#""exclusiveMaximum":5"#,
        ),
        (
            "https://json-schema.org/draft/2019-09/schema",
            r#""exclusiveMaximum":5"#,
        ),
        (
            "https://json-schema.org/draft/2020-12/schema",
            r#""exclusiveMaximum":5"#,
        ),
    ] {
        let schema = format!(r#"{{"$schema":"{draft}",{schema}}}"#);
        assert_eq!(outcome(&schema, "4"), "4", "{draft}");
        assert_eq!(outcome(&schema, "5"), "#: 5 is not less than 5", "{draft}");
    }
}

#[test]
fn parts_of_a_schema_are_told_as_an_all_of() {
    for (schema, value, expected) in [
        // Two parts: the type and the enum.
        (
            r#"{"properties":{"c":{"type":"string","enum":["red"]}}}"#,
            r#"{"c":"x"}"#,
            "#/c: #: only 1 subschema matches out of 2",
        ),
        (
            r#"{"properties":{"c":{"type":"string","enum":["red"]}}}"#,
            r#"{"c":1}"#,
            "#/c: #: only 0 subschema matches out of 2",
        ),
        (
            r#"{"enum":["red"]}"#,
            r#""x""#,
            "#: x is not a valid enum value",
        ),
        (r#"{"const":1}"#, "2", "#: "),
        // The keywords of the type belong to it, others are a part of their own.
        (
            r#"{"type":"string","minLength":3}"#,
            r#""x""#,
            "#: expected minLength: 3, actual: 1",
        ),
        (
            r#"{"minLength":3,"minimum":5}"#,
            "1",
            "#: #: only 1 subschema matches out of 2",
        ),
        (
            r#"{"type":"object","properties":{"a":{}},"if":{"required":["a"]},"then":{"required":["b"]}}"#,
            r#"{"a":1}"#,
            "#: #: only 1 subschema matches out of 2",
        ),
        (
            r#"{"if":{"required":["a"]},"then":{"required":["b"]}}"#,
            r#"{"a":1}"#,
            "#: input is invalid against the \"then\" schema",
        ),
    ] {
        assert_eq!(outcome(schema, value), expected, "{schema} {value}");
    }
}

#[test]
fn combinations_hide_what_is_inside_them_and_count_it() {
    let any = r##"{"anyOf":[{"type":"string"},{"type":"integer"}]}"##;
    for (schema, value, expected) in [
        (
            any.to_owned(),
            "true",
            "#: #: no subschema matched out of the total 2 subschemas",
        ),
        (
            r#"{"properties":{"n":{"type":["string","null"],"minLength":3}}}"#.to_owned(),
            r#"{"n":"x"}"#,
            "#/n: #: no subschema matched out of the total 2 subschemas",
        ),
        (
            r#"{"oneOf":[{"type":"integer"},{"minimum":2}]}"#.to_owned(),
            "3",
            "#: #: 2 subschemas matched instead of one",
        ),
        (
            r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#.to_owned(),
            "3",
            "#: #: 0 subschemas matched instead of one",
        ),
        (
            r#"{"allOf":[{"required":["a"]},{"required":["b"]},{"required":["c"]}]}"#.to_owned(),
            r#"{"b":1}"#,
            "#: #: only 1 subschema matches out of 3",
        ),
        // Two branches of the one member and one violation of the other.
        (
            format!(r#"{{"properties":{{"a":{any},"b":{{"type":"string"}}}}}}"#),
            r#"{"a":true,"b":1}"#,
            "#: 3 schema violations found",
        ),
        // A $ref is no part of its own.
        (
            format!(
                r##"{{"definitions":{{"any":{any}}},"items":{{"$ref":"#/definitions/any"}}}}"##
            ),
            "[1,true]",
            "#/1: #: no subschema matched out of the total 2 subschemas",
        ),
    ] {
        assert_eq!(outcome(&schema, value), expected, "{schema} {value}");
    }
}

#[test]
fn single_keywords_have_the_words_of_the_original() {
    for (schema, value, expected) in [
        (
            r#"{"type":"null"}"#,
            "1",
            "#: expected: null, found: Integer",
        ),
        (
            r#"{"format":"email"}"#,
            r#""x""#,
            "#: [x] is not a valid email address",
        ),
        (
            r#"{"format":"date"}"#,
            r#""x""#,
            "#: [x] is not a valid date. Expected [yyyy-MM-dd]",
        ),
        (
            r#"{"dependencies":{"a":["b"]}}"#,
            r#"{"a":1}"#,
            "#: property [b] is required",
        ),
        (
            r#"{"propertyNames":{"maxLength":2}}"#,
            r#"{"a/b":1}"#,
            "#/a~1b: expected maxLength: 2, actual: 3",
        ),
        (
            r#"{"items":[{"type":"string"}],"additionalItems":false}"#,
            r#"["x",1]"#,
            "#: expected: [1] array items, found: [2]",
        ),
        (
            r#"{"additionalProperties":{"type":"string"}}"#,
            r#"{"a":{"b":1}}"#,
            "#/a: expected type: String, found: JSONObject",
        ),
    ] {
        assert_eq!(outcome(schema, value), expected, "{schema} {value}");
    }
}

#[test]
fn properties_that_are_left_out_are_written_with_their_defaults() {
    let inner = r##""definitions":{"o":{"properties":{"n":{"type":"integer","default":7}}}}"##;
    let schema = format!(
        r##"{{"type":"object","properties":{{"a":{{"type":"string","default":"x"}},"b":{{"type":"integer"}},
            "o":{{"$ref":"#/definitions/o"}},"l":{{"items":{{"$ref":"#/definitions/o"}}}}}},{inner}}}"##
    );
    for (value, expected) in [
        (r#"{ "b": 1 }"#, r#"{"b":1,"a":"x"}"#),
        (
            r#"{"a":"y","b":1.50e0}"#,
            r##"#/b: expected type: Integer, found: Double"##,
        ),
        (
            r#"{"a":"y","o":{},"l":[{},{"n":1}]}"#,
            r#"{"a":"y","o":{"n":7},"l":[{"n":7},{"n":1}]}"#,
        ),
        // Nothing is left out: the text stays as it is.
        (r#"{ "a" : "\u0041" }"#, r#"{"a":"\u0041"}"#),
    ] {
        assert_eq!(outcome(&schema, value), expected, "{value}");
    }
    // It leads to itself.
    let schema: Value = serde_json::from_str(
        r##"{"allOf":[{"$ref":"#"},{"$ref":"#"}],"properties":{"a":{"default":1}}}"##,
    )
    .unwrap();
    let mut value = serde_json::json!({});
    assert!(defaults::fill(
        Place::root(&schema, &HashMap::new()),
        &mut value
    ));
    assert_eq!(value, serde_json::json!({"a": 1}));
    let modern = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"a":{"default":1}}}"#;
    assert_eq!(outcome(modern, "{}"), "{}");
}

#![allow(clippy::unwrap_used)]
use super::*;

const R: &str = r#"{"type":"record","name":"R","fields":[{"name":"f","type":"int"},{"name":"s","type":["null","string"],"default":null}]}"#;

fn to_binary(schema: &str, json: &str) -> Result<Vec<u8>, String> {
    let schema = Schema::parse(schema, &[]).unwrap();
    let mut out = Vec::new();
    schema
        .json_to_binary(json.as_bytes(), &mut out)
        .map_err(|error| error.to_string())?;
    Ok(out)
}

fn to_json(schema: &str, bytes: &[u8]) -> Result<String, DataError> {
    let mut out = Vec::new();
    Schema::parse(schema, &[])
        .unwrap()
        .binary_to_json(bytes, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn round(schema: &str, json: &str) {
    let bytes = to_binary(schema, json).unwrap();
    assert_eq!(to_json(schema, &bytes).unwrap(), json);
}

#[test]
fn records_are_written_field_by_field_in_any_order() {
    assert_eq!(
        to_binary(R, r#"{"f":1,"s":{"string":"x"}}"#).unwrap(),
        [2, 2, 2, b'x']
    );
    assert_eq!(
        to_binary(R, r#" { "s" : {"string":"x"} , "f": 1 } "#).unwrap(),
        [2, 2, 2, b'x']
    );
    assert_eq!(
        to_binary(R, r#"{"f":1,"s":null,"zz":{"a":[1]}}"#).unwrap(),
        [2, 0]
    );
}

#[test]
fn what_does_not_fit_is_told_as_java_tells_it() {
    for (json, expected) in [
        (
            r#"{"f":"notint","s":null}"#,
            "Expected int. Got VALUE_STRING",
        ),
        (r#"{"s":null}"#, "Expected field name not found: f"),
        (
            r#"{"f":1,"s":"x"}"#,
            "Expected start-union. Got VALUE_STRING",
        ),
        (r#"{"f":1}"#, "Expected start-union. Got END_OBJECT"),
        ("{}", "Expected int. Got END_OBJECT"),
        ("\"bad\"", "Expected record-start. Got VALUE_STRING"),
        (r#"{"f":1.5,"s":null}"#, "Expected int. Got FIELD_NAME"),
        (r#"{"f":1,"s":{"int":1}}"#, "Unknown union branch int"),
        (
            r#"{"zz":1,"f":1,"s":null}"#,
            "Expected Unknown fields: [zz]. Got END_OBJECT",
        ),
    ] {
        assert_eq!(to_binary(R, json).unwrap_err(), expected, "{json}");
    }
    assert_eq!(
        to_binary("\"int\"", "2147483648").unwrap_err(),
        "Numeric value (2147483648) out of range of int (-2147483648 - 2147483647)\n at [Source: REDACTED \
         (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 11]"
    );
    assert_eq!(
        to_binary("\"int\"", "true").unwrap_err(),
        "Expected int. Got VALUE_TRUE"
    );
}

#[test]
fn every_type_goes_both_ways() {
    for (schema, json) in [
        ("\"null\"", "null"),
        ("\"boolean\"", "true"),
        ("\"int\"", "-2147483648"),
        ("\"long\"", "9007199254740993"),
        ("\"float\"", "0.1"),
        ("\"double\"", "1e300"),
        ("\"double\"", "\"NaN\""),
        ("\"double\"", "\"-Infinity\""),
        ("\"string\"", "\"é\\\"\\n\""),
        (r#"{"type":"fixed","name":"F","size":2}"#, "\"ab\""),
        (r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, "\"B\""),
        (
            r#"{"type":"array","items":["null","int"]}"#,
            r#"[null,{"int":5}]"#,
        ),
        (r#"{"type":"array","items":"int"}"#, "[]"),
        (
            r#"{"type":"map","values":{"type":"array","items":"long"}}"#,
            r#"{"a":[1,2],"b":[]}"#,
        ),
        (
            r#"{"type":"record","name":"a.N","fields":[{"name":"next","type":["null","N"]}]}"#,
            r#"{"next":{"a.N":{"next":null}}}"#,
        ),
    ] {
        round(schema, json);
    }
    let text = r#"{"type":"array","items":"bytes"}"#;
    round(text, r#"["\u0000ÿa"]"#);
    // Bytes at the top are shown as they lie there, their length before them.
    assert_eq!(to_json("\"bytes\"", &[2, b'a']).unwrap(), "\"\\u0002a\"");
    // A union at the top has lost its name when it is shown.
    let bytes = to_binary(r#"["null","string"]"#, r#"{"string":"x"}"#).unwrap();
    assert_eq!(to_json(r#"["null","string"]"#, &bytes).unwrap(), "\"x\"");
}

#[test]
fn recorded_bytes() {
    let schema = r#"{"type":"record","name":"Ty","fields":[{"name":"l","type":"long"},{"name":"d","type":"double"},{"name":"b","type":"bytes"},{"name":"fx","type":{"type":"fixed","name":"F","size":2}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"a","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":"string"}}]}"#;
    let json =
        r#"{"l":9007199254740993,"d":1.0,"b":"ÿ","fx":"ab","e":"B","a":[1,2],"m":{"k":"v"}}"#;
    let bytes = to_binary(schema, json).unwrap();
    let expected = b"\x82\x80\x80\x80\x80\x80\x80\x20\0\0\0\0\0\0\xf0\x3f\x02\xffab\x02\x04\x02\x04\0\x02\x02k\x02v\0";
    assert_eq!(bytes, expected);
}

#[test]
fn attributes_names_and_docs_are_kept() {
    let text = r#"{"type":"record","name":"R","namespace":"a.b","doc":"d","aliases":["Old"],"connect.name":"c","fields":[
        {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"fd","order":"ignore"},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A"],"default":"A"},"default":"A"}]}"#;
    let schema = Schema::parse(text, &[]).unwrap();
    assert_eq!(schema.record_name(), Some("a.b.R"));
    let root = schema.get(schema.root());
    assert_eq!(
        (root.doc(), root.attributes["connect.name"].as_str()),
        (Some("d"), Some("c"))
    );
    let Kind::Record(record) = &root.kind else {
        unreachable!("a record")
    };
    assert_eq!(record.aliases, ["a.b.Old"]);
    assert_eq!(record.name.simple(), "R");
    assert_eq!(record.name.namespace(), Some("a.b"));
    let [t, e] = record.fields.as_slice() else {
        unreachable!("two fields")
    };
    assert_eq!(
        (t.doc.as_deref(), t.attributes["order"].as_str()),
        (Some("fd"), Some("ignore"))
    );
    assert_eq!(
        schema.get(t.schema).logical_type(),
        Some("timestamp-millis")
    );
    assert_eq!(e.default, Some(Value::from("A")));
    assert_eq!(schema.branch_name(e.schema), "a.b.E");
}

#[test]
fn schemas_that_are_refused() {
    for text in [
        "nope",
        "1",
        r#"{"type":"recordx"}"#,
        r#"{"type":"record","name":"R"}"#,
        r#"{"type":"record","name":"1R","fields":[]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}"#,
        r#"{"type":"enum","name":"E","symbols":["A","A"]}"#,
        r#"{"type":"fixed","name":"F","size":-1}"#,
        r#"["int","int"]"#,
        r#"["int",["string"]]"#,
        r#"{"type":"array"}"#,
    ] {
        assert!(
            matches!(Schema::parse(text, &[]), Err(SchemaError::Invalid(_))),
            "{text}"
        );
    }
    let deep = format!(
        "{}\"int\"{}",
        r#"{"type":"array","items":"#.repeat(101),
        "}".repeat(101)
    );
    assert!(Schema::parse(&deep, &[]).is_err());
}

#[test]
fn names_of_references_are_known() {
    let reference = Resolved {
        name: "a.X".to_owned(),
        text: r#"{"type":"record","name":"a.X","fields":[{"name":"x","type":"int"}]}"#.to_owned(),
    };
    let text = r#"{"type":"record","name":"b.Y","fields":[{"name":"f","type":"a.X"}]}"#;
    let schema = Schema::parse(text, &[reference]).unwrap();
    let mut out = Vec::new();
    schema
        .json_to_binary(br#"{"f":{"x":3}}"#, &mut out)
        .unwrap();
    assert_eq!(out, [6]);
}

#[test]
fn nesting_of_values_is_bounded() {
    let node = r#"{"type":"record","name":"N","fields":[{"name":"n","type":["null","N"]}]}"#;
    let deep = format!("{}null{}", r#"{"n":{"N":"#.repeat(200), "}}".repeat(200));
    assert!(
        to_binary(node, &deep)
            .unwrap_err()
            .contains("nested deeper")
    );
    assert_eq!(
        to_json(node, &[2; 1000]),
        Err(DataError::TooDeep(MAX_DEPTH))
    );
    assert_eq!(to_json(node, &[2]), Err(DataError::UnexpectedEnd));
    assert!(matches!(to_json(node, &[8]), Err(DataError::Malformed(_))));
}

#[test]
fn text_that_is_no_json_is_told_so() {
    for json in ["", "{", "{\"f\":}", "nope", "{\"f\":1,\"s\":null} x"] {
        assert!(to_binary(R, json).is_err(), "{json}");
    }
}

//! What Connect 3.9.1 makes of header texts: schema and text form of the value.

use super::*;
use crate::value::text::to_text;

fn shown(schema: Option<&SchemaRef>) -> String {
    let Some(schema) = schema else {
        return "null".to_owned();
    };
    let name = schema.name.as_deref().map(|name| name.rsplit('.').next());
    let mut text = schema.kind.to_string();
    if let Some(name) = name.flatten() {
        text = format!("{text}:{name}");
    }
    match schema.kind {
        Type::Array => text += &format!("<{}>", shown(schema.element.as_ref())),
        Type::Map => {
            let (key, value) = (schema.key.as_ref(), schema.element.as_ref());
            text += &format!("<{},{}>", shown(key), shown(value));
        }
        _ => {}
    }
    text
}

#[test]
fn texts_are_read_as_connect_reads_them() {
    for (text, schema, value) in [
        ("b", "STRING", "b"),
        ("12", "INT8", "12"),
        ("1.50", "FLOAT32", "1.5"),
        ("true", "BOOLEAN", "true"),
        ("{\"a\":1}", "MAP<STRING,INT8>", "{\"a\":1}"),
        ("\"q\"", "STRING", "\"q\""),
        ("", "STRING", ""),
        ("a\nb", "STRING", "a\nb"),
        ("2024-01-01", "INT32:Date", "2024-01-01"),
        ("[1,2]", "ARRAY<INT8>", "[1,2]"),
        ("[]", "ARRAY<null>", "[]"),
        ("{}", "MAP<null,null>", "{}"),
        ("null", "NULL!", ""),
        ("false", "BOOLEAN", "false"),
        ("true}", "STRING", "true}"),
        (" true ", "BOOLEAN", "true"),
        ("[1,\"a\"]", "ARRAY<null>", "[1,\"a\"]"),
        ("[1,\"a\",2]", "ARRAY<null>", "[1,\"a\",2]"),
        ("[1,null]", "STRING", "[1,null]"),
        ("[null]", "ARRAY<null>", "[null]"),
        ("[null,1]", "STRING", "[null,1]"),
        ("[1,300]", "ARRAY<INT16>", "[1,300]"),
        (
            "[1,300,70000,5000000000]",
            "ARRAY<INT64>",
            "[1,300,70000,5000000000]",
        ),
        ("[1,1.5]", "ARRAY<FLOAT32>", "[1.0,1.5]"),
        ("[1.5,1]", "ARRAY<FLOAT32>", "[1.5,1.0]"),
        (
            "{\"a\":1,\"b\":300}",
            "MAP<STRING,INT16>",
            "{\"a\":1,\"b\":300}",
        ),
        (
            "{\"a\":\"x\",\"b\":null}",
            "STRING",
            "{\"a\":\"x\",\"b\":null}",
        ),
        ("{\"a\":null}", "MAP<STRING,null>", "{\"a\":null}"),
        ("{1:2}", "MAP<INT8,INT8>", "{1:2}"),
        ("{a:1}", "STRING", "{a:1}"),
        ("[a]", "STRING", "[a]"),
        ("[\"a\",\"b\"]", "ARRAY<STRING>", "[\"a\",\"b\"]"),
        ("[[1],[2]]", "ARRAY<ARRAY<INT8>>", "[[1],[2]]"),
        ("[[1],[\"a\"]]", "ARRAY<ARRAY<STRING>>", "[[1],[\"a\"]]"),
        ("[{\"a\":1}]", "ARRAY<MAP<STRING,INT8>>", "[{\"a\":1}]"),
        ("{\"a\":[1,2]}", "MAP<STRING,ARRAY<INT8>>", "{\"a\":[1,2]}"),
        (
            "{\"a\":{\"b\":1}}",
            "MAP<STRING,MAP<STRING,INT8>>",
            "{\"a\":{\"b\":1}}",
        ),
        (
            "{\"a\":{\"b\":1},\"c\":[1]}",
            "MAP<STRING,null>",
            "{\"a\":{\"b\":1},\"c\":[1]}",
        ),
        ("12,foo", "INT8", "12"),
        ("12foo", "STRING", "12foo"),
        ("2024-01-01T00:00:00.000Z", "INT64:Timestamp", "2024-01-01"),
        (
            "2024-01-01T00:00:00.000Z,foo",
            "INT64:Timestamp",
            "2024-01-01",
        ),
        ("14:34:54.346Z", "INT32:Time", "14:34:54.346Z"),
        ("25:00:00.000Z", "INT32:Time", "1970-01-02T01:00:00.000Z"),
        ("2024-13-45", "INT32:Date", "2025-02-14"),
        ("2024-01-01x", "STRING", "2024-01-01x"),
        ("[2024-01-01]", "ARRAY<INT32:Date>", "[2024-01-01]"),
        ("[\"2024-01-01\"]", "ARRAY<INT32:Date>", "[2024-01-01]"),
        (
            "[\"2024-01-01T00\\\\:00\\\\:00.000Z\"]",
            "ARRAY<STRING>",
            "[\"2024-01-01T00\\\\\\\\:00\\\\\\\\:00.000Z\"]",
        ),
        (
            "2024-01-01T00\\:00\\:00.000Z",
            "INT64:Timestamp",
            "2024-01-01",
        ),
        ("+5", "INT8", "5"),
        ("-5", "INT8", "-5"),
        ("+", "STRING", "+"),
        ("-", "STRING", "-"),
        ("-129", "INT16", "-129"),
        ("32768", "INT32", "32768"),
        ("-2147483649", "INT64", "-2147483649"),
        (
            "9223372036854775808",
            "BYTES:Decimal",
            "9223372036854775808",
        ),
        (
            "99999999999999999999",
            "BYTES:Decimal",
            "99999999999999999999",
        ),
        ("1e5", "INT32", "100000"),
        ("1e30", "FLOAT32", "1.0E30"),
        ("1e400", "BYTES:Decimal", "1E+400"),
        ("1.0", "INT8", "1"),
        ("0.1", "FLOAT32", "0.1"),
        ("1e-50", "FLOAT32", "0.0"),
        ("-0", "INT8", "0"),
        ("-0.0", "INT8", "0"),
        ("0x10", "STRING", "0x10"),
        ("1_000", "STRING", "1_000"),
        ("1.", "INT8", "1"),
        ("5f", "STRING", "5f"),
        ("NaN", "STRING", "NaN"),
        ("Infinity", "STRING", "Infinity"),
        ("  12  ", "INT8", "12"),
        ("  abc  ", "STRING", "  abc  "),
        ("{\"a\":1", "STRING", "{\"a\":1"),
        ("[1,2", "STRING", "[1,2"),
        ("[1,]", "ARRAY<INT8>", "[1]"),
        ("[,1]", "STRING", "[,1]"),
        ("{\"a\"}", "STRING", "{\"a\"}"),
        ("{\"a\":}", "STRING", "{\"a\":}"),
        ("{,}", "STRING", "{,}"),
        ("{\"a\":1,}", "MAP<STRING,INT8>", "{\"a\":1}"),
        ("[1 2]", "STRING", "[1 2]"),
        ("[1, 2]", "ARRAY<INT8>", "[1,2]"),
        ("{ \"a\" : 1 }", "MAP<STRING,INT8>", "{\"a\":1}"),
        ("[true,false]", "ARRAY<BOOLEAN>", "[true,false]"),
        ("[true,1]", "ARRAY<null>", "[true,1]"),
        (
            "{\"a\":true,\"b\":\"x\"}",
            "MAP<STRING,null>",
            "{\"a\":true,\"b\":\"x\"}",
        ),
        (
            "{\"a\":1,\"b\":\"x\"}",
            "MAP<STRING,null>",
            "{\"a\":1,\"b\":\"x\"}",
        ),
        (
            "{\"a\":1,\"b\":\"x\",\"c\":2}",
            "MAP<STRING,null>",
            "{\"a\":1,\"b\":\"x\",\"c\":2}",
        ),
        ("\"a\\\"b\"", "STRING", "\"a\\\"b\""),
        ("[\"a\\\"b\"]", "ARRAY<STRING>", "[\"a\\\\\\\"b\"]"),
        ("[\"a,b\"]", "ARRAY<STRING>", "[\"a,b\"]"),
        ("{\"k,\":\"v:\"}", "MAP<STRING,STRING>", "{\"k,\":\"v:\"}"),
        ("foo:bar", "STRING", "foo:bar"),
        ("a,b", "STRING", "a,b"),
        ("a]", "STRING", "a]"),
        ("]", "STRING", "]"),
        ("[", "STRING", "["),
        ("{", "STRING", "{"),
        ("\\", "STRING", "\\"),
        ("\\\\", "STRING", "\\\\"),
        ("[\"\\\\\"]", "ARRAY<STRING>", "[\"\\\\\\\\\"]"),
        ("12:34", "INT8", "12"),
        ("[12:34]", "STRING", "[12:34]"),
        ("[\"\"]", "ARRAY<STRING>", "[\"\"]"),
        ("[ ]", "ARRAY<null>", "[]"),
        ("[  ,1]", "STRING", "[  ,1]"),
        ("ü", "STRING", "ü"),
        ("😀", "STRING", "😀"),
        ("[1.5,2.5]", "ARRAY<FLOAT32>", "[1.5,2.5]"),
        ("[1,1e30]", "ARRAY<FLOAT32>", "[1.0,1.0E30]"),
        (
            "[9223372036854775808]",
            "ARRAY<BYTES:Decimal>",
            "[9223372036854775808]",
        ),
        (
            "{\"a\":1.5,\"b\":2}",
            "MAP<STRING,FLOAT32>",
            "{\"a\":1.5,\"b\":2.0}",
        ),
        ("[\"a\" \"b\"]", "STRING", "[\"a\" \"b\"]"),
        ("[null,null]", "ARRAY<null>", "[null,null]"),
        ("{\"a\":null,\"b\":1}", "STRING", "{\"a\":null,\"b\":1}"),
        ("{\"a\":1,\"a\":2}", "MAP<STRING,INT8>", "{\"a\":2}"),
        ("{\"a\":1}x", "MAP<STRING,INT8>", "{\"a\":1}"),
        ("[1]x", "ARRAY<INT8>", "[1]"),
        ("[1] ", "ARRAY<INT8>", "[1]"),
        ("{\"a\":1} {\"b\":2}", "MAP<STRING,INT8>", "{\"a\":1}"),
        ("\"q\" x", "STRING", "\"q\" x"),
        ("null ", "NULL!", ""),
        ("nullx", "STRING", "nullx"),
        ("[nullx]", "STRING", "[nullx]"),
        ("truex", "STRING", "truex"),
        ("12 ", "INT8", "12"),
        ("12 x", "STRING", "12 x"),
        ("-x", "STRING", "-x"),
        ("[-1,-300]", "ARRAY<INT16>", "[-1,-300]"),
        ("2024-01-01 ", "INT32:Date", "2024-01-01"),
        (
            "[\"14:34:54.346Z\"]",
            "ARRAY<INT32:Time>",
            "[14:34:54.346Z]",
        ),
        ("[14:34:54.346Z]", "ARRAY<INT32:Time>", "[14:34:54.346Z]"),
        (" ", "STRING", " "),
        ("\t", "STRING", "\t"),
        ("[\"12\"]", "ARRAY<STRING>", "[\"12\"]"),
        ("{\"1\":2}", "MAP<STRING,INT8>", "{\"1\":2}"),
        ("{true:1}", "MAP<BOOLEAN,INT8>", "{true:1}"),
        ("{null:1}", "STRING", "{null:1}"),
        (
            "{\"a\":\"2024-01-01\"}",
            "MAP<STRING,INT32:Date>",
            "{\"a\":2024-01-01}",
        ),
    ] {
        let parsed = parse_text(text);
        let found = match &parsed {
            None => ("NULL!".to_owned(), String::new()),
            Some((schema, value)) => (shown(Some(schema)), to_text(value).unwrap_or_default()),
        };
        assert_eq!(
            (found.0.as_str(), found.1.as_str()),
            (schema, value),
            "{text}"
        );
    }
}

#[test]
fn endless_nesting_is_a_string() {
    let text = "[".repeat(100_000);
    assert_eq!(parse_text(&text), string(&text));
}

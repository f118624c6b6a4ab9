#![allow(clippy::unwrap_used)]
use super::*;

const M: &str =
    "syntax = \"proto3\"; message M { int32 a = 1; string s = 2; repeated int64 l = 3; }";

fn to_binary(schema: &str, json: &str) -> Result<Vec<u8>, String> {
    let schema = Schema::parse(schema, &[]).unwrap();
    let mut out = Vec::new();
    schema
        .json_to_binary(json.as_bytes(), &mut out)
        .map_err(|error| error.to_string())?;
    Ok(out)
}

fn round(schema: &str, json: &str) -> String {
    let bytes = to_binary(schema, json).unwrap();
    let mut out = Vec::new();
    let schema = Schema::parse(schema, &[]).unwrap();
    schema.binary_to_json(&bytes, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn messages_go_both_ways() {
    assert_eq!(
        to_binary(M, r#"{"a":1,"s":"x","l":[1,"2"]}"#).unwrap(),
        b"\0\x08\x01\x12\x01x\x1a\x02\x01\x02"
    );
    assert_eq!(round(M, r#"{"a":2}"#), r#"{"a":2,"s":"","l":[]}"#);
    assert_eq!(
        round(M, r#"{"l":["9007199254740993"],"s":null}"#),
        r#"{"a":0,"s":"","l":["9007199254740993"]}"#
    );
}

#[test]
fn what_does_not_fit_is_told_as_java_tells_it() {
    for (json, expected) in [
        (r#"{"zz":1}"#, "Cannot find field: zz in message M"),
        (r#"{"a":"x"}"#, "Not an int32 value: \"x\""),
        (r#"{"a":1.5}"#, "Not an int32 value: 1.5"),
        ("1", "Expect message object but got: 1"),
        (r#"{"l":1}"#, "Expected an array for l but found 1"),
        (
            r#"{"l":[null]}"#,
            "Repeated field elements cannot be null in field: M.l",
        ),
    ] {
        assert_eq!(to_binary(M, json).unwrap_err(), expected);
    }
}

#[test]
fn well_known_types_maps_and_enums() {
    let text = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\"; \
                import \"confluent/meta.proto\"; import \"confluent/type/decimal.proto\"; import \"google/type/date.proto\"; \
                message M { google.protobuf.Timestamp at = 1; google.protobuf.StringValue w = 2; map<string, int32> m = 3; E e = 4; \
                enum E { A = 0; B = 1; } confluent.type.Decimal d = 5 [(confluent.field_meta).doc = \"x\"]; google.type.Date day = 6; }";
    assert_eq!(
        round(
            text,
            r#"{"at":"2024-01-02T03:04:05Z","w":"x","m":{"k":1},"e":"B"}"#
        ),
        r#"{"at":"2024-01-02T03:04:05Z","w":"x","m":{"k":1},"e":"B"}"#
    );
    assert!(
        to_binary(text, r#"{"e":"C"}"#)
            .unwrap_err()
            .starts_with("Invalid enum value: C")
    );
}

#[test]
fn entries_of_maps_keep_their_order() {
    let text = "syntax = \"proto3\"; import \"google/protobuf/struct.proto\"; import \"google/protobuf/any.proto\"; \
                message M { map<string, int32> m = 1; map<int64, N> n = 2; google.protobuf.Struct s = 3; \
                google.protobuf.Any a = 4; repeated PairEntry p = 5; } message N { map<bool, string> b = 1; } \
                message PairEntry { string key = 1; string value = 2; }";
    let fixed = r#"{"m":{"z":1},"n":{}}"#;
    assert_eq!(
        to_binary(text, fixed).unwrap(),
        b"\0\x0a\x05\x0a\x01z\x10\x01"
    );
    let names = ["zz", "k", "", "a", "zzz", "b", "y"];
    let members = names.map(|name| format!("\"{name}\":{}", name.len()));
    let members = members.join(",");
    let json = format!(
        r#"{{"m":{{{members}}},"n":{{"9":{{"b":{{"true":"t","false":""}}}},"-3":{{"b":{{}}}},"5":{{"b":{{}}}}}},"s":{{"q":null,"b":[1.5,{{"z":"x","a":true}}],"a":{{}}}},"a":{{"@type":"x/N","b":{{"true":"t"}}}},"p":[{{"key":"k","value":"v"}}]}}"#
    );
    assert_eq!(round(text, &json), json);
    assert_eq!(to_binary(text, &json), to_binary(text, &json));
    let held =
        r#"{"m":{},"n":{},"a":{"@type":"x/google.protobuf.Struct","value":{"z":1.0}},"p":[]}"#;
    assert_eq!(round(text, held), held);
    let schema = Schema::parse(text, &[]).unwrap();
    let (message, _) = schema.decode(&to_binary(text, fixed).unwrap()).unwrap();
    assert!(message.get_field_by_name("m").unwrap().as_map().is_some());
}

#[test]
fn imports_are_references() {
    let reference = Resolved {
        name: "other.proto".to_owned(),
        text: "syntax = \"proto3\"; package o; message O { int32 x = 1; }".to_owned(),
    };
    let text = "syntax = \"proto3\"; import \"other.proto\"; message M { o.O o = 1; }";
    let schema = Schema::parse(text, std::slice::from_ref(&reference)).unwrap();
    assert!(schema.message_named("o.O").is_some());
    assert!(matches!(
        Schema::parse(text, &[]),
        Err(SchemaError::Invalid(_))
    ));
    assert!(Schema::parse("nope", &[]).is_err());
    assert!(Schema::parse("syntax = \"proto3\";", &[]).is_err());
}

#[test]
fn indexes_count_messages_but_not_map_entries() {
    let text = "syntax = \"proto3\"; package p; message A { map<string, int32> m = 1; message B { message C {} } } message D {}";
    let schema = Schema::parse(text, &[]).unwrap();
    for (indexes, name) in [
        (vec![0], "p.A"),
        (vec![0, 0], "p.A.B"),
        (vec![0, 0, 0], "p.A.B.C"),
        (vec![1], "p.D"),
    ] {
        let message = schema.message_at(&indexes).unwrap();
        assert_eq!(message.full_name(), name);
        assert_eq!(schema.indexes_of(&message), indexes);
    }
    assert!(schema.message_at(&[0, 1]).is_none());
    assert!(schema.message_named("A.B").is_some());
    let bad = schema.binary_to_json(&[2, 14], &mut Vec::new());
    assert!(bad.is_err());
}

#[test]
fn a_schema_may_be_a_compiled_file_in_base64() {
    // `package w; message Other { int32 unused = 1; } message Pin { int64 index = 1; … }`, as Python's client sent it.
    const COMPILED: &str = "CglwaW4ucHJvdG8SAXciFwoFT3RoZXISDgoGdW51c2VkGAEgASgFImQKA1BpbhINCgVpbmRleBgBIAEoAxINCgV0aXRs\
                            ZRgCIAEoCRIMCgR0YWdzGAMgAygJEhsKBXBsYWNlGAQgASgLMgwudy5QaW4uUGxhY2UaFAoFUGxhY2USCwoDbGF0GAEgASgBYgZwcm90bzM=";
    let schema = Schema::parse(COMPILED, &[]).unwrap();
    assert_eq!(schema.message().full_name(), "w.Other");
    let mut json = Vec::new();
    // The indexes [1], then index = 7.
    schema.binary_to_json(&[2, 2, 8, 7], &mut json).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert!(json.contains(r#""index":"7""#), "{json}");
    assert!(Schema::parse("bm8gZGVzY3JpcHRvcg==", &[]).is_err());
}

#[test]
fn numbers_times_and_wrappers_that_do_not_fit_are_told_as_java_tells_them() {
    let text = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/duration.proto\"; \
                import \"google/protobuf/wrappers.proto\"; import \"google/protobuf/struct.proto\"; import \"google/protobuf/any.proto\"; \
                message M { uint32 u = 1; uint64 v = 2; float f = 3; string s = 4; google.protobuf.Timestamp t = 5; \
                google.protobuf.Duration d = 6; google.protobuf.Int32Value w = 7; google.protobuf.Struct o = 8; \
                google.protobuf.Any any = 9; google.protobuf.ListValue l = 10; oneof pick { int32 a = 11; string b = 12; } }";
    for (json, expected) in [
        (r#"{"u":-1}"#, "Out of range uint32 value: -1"),
        (
            r#"{"u":4294967296}"#,
            "Out of range uint32 value: 4294967296",
        ),
        (r#"{"u":1.5}"#, "Not an uint32 value: 1.5"),
        (r#"{"v":"-1"}"#, "Out of range uint64 value: \"-1\""),
        (r#"{"f":"1e400"}"#, "Out of range float value: \"1e400\""),
        (r#"{"f":"x"}"#, "Not a float value: \"x\""),
        (
            r#"{"s":{"k":1}}"#,
            "Invalid value: {\"k\":1} for expected type: STRING",
        ),
        (r#"{"u":{}}"#, "Invalid value: {} for expected type: UINT32"),
        (r#"{"t":"today"}"#, "Failed to parse timestamp: \"today\""),
        (r#"{"d":"1"}"#, "Failed to parse duration: \"1\""),
        (r#"{"w":"x"}"#, "Not an int32 value: \"x\""),
        (r#"{"o":1}"#, "Expect a map object but found: 1"),
        (r#"{"l":1}"#, "Expected an array for values but found 1"),
        (
            r#"{"any":{"a":1}}"#,
            "Missing type url when parsing: {\"a\":1}",
        ),
        (
            r#"{"a":1,"b":"x"}"#,
            "Cannot set field M.b because another field M.a belonging to the same oneof has already been set ",
        ),
    ] {
        assert_eq!(to_binary(text, json).unwrap_err(), expected);
    }
    assert_eq!(
        round(
            text,
            r#"{"u":4294967295,"v":"18446744073709551615","w":0,"d":"1.500s"}"#
        ),
        r#"{"u":4294967295,"v":"18446744073709551615","f":0.0,"s":"","d":"1.500s","w":0}"#
    );
}

#[test]
fn what_a_message_of_proto2_leaves_out_is_printed_with_its_default() {
    let text = "syntax = \"proto2\"; message M { optional int32 a = 1 [default = 5]; optional string s = 2; optional N n = 3; \
                repeated N more = 4; oneof pick { int32 p = 5; } optional E e = 6; } message N { optional bool b = 1; } \
                enum E { X = 1; Y = 2; }";
    assert_eq!(
        round(text, r#"{"more":[{}]}"#),
        r#"{"a":5,"s":"","more":[{"b":false}],"e":"X"}"#
    );
    assert_eq!(
        round(text, r#"{"a":0,"n":{"b":true},"p":0,"e":2}"#),
        r#"{"a":0,"s":"","n":{"b":true},"more":[],"p":0,"e":"Y"}"#
    );
    // Enums of proto2 are closed, those of proto3 open.
    assert_eq!(
        to_binary(text, r#"{"e":9}"#).unwrap_err(),
        "Invalid enum value: 9 for enum type: E"
    );
    let open =
        "syntax = \"proto3\"; message M { optional int32 a = 1; E e = 2; } enum E { X = 0; }";
    assert_eq!(round(open, r#"{"e":9}"#), r#"{"e":9}"#);
}

#[test]
fn an_array_of_one_is_that_one_where_one_is_wanted() {
    let text = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\"; import \"google/protobuf/wrappers.proto\"; \
                message M { int32 a = 1; string s = 2; bool b = 3; E e = 4; google.protobuf.Timestamp t = 5; \
                google.protobuf.StringValue w = 6; N n = 7; } message N {} enum E { X = 0; Y = 1; }";
    assert_eq!(
        round(
            text,
            r#"{"a":[["7"]],"s":[true],"b":[true],"e":["Y"],"t":["2024-01-02T03:04:05Z"],"w":["x"]}"#
        ),
        r#"{"a":7,"s":"true","b":true,"e":"Y","t":"2024-01-02T03:04:05Z","w":"x"}"#
    );
    for (json, expected) in [
        (r#"{"a":[1,2]}"#, "Not an int32 value: [1,2]"),
        (r#"{"a":["x"]}"#, "Not an int32 value: [\"x\"]"),
        (r#"{"a":[null]}"#, "Not an int32 value: [null]"),
        (r#"{"n":[{}]}"#, "Expect message object but got: [{}]"),
    ] {
        assert_eq!(to_binary(text, json).unwrap_err(), expected);
    }
}

#[test]
fn what_proto2_requires_has_to_be_there() {
    let text = "syntax = \"proto2\"; message M { required int32 a = 1; optional N n = 2; required string s = 3; } \
                message N { required bool b = 1; }";
    for (json, missing) in [("{}", "a, s"), (r#"{"n":{},"a":1,"s":""}"#, "b")] {
        let expected = format!("Message missing required fields: {missing}");
        assert_eq!(to_binary(text, json).unwrap_err(), expected);
    }
    let whole = r#"{"a":0,"n":{"b":true},"s":"x"}"#;
    assert_eq!(round(text, whole), whole);
}

#[test]
fn fields_of_another_wire_type_are_as_good_as_unknown() {
    let older = "syntax = \"proto2\"; message M { optional string a = 1; optional int32 b = 2; optional N n = 3; \
                 repeated int32 l = 4; optional group G = 5 { optional int32 x = 1; } } \
                 message N { optional string a = 1; optional int32 b = 2; }";
    let newer = "syntax = \"proto2\"; message M { optional int32 a = 1; optional int32 b = 2; optional N n = 3; \
                 repeated int32 l = 4; optional string g = 5; } \
                 message N { optional fixed32 a = 1; optional int32 b = 2; }";
    let json = r#"{"a":"x","b":2,"n":{"a":"y","b":3},"l":[4,5],"g":{"x":6}}"#;
    let bytes = to_binary(older, json).unwrap();
    let schema = Schema::parse(newer, &[]).unwrap();
    let mut out = Vec::new();
    schema.binary_to_json(&bytes, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"a":0,"b":2,"n":{"a":0,"b":3},"l":[4,5],"g":""}"#
    );
    // What ends too early is no message, whatever its wire types.
    let cut = schema.binary_to_json(&bytes[..bytes.len() - 1], &mut Vec::new());
    assert!(cut.is_err());
}

#[test]
fn any_holds_what_the_schema_knows() {
    let text = "syntax = \"proto3\"; package p; import \"google/protobuf/any.proto\"; \
                message M { google.protobuf.Any any = 1; } message N { int32 x = 1; }";
    let known = r#"{"any":{"@type":"type.googleapis.com/p.N","x":5}}"#;
    assert_eq!(round(text, known), known);
    assert_eq!(to_binary(text, r#"{"any":{}}"#).unwrap(), b"\0\x0a\0");
    let other = r#"{"any":{"@type":"type.googleapis.com/p.O","x":5}}"#;
    let expected = "Cannot resolve type: type.googleapis.com/p.O";
    assert_eq!(to_binary(text, other).unwrap_err(), expected);
}

#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{JsonErrorKind, Options, Scanner, minify, skip};

fn minified(text: &[u8]) -> Result<(String, usize), String> {
    let mut out = Vec::new();
    match minify(text, 0, &mut out, &Options::STRICT) {
        Ok(end) => Ok((String::from_utf8(out).unwrap(), end)),
        Err(error) => Err(error.to_string()),
    }
}

/// The whole text is one value: `Some` with its minified form.
fn whole(text: &[u8], options: &Options) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut scanner = Scanner::new(text, 0, options);
    scanner.minify(&mut out).ok()?;
    scanner.finish().ok()?;
    Some(out)
}

// === against serde_json, on random JSON and on damaged random JSON ===

/// SplitMix64: a few lines, and the same cases on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

fn gap(random: &mut Random, out: &mut String) {
    if random.below(3) == 0 {
        out.push_str(random.of(&[" ", "\n", "\t", "\r\n", "   "]));
    }
}

fn random_string(random: &mut Random, out: &mut String) {
    const PIECES: &[&str] = &[
        "a",
        "word",
        "eight by",
        "a longer run of plain text",
        "é",
        "日本",
        "😀",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\u{7f}",
        "\u{2028}",
        " ",
        "{",
        "]",
        ",",
        ":",
    ];
    out.push('"');
    for _ in 0..random.below(6) {
        out.push_str(random.of(PIECES));
    }
    out.push('"');
}

fn random_value(random: &mut Random, depth: usize, out: &mut String) {
    const SCALARS: &[&str] = &[
        "0",
        "-0",
        "1",
        "-1.5",
        "1e2",
        "1E+2",
        "0.10",
        "12345678901234567890",
        "-0.0",
        "1e-7",
        "true",
        "false",
        "null",
    ];
    match random.below(if depth == 0 { 2 } else { 4 }) {
        0 => out.push_str(random.of(SCALARS)),
        1 => random_string(random, out),
        kind => {
            let object = kind == 2;
            out.push(if object { '{' } else { '[' });
            for at in 0..random.below(5) {
                if at > 0 {
                    out.push(',');
                }
                gap(random, out);
                if object {
                    random_string(random, out);
                    gap(random, out);
                    out.push(':');
                    gap(random, out);
                }
                random_value(random, depth - 1, out);
                gap(random, out);
            }
            gap(random, out);
            out.push(if object { '}' } else { ']' });
        }
    }
}

/// Whitespace outside strings removed, byte by byte.
fn reference_minify(text: &[u8]) -> Vec<u8> {
    let (mut out, mut quoted, mut escaped) = (Vec::new(), false, false);
    for &byte in text {
        if quoted || !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
            out.push(byte);
        }
        quoted ^= byte == b'"' && !escaped;
        escaped = quoted && byte == b'\\' && !escaped;
    }
    out
}

#[test]
fn equals_serde_json_on_random_values() {
    let mut random = Random(1);
    for _ in 0..4_000 {
        let mut text = String::new();
        gap(&mut random, &mut text);
        random_value(&mut random, 6, &mut text);
        gap(&mut random, &mut text);
        let out =
            whole(text.as_bytes(), &Options::STRICT).unwrap_or_else(|| panic!("refused: {text}"));
        assert_eq!(out, reference_minify(text.as_bytes()), "{text}");
        let (before, after): (Value, Value) = (
            serde_json::from_str(&text).unwrap(),
            serde_json::from_slice(&out).unwrap(),
        );
        assert_eq!(before, after, "{text}");
    }
}

fn damage(random: &mut Random, text: &mut Vec<u8>) {
    const BYTES: &[u8] = b"\"\\{}[],:0123456789.eE+-truefalsn \n\t\x00\x1f/\x80\xc3\xff\xed\xa0u";
    for _ in 0..=random.below(3) {
        let at = random.below(text.len());
        match random.below(4) {
            0 => text.truncate(at.max(1)),
            1 => drop(text.remove(at)),
            2 => text.insert(at, BYTES[random.below(BYTES.len())]),
            _ => text[at] = BYTES[random.below(BYTES.len())],
        }
        if text.is_empty() {
            text.push(b' ');
        }
    }
}

#[test]
fn agrees_with_serde_json_on_damaged_values() {
    let mut random = Random(2);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..40_000 {
        let mut text = String::new();
        random_value(&mut random, 4, &mut text);
        let mut text = text.into_bytes();
        damage(&mut random, &mut text);
        // serde_json passes over unwanted strings without looking at their encoding.
        let valid = std::str::from_utf8(&text).is_ok()
            && serde_json::from_slice::<IgnoredAny>(&text).is_ok();
        let ours = whole(&text, &Options::STRICT);
        assert_eq!(
            ours.is_some(),
            valid,
            "{:?}",
            String::from_utf8_lossy(&text)
        );
        match ours {
            Some(out) => {
                accepted += 1;
                assert_eq!(out, reference_minify(&text));
            }
            None => refused += 1,
        }
    }
    assert!(
        accepted > 1_000 && refused > 10_000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn every_prefix_of_a_value_is_refused_and_skip_agrees_with_minify() {
    let text =
        r#" {"a" : [1.5, -2e3, true, null, "x\u00e9\\é😀"], "b":{"c": {}, "d":[ ]}} "#.as_bytes();
    let end = text.len() - 1;
    assert_eq!(skip(text, 0, &Options::STRICT).unwrap(), end);
    assert_eq!(minified(text).unwrap().1, end);
    for cut in 0..end {
        let by_skip = skip(&text[..cut], 0, &Options::STRICT).unwrap_err();
        let by_minify = minify(&text[..cut], 0, &mut Vec::new(), &Options::STRICT).unwrap_err();
        assert_eq!(by_skip, by_minify);
        assert!(by_skip.offset <= cut);
    }
}

// === rules ===

#[test]
fn keeps_numbers_keys_and_escapes() {
    let text = r#"{ "z" : 1.0, "a":1e2, "big":12345678901234567890, "u":"\u00e9\ud83d\ude00", "sl":"a\/b", "dup":1, "dup":2 }"#;
    let expected = r#"{"z":1.0,"a":1e2,"big":12345678901234567890,"u":"\u00e9\ud83d\ude00","sl":"a\/b","dup":1,"dup":2}"#;
    assert_eq!(minified(text.as_bytes()).unwrap().0, expected);
    assert_eq!(minified(b"1e400").unwrap().0, "1e400");
    assert_eq!(minified(br#""\ud800""#).unwrap().0, r#""\ud800""#);
}

#[test]
fn stops_behind_the_value() {
    assert_eq!(minified(b" [1] trailing").unwrap(), ("[1]".to_owned(), 4));
    assert_eq!(minified(b"{\"a\":1}{\"b\":2}").unwrap().1, 7);
    assert_eq!(minified(b"\"a\"\"b\"").unwrap().1, 3);
}

#[test]
fn starts_where_it_is_told() {
    let mut out = b"kept ".to_vec();
    let end = minify(b"xx [ 1 , 2 ] yy", 2, &mut out, &Options::STRICT).unwrap();
    assert_eq!((out.as_slice(), end), (b"kept [1,2]".as_slice(), 12));
}

#[test]
fn a_value_without_whitespace_stays_where_it_is() {
    let mut buffer = b"of another record".to_vec();
    for (text, there, expected) in [
        (r#" {"a":["b\"",1]} "#, true, r#"{"a":["b\"",1]}"#),
        (r#"{"a": 1}"#, false, r#"{"a":1}"#),
        ("[ 1 , 02 ]", false, "[1,2]"),
        ("null", true, "null"),
    ] {
        let mut scanner = Scanner::new(text.as_bytes(), 0, &Options::LENIENT);
        let found = scanner.minified(&mut buffer).unwrap();
        assert_eq!(found, expected.as_bytes());
        let range = text.as_bytes().as_ptr_range();
        assert_eq!(range.contains(&found.as_ptr()), there, "{text}");
        let mut copied = Vec::new();
        minify(text.as_bytes(), 0, &mut copied, &Options::LENIENT).unwrap();
        assert_eq!(copied, expected.as_bytes());
    }
}

#[test]
fn strings_of_every_length_are_told_from_broken_ones() {
    for length in 0..40 {
        let plain = "a".repeat(length);
        for (inside, good) in [
            ("", true),
            ("\\n", true),
            ("\u{7f}", true),
            ("\u{80}", true),
            ("\u{ffff}", true),
            ("\u{1f}", false),
            ("\0", false),
            ("\\x", false),
        ] {
            let text = format!("[\"{plain}{inside}{plain}\",\"!\"]");
            assert_eq!(minified(text.as_bytes()).is_ok(), good, "{text:?}");
            if good {
                assert_eq!(
                    minified(text.as_bytes()).unwrap(),
                    (text.clone(), text.len())
                );
            }
        }
        let broken = [b"\"", plain.as_bytes(), b"\xff", plain.as_bytes(), b"\""].concat();
        assert!(minified(&broken).is_err());
    }
}

#[test]
fn leading_zeros_only_when_lenient() {
    assert_eq!(
        minified(b"[01]").unwrap_err(),
        "Invalid numeric value: Leading zeroes not allowed"
    );
    for (text, expected) in [
        ("01", "1"),
        ("[ 007 , 1]", "[7,1]"),
        ("-01", "-1"),
        ("00", "0"),
        ("-000.50e01", "-0.50e01"),
        ("{\"a\": 010}", "{\"a\":10}"),
        ("0", "0"),
    ] {
        let out = whole(text.as_bytes(), &Options::LENIENT).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn limits() {
    let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
    assert!(minified(&deep(1000)).is_ok());
    assert_eq!(
        minified(&deep(1001)).unwrap_err(),
        "Document nesting depth (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNestingDepth()`)"
    );
    let options = Options {
        max_depth: 1_000_000,
        ..Options::STRICT
    };
    assert!(whole(&deep(Options::DEPTH_CEILING), &options).is_some());
    assert!(whole(&deep(Options::DEPTH_CEILING + 1), &options).is_none());
    assert!(minified(&[b'1'; 1000]).is_ok());
    assert_eq!(
        minified(&[b'1'; 1001]).unwrap_err(),
        "Number value length (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNumberLength()`)"
    );
    let options = Options {
        max_string_len: 3,
        max_name_len: 2,
        ..Options::STRICT
    };
    assert!(whole(br#"{"ab":"abc"}"#, &options).is_some());
    assert!(whole(br#"{"abc":"abc"}"#, &options).is_none());
    assert!(whole(br#"{"ab":"abcd"}"#, &options).is_none());
}

#[test]
fn texts_of_errors() {
    const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    const SOURCE: &str =
        "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line:";
    let cases: Vec<(&[u8], String)> = vec![
        (b"hello", format!("Unrecognized token 'hello': was expecting {VALUES}")),
        (b"nulls", format!("Unrecognized token 'nulls': was expecting {VALUES}")),
        (b"tru", format!("Unrecognized token 'tru': was expecting {VALUES}")),
        (b"NaN", "Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow".into()),
        (b"-Infinity", "Non-standard token '-Infinity': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow".into()),
        (b"{", format!("Unexpected end-of-input: expected close marker for Object (start marker at {SOURCE} 1, column: 1])")),
        (b"{\n \"a\": [1", format!("Unexpected end-of-input: expected close marker for Array (start marker at {SOURCE} 2, column: 7])")),
        (b"[1,", "Unexpected end-of-input within/between Array entries".into()),
        (b"{\"a\"", "Unexpected end-of-input within/between Object entries".into()),
        (b"{\"a", "Unexpected end-of-input: was expecting closing '\"' for name".into()),
        (b"[\"a", "Unexpected end-of-input in VALUE_STRING".into()),
        (b"[1,]", "Unexpected character (']' (code 93)): expected a value".into()),
        (b"[1 2]", "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries".into()),
        (b"{\"a\":1,}", "Unexpected character ('}' (code 125)): was expecting double-quote to start field name".into()),
        (b"{\"a\" 1}", "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value".into()),
        (b"{'a':1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name".into()),
        (b"[1}", format!("Unexpected close marker '}}': expected ']' (for Array starting at {SOURCE} 1, column: 1])")),
        (b".5", format!("Unexpected character ('.' (code 46)): expected a valid value {VALUES}")),
        (b"1.", "Unexpected end-of-input in a Number value".into()),
        (b"[1.]", "Unexpected character (']' (code 93)) in numeric value: Decimal point not followed by a digit".into()),
        (b"-x", "Unexpected character ('x' (code 120)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value".into()),
        (b"1x", "Unexpected character ('x' (code 120)): Expected space separating root-level values".into()),
        (b"\"\t\"", "Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in string value".into()),
        (b"\"\\x\"", "Unrecognized character escape 'x' (code 120)".into()),
        (b"\"\\u00g0\"", "Unexpected character ('g' (code 103)): expected a hex-digit for character escape sequence".into()),
        (b"\"\xff\xfe\"", "Invalid UTF-8 start byte 0xff".into()),
        (b"\"\xc3\"", "Invalid UTF-8 middle byte 0x22".into()),
        (b"\"long enough \xe6\x97x\"", "Invalid UTF-8 middle byte 0x78".into()),
        (b"[1\x01]", "Illegal character ((CTRL-CHAR, code 1)): only regular white space (\\r, \\n, \\t) is allowed between tokens".into()),
    ];
    for (text, expected) in cases {
        assert_eq!(
            minified(text).unwrap_err(),
            expected,
            "{:?}",
            String::from_utf8_lossy(text)
        );
    }
}

#[test]
fn errors_carry_line_and_column() {
    let error = minify(b"{\n  \"a\": nope }", 0, &mut Vec::new(), &Options::STRICT).unwrap_err();
    assert_eq!((error.offset, error.line, error.column), (9, 2, 8));
    assert_eq!(error.kind, JsonErrorKind::UnrecognizedToken("nope".into()));
}

#[test]
fn walks_an_envelope_member_by_member() {
    let text = br#" { "records" : [ {"k\u0065y": 1} , [2] ], "x":"\ud83d\ude00\n\ud800" } "#;
    let mut scanner = Scanner::new(text, 0, &Options::STRICT);
    scanner.enter().unwrap();
    let mut first = true;
    assert_eq!(
        scanner.member(&mut first).unwrap().unwrap().decode(),
        "records"
    );
    scanner.enter().unwrap();
    let mut first_element = true;
    let mut values = Vec::new();
    while scanner.element(&mut first_element).unwrap() {
        let mut out = Vec::new();
        scanner.minify(&mut out).unwrap();
        values.push(String::from_utf8(out).unwrap());
    }
    assert_eq!(values, [r#"{"k\u0065y":1}"#, "[2]"]);
    assert_eq!(scanner.member(&mut first).unwrap().unwrap().decode(), "x");
    assert_eq!(scanner.string().unwrap().decode(), "😀\n\u{fffd}");
    assert!(scanner.member(&mut first).unwrap().is_none());
    scanner.finish().unwrap();
}

//! Signatures that botocore made of these requests, and what is wrong with others.
#![allow(clippy::unwrap_used)]

use super::*;

const SIGNED_AT: i64 = 1_440_938_160; // 2015-08-30T12:36:00Z
const ID: &str = "AKIDEXAMPLEEXAMPLE1";

fn keys() -> (tempfile::TempDir, AccessKeys) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    let text =
        format!("key.one.id={ID}\nkey.one.secret=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n");
    std::fs::write(&file, text).unwrap();
    let keys = AccessKeys::open(&file).unwrap();
    (folder, keys)
}

fn authorization(signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={ID}/20150830/us-east-1/kinesis/aws4_request, SignedHeaders={signed}, Signature={signature}"
    )
}

fn parts(headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::post("/");
    for (name, value) in [
        ("host", "127.0.0.1:8082"),
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-date", "20150830T123600Z"),
        ("x-amz-target", "Kinesis_20131202.ListStreams"),
    ] {
        if !headers.iter().any(|(changed, _)| *changed == name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

const PLAIN: &str = "content-type;host;x-amz-date;x-amz-target";
const OF_PLAIN: &str = "2460f5658608902fb908f7480791c21f0cd3812298075e831304f5ca1c8f013f";

fn checked(parts: &Parts, paths: &[&str], body: &str, now: i64) -> Result<(), &'static str> {
    let (_folder, keys) = keys();
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    Claim::read(&parts.headers, &keys, now, 300)
        .and_then(|claim| claim.verify(parts, &paths, body.as_bytes()))
        .map_err(|wrong| wrong.fault.name)
}

#[test]
fn signatures_of_botocore() {
    let plain = authorization(PLAIN, OF_PLAIN);
    let plain = parts(&[("authorization", &plain)]);
    assert_eq!(checked(&plain, &["/"], "{}", SIGNED_AT), Ok(()));
    assert_eq!(checked(&plain, &["/"], "{}", SIGNED_AT + 300), Ok(()));
    // Behind a stage, with a header whose blanks do not count.
    let staged = authorization(
        "content-type;host;x-amz-date;x-amz-target;x-odd",
        "8000701c3a119651848378782d287d8462f1ac2a043153d5ec889d4e1e589a5e",
    );
    let staged = parts(&[("authorization", &staged), ("x-odd", " a   b ")]);
    assert_eq!(
        checked(&staged, &["/test/", "/test"], "{\"Limit\": 5}", SIGNED_AT),
        Ok(())
    );
}

#[test]
fn anything_changed_is_noticed() {
    let plain = authorization(PLAIN, OF_PLAIN);
    let bad = Err("InvalidSignatureException");
    let with = |name: &str, value: &str| parts(&[("authorization", &plain), (name, value)]);
    let original = with("x-unsigned", "1");
    assert_eq!(checked(&original, &["/"], "{}", SIGNED_AT), Ok(()));
    assert_eq!(checked(&original, &["/"], "{} ", SIGNED_AT), bad);
    assert_eq!(checked(&original, &["/x"], "{}", SIGNED_AT), bad);
    assert_eq!(checked(&original, &["/"], "{}", SIGNED_AT + 301), bad);
    assert_eq!(checked(&original, &["/"], "{}", SIGNED_AT - 301), bad);
    for (name, value) in [
        ("x-amz-target", "Kinesis_20131202.DeleteStream"),
        ("x-amz-date", "20150830T123601Z"),
        ("host", "127.0.0.1:8083"),
        ("content-type", "text/plain"),
    ] {
        assert_eq!(
            checked(&with(name, value), &["/"], "{}", SIGNED_AT),
            bad,
            "{name}"
        );
    }
    let other = authorization(PLAIN, &OF_PLAIN.replace('2', "3"));
    assert_eq!(
        checked(
            &parts(&[("authorization", &other)]),
            &["/"],
            "{}",
            SIGNED_AT
        ),
        bad
    );
}

#[test]
fn what_is_missing_or_foreign_is_told_before_a_body_is_read() {
    let good = authorization(PLAIN, OF_PLAIN);
    let incomplete = "IncompleteSignatureException";
    for (text, name) in [
        ("Bearer abc", "MissingAuthenticationTokenException"),
        ("AWS4-HMAC-SHA256", incomplete),
        (&*good.replace("Signature=2", "Signature=x"), incomplete),
        (&good.replace(";x-amz-target", ""), incomplete),
        (
            &good.replace("content-type;host;", "content-type;"),
            incomplete,
        ),
        (&good.replace("/aws4_request", ""), incomplete),
        (
            &good.replace("/kinesis/", "/s3/"),
            "InvalidSignatureException",
        ),
        (
            &good.replace("/20150830/", "/20150831/"),
            "InvalidSignatureException",
        ),
        (
            &good.replace(ID, "AKIDEXAMPLEEXAMPLE2"),
            "UnrecognizedClientException",
        ),
    ] {
        let parts = parts(&[("authorization", text)]);
        assert_eq!(
            checked(&parts, &["/"], "{}", SIGNED_AT),
            Err(name),
            "{text}"
        );
    }
    let undated = parts(&[("authorization", &good), ("x-amz-date", "")]);
    assert_eq!(checked(&undated, &["/"], "{}", SIGNED_AT), Err(incomplete));
    let garbled = good.replace("/20150830/", "/20159930/");
    let garbled = parts(&[
        ("authorization", &garbled),
        ("x-amz-date", "20159930T123600Z"),
    ]);
    assert_eq!(checked(&garbled, &["/"], "{}", SIGNED_AT), Err(incomplete));
    assert_eq!(
        checked(&parts(&[]), &["/"], "{}", SIGNED_AT),
        Err("MissingAuthenticationTokenException")
    );
}

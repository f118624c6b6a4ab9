//! The negotiation table of the recordings, and what follows from it.
#![allow(clippy::unwrap_used)]

use super::*;

const STRICT: Offers = Offers { lenient: false };
const LENIENT: Offers = Offers { lenient: true };

const RECORDS: &[Offer] = &[
    Offer {
        media: MediaType::V2Binary,
        quality: 1000,
    },
    Offer {
        media: MediaType::V2,
        quality: 900,
    },
    Offer {
        media: MediaType::V2Json,
        quality: 100,
    },
];

fn negotiate(accepted: Option<&str>, offers: &[Offer]) -> Result<String, &'static str> {
    let header = accepted.map(|text| HeaderValue::from_str(text).unwrap());
    match accept(header.iter(), offers) {
        Ok(negotiated) => Ok(negotiated.header().to_str().unwrap().to_owned()),
        Err(Error::NotAcceptable) => Err("406"),
        Err(Error::MalformedMediaType) => Err("400"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn accept_on_plain_v2_resources() {
    const V2: &str = "application/vnd.kafka.v2+json";
    let acceptable = [
        None,
        Some(""),
        Some("*/*"),
        Some("*"),
        Some("application/*"),
        Some(V2),
        Some("application/json;q=0.5, application/vnd.kafka.v2+json;q=0.9"),
        Some("application/vnd.kafka.v2+json;q=0.1, application/json;q=0.9"),
        Some("application/vnd.kafka.v2+json;q=0, */*"),
        Some("text/html, */*;q=0.1"),
        Some("text/html, application/xhtml+xml, application/xml;q=0.9, image/webp, */*;q=0.8"),
        Some("APPLICATION/VND.KAFKA.V2+JSON"),
    ];
    for accepted in acceptable {
        assert_eq!(
            negotiate(accepted, STRICT.v2()).as_deref(),
            Ok(V2),
            "{accepted:?}"
        );
    }
    let refused = [
        "application/json",
        "application/vnd.kafka.json.v2+json",
        "application/vnd.kafka.binary.v2+json",
        "application/vnd.kafka.v1+json",
        "application/vnd.kafka+json",
        "application/vnd.kafka.v3+json",
        "text/plain",
        "text/html",
        "abc",
        "application/octet-stream",
        "application/vnd.kafka.v2+json;q=0",
    ];
    for accepted in refused {
        assert_eq!(
            negotiate(Some(accepted), STRICT.v2()),
            Err("406"),
            "{accepted}"
        );
    }
    for accepted in [
        "/",
        "application/",
        "a b",
        "*/*;q=x",
        "*/*;q=2",
        "application/json/x",
    ] {
        assert_eq!(
            negotiate(Some(accepted), STRICT.v2()),
            Err("400"),
            "{accepted}"
        );
    }
}

#[test]
fn parameters_come_back() {
    assert_eq!(
        negotiate(
            Some("application/vnd.kafka.v2+json; charset=utf-8"),
            STRICT.v2()
        )
        .as_deref(),
        Ok("application/vnd.kafka.v2+json;charset=utf-8")
    );
    assert_eq!(
        negotiate(
            Some("application/vnd.kafka.v2+json;q=0.5;charset=utf-8"),
            STRICT.v2()
        )
        .as_deref(),
        Ok("application/vnd.kafka.v2+json;charset=utf-8")
    );
    assert_eq!(
        negotiate(Some("application/*;charset=utf-8"), STRICT.v2()).as_deref(),
        Ok("application/vnd.kafka.v2+json")
    );
}

#[test]
fn several_offers() {
    let cases = [
        (None, "application/vnd.kafka.binary.v2+json"),
        (Some("*/*"), "application/vnd.kafka.binary.v2+json"),
        (
            Some("application/vnd.kafka.json.v2+json"),
            "application/vnd.kafka.json.v2+json",
        ),
        (
            Some("application/vnd.kafka.v2+json;q=0.4, application/vnd.kafka.json.v2+json;q=0.5"),
            "application/vnd.kafka.json.v2+json",
        ),
        (
            Some("application/vnd.kafka.json.v2+json, application/vnd.kafka.v2+json"),
            "application/vnd.kafka.v2+json",
        ),
    ];
    for (accepted, expected) in cases {
        assert_eq!(
            negotiate(accepted, RECORDS).as_deref(),
            Ok(expected),
            "{accepted:?}"
        );
    }
}

#[test]
fn several_headers_are_one_list() {
    let headers = [
        HeaderValue::from_static("text/html"),
        HeaderValue::from_static("application/*;q=0.2"),
    ];
    assert_eq!(
        accept(headers.iter(), STRICT.v2()).unwrap().media,
        MediaType::V2
    );
}

#[test]
fn content_types_of_produce() {
    const CONSUMES: &[MediaType] = &[MediaType::V2Binary, MediaType::V2Json, MediaType::V2Avro];
    let read = |text: Option<&str>| {
        let header = text.map(|text| HeaderValue::from_str(text).unwrap());
        match content_type(header.as_ref(), CONSUMES) {
            Ok(media) => Ok(media),
            Err(Error::UnsupportedMediaType) => Err(415),
            Err(Error::MalformedMediaType) => Err(400),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(read(None), Ok(None));
    assert_eq!(read(Some("")), Ok(None));
    assert_eq!(
        read(Some("application/vnd.kafka.json.v2+json")),
        Ok(Some(MediaType::V2Json))
    );
    assert_eq!(
        read(Some("application/vnd.kafka.json.v2+json; charset=utf-8")),
        Ok(Some(MediaType::V2Json))
    );
    assert_eq!(
        read(Some(
            "application/vnd.kafka.json.v2+json;charset=iso-8859-1"
        )),
        Ok(Some(MediaType::V2Json))
    );
    for refused in [
        "application/json",
        "application/vnd.kafka.v2+json",
        "application/vnd.kafka.json.v1+json",
        "application/vnd.kafka.text.v2+json",
        "text/plain",
        "application/octet-stream",
        "APPLICATION/VND.KAFKA.JSON.V2+JSON",
        "*/*",
        "application/x-www-form-urlencoded",
    ] {
        assert_eq!(read(Some(refused)), Err(415), "{refused}");
    }
    for malformed in ["garbage", "/", "a/", "/b", "a b/c"] {
        assert_eq!(read(Some(malformed)), Err(400), "{malformed}");
    }
}

#[test]
fn media_type_of_a_415() {
    let of = |text: &'static str| for_unsupported([HeaderValue::from_static(text)].iter());
    assert_eq!(of("application/vnd.kafka.v2+json"), MediaType::V2);
    assert_eq!(
        of("text/html, application/vnd.kafka.v2+json"),
        MediaType::V2
    );
    assert_eq!(of("application/json"), MediaType::Json);
    assert_eq!(of("*/*"), MediaType::Json);
    assert_eq!(of("application/vnd.kafka.json.v2+json"), MediaType::Json);
}

#[test]
fn first_accepted_type() {
    assert_eq!(first_accepted(None), b"*/*");
    assert_eq!(
        first_accepted(Some(&HeaderValue::from_static(
            " application/json;q=0.1, text/html"
        ))),
        b"application/json"
    );
}

#[test]
fn older_clients_are_answered_in_their_types_when_asked_for() {
    for (accepted, strict, lenient) in [
        ("application/json", None, Some("application/json")),
        (
            "application/vnd.kafka.v1+json, application/vnd.kafka+json; q=0.9, application/json; q=0.8",
            None,
            Some("application/vnd.kafka.v1+json"),
        ),
        (
            "*/*",
            Some("application/vnd.kafka.v2+json"),
            Some("application/vnd.kafka.v2+json"),
        ),
        ("text/html", None, None),
    ] {
        assert_eq!(
            negotiate(Some(accepted), STRICT.v2()).ok().as_deref(),
            strict,
            "{accepted}"
        );
        assert_eq!(
            negotiate(Some(accepted), LENIENT.v2()).ok().as_deref(),
            lenient,
            "{accepted}"
        );
    }
    let records = |accepted, offers: Offers| negotiate(Some(accepted), offers.records());
    for (accepted, lenient) in [
        (
            "application/vnd.kafka.binary.v1+json",
            "application/vnd.kafka.binary.v1+json",
        ),
        ("application/*", "application/vnd.kafka.binary.v2+json"),
        (
            "application/vnd.kafka.json.v1+json",
            "application/vnd.kafka.json.v1+json",
        ),
    ] {
        assert_eq!(
            records(accepted, LENIENT).as_deref(),
            Ok(lenient),
            "{accepted}"
        );
    }
    assert_eq!(records("application/json", STRICT), Err("406"));
}

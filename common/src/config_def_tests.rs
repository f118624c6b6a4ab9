//! Tests of `config_def.rs`.
#![allow(clippy::unwrap_used)]

use super::*;

fn definition() -> ConfigDef {
    ConfigDef::new()
        .key(Key::required("flush.size", Kind::Int, "Records a file."))
        .key(
            Key::with("s3.part.size", Kind::Int, "26214400", "Bytes a part.")
                .between(5_242_880, 2_147_483_647),
        )
        .key(
            Key::with("s3.compression.type", Kind::String, "none", "Compression.")
                .one_of(&["none", "gzip"], false),
        )
        .key(Key::with("topics", Kind::List, "", "Topics."))
        .key(Key::with(
            "schemas.enable",
            Kind::Boolean,
            "true",
            "Envelope.",
        ))
        .key(Key::optional(
            "aws.secret.access.key",
            Kind::Password,
            "Secret.",
        ))
        .prefix("consumer.")
}

fn properties(pairs: &[(&str, &str)]) -> Properties {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn values_and_defaults() {
    let given = properties(&[
        ("flush.size", " 3 "),
        ("topics", "a, b"),
        ("schemas.enable", "FALSE"),
    ]);
    let values = definition().parse(&given).unwrap();
    assert_eq!(values.number("flush.size"), 3);
    assert_eq!(values.size("s3.part.size"), 26_214_400);
    assert_eq!(values.list("topics"), ["a", "b"]);
    assert!(!values.boolean("schemas.enable"));
    assert_eq!(values.shown("topics").unwrap(), "a,b");
    assert!(values.secret("aws.secret.access.key").is_none());
}

#[test]
fn every_error_is_listed_at_once() {
    let given = properties(&[
        ("s3.part.size", "100"),
        ("s3.compression.type", "zip"),
        ("schemas.enable", "yes"),
    ]);
    let messages: Vec<_> = definition()
        .parse(&given)
        .unwrap_err()
        .0
        .into_iter()
        .map(|error| error.message)
        .collect();
    assert_eq!(
        messages,
        [
            "Missing required configuration \"flush.size\" which has no default value.",
            "Invalid value 100 for configuration s3.part.size: Value must be at least 5242880",
            "Invalid value zip for configuration s3.compression.type: String must be one of: none, gzip",
            "Invalid value yes for configuration schemas.enable: Expected value to be either true or false",
        ]
    );
    let error = definition()
        .parse(&properties(&[("flush.size", "abc")]))
        .unwrap_err();
    assert_eq!(
        error.0[0].message,
        "Invalid value abc for configuration flush.size: Not a number of type INT"
    );
}

#[test]
fn a_value_of_another_type_is_told_as_written_and_one_out_of_range_as_read() {
    let message = |key: &str, text: &str| {
        let given = properties(&[("flush.size", "1"), (key, text)]);
        definition().parse(&given).unwrap_err().0[0].message.clone()
    };
    assert_eq!(
        message("flush.size", " x "),
        "Invalid value  x  for configuration flush.size: Not a number of type INT"
    );
    assert_eq!(
        message("s3.part.size", " +007 "),
        "Invalid value 7 for configuration s3.part.size: Value must be at least 5242880"
    );
    assert_eq!(
        message("s3.compression.type", "zip "),
        "Invalid value zip for configuration s3.compression.type: String must be one of: none, gzip"
    );
}

#[test]
fn a_check_that_lowers_its_value_tells_it_so() {
    let key = Key::with("behavior", Kind::String, "fail", "What happens.");
    let definition = ConfigDef::new().key(key.one_of_lowered(&["fail", "ignore"]));
    let parse = |text| definition.parse(&properties(&[("behavior", text)]));
    assert_eq!(parse("IGNORE").unwrap().text("behavior"), "IGNORE");
    assert_eq!(
        parse("BOGUS").unwrap_err().0[0].message,
        "Invalid value bogus for configuration behavior: String must be one of: fail, ignore"
    );
}

#[test]
fn secrets_are_masked_in_errors_and_values() {
    assert!(
        !ConfigError::invalid("aws.secret.access.key", "s3cr3t", "bad")
            .message
            .contains("s3cr3t")
    );
    let given = properties(&[("flush.size", "1"), ("aws.secret.access.key", "s3cr3t")]);
    let values = definition().parse(&given).unwrap();
    assert_eq!(values.shown("aws.secret.access.key").unwrap(), "[hidden]");
    assert!(!format!("{values:?}").contains("s3cr3t"));
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let given = properties(&[
        ("flush.sise", "1"),
        ("zookeeper.connect", "z"),
        ("consumer.x", "y"),
        ("topics", "a"),
    ]);
    let shown: Vec<_> = definition()
        .unknown_keys(&given)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "unknown configuration key \"flush.sise\" is ignored; did you mean \"flush.size\"?",
            "unknown configuration key \"zookeeper.connect\" is ignored",
        ]
    );
}

#[test]
fn the_documentation_lists_every_key() {
    let text = definition().to_markdown();
    assert!(
        text.contains("| `flush.size` | int | **required** |  | Records a file. |"),
        "{text}"
    );
    assert!(
        text.contains("| `s3.compression.type` | string | `none` | [none, gzip] |"),
        "{text}"
    );
}

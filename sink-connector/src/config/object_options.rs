//! What objects are given besides their bytes: rights, encryption, tags, metadata.

use sluiceway_common::config_def::{Importance, Key, Kind, Values};
use sluiceway_common::secret::Secret;

use crate::error::{CONNECT_EXCEPTION, Exception};

/// S3's own words.
const INSECURE: &str = "Requests specifying Server Side Encryption with Customer provided keys must be made over a \
    secure connection.";

const ACLS: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];
pub(crate) const ENCRYPTIONS: [&str; 4] = ["AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"];

/// Options of every object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectOptions {
    /// `s3.acl.canned`.
    pub acl: Option<String>,
    /// `s3.ssea.name` with its keys.
    pub encryption: Encryption,
    /// `s3.object.tagging` with its pairs.
    pub tagging: Option<Tagging>,
    /// `s3.object.metadata`: offsets, count and reason as metadata of the object.
    pub metadata: bool,
}

/// Who encrypts objects, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// What the bucket says.
    Bucket,
    /// The store with its own key, or one of its key service.
    Store {
        /// `AES256`, `aws:kms`, ….
        name: String,
        /// `s3.sse.kms.key.id`.
        kms_key_id: Option<String>,
    },
    /// The store with a key that every request brings (`s3.sse.customer.key`), base64.
    Customer(Secret),
}

/// Tags of every object, beside `startOffset`, `endOffset` and `recordCount`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagging {
    /// `s3.object.tagging.key.value.pairs`; they go over the three of the same name.
    pub pairs: Vec<(String, String)>,
    /// `s3.object.behavior.on.tagging.error=fail`.
    pub fail: bool,
    malformed: Option<usize>,
}

impl ObjectOptions {
    /// What the original finds when its tasks run; `endpoint` is that of the store.
    ///
    /// # Errors
    /// A pair of tags without a colon, or without a value. A customer's key that would travel in the clear: S3 refuses
    /// it, but has read it by then.
    pub fn check(&self, endpoint: Option<&str>) -> Result<(), Exception> {
        let clear = endpoint.is_some_and(|url| url.starts_with("http://"));
        if clear && matches!(self.encryption, Encryption::Customer(_)) {
            return Err(Exception::new(CONNECT_EXCEPTION, INSECURE));
        }
        match self.tagging.as_ref().and_then(|tagging| tagging.malformed) {
            Some(length) => Err(Exception::new(
                "java.lang.ArrayIndexOutOfBoundsException",
                format!("Index {length} out of bounds for length {length}"),
            )),
            None => Ok(()),
        }
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        low("s3.object.tagging", Kind::Boolean, "false", "Tags `startOffset`, `endOffset` and `recordCount` on every object."),
        low(
            "s3.object.tagging.key.value.pairs",
            Kind::List,
            "",
            "Further tags, `key:value` each. Without effect unless `s3.object.tagging`.",
        ),
        low(
            "s3.object.behavior.on.tagging.error",
            Kind::String,
            "ignore",
            "What a failed tagging does: `ignore` leaves the object without tags, `fail` ends the task.",
        )
        .one_of_lowered(&["ignore", "fail"]),
        low(
            "s3.object.metadata",
            Kind::Boolean,
            "false",
            "Not in the original: metadata `first-offset`, `last-offset`, `record-count` and `close-reason` on every object. \
             An object of several parts is begun before its end is known and has `first-offset` only.",
        ),
        low(
            "s3.ssea.name",
            Kind::String,
            "",
            "Server-side encryption: `AES256`, `aws:kms`, `aws:kms:dsse`; empty for what the bucket says.",
        )
        .check(encryption_name),
        unset(
            "s3.sse.customer.key",
            Kind::Password,
            "Customer's key for server-side encryption with `s3.ssea.name=AES256`, base64 of 32 bytes; never shown.",
        ),
        low("s3.sse.kms.key.id", Kind::String, "", "KMS key for `s3.ssea.name=aws:kms`."),
        unset("s3.acl.canned", Kind::String, "Canned ACL of the objects (`bucket-owner-full-control`).").check(acl),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
}

fn unset(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::optional(name, kind, doc).importance(Importance::Low)
}

fn acl(text: &str) -> Result<(), String> {
    one_of(text, &ACLS)
}

fn encryption_name(text: &str) -> Result<(), String> {
    if text.is_empty() || ENCRYPTIONS.contains(&text) {
        return Ok(());
    }
    // The first of the original's names is the empty one.
    Err(format!(
        "String must be one of: , {}",
        ENCRYPTIONS.join(", ")
    ))
}

fn one_of(text: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&text) {
        Ok(())
    } else {
        Err(format!("Value must be one of: [{}]", known.join(", ")))
    }
}

pub(super) fn read(values: &Values) -> ObjectOptions {
    ObjectOptions {
        acl: values.text_opt("s3.acl.canned").map(str::to_owned),
        encryption: encryption(values),
        tagging: values.boolean("s3.object.tagging").then(|| tagging(values)),
        metadata: values.boolean("s3.object.metadata"),
    }
}

fn encryption(values: &Values) -> Encryption {
    const CUSTOMER: &str = "s3.sse.customer.key";
    let name = values.text("s3.ssea.name");
    let customer = values.secret(CUSTOMER).filter(|key| !key.is_empty());
    match (name, customer) {
        ("", _) => Encryption::Bucket,
        ("AES256", Some(key)) => Encryption::Customer(key.clone()),
        (name, _) => {
            let key_id = values.text("s3.sse.kms.key.id").trim();
            let by_kms = name.starts_with("aws:kms") && !key_id.is_empty();
            Encryption::Store {
                name: name.to_owned(),
                kms_key_id: by_kms.then(|| key_id.to_owned()),
            }
        }
    }
}

/// Pairs as Java's `split(":")` takes them apart: what follows a second colon is lost, blanks are kept.
fn tagging(values: &Values) -> Tagging {
    let mut pairs = Vec::new();
    let mut malformed = None;
    for entry in values.list("s3.object.tagging.key.value.pairs") {
        let parts: Vec<&str> = entry.trim_end_matches(':').split(':').collect();
        match parts.as_slice() {
            [key, value, ..] => pairs.push(((*key).to_owned(), (*value).to_owned())),
            [""] if entry.is_empty() => {}
            [""] => malformed = malformed.or(Some(0)),
            _ => malformed = malformed.or(Some(1)),
        }
    }
    let fail = values
        .text("s3.object.behavior.on.tagging.error")
        .eq_ignore_ascii_case("fail");
    Tagging {
        pairs,
        fail,
        malformed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::ConnectorConfig;

    const BASE: &str = "name=n\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=1\nstorage.class=S3Storage\n\
        format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n";

    fn parse(more: &str) -> Result<ObjectOptions, Vec<String>> {
        let properties = sluiceway_common::props::parse(&format!("{BASE}{more}")).unwrap();
        let config = ConnectorConfig::parse(&properties, &Default::default());
        config
            .map(|config| config.s3.objects)
            .map_err(|errors| errors.0.into_iter().map(|error| error.message).collect())
    }

    fn tags(pairs: &str) -> ObjectOptions {
        parse(&format!(
            "s3.object.tagging=true\ns3.object.tagging.key.value.pairs={pairs}\n"
        ))
        .unwrap()
    }

    /// As recorded.
    #[test]
    fn tags_are_split_as_java_does() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let options = tags("url:http://x:1,b: c ");
        let pairs = options.tagging.clone().unwrap().pairs;
        assert_eq!(pairs, [pair("url", "http"), pair("b", " c")]);
        assert_eq!(options.check(None), Ok(()));
        let error = tags("good:1,bad").check(None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "java.lang.ArrayIndexOutOfBoundsException: Index 1 out of bounds for length 1"
        );
        assert!(tags("").check(None).is_ok() && tags("a:").check(None).is_err());
        assert_eq!(
            parse("s3.object.tagging.key.value.pairs=a:b\n")
                .unwrap()
                .tagging,
            None
        );
    }

    #[test]
    fn encryption_needs_the_right_key() {
        let kms = parse("s3.ssea.name=aws:kms\ns3.sse.kms.key.id=k1\n")
            .unwrap()
            .encryption;
        let store = |name: &str, key: Option<&str>| Encryption::Store {
            name: name.into(),
            kms_key_id: key.map(str::to_owned),
        };
        assert_eq!(kms, store("aws:kms", Some("k1")));
        assert_eq!(
            parse("s3.ssea.name=AES256\n").unwrap().encryption,
            store("AES256", None)
        );
        assert_eq!(
            parse("s3.sse.kms.key.id=k1\n").unwrap().encryption,
            Encryption::Bucket
        );
        let own = parse("s3.ssea.name=AES256\ns3.sse.customer.key=c2VjcmV0\n").unwrap();
        assert!(matches!(own.encryption, Encryption::Customer(_)));
        assert!(!format!("{own:?}").contains("c2VjcmV0"));
        assert!(own.check(Some("https://s3:9000")).is_ok() && own.check(None).is_ok());
        let error = own.check(Some("http://s3:9000")).unwrap_err();
        assert!(
            error
                .message
                .ends_with("must be made over a secure connection.")
        );
        for (bad, says) in [
            ("s3.ssea.name=DES\n", "String must be one of: , AES256, "),
            ("s3.acl.canned=PUBLIC_READ\n", "Value must be one of: ["),
        ] {
            assert!(parse(bad).unwrap_err()[0].contains(says), "{bad}");
        }
    }
}

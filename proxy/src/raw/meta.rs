//! What request headers and the query say of a raw request's records.
//!
//! | header | query | what it is |
//! |---|---|---|
//! | `Kafka-Key`, `Kafka-Key-Base64` | `key` | the key |
//! | `Kafka-Partition` | `partition` | the partition |
//! | `Kafka-Timestamp` | `timestamp` | epoch milliseconds or an instant |
//! | `Kafka-Header-<name>` | | a record header, its name in lower case |
//! | those that `sluiceway.raw.forward.headers` names | | record headers of the same name, in lower case |

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};

use sluiceway_common::glob;

use crate::envelope::extras::time_of_text;
use crate::error::Error;
use crate::record_request::Header;

const HEADER: &str = "kafka-header-";
/// Never taken by a pattern with `*`, only by name.
const SECRET: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// Key, partition, time and headers of every record of a request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) partition: Option<i32>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) headers: Vec<Header>,
}

impl Meta {
    /// Reads them. `query` gives parameters; `forward` are patterns of header names.
    ///
    /// # Errors
    /// A value that is not of its kind, two keys.
    pub(crate) fn read(
        headers: &HeaderMap,
        query: impl Fn(&str) -> Option<String>,
        forward: &[String],
    ) -> Result<Self, Error> {
        let text = |name: &'static str, parameter: &str| match headers.get(name) {
            Some(value) => match value.to_str() {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(Error::BadRequest(format!("{name} is no text"))),
            },
            None => Ok(query(parameter)),
        };
        let partition = text("kafka-partition", "partition")?.map(|text| {
            let number = text.trim().parse::<i32>().ok();
            let number = number.filter(|number| *number >= 0);
            number.ok_or_else(|| {
                Error::BadRequest(format!("Kafka-Partition \"{text}\" is no partition number"))
            })
        });
        let timestamp = text("kafka-timestamp", "timestamp")?
            .map(|text| time_of_text(&text))
            .transpose()
            .map_err(|error| Error::BadRequest(format!("Kafka-Timestamp: {error}")))?;
        let own = headers.iter().filter_map(|(name, value)| {
            let name = record_header(name, forward)?.to_owned();
            let value = Some(value.as_bytes().to_vec());
            Some(Header { name, value })
        });
        Ok(Self {
            key: key(headers, query("key"))?,
            partition: partition.transpose()?,
            timestamp,
            headers: own.collect(),
        })
    }
}

fn key(headers: &HeaderMap, parameter: Option<String>) -> Result<Option<Vec<u8>>, Error> {
    match (headers.get("kafka-key"), headers.get("kafka-key-base64")) {
        (Some(_), Some(_)) => Err(Error::BadRequest(
            "Only one of Kafka-Key and Kafka-Key-Base64 can be used".to_owned(),
        )),
        (Some(key), None) => Ok(Some(key.as_bytes().to_vec())),
        (None, Some(key)) => STANDARD
            .decode(key.as_bytes())
            .map(Some)
            .map_err(|error| Error::BadRequest(format!("Kafka-Key-Base64 is no base64: {error}"))),
        (None, None) => Ok(parameter.map(String::into_bytes)),
    }
}

/// The record header that a request header becomes, if any.
fn record_header<'n>(name: &'n HeaderName, forward: &[String]) -> Option<&'n str> {
    let name = name.as_str();
    if let Some(own) = name.strip_prefix(HEADER) {
        return Some(own).filter(|own| !own.is_empty());
    }
    let named = |pattern: &String| {
        let pattern = pattern.to_ascii_lowercase();
        pattern == name || (!SECRET.contains(&name) && glob::fits(&pattern, name))
    };
    forward.iter().any(named).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http::HeaderValue;

    fn read(
        headers: &[(&'static str, &'static str)],
        query: &[(&str, &str)],
    ) -> Result<Meta, String> {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let query = |name: &str| {
            let found = query.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let forward = ["X-Hub-*".to_owned(), "*".to_owned()];
        Meta::read(&headers.collect(), query, &forward[..1]).map_err(|error| error.to_string())
    }

    #[test]
    fn headers_and_query() {
        let meta = read(
            &[
                ("kafka-key", "k"),
                ("kafka-partition", "2"),
                ("kafka-header-trace", "abc"),
                ("x-hub-event", "push"),
                ("accept", "*/*"),
            ],
            &[("key", "other"), ("timestamp", "1970-01-01T00:00:02Z")],
        )
        .unwrap();
        assert_eq!(meta.key.as_deref(), Some(&b"k"[..]));
        assert_eq!((meta.partition, meta.timestamp), (Some(2), Some(2000)));
        let names: Vec<_> = meta.headers.iter().map(|h| h.name.as_str()).collect();
        assert_eq!(names, ["trace", "x-hub-event"]);
        assert_eq!(read(&[], &[("key", "q")]).unwrap().key.unwrap(), b"q");
        assert_eq!(
            read(&[("kafka-key-base64", "AP8=")], &[])
                .unwrap()
                .key
                .unwrap(),
            b"\x00\xff"
        );
    }

    #[test]
    fn secrets_are_only_forwarded_by_name() {
        let star = ["*".to_owned()];
        let named = ["Authorization".to_owned()];
        let header = http::header::AUTHORIZATION;
        assert_eq!(record_header(&header, &star), None);
        assert_eq!(record_header(&header, &named), Some("authorization"));
        assert_eq!(record_header(&http::header::ACCEPT, &star), Some("accept"));
    }

    #[test]
    fn refusals() {
        for (headers, query) in [
            (vec![("kafka-partition", "-1")], vec![]),
            (vec![("kafka-partition", "x")], vec![]),
            (vec![("kafka-timestamp", "soon")], vec![]),
            (vec![("kafka-key-base64", "?")], vec![]),
            (
                vec![("kafka-key", "a"), ("kafka-key-base64", "YQ==")],
                vec![],
            ),
            (vec![], vec![("partition", "two")]),
        ] {
            assert!(read(&headers, &query).is_err(), "{headers:?} {query:?}");
        }
    }
}

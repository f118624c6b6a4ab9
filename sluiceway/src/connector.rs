//! The sink connector of the quick start: the property map that the course's users paste into the
//! console, with the few changes that a demonstration needs.

use crate::storage::Storage;

/// Records in an object. The course's map has 1; with it, every record is an object of its own.
pub(crate) const FLUSH_SIZE: i64 = 100;
/// A tail shorter than [`FLUSH_SIZE`] is closed at the next multiple of this many milliseconds.
const ROTATE_SCHEDULE_INTERVAL_MS: &str = "5000";

/// The connector's name. It holds the user, so that users who share a Kafka don't share a group.
pub(crate) fn name(user: &str) -> String {
    format!("s3-sink-{user}")
}

/// The consumer group in which the sink commits.
pub(crate) fn group(user: &str) -> String {
    format!("connect-{}", name(user))
}

/// The connector's properties.
pub(crate) fn properties(user: &str, storage: &Storage) -> Vec<(String, String)> {
    let flush_size = FLUSH_SIZE.to_string();
    let (name, regex) = (name(user), format!("{user}.*"));
    let mut map = vec![
        ("name", name.as_str()),
        ("connector.class", "io.confluent.connect.s3.S3SinkConnector"),
        ("s3.region", &storage.region),
        ("flush.size", &flush_size),
        ("rotate.schedule.interval.ms", ROTATE_SCHEDULE_INTERVAL_MS),
        ("timezone", "UTC"),
        ("schema.compatibility", "NONE"),
        ("tasks.max", "3"),
        ("topics.regex", &regex),
        (
            "format.class",
            "io.confluent.connect.s3.format.json.JsonFormat",
        ),
        (
            "partitioner.class",
            "io.confluent.connect.storage.partitioner.DefaultPartitioner",
        ),
        ("value.converter.schemas.enable", "false"),
        (
            "value.converter",
            "org.apache.kafka.connect.json.JsonConverter",
        ),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("s3.bucket.name", &storage.bucket),
        ("store.url", &storage.endpoint),
        ("s3.part.size", "5242880"),
        // A null that somebody posts by hand must not stop the demonstration.
        ("behavior.on.null.values", "ignore"),
    ];
    if let Some(keys) = &storage.keys {
        map.push(("aws.access.key.id", &keys.access_key));
        map.push(("aws.secret.access.key", &keys.secret_key));
    }
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    map.into_iter().map(owned).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_real_s3_gets_no_keys_in_the_map() {
        let storage = Storage {
            endpoint: "http://127.0.0.1:9000".to_owned(),
            region: "eu-west-1".to_owned(),
            bucket: "mine".to_owned(),
            keys: None,
        };
        let map = properties("0a1b2c3d4e5f", &storage);
        let value = |key: &str| map.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        assert_eq!(value("s3.bucket.name"), Some("mine"));
        assert_eq!(value("topics.regex"), Some("0a1b2c3d4e5f.*"));
        assert_eq!(value("name"), Some("s3-sink-0a1b2c3d4e5f"));
        assert_eq!(value("aws.access.key.id"), None);
    }
}

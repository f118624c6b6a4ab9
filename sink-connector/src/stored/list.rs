//! A folder of a connector's objects, a page at a time, with what their names and this worker's memory tell.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object;
use serde::Serialize;

use super::{StoredError, check_inside, root};
use crate::config::ConnectorConfig;
use crate::path::ObjectPath;
use crate::upload::S3Error;
use crate::written::{Written, WrittenObject};

/// Items of a page that does not say how many; S3's own limit.
const LIMIT: i32 = 100;
const MOST: i32 = 1000;

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The folder, with its delimiter; the connector's own if absent.
    pub(crate) prefix: Option<String>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
    /// Items at most.
    pub(crate) limit: Option<i32>,
    /// All objects below the folder instead of folders and objects.
    pub(crate) flat: bool,
}

/// A page of a folder.
#[derive(Debug, Serialize)]
pub(crate) struct Listing {
    bucket: String,
    /// Where all of the connector's keys begin.
    root: String,
    prefix: String,
    delimiter: String,
    /// Folders in it, whole prefixes.
    folders: Vec<String>,
    objects: Vec<Listed>,
    /// For `after`; null on the last page.
    next: Option<String>,
}

/// An object. What its name does not tell is known only while this worker remembers having written it.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    key: String,
    bytes: i64,
    /// Milliseconds since 1970.
    last_modified: Option<i64>,
    topic: Option<String>,
    partition: Option<i32>,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    records: Option<u64>,
    /// Why the file was closed, as in metrics.
    reason: Option<&'static str>,
}

pub(super) async fn list(
    client: &Client,
    config: &ConnectorConfig,
    wanted: Wanted,
) -> Result<Listing, StoredError> {
    let (root, delimiter) = (root(config), config.path.directory_delim.clone());
    let prefix = wanted.prefix.unwrap_or_else(|| root.clone());
    check_inside(config, &prefix)?;
    let request = client.list_objects_v2();
    let page = request
        .bucket(&config.s3.bucket)
        .prefix(&prefix)
        .set_delimiter((!wanted.flat).then(|| delimiter.clone()))
        .set_continuation_token(wanted.after)
        .max_keys(wanted.limit.unwrap_or(LIMIT).clamp(1, MOST))
        .send()
        .await;
    let page = page.map_err(|error| S3Error::new("ListObjectsV2", &error))?;
    let folders = page.common_prefixes().iter();
    let objects = page.contents().iter();
    Ok(Listing {
        bucket: config.s3.bucket.clone(),
        folders: folders
            .filter_map(|folder| folder.prefix().map(str::to_owned))
            .collect(),
        objects: objects.map(|object| listed(config, object)).collect(),
        next: page.next_continuation_token().map(str::to_owned),
        root,
        prefix,
        delimiter,
    })
}

fn listed(config: &ConnectorConfig, object: &Object) -> Listed {
    let key = object.key().unwrap_or_default().to_owned();
    let place = place(&config.path, &key);
    let modified = object.last_modified();
    Listed {
        bytes: object.size().unwrap_or_default(),
        last_modified: modified.and_then(|time| time.to_millis().ok()),
        topic: place.as_ref().map(|place| place.0.clone()),
        partition: place.as_ref().map(|place| place.1),
        first_offset: place.map(|place| place.2),
        last_offset: None,
        records: None,
        reason: None,
        key,
    }
}

impl Listing {
    /// Adds what this worker remembers of the objects.
    pub(crate) fn with(mut self, connector: &str, written: &Written) -> Self {
        for object in &mut self.objects {
            if let Some(WrittenObject {
                last_offset,
                records,
                reason,
                ..
            }) = written.find(connector, &object.key)
            {
                object.last_offset = Some(last_offset);
                object.records = Some(records);
                object.reason = Some(reason.name());
            }
        }
        self
    }
}

/// Topic, partition and first offset of a key: `…/orders+0+0000000042.json`. A name that is not of this form has none.
fn place(path: &ObjectPath, key: &str) -> Option<(String, i32, i64)> {
    let name = key.rsplit(path.directory_delim.as_str()).next()?;
    let mut parts = name.rsplitn(3, path.file_delim.as_str());
    let (offset, partition, topic) = (parts.next()?, parts.next()?, parts.next()?);
    let end = offset.find(|c: char| !c.is_ascii_digit());
    let offset = &offset[..end.unwrap_or(offset.len())];
    Some((
        topic.to_owned(),
        partition.parse().ok()?,
        offset.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_topic_partition_and_offset() {
        let path = ObjectPath {
            topics_dir: "topics".into(),
            directory_delim: "/".into(),
            file_delim: "+".into(),
            pad_width: 10,
        };
        let of = |key| place(&path, key);
        assert_eq!(
            of("topics/a+b/partition=0/a+b+7+0000000042.json.gz"),
            Some(("a+b".into(), 7, 42))
        );
        assert_eq!(of("topics/x/readme"), None);
        assert_eq!(of("topics/x/a+b+c.json"), None);
    }
}

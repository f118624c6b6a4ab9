//! Tags of objects: set as a whole, and read. As in S3 at most ten, each key once.

use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::store::Store;

/// Tags of an object at most.
const MAX_TAGS: usize = 10;

/// Replaces the tags of an object.
pub(crate) fn put(store: &Store, input: PutObjectTaggingInput) -> S3Result<PutObjectTaggingOutput> {
    let tags: Vec<(String, String)> = input
        .tagging
        .tag_set
        .into_iter()
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect();
    if tags.len() > MAX_TAGS {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than 10"
        ));
    }
    let twice = |(at, (key, _)): (usize, &(String, String))| {
        tags[..at].iter().any(|(other, _)| other == key)
    };
    if tags.iter().enumerate().any(twice) || tags.iter().any(|(key, _)| key.is_empty()) {
        return Err(s3_error!(
            InvalidTag,
            "The tag set has a key twice, or an empty one"
        ));
    }
    store.set_tags(&input.bucket, &input.key, tags)?;
    Ok(PutObjectTaggingOutput::default())
}

/// The tags of an object.
pub(crate) fn get(
    store: &Store,
    input: &GetObjectTaggingInput,
) -> S3Result<GetObjectTaggingOutput> {
    let tags = store.object(&input.bucket, &input.key)?.attributes.tags;
    let tag = |(key, value)| Tag {
        key: Some(key),
        value: Some(value),
    };
    Ok(GetObjectTaggingOutput {
        tag_set: tags.into_iter().map(tag).collect(),
        version_id: None,
    })
}

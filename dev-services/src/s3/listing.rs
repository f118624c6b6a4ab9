//! Listings in requests and responses: of objects (versions 1 and 2) and of multipart uploads. Pages, markers,
//! tokens and the spelling of keys are settled here; the order of keys is [`list`]'s. All of it reads folders and
//! may block.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::attributes::md5_of;
use super::list::{self, Entry, Page, Query, url_encoded};
use super::objects::last_modified;
use super::store::{IntoInternal, Store};
use super::uploads::{self, Upload};

/// Entries of a page when the client does not say, and at most.
const PAGE: i32 = 1_000;

/// Answers `ListObjects`.
pub(crate) fn objects(store: &Store, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let delimiter = input.delimiter.clone().unwrap_or_default();
    let marker = input.marker.clone().unwrap_or_default();
    let is_prefix = !delimiter.is_empty() && marker.ends_with(&delimiter);
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter,
        after_prefix: is_prefix.then(|| marker.clone()),
        after: marker,
        max: page_size(input.max_keys),
    };
    let spell = speller(input.encoding_type.as_ref());
    let (page, contents, prefixes) = list_page(store, &input.bucket, &query, &spell)?;
    let next_marker = page
        .entries
        .last()
        .filter(|_| page.truncated)
        .map(|last| spell(last.name()));
    Ok(ListObjectsOutput {
        name: Some(input.bucket),
        prefix: input.prefix.map(|prefix| spell(&prefix)),
        delimiter: input.delimiter.map(|delimiter| spell(&delimiter)),
        marker: input.marker.map(|marker| spell(&marker)),
        max_keys: Some(input.max_keys.unwrap_or(PAGE)),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.truncated),
        next_marker,
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        ..Default::default()
    })
}

/// Answers `ListObjectsV2`.
pub(crate) fn objects_v2(
    store: &Store,
    input: ListObjectsV2Input,
) -> S3Result<ListObjectsV2Output> {
    let (after, after_prefix) = match &input.continuation_token {
        Some(token) => read_token(token)?,
        None => (input.start_after.clone().unwrap_or_default(), None),
    };
    let query = Query {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after,
        after_prefix,
        max: page_size(input.max_keys),
    };
    let spell = speller(input.encoding_type.as_ref());
    let (page, contents, prefixes) = list_page(store, &input.bucket, &query, &spell)?;
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: input.prefix.map(|prefix| spell(&prefix)),
        delimiter: input.delimiter.map(|delimiter| spell(&delimiter)),
        start_after: input.start_after.map(|after| spell(&after)),
        max_keys: Some(input.max_keys.unwrap_or(PAGE)),
        key_count: Some(page.entries.len() as i32),
        encoding_type: input.encoding_type,
        continuation_token: input.continuation_token,
        next_continuation_token: page.entries.last().filter(|_| page.truncated).map(token),
        is_truncated: Some(page.truncated),
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        ..Default::default()
    })
}

/// A page of a bucket, with its entries as responses have them.
fn list_page(
    store: &Store,
    bucket: &str,
    query: &Query,
    spell: &dyn Fn(&str) -> String,
) -> S3Result<(Page, Vec<Object>, Vec<CommonPrefix>)> {
    let root = store.bucket(bucket)?;
    let page = list::list(&store.names, &root, query).map_err(IntoInternal::into_internal)?;
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    for entry in &page.entries {
        match entry {
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix {
                prefix: Some(spell(prefix)),
            }),
            Entry::Key { key, path, file } => {
                // Deleted since it was listed: no ETag.
                let md5 = || md5_of(&std::fs::File::open(path)?);
                let attributes = store.attributes(bucket, key, file, md5).ok();
                contents.push(Object {
                    key: Some(spell(key)),
                    size: Some(file.len() as i64),
                    last_modified: last_modified(file),
                    e_tag: attributes.map(|attributes| attributes.e_tag()),
                    storage_class: Some(ObjectStorageClass::from_static(
                        ObjectStorageClass::STANDARD,
                    )),
                    ..Default::default()
                });
            }
        }
    }
    Ok((page, contents, prefixes))
}

/// The size of a page.
pub(crate) fn page_size(max: Option<i32>) -> usize {
    usize::try_from(max.unwrap_or(PAGE).min(PAGE)).unwrap_or(0)
}

/// How keys are spelled in a listing: as they are, or URL-encoded when the client asks for it.
fn speller(encoding: Option<&EncodingType>) -> impl Fn(&str) -> String + use<> {
    let encode = encoding.is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
    move |key| {
        if encode {
            url_encoded(key)
        } else {
            key.to_owned()
        }
    }
}

/// Where the next page starts: after a key, or after all keys of a common prefix.
fn token(last: &Entry) -> String {
    let kind = if matches!(last, Entry::Prefix(_)) {
        'p'
    } else {
        'k'
    };
    URL_SAFE_NO_PAD.encode(format!("{kind}{}", last.name()))
}

fn read_token(token: &str) -> S3Result<(String, Option<String>)> {
    let invalid = || {
        s3_error!(
            InvalidArgument,
            "The continuation token provided is incorrect"
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    match (text.strip_prefix('k'), text.strip_prefix('p')) {
        (Some(key), _) => Ok((key.to_owned(), None)),
        (_, Some(prefix)) => Ok((prefix.to_owned(), Some(prefix.to_owned()))),
        _ => Err(invalid()),
    }
}

/// Answers `ListMultipartUploads`.
pub(crate) fn multipart_uploads(
    store: &Store,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    store.bucket(&input.bucket)?;
    let mut found = uploads::list(store, &input.bucket).map_err(IntoInternal::into_internal)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    found.retain(|upload| upload.key.starts_with(&prefix));
    go_on_after(
        &mut found,
        input.key_marker.as_deref(),
        input.upload_id_marker.as_deref(),
    );
    let max = page_size(input.max_uploads);
    let truncated = found.len() > max;
    found.truncate(max);
    let spell = speller(input.encoding_type.as_ref());
    let last = found.last().filter(|_| truncated).cloned();
    let upload = |upload: Upload| MultipartUpload {
        key: Some(spell(&upload.key)),
        upload_id: Some(upload.id),
        initiated: Some(Timestamp::from(upload.initiated)),
        ..Default::default()
    };
    Ok(ListMultipartUploadsOutput {
        uploads: Some(found.into_iter().map(upload).collect()),
        is_truncated: Some(truncated),
        next_key_marker: last.as_ref().map(|upload| spell(&upload.key)),
        next_upload_id_marker: last.map(|upload| upload.id),
        bucket: Some(input.bucket),
        prefix: input.prefix.map(|prefix| spell(&prefix)),
        key_marker: input.key_marker.map(|marker| spell(&marker)),
        upload_id_marker: input.upload_id_marker,
        max_uploads: Some(max as i32),
        encoding_type: input.encoding_type,
        ..Default::default()
    })
}

/// Drops the uploads up to the markers; a key alone skips all of its uploads.
fn go_on_after(uploads: &mut Vec<Upload>, key: Option<&str>, id: Option<&str>) {
    let Some(key) = key else { return };
    let marked = id.and_then(|id| {
        uploads
            .iter()
            .position(|upload| upload.key == key && upload.id == id)
    });
    match marked {
        Some(at) => drop(uploads.drain(..=at)),
        None => uploads.retain(|upload| upload.key.as_str() > key),
    }
}

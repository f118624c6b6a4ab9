//! Objects in requests and responses: what of S3's long lists of fields this server keeps and gives back.

use std::time::SystemTime;

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::attributes::{Attributes, Checksums, Headers, md5_of};
use super::body::{Expected, receive};
use super::store::{Condition, Incoming, IntoInternal, Object as Stored, Store};

/// Bytes per chunk of a body that is sent.
const READ_BUFFER: usize = 128 * 1024;

/// The header fields that are kept, taken from any input that has them.
macro_rules! headers {
    ($input:expr) => {
        $crate::s3::attributes::Headers {
            content_type: $input.content_type.take(),
            content_encoding: $input.content_encoding.take(),
            content_disposition: $input.content_disposition.take(),
            content_language: $input.content_language.take(),
            cache_control: $input.cache_control.take(),
            metadata: $input.metadata.take().unwrap_or_default(),
        }
    };
}
pub(crate) use headers;

/// The checksum fields of any input that has them.
macro_rules! checksums {
    ($input:expr) => {
        $crate::s3::attributes::Checksums {
            crc32: $input.checksum_crc32.take(),
            crc32c: $input.checksum_crc32c.take(),
            crc64nvme: $input.checksum_crc64nvme.take(),
            sha1: $input.checksum_sha1.take(),
            sha256: $input.checksum_sha256.take(),
        }
    };
}
pub(crate) use checksums;

/// What a request with a body says of it.
macro_rules! expected {
    ($request:expr) => {
        $crate::s3::body::Expected {
            content_md5: $request.input.content_md5.take(),
            length: $request.input.content_length,
            checksums: $crate::s3::objects::checksums!($request.input),
            algorithm: $request.input.checksum_algorithm.take(),
            trailer_names: $crate::s3::objects::trailer_names(&$request),
            trailers: $request.trailing_headers.take(),
        }
    };
}
pub(crate) use expected;

/// The `x-amz-trailer` header.
pub(crate) fn trailer_names<T>(request: &S3Request<T>) -> String {
    let value = request
        .headers
        .get("x-amz-trailer")
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// Stores the object of a `PutObject`.
pub(crate) async fn put(
    store: &Store,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<PutObjectOutput> {
    let expected: Expected = expected!(request);
    let mut input = request.input;
    let condition = Condition {
        if_none_match: input.if_none_match.take(),
        if_match: input.if_match.take(),
    };
    store.check(&input.bucket, &input.key, &condition)?;
    let received = receive(store, input.body.take(), expected).await?;
    let sums = received.checksums.clone();
    let attributes = Attributes::new(
        &input.key,
        received.md5,
        headers!(input),
        received.checksums,
    );
    let e_tag = attributes.e_tag();
    store.place(&input.bucket, &received.file, attributes, &condition)?;
    Ok(PutObjectOutput {
        e_tag: Some(e_tag),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        ..Default::default()
    })
}

/// The conditions of a read.
#[derive(Debug)]
pub(crate) struct ReadCondition {
    pub(crate) if_match: Option<ETagCondition>,
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

impl ReadCondition {
    /// S3's order: `If-Match` before `If-Unmodified-Since`, `If-None-Match` before `If-Modified-Since`.
    fn check(&self, object: &Stored) -> S3Result<()> {
        let current = object.attributes.e_tag();
        let matches = |wanted: &ETagCondition| match wanted {
            ETagCondition::Any => true,
            ETagCondition::ETag(wanted) => current.weak_cmp(wanted),
        };
        // HTTP dates have whole seconds.
        let later = |than: &Timestamp| whole_seconds(object).is_some_and(|time| time > *than);
        let holds = match (&self.if_match, &self.if_unmodified_since) {
            (Some(wanted), _) => matches(wanted),
            (None, Some(since)) => !later(since),
            (None, None) => true,
        };
        if !holds {
            return Err(s3_error!(PreconditionFailed));
        }
        let modified = match (&self.if_none_match, &self.if_modified_since) {
            (Some(wanted), _) => !matches(wanted),
            (None, Some(since)) => later(since),
            (None, None) => true,
        };
        if modified {
            Ok(())
        } else {
            Err(s3_error!(NotModified))
        }
    }
}

fn whole_seconds(object: &Stored) -> Option<Timestamp> {
    let since = object
        .file
        .modified()
        .ok()?
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    Some(Timestamp::from(
        SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs()),
    ))
}

/// When an object was written.
pub(crate) fn last_modified(file: &std::fs::Metadata) -> Option<Timestamp> {
    file.modified().ok().map(Timestamp::from)
}

/// The object of a `GetObject`, whole or in part.
pub(crate) async fn get(store: &Store, input: GetObjectInput) -> S3Result<GetObjectOutput> {
    let object = store.object(&input.bucket, &input.key)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    condition.check(&object)?;
    let size = object.file.len();
    let range = input.range.map(|range| range.check(size)).transpose()?;
    let part = range.clone().unwrap_or(0..size);
    let body = body(object.content, part.start, part.end - part.start).await?;
    let whole = part == (0..size);
    let Attributes {
        headers,
        checksums,
        e_tag,
        ..
    } = object.attributes;
    let sums = if whole {
        checksums
    } else {
        Checksums::default()
    };
    Ok(GetObjectOutput {
        body: Some(body),
        content_length: Some((part.end - part.start) as i64),
        content_range: range.map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1)),
        accept_ranges: Some("bytes".to_owned()),
        last_modified: last_modified(&object.file),
        e_tag: Some(ETag::Strong(e_tag)),
        content_type: headers
            .content_type
            .or_else(|| Some(DEFAULT_TYPE.to_owned())),
        content_encoding: headers.content_encoding,
        content_disposition: headers.content_disposition,
        content_language: headers.content_language,
        cache_control: headers.cache_control,
        metadata: Some(headers.metadata),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        ..Default::default()
    })
}

/// S3's content type for objects that were put without one.
const DEFAULT_TYPE: &str = "binary/octet-stream";

async fn body(content: std::fs::File, start: u64, length: u64) -> S3Result<StreamingBlob> {
    let mut file = tokio::fs::File::from_std(content);
    file.seek(std::io::SeekFrom::Start(start))
        .await
        .map_err(IntoInternal::into_internal)?;
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(
        file.take(length),
        READ_BUFFER,
    )))
}

/// What a `HeadObject` asks for.
pub(crate) fn head(store: &Store, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let object = store.object(&input.bucket, &input.key)?;
    let condition = ReadCondition {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    condition.check(&object)?;
    let Attributes {
        headers,
        checksums: sums,
        e_tag,
        ..
    } = object.attributes;
    Ok(HeadObjectOutput {
        content_length: Some(object.file.len() as i64),
        accept_ranges: Some("bytes".to_owned()),
        last_modified: last_modified(&object.file),
        e_tag: Some(ETag::Strong(e_tag)),
        content_type: headers
            .content_type
            .or_else(|| Some(DEFAULT_TYPE.to_owned())),
        content_encoding: headers.content_encoding,
        content_disposition: headers.content_disposition,
        content_language: headers.content_language,
        cache_control: headers.cache_control,
        metadata: Some(headers.metadata),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        ..Default::default()
    })
}

/// Copies an object. Blocks while it copies.
pub(crate) fn copy(store: &Store, mut input: CopyObjectInput) -> S3Result<CopyObjectOutput> {
    let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
        return Err(s3_error!(NotImplemented));
    };
    let source = store.object(bucket, key)?;
    store.check(&input.bucket, &input.key, &Condition::default())?;
    let replace = input
        .metadata_directive
        .as_ref()
        .is_some_and(|it| it.as_str() == MetadataDirective::REPLACE);
    let headers: Headers = if replace {
        headers!(input)
    } else {
        source.attributes.headers
    };
    let file = store.incoming();
    let md5 = copy_content(source.content, &file).map_err(IntoInternal::into_internal)?;
    let attributes = Attributes::new(&input.key, md5, headers, source.attributes.checksums);
    let e_tag = attributes.e_tag();
    store.place(&input.bucket, &file, attributes, &Condition::default())?;
    let result = CopyObjectResult {
        e_tag: Some(e_tag),
        last_modified: Some(Timestamp::from(SystemTime::now())),
        ..Default::default()
    };
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        ..Default::default()
    })
}

/// Copies a file's content; returns its MD5.
fn copy_content(mut from: std::fs::File, to: &Incoming) -> std::io::Result<String> {
    let mut out = std::fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .read(true)
        .open(&to.path)?;
    std::io::copy(&mut from, &mut out)?;
    md5_of(&out)
}

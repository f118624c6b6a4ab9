//! Multipart uploads in requests and responses; the parts and the rules are [`uploads`]'s.

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3Request, S3Result};

use super::body::{Expected, receive};
use super::list::url_encoded;
use super::listing::page_size;
use super::objects::{checksums, expected, headers};
use super::service::blocking;
use super::store::{Condition, Store};
use super::uploads::{self, Completion};

/// Answers `CreateMultipartUpload`.
pub(crate) fn create(
    store: &Store,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<CreateMultipartUploadOutput> {
    let mut input = request.input;
    let upload_id = uploads::create(store, &input.bucket, &input.key, headers!(input))?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload_id),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: input.checksum_type,
        ..Default::default()
    })
}

/// Answers `UploadPart`.
pub(crate) async fn upload_part(
    store: &Store,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let expected: Expected = expected!(request);
    let mut input = request.input;
    uploads::check_number(input.part_number)?;
    let (_, folder) = uploads::find(store, &input.bucket, &input.key, &input.upload_id)?;
    let received = receive(store, input.body.take(), expected).await?;
    uploads::put_part(&folder, input.part_number, &received)?;
    let sums = received.checksums;
    Ok(UploadPartOutput {
        e_tag: Some(ETag::Strong(received.md5)),
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        ..Default::default()
    })
}

/// Answers `CompleteMultipartUpload`.
pub(crate) async fn complete(
    store: &Arc<Store>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let mut input = request.input;
    let (upload, folder) = uploads::find(store, &input.bucket, &input.key, &input.upload_id)?;
    let completion = completion(&mut input);
    let store = Arc::clone(store);
    let e_tag = blocking(move || uploads::complete(&store, &upload, &folder, &completion)).await?;
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("/{}/{}", input.bucket, url_encoded(&input.key))),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(ETag::Strong(e_tag)),
        ..Default::default()
    })
}

/// What a completion asks for, in our terms.
fn completion(input: &mut CompleteMultipartUploadInput) -> Completion {
    let parts = input
        .multipart_upload
        .take()
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let part = |part: CompletedPart| {
        (
            part.part_number.unwrap_or(0),
            part.e_tag.map(ETag::into_value),
        )
    };
    let condition = Condition {
        if_none_match: input.if_none_match.take(),
        if_match: input.if_match.take(),
    };
    let mut checksums = checksums!(input);
    // Checksums of checksums, with the number of parts behind them, say nothing of the whole content.
    for value in [
        &mut checksums.crc32,
        &mut checksums.crc32c,
        &mut checksums.crc64nvme,
        &mut checksums.sha1,
        &mut checksums.sha256,
    ] {
        value.take_if(|value| value.contains('-'));
    }
    Completion {
        parts: parts.into_iter().map(part).collect(),
        condition,
        checksums,
    }
}

/// Answers `AbortMultipartUpload`.
pub(crate) fn abort(
    store: &Store,
    input: &AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    let (_, folder) = uploads::find(store, &input.bucket, &input.key, &input.upload_id)?;
    uploads::abort(&folder)?;
    Ok(AbortMultipartUploadOutput::default())
}

/// Answers `ListParts`.
pub(crate) fn list_parts(store: &Store, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let (_, folder) = uploads::find(store, &input.bucket, &input.key, &input.upload_id)?;
    let after = input.part_number_marker.unwrap_or(0);
    let mut parts: Vec<_> = uploads::parts(&folder)?
        .into_iter()
        .filter(|it| it.number > after)
        .collect();
    let max = page_size(input.max_parts);
    let truncated = parts.len() > max;
    parts.truncate(max);
    let next = parts.last().filter(|_| truncated).map(|part| part.number);
    let part = |part: uploads::PartFile| Part {
        part_number: Some(part.number),
        e_tag: Some(ETag::Strong(part.md5)),
        size: Some(part.size as i64),
        last_modified: Some(Timestamp::from(part.modified)),
        ..Default::default()
    };
    Ok(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: Some(max as i32),
        part_number_marker: input.part_number_marker,
        next_part_number_marker: next,
        is_truncated: Some(truncated),
        parts: Some(parts.into_iter().map(part).collect()),
        ..Default::default()
    })
}

//! The requests of S3 that are answered, each by way of [`Store`] and its neighbours; all others get
//! `NotImplemented`. Signatures are checked before anything here runs.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::S3Options;
use super::attributes::md5_of;
use super::body::{Expected, receive};
use super::list::{self, Entry, Page, Query, url_encoded};
use super::objects::{self, checksums, expected, headers, last_modified};
use super::store::{Condition, IntoInternal, Store};
use super::uploads::{self, Completion};

/// Entries of a page when the client does not say, and at most.
const PAGE: i32 = 1_000;

/// The HTTP service for a store.
pub(crate) fn build(store: Arc<Store>, options: &S3Options) -> S3Service {
    let keys = Keys {
        access: options.access_key.clone(),
        secret: options.secret_key.clone().into(),
    };
    let mut builder = S3ServiceBuilder::new(Service { store });
    builder.set_auth(keys);
    builder.build()
}

/// The one pair of keys.
struct Keys {
    access: String,
    secret: SecretKey,
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let unknown = "The AWS Access Key Id you provided does not exist in our records.";
        if access_key == self.access {
            return Ok(self.secret.clone());
        }
        Err(s3_error!(InvalidAccessKeyId, "{unknown}"))
    }
}

struct Service {
    store: Arc<Store>,
}

type Answer<T> = S3Result<S3Response<T>>;

fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// Runs what copies or walks files on a thread where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> S3Result<T> + Send + 'static,
) -> S3Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(S3Error::internal_error)?
}

#[async_trait::async_trait]
impl S3 for Service {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let buckets = self.store.buckets().map_err(IntoInternal::into_internal)?;
        let bucket = |(name, folder): (String, std::fs::Metadata)| Bucket {
            name: Some(name),
            creation_date: folder
                .created()
                .or_else(|_| folder.modified())
                .ok()
                .map(Timestamp::from),
            ..Default::default()
        };
        let buckets = Some(buckets.into_iter().map(bucket).collect());
        answer(ListBucketsOutput {
            buckets,
            ..Default::default()
        })
    }

    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> Answer<CreateBucketOutput> {
        let name = request.input.bucket;
        if self.store.bucket(&name).is_ok() {
            return Err(s3_error!(BucketAlreadyOwnedByYou));
        }
        self.store
            .create_bucket(&name)
            .map_err(|error| match error {
                super::S3Error::BucketName(_) => s3_error!(InvalidBucketName),
                other => S3Error::internal_error(other),
            })?;
        answer(CreateBucketOutput {
            location: Some(format!("/{name}")),
        })
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.store.bucket(&request.input.bucket)?;
        answer(HeadBucketOutput::default())
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.store.bucket(&request.input.bucket)?;
        answer(GetBucketLocationOutput::default())
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> Answer<DeleteBucketOutput> {
        self.store.delete_bucket(&request.input.bucket)?;
        answer(DeleteBucketOutput::default())
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        answer(objects::put(&self.store, request).await?)
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        answer(objects::get(&self.store, request.input).await?)
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        answer(objects::head(&self.store, request.input)?)
    }

    async fn copy_object(&self, request: S3Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let store = Arc::clone(&self.store);
        answer(blocking(move || objects::copy(&store, request.input)).await?)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> Answer<DeleteObjectOutput> {
        self.store
            .delete(&request.input.bucket, &request.input.key)?;
        answer(DeleteObjectOutput::default())
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> Answer<DeleteObjectsOutput> {
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        self.store.bucket(&bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for ObjectIdentifier { key, .. } in delete.objects {
            match self.store.delete(&bucket, &key) {
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(key),
                    ..Default::default()
                }),
                Err(error) => errors.push(Error {
                    key: Some(key),
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    ..Default::default()
                }),
            }
        }
        let quiet = delete.quiet.unwrap_or(false);
        let deleted = (!quiet && !deleted.is_empty()).then_some(deleted);
        let errors = (!errors.is_empty()).then_some(errors);
        answer(DeleteObjectsOutput {
            deleted,
            errors,
            ..Default::default()
        })
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> Answer<ListObjectsOutput> {
        let input = request.input;
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
        let (page, contents, prefixes) = self.list(&input.bucket, query, &spell).await?;
        let next_marker = page
            .entries
            .last()
            .filter(|_| page.truncated)
            .map(|last| spell(last.name()));
        answer(ListObjectsOutput {
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

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        let input = request.input;
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
        let (page, contents, prefixes) = self.list(&input.bucket, query, &spell).await?;
        answer(ListObjectsV2Output {
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

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let mut input = request.input;
        let upload_id = uploads::create(&self.store, &input.bucket, &input.key, headers!(input))?;
        answer(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: input.checksum_type,
            ..Default::default()
        })
    }

    async fn upload_part(
        &self,
        mut request: S3Request<UploadPartInput>,
    ) -> Answer<UploadPartOutput> {
        let expected: Expected = expected!(request);
        let mut input = request.input;
        uploads::check_number(input.part_number)?;
        let (_, folder) = uploads::find(&self.store, &input.bucket, &input.key, &input.upload_id)?;
        let received = receive(&self.store, input.body.take(), expected).await?;
        uploads::put_part(&folder, input.part_number, &received)?;
        let sums = received.checksums;
        answer(UploadPartOutput {
            e_tag: Some(ETag::Strong(received.md5)),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            ..Default::default()
        })
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let mut input = request.input;
        let (upload, folder) =
            uploads::find(&self.store, &input.bucket, &input.key, &input.upload_id)?;
        let completion = completion(&mut input);
        let store = Arc::clone(&self.store);
        let e_tag =
            blocking(move || uploads::complete(&store, &upload, &folder, &completion)).await?;
        answer(CompleteMultipartUploadOutput {
            location: Some(format!("/{}/{}", input.bucket, url_encoded(&input.key))),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(e_tag)),
            ..Default::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        let (_, folder) = uploads::find(&self.store, &input.bucket, &input.key, &input.upload_id)?;
        uploads::abort(&folder)?;
        answer(AbortMultipartUploadOutput::default())
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let input = request.input;
        let (_, folder) = uploads::find(&self.store, &input.bucket, &input.key, &input.upload_id)?;
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
        answer(ListPartsOutput {
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

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let input = request.input;
        self.store.bucket(&input.bucket)?;
        let mut found =
            uploads::list(&self.store, &input.bucket).map_err(IntoInternal::into_internal)?;
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
        let upload = |upload: uploads::Upload| MultipartUpload {
            key: Some(spell(&upload.key)),
            upload_id: Some(upload.id),
            initiated: Some(Timestamp::from(upload.initiated)),
            ..Default::default()
        };
        answer(ListMultipartUploadsOutput {
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
}

impl Service {
    /// A page of a bucket, with its entries as responses have them.
    async fn list(
        &self,
        bucket: &str,
        query: Query,
        spell: &(dyn Fn(&str) -> String + Send + Sync),
    ) -> S3Result<(Page, Vec<Object>, Vec<CommonPrefix>)> {
        let root: PathBuf = self.store.bucket(bucket)?;
        let page = blocking(move || list::list(&root, &query).map_err(IntoInternal::into_internal))
            .await?;
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in &page.entries {
            match entry {
                Entry::Prefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(spell(prefix)),
                }),
                Entry::Key { key, path, file } => {
                    // Deleted since it was listed: no ETag.
                    let md5 = || md5_of(&std::fs::File::open(path)?);
                    let attributes = self.store.attributes(bucket, key, file, md5).ok();
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
}

fn page_size(max: Option<i32>) -> usize {
    usize::try_from(max.unwrap_or(PAGE).min(PAGE)).unwrap_or(0)
}

/// How keys are spelled in a listing: as they are, or URL-encoded when the client asks for it.
fn speller(encoding: Option<&EncodingType>) -> impl Fn(&str) -> String + Send + Sync + use<> {
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

/// Drops the uploads up to the markers; a key alone skips all of its uploads.
fn go_on_after(uploads: &mut Vec<uploads::Upload>, key: Option<&str>, id: Option<&str>) {
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

//! The requests of S3 that are answered, each by way of [`Store`] and its neighbours; all others get
//! `NotImplemented`. Signatures are checked before anything here runs.

use std::sync::Arc;

use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use super::store::{IntoInternal, Store};
use super::{S3Options, listing, multipart, objects, tagging};

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
pub(crate) async fn blocking<T: Send + 'static>(
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

    async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> Answer<PutObjectTaggingOutput> {
        tagging::put(&self.store, request.input).map(S3Response::new)
    }

    async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> Answer<GetObjectTaggingOutput> {
        tagging::get(&self.store, &request.input).map(S3Response::new)
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> Answer<ListObjectsOutput> {
        let store = Arc::clone(&self.store);
        answer(blocking(move || listing::objects(&store, request.input)).await?)
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> Answer<ListObjectsV2Output> {
        let store = Arc::clone(&self.store);
        answer(blocking(move || listing::objects_v2(&store, request.input)).await?)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let store = Arc::clone(&self.store);
        answer(blocking(move || listing::multipart_uploads(&store, request.input)).await?)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        answer(multipart::create(&self.store, request)?)
    }

    async fn upload_part(&self, request: S3Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        answer(multipart::upload_part(&self.store, request).await?)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        answer(multipart::complete(&self.store, request).await?)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        answer(multipart::abort(&self.store, &request.input)?)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        answer(multipart::list_parts(&self.store, request.input)?)
    }
}

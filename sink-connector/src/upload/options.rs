//! What requests carry besides bytes: rights, encryption, metadata; and the tags that follow an object.

use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::upload_part::builders::UploadPartFluentBuilder;
use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption, Tag, Tagging as Tags};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::Uploader;
use super::error::S3Error;
use crate::config::{Encryption, ObjectOptions, Tagging};
use crate::events::{self, ClosedObject};

/// The algorithm of a customer's key; S3 knows no other.
const CUSTOMER_ALGORITHM: &str = "AES256";

/// A customer's key as requests carry it.
struct CustomerKey {
    key: String,
    md5: String,
}

/// [`ObjectOptions`] as requests carry them.
pub(crate) struct RequestOptions {
    acl: Option<ObjectCannedAcl>,
    encryption: Option<ServerSideEncryption>,
    kms_key_id: Option<String>,
    customer: Option<CustomerKey>,
    metadata: bool,
    tagging: Option<Tagging>,
}

impl RequestOptions {
    pub(crate) fn new(options: &ObjectOptions) -> Self {
        let (encryption, kms_key_id, customer) = match &options.encryption {
            Encryption::Bucket => (None, None, None),
            Encryption::Store { name, kms_key_id } => (
                Some(ServerSideEncryption::from(name.as_str())),
                kms_key_id.clone(),
                None,
            ),
            Encryption::Customer(key) => (None, None, Some(CustomerKey::new(key.expose()))),
        };
        Self {
            acl: options.acl.as_deref().map(ObjectCannedAcl::from),
            encryption,
            kms_key_id,
            customer,
            metadata: options.metadata,
            tagging: options.tagging.clone(),
        }
    }

    /// For an object written with one request.
    pub(super) fn put(
        &self,
        request: PutObjectFluentBuilder,
        object: &ClosedObject,
    ) -> PutObjectFluentBuilder {
        let mut request = request
            .set_acl(self.acl.clone())
            .set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.kms_key_id.clone())
            .set_sse_customer_algorithm(self.algorithm())
            .set_sse_customer_key(self.key())
            .set_sse_customer_key_md5(self.md5());
        for (name, value) in self.metadata(object) {
            request = request.metadata(name, value);
        }
        request
    }

    /// What is said of an object in its metadata, if so configured.
    pub(super) fn metadata(
        &self,
        object: &ClosedObject,
    ) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let metadata = self.metadata.then(|| metadata(object));
        metadata.into_iter().flatten()
    }

    /// For the begin of a multipart upload, whose end is not known yet.
    pub(super) fn create(
        &self,
        request: CreateMultipartUploadFluentBuilder,
        first_offset: i64,
    ) -> CreateMultipartUploadFluentBuilder {
        let request = request
            .set_acl(self.acl.clone())
            .set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.kms_key_id.clone())
            .set_sse_customer_algorithm(self.algorithm())
            .set_sse_customer_key(self.key())
            .set_sse_customer_key_md5(self.md5());
        if self.metadata {
            request.metadata("first-offset", first_offset.to_string())
        } else {
            request
        }
    }

    /// For a part: a customer's key comes with every request.
    pub(super) fn part(&self, request: UploadPartFluentBuilder) -> UploadPartFluentBuilder {
        request
            .set_sse_customer_algorithm(self.algorithm())
            .set_sse_customer_key(self.key())
            .set_sse_customer_key_md5(self.md5())
    }

    /// For the end of a multipart upload.
    pub(super) fn complete(
        &self,
        request: CompleteMultipartUploadFluentBuilder,
    ) -> CompleteMultipartUploadFluentBuilder {
        request
            .set_sse_customer_algorithm(self.algorithm())
            .set_sse_customer_key(self.key())
            .set_sse_customer_key_md5(self.md5())
    }

    /// For a look at an object.
    pub(super) fn head(&self, request: HeadObjectFluentBuilder) -> HeadObjectFluentBuilder {
        request
            .set_sse_customer_algorithm(self.algorithm())
            .set_sse_customer_key(self.key())
            .set_sse_customer_key_md5(self.md5())
    }

    /// For reading an object.
    pub(crate) fn get(&self, request: GetObjectFluentBuilder) -> GetObjectFluentBuilder {
        request
            .set_sse_customer_algorithm(self.algorithm())
            .set_sse_customer_key(self.key())
            .set_sse_customer_key_md5(self.md5())
    }

    fn algorithm(&self) -> Option<String> {
        self.customer
            .as_ref()
            .map(|_| CUSTOMER_ALGORITHM.to_owned())
    }

    fn key(&self) -> Option<String> {
        self.customer.as_ref().map(|customer| customer.key.clone())
    }

    fn md5(&self) -> Option<String> {
        self.customer.as_ref().map(|customer| customer.md5.clone())
    }
}

impl CustomerKey {
    fn new(key: &str) -> Self {
        let key = key.trim().to_owned();
        // A key that is not base64 goes as it is, with a digest that S3 refuses.
        let md5 = STANDARD.encode(Md5::digest(STANDARD.decode(&key).unwrap_or_default()));
        Self { key, md5 }
    }
}

fn metadata(object: &ClosedObject) -> [(&'static str, String); 4] {
    [
        ("first-offset", object.first_offset.to_string()),
        ("last-offset", object.last_offset.to_string()),
        ("record-count", object.records.to_string()),
        ("close-reason", object.reason.name().to_owned()),
    ]
}

/// The three tags of the original, then the configured ones, which go over them.
fn tags(object: &ClosedObject, pairs: &[(String, String)]) -> Vec<(String, String)> {
    let mut tags = vec![
        ("startOffset".to_owned(), object.first_offset.to_string()),
        ("endOffset".to_owned(), object.last_offset.to_string()),
        ("recordCount".to_owned(), object.records.to_string()),
    ];
    for (key, value) in pairs {
        match tags.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => known.clone_from(value),
            None => tags.push((key.clone(), value.clone())),
        }
    }
    tags
}

impl Uploader {
    /// Tags a completed object of values, if so configured. A failure is told; it counts only with `behavior=fail`.
    pub(super) async fn tag(&self, object: &ClosedObject) -> Result<(), S3Error> {
        let Some(tagging) = self.options.tagging.as_ref().filter(|_| !object.sidecar) else {
            return Ok(());
        };
        let result = self.put_tags(object, &tagging.pairs).await;
        let Err(error) = result else {
            return Ok(());
        };
        events::tagging_failed(&self.metrics, &self.connector, &object.key, &error);
        if tagging.fail { Err(error) } else { Ok(()) }
    }

    async fn put_tags(
        &self,
        object: &ClosedObject,
        pairs: &[(String, String)],
    ) -> Result<(), S3Error> {
        let set: Result<Vec<Tag>, _> = tags(object, pairs)
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        let tags = set.and_then(|set| Tags::builder().set_tag_set(Some(set)).build());
        let request = self
            .client
            .put_object_tagging()
            .bucket(&self.bucket)
            .key(&object.key)
            .set_tagging(tags.ok());
        let sent = request.send().await;
        sent.map(drop)
            .map_err(|error| S3Error::new("PutObjectTagging", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::CloseReason;

    #[test]
    fn configured_tags_go_over_the_three() {
        let object = ClosedObject {
            key: "k".into(),
            first_offset: 3,
            last_offset: 5,
            records: 3,
            bytes: 9,
            reason: CloseReason::FlushSize,
            sidecar: false,
        };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let pairs = [pair("recordCount", "77"), pair("team", "data")];
        assert_eq!(
            tags(&object, &pairs),
            [
                pair("startOffset", "3"),
                pair("endOffset", "5"),
                pair("recordCount", "77"),
                pair("team", "data")
            ]
        );
        assert_eq!(
            metadata(&object)[3],
            ("close-reason", "flush_size".to_owned())
        );
    }

    #[test]
    fn a_customers_key_travels_with_its_digest() {
        let key = CustomerKey::new(&STANDARD.encode([0u8; 32]));
        assert_eq!(key.md5, "cLyPS3KoaSFGi/joRB3OUQ==");
        assert_eq!(STANDARD.decode(&key.md5).map(|md5| md5.len()), Ok(16));
    }
}

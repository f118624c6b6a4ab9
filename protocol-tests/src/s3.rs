//! What the tests do with a store behind the sink's back: buckets, listings, bodies, open uploads.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::Builder;

/// Where a store is and who may use it.
#[derive(Debug, Clone)]
pub struct Place {
    /// `http://host:port`
    pub endpoint: String,
    /// Access key id.
    pub key: String,
    /// Secret access key.
    pub secret: String,
}

/// An object with everything a comparison looks at.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its name.
    pub key: String,
    /// Its bytes, content encodings left as they are.
    pub body: Vec<u8>,
    /// The type that was stored with it.
    pub content_type: Option<String>,
    /// The encoding that was stored with it.
    pub content_encoding: Option<String>,
    /// Entity tag, in quotes as S3 sends it.
    pub etag: String,
    /// Number of user metadata entries.
    pub metadata: usize,
}

impl Object {
    /// The body, unzipped if the key ends in `.gz`.
    ///
    /// # Errors
    /// Broken gzip.
    pub fn plain(&self) -> Result<Vec<u8>> {
        if self.key.ends_with(".gz") {
            return crate::gunzip(&self.body);
        }
        Ok(self.body.clone())
    }

    /// The (unzipped) body as lines; the last one has to end, too.
    ///
    /// # Errors
    /// No UTF-8, broken gzip, a last line without end.
    pub fn lines(&self) -> Result<Vec<String>> {
        let text = String::from_utf8(self.plain()?)?;
        let body = text
            .strip_suffix('\n')
            .with_context(|| format!("{} does not end with a line end", self.key))?;
        Ok(body.split('\n').map(str::to_owned).collect())
    }
}

/// One bucket of a store.
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// A bucket, which need not exist.
    #[must_use]
    pub fn new(place: &Place, name: &str) -> Self {
        let credentials = Credentials::new(&place.key, &place.secret, None, None, "protocol-tests");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(Builder::new().build_http())
            .endpoint_url(&place.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .force_path_style(true)
            .build();
        Self {
            client: Client::from_conf(config),
            name: name.to_owned(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Creates it.
    ///
    /// # Errors
    /// It exists, the store does not answer.
    pub async fn create(&self) -> Result<()> {
        self.client
            .create_bucket()
            .bucket(&self.name)
            .send()
            .await?;
        Ok(())
    }

    /// Whether it exists.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn exists(&self) -> Result<bool> {
        match self.client.head_bucket().bucket(&self.name).send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error)) if error.raw().status().as_u16() == 404 => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an object.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn put(&self, key: &str, body: Vec<u8>) -> Result<()> {
        let put = self.client.put_object().bucket(&self.name).key(key);
        put.body(ByteStream::from(body)).send().await?;
        Ok(())
    }

    /// Tags of an object. A store without tags says that there are none.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn tags(&self, key: &str) -> Result<BTreeMap<String, String>> {
        let answer = self
            .client
            .get_object_tagging()
            .bucket(&self.name)
            .key(key)
            .send()
            .await;
        let answer = match answer {
            Err(SdkError::ServiceError(_)) => return Ok(BTreeMap::new()),
            answer => answer?,
        };
        let pair = |tag: &aws_sdk_s3::types::Tag| (tag.key().to_owned(), tag.value().to_owned());
        Ok(answer.tag_set().iter().map(pair).collect())
    }

    /// Deletes it with everything in it.
    ///
    /// # Errors
    /// It does not exist, the store does not answer.
    pub async fn delete(&self) -> Result<()> {
        for key in self.keys("").await? {
            self.client
                .delete_object()
                .bucket(&self.name)
                .key(key)
                .send()
                .await?;
        }
        self.client
            .delete_bucket()
            .bucket(&self.name)
            .send()
            .await?;
        Ok(())
    }

    /// Keys that start with a prefix, sorted. A bucket that does not exist has none.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Err(SdkError::ServiceError(error)) if error.err().is_no_such_bucket() => break,
                page => page?,
            };
            keys.extend(
                page.contents()
                    .iter()
                    .filter_map(|object| object.key())
                    .map(str::to_owned),
            );
        }
        keys.sort();
        Ok(keys)
    }

    /// One object.
    ///
    /// # Errors
    /// There is none, the store does not answer.
    pub async fn object(&self, key: &str) -> Result<Object> {
        let answer = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await;
        let answer = answer.with_context(|| format!("reading {key}"))?;
        Ok(Object {
            key: key.to_owned(),
            content_type: answer.content_type().map(str::to_owned),
            content_encoding: answer.content_encoding().map(str::to_owned),
            etag: answer.e_tag().unwrap_or_default().to_owned(),
            metadata: answer.metadata().map_or(0, |entries| entries.len()),
            body: answer.body.collect().await?.to_vec(),
        })
    }

    /// Every object below a prefix, sorted by key.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn objects(&self, prefix: &str) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        for key in self.keys(prefix).await? {
            objects.push(self.object(&key).await?);
        }
        Ok(objects)
    }

    /// Keys of multipart uploads that are open. `None` if the store can't tell (501).
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open_uploads(&self) -> Result<Option<Vec<String>>> {
        let answer = self
            .client
            .list_multipart_uploads()
            .bucket(&self.name)
            .send()
            .await;
        match answer {
            Ok(list) => Ok(Some(
                list.uploads()
                    .iter()
                    .filter_map(|upload| upload.key())
                    .map(str::to_owned)
                    .collect(),
            )),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|raw| raw.status().as_u16() == 501) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Begins a multipart upload that nobody ends.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn open_upload(&self, key: &str) -> Result<()> {
        self.client
            .create_multipart_upload()
            .bucket(&self.name)
            .key(key)
            .send()
            .await?;
        Ok(())
    }

    /// The type a store gives to an object that was uploaded in parts without one; stores differ.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn default_type(&self) -> Result<Option<String>> {
        const KEY: &str = "protocol-tests/untyped";
        let (bucket, key) = (self.name.as_str(), KEY);
        let begun = self
            .client
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .send()
            .await?;
        let upload = begun.upload_id().context("no upload id")?;
        let part = self
            .client
            .upload_part()
            .bucket(bucket)
            .key(key)
            .upload_id(upload)
            .part_number(1);
        let sent = part.body(ByteStream::from_static(b"x")).send().await?;
        let part = CompletedPart::builder()
            .part_number(1)
            .set_e_tag(sent.e_tag().map(str::to_owned))
            .build();
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let end = self
            .client
            .complete_multipart_upload()
            .bucket(bucket)
            .key(key)
            .upload_id(upload);
        end.multipart_upload(parts).send().await?;
        let found = self.object(key).await?.content_type;
        self.client
            .delete_object()
            .bucket(bucket)
            .key(key)
            .send()
            .await?;
        Ok(found)
    }

    /// Sizes of the parts an object was uploaded in. `None` if the store can't tell.
    ///
    /// # Errors
    /// There is no such object, the store does not answer.
    pub async fn part_sizes(&self, key: &str) -> Result<Option<Vec<i64>>> {
        let mut sizes = Vec::new();
        for number in 1.. {
            let head = self
                .client
                .head_object()
                .bucket(&self.name)
                .key(key)
                .part_number(number);
            let Ok(head) = head.send().await else {
                return Ok(None);
            };
            let Some(parts) = head.parts_count() else {
                return Ok(None);
            };
            sizes.push(head.content_length().unwrap_or_default());
            if number >= parts {
                break;
            }
        }
        Ok(Some(sizes))
    }
}

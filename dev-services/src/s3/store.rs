//! Buckets and objects as files. In: names, keys, files that are complete; out: objects, or the refusals of S3.
//! What changes a bucket happens under one lock and consists of renames, so a reader sees an object as it was or as
//! it is, and conditions hold when the change is made.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use s3s::dto::ETagCondition;
use s3s::{S3Result, s3_error};

use super::S3Error;
use super::attributes::{Attributes, file_name, md5_of};
use super::keys::path_of;
use super::names::Names;

/// Everything that is not an object is below this folder of the root; no bucket can have this name.
const STATE_DIR: &str = ".dev-s3";

/// The files of an S3 server.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    attributes: PathBuf,
    uploads: PathBuf,
    incoming: PathBuf,
    received: AtomicU64,
    /// Of what is in the buckets' folders.
    pub(crate) names: Names,
    changes: Mutex<()>,
}

/// An object that exists.
#[derive(Debug)]
pub(crate) struct Object {
    /// The content, which stays as it is even if the object is replaced.
    pub(crate) content: File,
    pub(crate) file: Metadata,
    pub(crate) attributes: Attributes,
}

/// A file that is being received or put together; removed unless it becomes an object.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) path: PathBuf,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After the rename into its place there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

/// What `If-None-Match` and `If-Match` ask for.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    pub(crate) if_none_match: Option<ETagCondition>,
    pub(crate) if_match: Option<ETagCondition>,
}

impl Store {
    /// Opens the root folder, which is created when missing, and empties the folder of incoming files. The folder
    /// is locked for as long as the file that is returned is open.
    pub(crate) fn open(root: &Path) -> Result<(Self, File), S3Error> {
        let failed = |source| S3Error::Folder {
            path: root.to_owned(),
            source,
        };
        let state = root.join(STATE_DIR);
        let (attributes, uploads) = (state.join("attributes"), state.join("uploads"));
        fs::create_dir_all(&state).map_err(failed)?;
        let lock = lock(&state.join("lock"), root)?;
        let incoming = state.join("incoming");
        let emptied = match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::create_dir_all(&incoming),
        };
        emptied
            .and_then(|()| fs::create_dir_all(&uploads))
            .and_then(|()| super::uploads::tidy(&uploads))
            .map_err(failed)?;
        let store = Self {
            root: root.to_owned(),
            attributes,
            uploads,
            incoming,
            received: AtomicU64::new(0),
            names: Names::default(),
            changes: Mutex::new(()),
        };
        Ok((store, lock))
    }

    /// The folder of multipart uploads.
    pub(crate) fn uploads(&self) -> &Path {
        &self.uploads
    }

    /// Makes a bucket unless it exists.
    pub(crate) fn create_bucket(&self, name: &str) -> Result<(), S3Error> {
        if !s3s::path::check_bucket_name(name) {
            return Err(S3Error::BucketName(name.to_owned()));
        }
        let path = self.root.join(name);
        fs::create_dir_all(&path).map_err(|source| S3Error::Folder { path, source })
    }

    /// The folder of a bucket that exists.
    pub(crate) fn bucket(&self, name: &str) -> S3Result<PathBuf> {
        let path = self.root.join(name);
        if s3s::path::check_bucket_name(name) && path.is_dir() {
            Ok(path)
        } else {
            Err(s3_error!(
                NoSuchBucket,
                "The specified bucket does not exist."
            ))
        }
    }

    /// Names and folders of all buckets, in order.
    pub(crate) fn buckets(&self) -> io::Result<Vec<(String, Metadata)>> {
        let mut buckets = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let metadata = entry.metadata()?;
            if metadata.is_dir() && s3s::path::check_bucket_name(&name) {
                buckets.push((name, metadata));
            }
        }
        buckets.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(buckets)
    }

    /// Removes a bucket that holds no objects.
    pub(crate) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        let path = self.bucket(name)?;
        let _changes = self.changes.lock();
        match fs::remove_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                return Err(s3_error!(BucketNotEmpty));
            }
            Err(error) => return Err(error.into_internal()),
        }
        match fs::remove_dir_all(self.attributes.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into_internal()),
            _ => Ok(()),
        }
    }

    /// Where an object is or would be.
    fn object_path(&self, bucket: &str, key: &str) -> S3Result<PathBuf> {
        let too_long = || {
            s3_error!(
                KeyTooLongError,
                "A segment of the key is too long for a file name."
            )
        };
        Ok(self
            .bucket(bucket)?
            .join(path_of(key).ok_or_else(too_long)?))
    }

    fn attributes_path(&self, bucket: &str, key: &str) -> PathBuf {
        self.attributes.join(bucket).join(file_name(key))
    }

    /// An object with its attributes; those of a file that was put here by hand are made up.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> S3Result<Object> {
        let missing = || s3_error!(NoSuchKey, "The specified key does not exist.");
        let content = File::open(self.object_path(bucket, key)?).map_err(|_| missing())?;
        let file = content
            .metadata()
            .ok()
            .filter(Metadata::is_file)
            .ok_or_else(missing)?;
        let made_up = || md5_of(&content);
        let attributes = self
            .attributes(bucket, key, &file, made_up)
            .map_err(IntoInternal::into_internal)?;
        Ok(Object {
            content,
            file,
            attributes,
        })
    }

    /// The attributes of an object file; `md5` computes its ETag if they are not stored.
    pub(crate) fn attributes(
        &self,
        bucket: &str,
        key: &str,
        file: &Metadata,
        md5: impl FnOnce() -> io::Result<String>,
    ) -> io::Result<Attributes> {
        let stored = self.attributes_path(bucket, key);
        if let Some(attributes) = Attributes::read(&stored, key, file)? {
            return Ok(attributes);
        }
        Ok(Attributes::new(
            key,
            md5()?,
            Default::default(),
            Default::default(),
        ))
    }

    /// A fresh file for content that is on its way.
    pub(crate) fn incoming(&self) -> Incoming {
        let number = self.received.fetch_add(1, Ordering::Relaxed);
        Incoming {
            path: self.incoming.join(number.to_string()),
        }
    }

    /// Checks a condition early, before a body is received. [`Store::place`] checks it again.
    pub(crate) fn check(&self, bucket: &str, key: &str, condition: &Condition) -> S3Result<()> {
        self.object_path(bucket, key)?;
        let failed = |why: &'static str| Err(s3_error!(PreconditionFailed, "{why}"));
        if condition.if_none_match.is_none() && condition.if_match.is_none() {
            return Ok(());
        }
        let current = match self.object(bucket, key) {
            Ok(object) => Some(object.attributes.e_tag()),
            Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchKey => None,
            Err(error) => return Err(error),
        };
        let matches = |wanted: &ETagCondition| match (wanted, &current) {
            (_, None) => false,
            (ETagCondition::Any, Some(_)) => true,
            (ETagCondition::ETag(wanted), Some(current)) => current.strong_cmp(wanted),
        };
        if condition.if_none_match.as_ref().is_some_and(matches) {
            return failed(
                "At least one of the pre-conditions you specified did not hold: If-None-Match",
            );
        }
        match &condition.if_match {
            Some(_) if current.is_none() => {
                Err(s3_error!(NoSuchKey, "The specified key does not exist."))
            }
            Some(wanted) if !matches(wanted) => {
                failed("At least one of the pre-conditions you specified did not hold: If-Match")
            }
            _ => Ok(()),
        }
    }

    /// Makes a received file an object, replacing the one of this key if there is one.
    pub(crate) fn place(
        &self,
        bucket: &str,
        incoming: &Incoming,
        mut attributes: Attributes,
        condition: &Condition,
    ) -> S3Result<()> {
        let key = attributes.key.clone();
        let path = self.object_path(bucket, &key)?;
        let _changes = self.changes.lock();
        self.check(bucket, &key, condition)?;
        let file = fs::metadata(&incoming.path).map_err(IntoInternal::into_internal)?;
        attributes.describe(&file);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(|error| blocked(error, &key))?;
        if path.is_dir() {
            return Err(blocked(io::ErrorKind::IsADirectory.into(), &key));
        }
        attributes
            .write(&self.attributes_path(bucket, &key))
            .map_err(IntoInternal::into_internal)?;
        fs::rename(&incoming.path, &path).map_err(|error| blocked(error, &key))
    }

    /// Replaces the tags of an object.
    pub(crate) fn set_tags(
        &self,
        bucket: &str,
        key: &str,
        tags: Vec<(String, String)>,
    ) -> S3Result<()> {
        let _changes = self.changes.lock();
        let mut attributes = self.object(bucket, key)?.attributes;
        let file =
            fs::metadata(self.object_path(bucket, key)?).map_err(IntoInternal::into_internal)?;
        attributes.tags = tags;
        attributes.describe(&file);
        attributes
            .write(&self.attributes_path(bucket, key))
            .map_err(IntoInternal::into_internal)
    }

    /// Removes an object, if there is one, and the folders that become empty.
    pub(crate) fn delete(&self, bucket: &str, key: &str) -> S3Result<()> {
        let root = self.bucket(bucket)?;
        let path = self.object_path(bucket, key)?;
        let _changes = self.changes.lock();
        if !path.is_file() {
            return Ok(());
        }
        fs::remove_file(&path).map_err(IntoInternal::into_internal)?;
        // Stale attributes would do no harm.
        let _ = fs::remove_file(self.attributes_path(bucket, key));
        let folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != root);
        for folder in folders {
            if fs::remove_dir(folder).is_err() {
                break; // not empty
            }
        }
        Ok(())
    }
}

/// I/O errors as answers.
pub(crate) trait IntoInternal {
    /// `InternalError`, with the cause in the log.
    fn into_internal(self) -> s3s::S3Error;
}

impl IntoInternal for io::Error {
    fn into_internal(self) -> s3s::S3Error {
        tracing::error!(error = %self, "development S3 server failed");
        s3s::S3Error::internal_error(self)
    }
}

/// The answer when a key needs a folder where an object is, or the other way round.
fn blocked(error: io::Error, key: &str) -> s3s::S3Error {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, IsADirectory, NotADirectory};
    match error.kind() {
        AlreadyExists | DirectoryNotEmpty | IsADirectory | NotADirectory => s3_error!(
            InvalidRequest,
            "The development S3 server keeps objects as files: {key:?} cannot be an object and a folder of others."
        ),
        _ => error.into_internal(),
    }
}

fn lock(path: &Path, root: &Path) -> Result<File, S3Error> {
    let failed = |source| S3Error::Folder {
        path: path.to_owned(),
        source,
    };
    let file = File::create(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(S3Error::RootInUse(root.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

//! Multipart uploads: a folder each, with what was said when it was created and a file per part. In: parts that are
//! received; out: one object, put together when the upload is completed, with S3's checks. An upload that is
//! aborted or completed leaves nothing; one that is neither stays, can be listed, and survives a restart.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attributes::{Attributes, Checksums, Headers, hex};
use super::body::{Received, compare, hasher_for};
use super::store::{Condition, Incoming, IntoInternal, Store};

const UPLOAD_FILE: &str = "upload.json";
/// Smallest part, except for the last one, in bytes.
const MIN_PART: u64 = 5 * 1024 * 1024;
const MAX_PART_NUMBER: i32 = 10_000;

/// An upload as it was created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) initiated: SystemTime,
    headers: Headers,
}

/// A part that was received.
#[derive(Debug)]
pub(crate) struct PartFile {
    pub(crate) number: i32,
    /// MD5 in hexadecimal digits, which is the part's ETag.
    pub(crate) md5: String,
    pub(crate) size: u64,
    pub(crate) modified: SystemTime,
    path: PathBuf,
}

/// What a completion asks for.
#[derive(Debug)]
pub(crate) struct Completion {
    /// Numbers and ETags, in order.
    pub(crate) parts: Vec<(i32, Option<String>)>,
    pub(crate) condition: Condition,
    /// Checksums of the whole content.
    pub(crate) checksums: Checksums,
}

/// Starts an upload; returns its id.
pub(crate) fn create(store: &Store, bucket: &str, key: &str, headers: Headers) -> S3Result<String> {
    store.check(bucket, key, &Condition::default())?;
    let id = Uuid::new_v4().simple().to_string();
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    let upload = Upload {
        id: String::new(),
        bucket,
        key,
        initiated: SystemTime::now(),
        headers,
    };
    let write = || -> io::Result<()> {
        let fresh = store.uploads().join(format!("{id}~"));
        fs::create_dir(&fresh)?;
        fs::write(fresh.join(UPLOAD_FILE), serde_json::to_vec(&upload)?)?;
        fs::rename(fresh, store.uploads().join(&id))
    };
    write().map_err(IntoInternal::into_internal)?;
    Ok(id)
}

/// The upload of this id, for this key, and its folder.
pub(crate) fn find(
    store: &Store,
    bucket: &str,
    key: &str,
    id: &str,
) -> S3Result<(Upload, PathBuf)> {
    let unknown = || {
        s3_error!(
            NoSuchUpload,
            "The specified multipart upload does not exist: it was aborted or completed."
        )
    };
    let valid = Uuid::try_parse(id)
        .map_err(|_| unknown())?
        .simple()
        .to_string();
    let folder = store.uploads().join(valid);
    let upload = read(&folder)
        .ok()
        .filter(|upload| upload.bucket == bucket && upload.key == key);
    Ok((upload.ok_or_else(unknown)?, folder))
}

fn read(folder: &Path) -> io::Result<Upload> {
    let mut upload: Upload = serde_json::from_slice(&fs::read(folder.join(UPLOAD_FILE))?)?;
    upload.id = folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(upload)
}

/// Keeps a part, in place of an earlier one of the same number.
pub(crate) fn put_part(folder: &Path, number: i32, received: &Received) -> S3Result<()> {
    check_number(number)?;
    let earlier = parts(folder)?
        .into_iter()
        .find(|part| part.number == number);
    let path = folder.join(format!("{number:05}-{}", received.md5));
    fs::rename(&received.file.path, &path).map_err(|_| s3_error!(NoSuchUpload))?;
    match earlier.filter(|earlier| earlier.path != path) {
        Some(earlier) => fs::remove_file(earlier.path).map_err(IntoInternal::into_internal),
        None => Ok(()),
    }
}

/// S3's bounds of part numbers.
pub(crate) fn check_number(number: i32) -> S3Result<()> {
    if (1..=MAX_PART_NUMBER).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "Part number must be an integer between 1 and 10000, inclusive"
    ))
}

/// The parts that are there, by number.
pub(crate) fn parts(folder: &Path) -> S3Result<Vec<PartFile>> {
    let list = || -> io::Result<Vec<PartFile>> {
        let mut parts = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some((number, md5)) = name.split_once('-') else {
                continue;
            };
            let Ok(number) = number.parse() else { continue };
            let file = entry.metadata()?;
            let (size, modified) = (file.len(), file.modified()?);
            parts.push(PartFile {
                number,
                md5: md5.to_owned(),
                size,
                modified,
                path: entry.path(),
            });
        }
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    };
    list().map_err(|_| s3_error!(NoSuchUpload))
}

/// The uploads to a bucket, by key and time.
pub(crate) fn list(store: &Store, bucket: &str) -> io::Result<Vec<Upload>> {
    let mut uploads = Vec::new();
    for entry in fs::read_dir(store.uploads())? {
        let folder = entry?.path();
        // What cannot be read was completed or aborted just now.
        if let Some(upload) = read(&folder).ok().filter(|upload| upload.bucket == bucket)
            && is_whole(&folder)
        {
            uploads.push(upload);
        }
    }
    uploads.sort_by(|one, other| {
        (&one.key, one.initiated, &one.id).cmp(&(&other.key, other.initiated, &other.id))
    });
    Ok(uploads)
}

/// Whether a folder is an upload's, and not one that is being made or removed.
fn is_whole(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    Uuid::try_parse(&name).is_ok()
}

/// Removes what a crash left of uploads that were being made or removed.
pub(crate) fn tidy(uploads: &Path) -> io::Result<()> {
    for entry in fs::read_dir(uploads)? {
        let folder = entry?.path();
        if !is_whole(&folder) {
            fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

/// Drops an upload with its parts.
pub(crate) fn abort(folder: &Path) -> S3Result<()> {
    let gone = folder.with_extension("gone");
    // Whoever renames it first ends it.
    fs::rename(folder, &gone).map_err(|_| s3_error!(NoSuchUpload))?;
    fs::remove_dir_all(gone).map_err(IntoInternal::into_internal)
}

/// Puts an object together from parts and drops the upload; returns the object's ETag. Blocks while it copies.
///
/// # Errors
/// `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `BadDigest`, `PreconditionFailed`; the upload stays then.
pub(crate) fn complete(
    store: &Store,
    upload: &Upload,
    folder: &Path,
    completion: &Completion,
) -> S3Result<String> {
    store.check(&upload.bucket, &upload.key, &completion.condition)?;
    let parts = chosen(parts(folder)?, &completion.parts)?;
    let mut hasher = hasher_for(&completion.checksums, |_, value| value.is_some());
    let file = concatenate(store, &parts, &mut hasher).map_err(|_| s3_error!(NoSuchUpload))?;
    let checksums = Checksums::from(hasher.finalize());
    compare(&completion.checksums, &checksums)?;
    let e_tag = multipart_e_tag(&parts);
    let attributes = Attributes::new(
        &upload.key,
        e_tag.clone(),
        upload.headers.clone(),
        checksums,
    );
    store.place(&upload.bucket, &file, attributes, &completion.condition)?;
    abort(folder)?;
    Ok(e_tag)
}

/// The parts that a completion names, checked as S3 does.
fn chosen(mut parts: Vec<PartFile>, wanted: &[(i32, Option<String>)]) -> S3Result<Vec<PartFile>> {
    if wanted.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    if !wanted.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err(s3_error!(InvalidPartOrder));
    }
    let mut chosen = Vec::with_capacity(wanted.len());
    for (number, e_tag) in wanted {
        let found = parts
            .iter()
            .position(|part| part.number == *number)
            .map(|at| parts.swap_remove(at));
        let fits = |part: &PartFile| e_tag.as_ref().is_none_or(|e_tag| *e_tag == part.md5);
        chosen.push(found.filter(fits).ok_or_else(|| s3_error!(InvalidPart))?);
    }
    if chosen.iter().rev().skip(1).any(|part| part.size < MIN_PART) {
        return Err(s3_error!(EntityTooSmall));
    }
    Ok(chosen)
}

fn concatenate(
    store: &Store,
    parts: &[PartFile],
    hasher: &mut ChecksumHasher,
) -> io::Result<Incoming> {
    let incoming = store.incoming();
    let mut out = File::create(&incoming.path)?;
    let mut buffer = vec![0; 256 * 1024];
    for part in parts {
        let mut input = File::open(&part.path)?;
        loop {
            let read = input.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            out.write_all(&buffer[..read])?;
        }
    }
    Ok(incoming)
}

/// The MD5 of the parts' MD5s, and their number.
fn multipart_e_tag(parts: &[PartFile]) -> String {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    let mut hash = Md5::new();
    for part in parts {
        let bytes: Vec<u8> = part
            .md5
            .as_bytes()
            .chunks(2)
            .map(|pair| digit(pair[0]) * 16 + digit(pair[1]))
            .collect();
        hash.update(&bytes);
    }
    format!("{}-{}", hex(&hash.finalize()), parts.len())
}

//! What is known of an object beside its bytes: ETag, content type and the like, user metadata, checksums. Kept in
//! a JSON file per object, away from the buckets, under the hash of the object's key. The file names the size and
//! time of the object file that it describes; if they differ (the object was replaced by hand, or a crash came
//! between the two files), it does not count.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use s3s::crypto::{Checksum as _, Md5};
use s3s::dto;
use serde::{Deserialize, Serialize};

/// The attributes of an object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Attributes {
    pub(crate) key: String,
    pub(crate) e_tag: String,
    size: u64,
    modified_ns: u64,
    #[serde(default, flatten)]
    pub(crate) headers: Headers,
    #[serde(default)]
    pub(crate) checksums: Checksums,
    /// Tags, in order.
    #[serde(default)]
    pub(crate) tags: Vec<(String, String)>,
}

/// What the client said about the content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) metadata: HashMap<String, String>,
}

/// Checksums of the whole content, base64, as far as the client wanted them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Checksums {
    pub(crate) crc32: Option<String>,
    pub(crate) crc32c: Option<String>,
    pub(crate) crc64nvme: Option<String>,
    pub(crate) sha1: Option<String>,
    pub(crate) sha256: Option<String>,
}

impl From<dto::Checksum> for Checksums {
    fn from(from: dto::Checksum) -> Self {
        Self {
            crc32: from.checksum_crc32,
            crc32c: from.checksum_crc32c,
            crc64nvme: from.checksum_crc64nvme,
            sha1: from.checksum_sha1,
            sha256: from.checksum_sha256,
        }
    }
}

impl Attributes {
    /// Attributes of a file that is ready to be put in place.
    pub(crate) fn new(key: &str, e_tag: String, headers: Headers, checksums: Checksums) -> Self {
        Self {
            key: key.to_owned(),
            e_tag,
            headers,
            checksums,
            ..Self::default()
        }
    }

    /// The ETag as responses carry it.
    pub(crate) fn e_tag(&self) -> dto::ETag {
        dto::ETag::Strong(self.e_tag.clone())
    }

    /// Notes which file is described.
    pub(crate) fn describe(&mut self, file: &Metadata) {
        (self.size, self.modified_ns) = identity(file);
    }

    /// The attributes in `path`, if they describe this object file.
    pub(crate) fn read(path: &Path, key: &str, file: &Metadata) -> io::Result<Option<Self>> {
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let attributes: Option<Self> = serde_json::from_slice(&content).ok();
        Ok(attributes.filter(|it| it.key == key && (it.size, it.modified_ns) == identity(file)))
    }

    /// Writes the attributes to `path`, by way of a file next to it.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let fresh = path.with_extension("json~");
        fs::write(&fresh, serde_json::to_vec(self)?)?;
        fs::rename(fresh, path)
    }
}

/// Size and time of a file, which change when its content does.
fn identity(file: &Metadata) -> (u64, u64) {
    let time = file
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanos = time.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    });
    (file.len(), nanos)
}

/// Where the attributes of a key are, below the bucket's folder of attributes.
pub(crate) fn file_name(key: &str) -> PathBuf {
    let mut hash = Md5::new();
    hash.update(key.as_bytes());
    let name = hex(&hash.finalize());
    Path::new(&name[..2]).join(format!("{name}.json"))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The MD5 of a file's content, in hexadecimal digits.
pub(crate) fn md5_of(file: &fs::File) -> io::Result<String> {
    let mut hash = Md5::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut position = 0;
    loop {
        match file.read_at(&mut buffer, position)? {
            0 => return Ok(hex(&hash.finalize())),
            read => {
                hash.update(&buffer[..read]);
                position += read as u64;
            }
        }
    }
}

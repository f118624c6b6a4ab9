//! Receives the body of a request into a file, and checks it against what the client says of it: `Content-MD5` and
//! the `x-amz-checksum-*` values, in headers or trailers. Nothing becomes an object or a part before that.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{ChecksumAlgorithm, StreamingBlob};
use s3s::{S3Result, TrailingHeaders, s3_error};
use tokio::io::AsyncWriteExt;

use super::attributes::{Checksums, hex};
use super::store::{Incoming, IntoInternal, Store};

/// Bytes gathered before they are written.
const WRITE_BUFFER: usize = 256 * 1024;

/// What the client says of the body.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Base64.
    pub(crate) content_md5: Option<String>,
    /// Bytes, when the length was sent.
    pub(crate) length: Option<i64>,
    pub(crate) checksums: Checksums,
    /// The kind of checksum that the client computes.
    pub(crate) algorithm: Option<ChecksumAlgorithm>,
    /// The names of the headers that follow the body (`x-amz-trailer`).
    pub(crate) trailer_names: String,
    pub(crate) trailers: Option<TrailingHeaders>,
}

/// A body that is in a file and is what the client sent.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) file: Incoming,
    /// Hexadecimal.
    pub(crate) md5: String,
    pub(crate) checksums: Checksums,
}

/// Receives a body.
///
/// # Errors
/// `BadDigest` when a checksum differs, `IncompleteBody` when the connection ends early.
pub(crate) async fn receive(
    store: &Store,
    body: Option<StreamingBlob>,
    expected: Expected,
) -> S3Result<Received> {
    let file = store.incoming();
    let mut hasher = hasher(&expected);
    let mut md5 = Md5::new();
    let length = write(&file, body, |bytes| {
        md5.update(bytes);
        hasher.update(bytes);
    });
    let length = length.await?;
    if expected.length.is_some_and(|expected| expected != length) {
        return Err(s3_error!(IncompleteBody));
    }
    let md5 = md5.finalize();
    if expected
        .content_md5
        .as_ref()
        .is_some_and(|wanted| *wanted != STANDARD.encode(md5))
    {
        return Err(s3_error!(
            BadDigest,
            "The Content-MD5 you specified did not match what we received."
        ));
    }
    let checksums = Checksums::from(hasher.finalize());
    compare(&expected.wanted(), &checksums)?;
    Ok(Received {
        file,
        md5: hex(&md5),
        checksums,
    })
}

async fn write(
    file: &Incoming,
    body: Option<StreamingBlob>,
    mut each: impl FnMut(&[u8]),
) -> S3Result<i64> {
    let internal = |error: io::Error| error.into_internal();
    let out = tokio::fs::File::create(&file.path)
        .await
        .map_err(internal)?;
    let mut out = tokio::io::BufWriter::with_capacity(WRITE_BUFFER, out);
    let mut length = 0;
    if let Some(mut body) = body {
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| {
                s3s::S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error)
            })?;
            each(&bytes);
            out.write_all(&bytes).await.map_err(internal)?;
            length += bytes.len() as i64;
        }
    }
    out.flush().await.map_err(internal)?;
    Ok(length)
}

/// A hasher for the kinds of checksums that are expected.
fn hasher(expected: &Expected) -> ChecksumHasher {
    let algorithm = expected
        .algorithm
        .as_ref()
        .map_or("", |algorithm| algorithm.as_str());
    let announced = |name: &str| {
        let names = expected.trailer_names.split(',').map(str::trim);
        names
            .filter_map(|it| it.strip_prefix("x-amz-checksum-"))
            .any(|it| it.eq_ignore_ascii_case(name))
    };
    let wants = |name: &str, value: &Option<String>| {
        value.is_some() || algorithm.eq_ignore_ascii_case(name) || announced(name)
    };
    hasher_for(&expected.checksums, wants)
}

/// A hasher for the kinds of checksums for which `wants(name, value)` holds.
pub(crate) fn hasher_for(
    checksums: &Checksums,
    wants: impl Fn(&str, &Option<String>) -> bool,
) -> ChecksumHasher {
    ChecksumHasher {
        crc32: wants("CRC32", &checksums.crc32).then(Default::default),
        crc32c: wants("CRC32C", &checksums.crc32c).then(Default::default),
        crc64nvme: wants("CRC64NVME", &checksums.crc64nvme).then(Default::default),
        sha1: wants("SHA1", &checksums.sha1).then(Default::default),
        sha256: wants("SHA256", &checksums.sha256).then(Default::default),
    }
}

/// Compares what is expected, as far as it is, with what was computed.
pub(crate) fn compare(expected: &Checksums, computed: &Checksums) -> S3Result<()> {
    let pairs = [
        ("CRC32", &expected.crc32, &computed.crc32),
        ("CRC32C", &expected.crc32c, &computed.crc32c),
        ("CRC64NVME", &expected.crc64nvme, &computed.crc64nvme),
        ("SHA1", &expected.sha1, &computed.sha1),
        ("SHA256", &expected.sha256, &computed.sha256),
    ];
    match pairs
        .into_iter()
        .find(|(_, expected, computed)| expected.is_some() && expected != computed)
    {
        Some((name, ..)) => Err(s3_error!(
            BadDigest,
            "The {name} you specified did not match the calculated checksum."
        )),
        None => Ok(()),
    }
}

impl Expected {
    /// The values from the headers and, now that the body is read, the trailers.
    fn wanted(&self) -> Checksums {
        let trailer = |name: &str| {
            let read = |trailers: &TrailingHeaders| {
                trailers
                    .read(|map| map.get(name)?.to_str().ok().map(str::to_owned))
                    .flatten()
            };
            self.trailers.as_ref().and_then(read)
        };
        let own = self.checksums.clone();
        Checksums {
            crc32: own.crc32.or_else(|| trailer("x-amz-checksum-crc32")),
            crc32c: own.crc32c.or_else(|| trailer("x-amz-checksum-crc32c")),
            crc64nvme: own
                .crc64nvme
                .or_else(|| trailer("x-amz-checksum-crc64nvme")),
            sha1: own.sha1.or_else(|| trailer("x-amz-checksum-sha1")),
            sha256: own.sha256.or_else(|| trailer("x-amz-checksum-sha256")),
        }
    }
}

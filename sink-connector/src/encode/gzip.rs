//! `s3.compression.type=gzip`: wraps the encoder of another format.
//!
//! Records are gathered to blocks of [`BLOCK`] plain bytes; each block is deflated by itself and flushed to a byte
//! boundary, so the blocks put together are one deflate stream. That way an open file holds its records and no
//! compressor (some 300 KB each), and a file's bytes depend only on its records. The price is a window that starts
//! empty every 256 KiB: below 2 % of size.

use std::sync::Arc;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use parking_lot::Mutex;

use super::{Encoder, Format, View};
use crate::error::{CONNECT_EXCEPTION, Exception, RecordError};
use crate::record::Datum;
use crate::scratch::{self, append, append_runs};

/// Plain bytes compressed at once.
const BLOCK: usize = 256 * 1024;

/// Gzip's header as Java writes it since 16: deflate, no flags, no time, no level, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff];

/// Another format, compressed.
pub(super) struct GzipFormat {
    inner: Box<dyn Format>,
    extension: String,
    compressors: Arc<Compressors>,
}

/// Compressors at rest. Blocks borrow one, so there are as many as threads that compress at a time.
struct Compressors {
    level: Compression,
    idle: Mutex<Vec<Compress>>,
}

impl GzipFormat {
    pub(super) fn new(inner: Box<dyn Format>, level: u32) -> Self {
        let extension = format!("{}.gz", inner.extension());
        let compressors = Compressors {
            level: Compression::new(level),
            idle: Mutex::new(Vec::new()),
        };
        Self {
            inner,
            extension,
            compressors: Arc::new(compressors),
        }
    }
}

impl Format for GzipFormat {
    fn extension(&self) -> &str {
        &self.extension
    }

    fn encoder(&self, key: &str) -> Box<dyn Encoder> {
        Box::new(GzipEncoder {
            inner: self.inner.encoder(key),
            compressors: Arc::clone(&self.compressors),
            plain: Vec::new(),
            crc: Crc::new(),
            started: false,
        })
    }

    fn encloses(&self, view: View) -> bool {
        self.inner.encloses(view)
    }
}

struct GzipEncoder {
    inner: Box<dyn Encoder>,
    compressors: Arc<Compressors>,
    plain: Vec<u8>,
    crc: Crc,
    started: bool,
}

impl GzipEncoder {
    fn compress(&mut self, flush: FlushCompress, out: &mut Vec<u8>) -> Result<(), RecordError> {
        if !std::mem::replace(&mut self.started, true) {
            out.extend_from_slice(&HEADER);
        }
        self.crc.update(&self.plain);
        self.compressors
            .block(&self.plain, flush, out)
            .map_err(RecordError::fatal)?;
        self.plain.clear();
        Ok(())
    }
}

impl Encoder for GzipEncoder {
    fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        self.inner.check(datum)
    }

    fn write(&mut self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let (inner, plain) = (&mut self.inner, &mut self.plain);
        if let Some(runs) = inner.ready(datum) {
            append_runs(plain, runs);
        } else {
            scratch::with(|encoded| {
                inner.write(datum, encoded)?;
                append(plain, encoded);
                Ok(())
            })?;
        }
        if self.plain.len() >= BLOCK {
            self.compress(FlushCompress::Full, out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.inner.finish(&mut self.plain)?;
        self.compress(FlushCompress::Finish, out)?;
        self.plain = Vec::new();
        out.extend_from_slice(&self.crc.sum().to_le_bytes());
        out.extend_from_slice(&self.crc.amount().to_le_bytes());
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        self.plain.capacity() + self.inner.buffered_bytes()
    }
}

impl Compressors {
    /// Appends `plain` as deflate blocks of their own to `out`.
    fn block(
        &self,
        plain: &[u8],
        flush: FlushCompress,
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let idle = self.idle.lock().pop();
        let mut compress = idle.unwrap_or_else(|| Compress::new(self.level, false));
        let result = deflate(&mut compress, plain, flush, out);
        compress.reset();
        self.idle.lock().push(compress);
        result
    }
}

fn deflate(
    compress: &mut Compress,
    plain: &[u8],
    flush: FlushCompress,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    loop {
        let taken = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = plain.get(taken..).unwrap_or_default();
        // Room for the worst case at once, plus the end of the stream.
        out.reserve(rest.len() / 2 + 1024);
        let status = compress
            .compress_vec(rest, out, flush)
            .map_err(|error| failed(error.to_string()))?;
        let all_taken =
            usize::try_from(compress.total_in()).is_ok_and(|taken| taken >= plain.len());
        let room_left = out.len() < out.capacity();
        match status {
            Status::StreamEnd => return Ok(()),
            // A flush is complete when it left room in the buffer.
            Status::Ok | Status::BufError
                if all_taken && room_left && flush != FlushCompress::Finish =>
            {
                return Ok(());
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

#[cold]
fn failed(reason: String) -> Exception {
    Exception::new(CONNECT_EXCEPTION, format!("gzip: {reason}"))
}

#[cfg(test)]
#[path = "gzip_tests.rs"]
mod tests;

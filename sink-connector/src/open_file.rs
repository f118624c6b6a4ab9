//! One open file: its encoder, the part being filled, and the parts that are on their way.
//!
//! In: what it holds of the records of one topic-partition and one encoded partition, in offset order. Out: a
//! [`ClosedFile`], whose object becomes visible only when [`ClosedFile::complete`] is called, after its boundary was
//! committed as a plan.

use std::sync::Arc;

use crate::budget::{Account, Reservation};
use crate::encode::Encoder;
use crate::error::RecordError;
use crate::events::ClosedObject;
use crate::file_trace::FileTrace;
use crate::record::Datum;
use crate::rotate::CloseReason;
use crate::scratch::{self, append, append_runs};
use crate::spare_buffers::{SMALLEST, WORTH_AGAIN_FROM, WORTH_FROM};
use crate::upload::{FileId, MIN_PART_BYTES, Multipart, Uploader};

/// What an open file costs beside its buffers, about, in bytes: its state, its key, its encoder.
const OVERHEAD: usize = 1024;

/// An open file.
pub(crate) struct OpenFile {
    id: FileId,
    /// The object's key.
    pub(crate) key: String,
    sidecar: bool,
    first_offset: i64,
    last_offset: i64,
    records: u64,
    encoder: Box<dyn Encoder>,
    buffer: Vec<u8>,
    reservation: Reservation,
    upload: Option<Multipart>,
}

/// What a new file is made of.
pub(crate) struct NewFile<'a> {
    pub(crate) id: FileId,
    pub(crate) key: String,
    pub(crate) first_offset: i64,
    pub(crate) sidecar: bool,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) account: &'a Arc<Account>,
}

impl OpenFile {
    /// A file that begins with the record at `new.first_offset` (which is still to be written).
    pub(crate) fn new(new: NewFile<'_>) -> Self {
        Self {
            id: new.id,
            key: new.key,
            first_offset: new.first_offset,
            sidecar: new.sidecar,
            last_offset: new.first_offset,
            records: 0,
            encoder: new.encoder,
            buffer: Vec::new(),
            reservation: new.account.reserve(),
            upload: None,
        }
    }

    /// Whether [`OpenFile::write`] would take `datum`.
    ///
    /// # Errors
    /// It cannot be written in this format.
    pub(crate) fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        self.encoder.check(datum)
    }

    /// Writes what it holds of the record at `offset`; full parts of `part_size` bytes go out.
    ///
    /// # Errors
    /// The record cannot be written in this format; the file is as before.
    pub(crate) fn write(
        &mut self,
        datum: &Datum<'_>,
        offset: i64,
        part_size: usize,
        uploader: &Arc<Uploader>,
    ) -> Result<(), RecordError> {
        // One that was full before will be again.
        let worth_from = match self.upload {
            Some(_) => WORTH_AGAIN_FROM,
            None => WORTH_FROM,
        };
        let account = self.reservation.account();
        if let Some(runs) = self.encoder.ready(datum) {
            let bytes = runs.iter().map(|run| run.len()).sum();
            make_room(&mut self.buffer, bytes, worth_from, account);
            append_runs(&mut self.buffer, runs);
        } else {
            scratch::with(|encoded| {
                self.encoder.write(datum, encoded)?;
                make_room(&mut self.buffer, encoded.len(), worth_from, account);
                append(&mut self.buffer, encoded);
                Ok(())
            })?;
        }
        self.last_offset = offset;
        self.records += 1;
        while self.buffer.len() >= part_size {
            self.send_part(part_size, uploader);
        }
        self.count_bytes();
        Ok(())
    }

    /// Counts what is really held: capacities, not lengths.
    fn count_bytes(&mut self) {
        let held = OVERHEAD + self.buffer.capacity() + self.encoder.buffered_bytes();
        if held != self.reservation.bytes() {
            self.reservation.set(held);
        }
    }

    /// Nothing comes any more: a large buffer that is not even half full goes back.
    fn give_up_room(&mut self) {
        let room = self.buffer.capacity() - self.buffer.len();
        if room >= SMALLEST.max(self.buffer.len()) {
            let exact = self.buffer.as_slice().to_vec();
            let roomy = std::mem::replace(&mut self.buffer, exact);
            self.reservation.account().keep(roomy);
        } else if self.buffer.capacity() < SMALLEST {
            self.buffer.shrink_to_fit();
        }
    }

    fn send_part(&mut self, bytes: usize, uploader: &Arc<Uploader>) {
        let rest = self.buffer.split_off(bytes.min(self.buffer.len()));
        let part = std::mem::replace(&mut self.buffer, rest);
        let mut reservation = self.reservation.close();
        reservation.set(part.capacity());
        let upload = self.upload.get_or_insert_with(|| {
            uploader.multipart(self.id, self.key.clone(), self.first_offset)
        });
        upload.part(part, reservation);
        self.count_bytes();
    }

    /// Under memory pressure: sends what is there, if S3 takes it as a part. The bytes that went out.
    pub(crate) fn send_early(&mut self, uploader: &Arc<Uploader>) -> Option<usize> {
        let bytes = Some(self.buffer.len()).filter(|bytes| *bytes >= MIN_PART_BYTES)?;
        self.send_part(bytes, uploader);
        Some(bytes)
    }

    /// Bytes encoded so far, sent or not; what a compressor still holds counts as it is held.
    pub(crate) fn encoded_bytes(&self) -> u64 {
        let sent = self.upload.as_ref().map_or(0, Multipart::bytes);
        sent + (self.buffer.len() + self.encoder.buffered_bytes()) as u64
    }

    /// The file as it is now.
    pub(crate) fn so_far(&self) -> OpenObject {
        OpenObject {
            key: self.key.clone(),
            first_offset: self.first_offset,
            last_offset: self.last_offset,
            records: self.records,
            bytes: self.encoded_bytes(),
        }
    }

    /// Ends the file. The last part of a multipart upload goes out at once; nothing becomes visible yet.
    ///
    /// # Errors
    /// The format cannot be ended.
    pub(crate) fn close(
        mut self,
        reason: CloseReason,
        uploader: &Arc<Uploader>,
        trace: Option<Arc<FileTrace>>,
    ) -> Result<ClosedFile, RecordError> {
        let mut end = Vec::new();
        self.encoder.finish(&mut end)?;
        append(&mut self.buffer, &end);
        self.give_up_room();
        self.count_bytes();
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.send_part(self.buffer.len(), uploader);
        }
        let sent = self.upload.as_ref().map_or(0, Multipart::bytes);
        let object = ClosedObject {
            first_offset: self.first_offset,
            sidecar: self.sidecar,
            last_offset: self.last_offset,
            records: self.records,
            bytes: sent + self.buffer.len() as u64,
            key: self.key,
            reason,
        };
        let body = match self.upload {
            Some(upload) => Body::Parts(upload),
            None => Body::Whole(self.buffer, self.reservation.close()),
        };
        Ok(ClosedFile {
            id: self.id,
            object,
            body,
            trace,
        })
    }
}

/// A buffer that has grown and has to grow on goes into a larger one, if one waits to be filled again.
fn make_room(buffer: &mut Vec<u8>, bytes: usize, worth_from: usize, account: &Account) {
    let held = buffer.len();
    if held < worth_from || held + bytes <= buffer.capacity() {
        return;
    }
    let Some(mut roomy) = account.spare() else {
        return;
    };
    if roomy.capacity() >= held + bytes {
        roomy.extend_from_slice(buffer);
        std::mem::swap(buffer, &mut roomy);
    }
    account.keep(roomy);
}

/// What an open file holds so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenObject {
    /// The object's key.
    pub(crate) key: String,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) records: u64,
    /// Encoded bytes; what a format adds at its end is not among them.
    pub(crate) bytes: u64,
}

enum Body {
    Whole(Vec<u8>, Reservation),
    Parts(Multipart),
}

/// A file that takes no more records and waits for its plan.
pub(crate) struct ClosedFile {
    id: FileId,
    object: ClosedObject,
    body: Body,
    trace: Option<Arc<FileTrace>>,
}

/// An object that is being completed.
pub(crate) struct Completing {
    pub(crate) id: FileId,
    /// What its log line will say.
    pub(crate) object: ClosedObject,
    pub(crate) trace: Option<FileTrace>,
}

impl ClosedFile {
    /// Makes the object visible. Answers what to expect.
    pub(crate) fn complete(self, uploader: &Arc<Uploader>) -> Completing {
        match self.body {
            Body::Whole(bytes, reservation) => {
                uploader.put(self.id, self.object.clone(), bytes, reservation)
            }
            Body::Parts(upload) => upload.complete(self.object.clone()),
        }
        Completing {
            id: self.id,
            object: self.object,
            trace: self.trace.map(FileTrace::planned),
        }
    }
}

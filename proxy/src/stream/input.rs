//! The request's side of a stream: bytes in, records out.
//!
//! Holds the records that were not read yet, of which only the last may be incomplete, so that it is bounded by the
//! largest record and a piece of the body. What fails: records of a wrong shape, after which the stream goes on; broken
//! JSON, after which it seldom does; a record over the limit.

use bytes::{Buf, BytesMut};
use sluiceway_common::json::{Container, End, JsonError, JsonErrorKind, Options, Scanner};

use super::alike::{Alike, Found};
use super::position::Position;
use super::resync::{Resync, resync};
use super::split::{Splitter, is_space};
use crate::coerce::Mismatch;
use crate::config::Config;
use crate::error::{Code, Error, codes};
use crate::produce::RecordError;
use crate::record_request::{self, RecordRequest, STREAMED};

/// Jackson's limits, without the one on strings: records are bounded as a whole.
pub(super) const OPTIONS: Options = Options {
    max_string_len: usize::MAX,
    ..Options::STRICT
};
/// Bytes behind broken JSON that are searched again with every piece. Beyond, only at the end.
const SEARCHED: usize = 64 * 1024;

/// What the input holds next.
pub(super) enum Read {
    /// A record of this size.
    Record(usize),
    /// An error that is an answer.
    Failed(RecordError),
    /// Nothing whole.
    Nothing,
}

/// The records of a stream.
pub(super) struct Input {
    buffer: BytesMut,
    /// How much of the buffer was read. It goes when more comes, not with each record.
    read: usize,
    splitter: Splitter,
    alike: Alike,
    /// The body is at its end.
    ended: bool,
    /// The buffer may hold another record.
    more: bool,
    /// What the stream ends with.
    last: Option<RecordError>,
    /// Behind broken JSON: its error, for which the buffer's front is the broken record.
    broken: Option<JsonError>,
    max_record: usize,
    /// `api.v3.produce.request.size.limit.max.bytes`
    max_request: Option<usize>,
    /// Behind what was read.
    position: Position,
}

impl Input {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            buffer: BytesMut::new(),
            read: 0,
            splitter: Splitter::default(),
            alike: Alike::default(),
            ended: false,
            more: false,
            last: None,
            broken: None,
            max_record: config.http.max_body_bytes,
            max_request: config.stream.max_request_bytes,
            position: Position::default(),
        }
    }

    /// Takes a piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.advance(std::mem::take(&mut self.read));
        self.buffer.extend_from_slice(piece);
        self.more = true;
    }

    /// Takes the end of the body.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.more = true;
    }

    /// Ends the stream without another answer.
    pub(super) fn finish(&mut self) {
        self.buffer.clear();
        self.read = 0;
        self.broken = None;
        self.ended = true;
        self.more = false;
    }

    /// Ends the stream with an error.
    pub(super) fn fail(&mut self, error: RecordError) {
        self.finish();
        self.last = Some(error);
        self.more = true;
    }

    /// Whether another record may be here.
    pub(super) fn has_more(&self) -> bool {
        self.more
    }

    /// Whether there will be no more.
    pub(super) fn is_done(&self) -> bool {
        self.ended && !self.more
    }

    /// Bytes that were not read yet.
    pub(super) fn held(&self) -> usize {
        self.unread().len()
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.read..).unwrap_or_default()
    }

    /// The next record, which is written to `request`. Its data are appended to `json`.
    pub(super) fn next(&mut self, json: &mut Vec<u8>, request: &mut RecordRequest) -> Read {
        if let Some(error) = self.last.take() {
            self.more = false;
            return Read::Failed(error);
        }
        if let Some(error) = self.broken.take() {
            return self.behind(error, json, request);
        }
        if let Some(size) = self.whole(json, request) {
            return Read::Record(size);
        }
        let Some(range) = self
            .splitter
            .next(self.buffer.get(self.read..).unwrap_or_default(), self.ended)
        else {
            self.consume(self.splitter.before());
            self.more = false;
            return self.bounded();
        };
        let size = range.len();
        if self.is_too_large(size) {
            return self.too_large();
        }
        self.consume(range.start);
        let record = self.unread().get(..size).unwrap_or_default();
        let mut scanner = Scanner::new(record, 0, &OPTIONS);
        let begun = json.len();
        let read = record_request::decode(record, &mut scanner, json, &STREAMED);
        let read = read.and_then(|found| Ok(scanner.finish().map(|()| found)?));
        match read {
            Ok(Some(found)) => {
                *request = found;
                self.consume(size);
                Read::Record(size)
            }
            Ok(None) => {
                self.consume(size);
                failed(codes::INTERNAL, "Internal Server Error".to_owned())
            }
            Err(mismatch) => {
                json.truncate(begun);
                self.refused(mismatch, size)
            }
        }
    }

    /// The next record if it lies here whole and is as it should be, as most are: its end need not be looked for then.
    fn whole(&mut self, json: &mut Vec<u8>, request: &mut RecordRequest) -> Option<usize> {
        if !self.splitter.is_between() {
            return None;
        }
        let unread = self.buffer.get(self.read..)?;
        let start = unread.iter().position(|byte| !is_space(*byte))?;
        let record = unread.get(start..)?;
        let begun = json.len();
        let found = match self.alike.read(record, json, request) {
            Some(found) => Some(found),
            None => decoded(record, json).map(|(found, size)| {
                let record = record.get(..size).unwrap_or_default();
                self.alike.keep(record, &found);
                *request = found;
                Found {
                    size,
                    on_a_line: false,
                }
            }),
        };
        let found = found.filter(|found| !self.is_too_large(found.size));
        let Some(Found { size, on_a_line }) = found else {
            json.truncate(begun);
            return None;
        };
        self.consume(start);
        match on_a_line {
            true => self.consume_on_a_line(size),
            false => self.consume(size),
        }
        Some(size)
    }

    fn is_too_large(&self, size: usize) -> bool {
        size > self.max_record || self.max_request.is_some_and(|max| size > max)
    }

    /// A record that was not understood.
    fn refused(&mut self, mismatch: Mismatch, size: usize) -> Read {
        let record = self.unread().get(..size).unwrap_or_default();
        let first = record.first().copied();
        match mismatch {
            Mismatch::Shape(message) => {
                match Scanner::new(record, 0, &OPTIONS).skip() {
                    Ok(()) => self.consume(size),
                    Err(error) => self.broken = Some(error),
                }
                failed(codes::BAD_REQUEST, message)
            }
            // What is no value at all is noticed before a record is read.
            Mismatch::Syntax(error) if !matches!(first, Some(b'{' | b'[' | b'"')) => {
                self.ends(error)
            }
            Mismatch::Syntax(error) => {
                let message = self.placed(error.clone()).to_string();
                self.broken = Some(error);
                failed(codes::BAD_REQUEST, message)
            }
        }
    }

    /// Looks for the end of a broken record.
    fn behind(
        &mut self,
        error: JsonError,
        json: &mut Vec<u8>,
        request: &mut RecordRequest,
    ) -> Read {
        match resync(self.unread(), &error, self.ended, &OPTIONS) {
            Resync::Resumed(at) => {
                self.splitter.skip_to(at);
                self.consume(at);
                self.next(json, request)
            }
            Resync::Failed(error) => self.ends(error),
            Resync::More if self.held() > SEARCHED => self.ends(error),
            Resync::More => {
                self.broken = Some(error);
                self.more = false;
                Read::Nothing
            }
        }
    }

    /// Ends the stream for broken JSON.
    fn ends(&mut self, error: JsonError) -> Read {
        let error = self.placed(error);
        self.finish();
        failed(
            codes::BAD_REQUEST,
            format!("Bad Request: Error processing message: {error}"),
        )
    }

    /// Refuses an incomplete record that is too large already.
    fn bounded(&mut self) -> Read {
        let size = self.held();
        if self.is_too_large(size) {
            return self.too_large();
        }
        Read::Nothing
    }

    fn too_large(&mut self) -> Read {
        let limit = self.max_request.filter(|max| *max <= self.max_record);
        self.finish();
        if limit.is_some() {
            let message = "Bad Request: Error processing message: Produce request size is larger than allowed threshold";
            return failed(codes::BAD_REQUEST, message.to_owned());
        }
        let error = Error::BodyTooLarge(self.max_record);
        failed(error.code(), error.to_string())
    }

    fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held());
        let end = self.read + bytes;
        // Now, while the caches have it.
        self.position
            .pass(self.buffer.get(self.read..end).unwrap_or_default());
        self.read = end;
        self.splitter.consumed(bytes);
    }

    /// Consumes what holds no end of a line.
    fn consume_on_a_line(&mut self, bytes: usize) {
        self.position.column += bytes;
        self.read += bytes;
        self.splitter.consumed(bytes);
    }

    /// Counts the lines and columns that an error names from the beginning of the stream.
    fn placed(&self, mut error: JsonError) -> JsonError {
        let from = self.position;
        let shift = |line: &mut usize, column: &mut usize| {
            if *line == 1 {
                *column += from.column - 1;
            }
            *line += from.line - 1;
        };
        match &mut error.kind {
            // The root begins with the stream.
            JsonErrorKind::MismatchedClose {
                container: Container::Root,
                ..
            } => {}
            JsonErrorKind::UnexpectedEnd(End::Container { line, column, .. })
            | JsonErrorKind::MismatchedClose { line, column, .. } => shift(line, column),
            _ => {}
        }
        error
    }
}

/// The record that `input` begins with, and its size.
fn decoded(input: &[u8], json: &mut Vec<u8>) -> Option<(RecordRequest, usize)> {
    let mut scanner = Scanner::new(input, 0, &OPTIONS);
    let read = record_request::decode(input, &mut scanner, json, &STREAMED);
    Some((read.ok()??, scanner.position()))
}

/// What a stream holds that comes in pieces of so many bytes, as text: records with their data, and errors. Tests and fuzz
/// targets look at it.
pub(crate) fn in_pieces(stream: &[u8], step: usize, config: &Config) -> Vec<String> {
    let mut input = Input::new(config);
    let (mut pieces, mut found, mut json) = (stream.chunks(step), Vec::new(), Vec::new());
    let mut request = RecordRequest::default();
    while !input.is_done() {
        match pieces.next() {
            Some(piece) => input.push(piece),
            None => input.end(),
        }
        while input.has_more() {
            found.push(match input.next(&mut json, &mut request) {
                Read::Nothing => continue,
                Read::Failed(error) => error.message.to_string(),
                Read::Record(size) => shown(request.clone(), size, &json),
            });
        }
    }
    found
}

/// A record without the places of its data, and those.
fn shown(mut request: RecordRequest, size: usize, json: &[u8]) -> String {
    let sides = [&mut request.key, &mut request.value];
    let data = sides.map(|side| {
        let span = side.as_mut().and_then(|side| side.json.take());
        span.map(|span| String::from_utf8_lossy(span.of(json)).into_owned())
    });
    format!("{size} {request:?} {data:?}")
}

fn failed(code: Code, message: String) -> Read {
    Read::Failed(RecordError::new(code, message))
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;

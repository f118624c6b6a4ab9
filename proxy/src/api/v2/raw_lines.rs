//! Raw records, one a line, from a body of any length: read, checked and written block by block.
//!
//! ```text
//! body ─▶ Blocks ─▶ records of a block ─▶ produce ─▶ entries of the answer
//!            ▲                                 └── all delivered: the next block is read
//!            └── a block and the longest line are held, and 72 bytes a record for the answer
//! ```
//!
//! What is wrong within the first block refuses the request, and nothing is written. Behind it the request ends there: the
//! answer (207) has an entry for each record that was handed over, and a last one that says what was wrong and where. A later
//! block that finds no room on its way to Kafka waits for it, for as long as the body might have made it wait.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Incoming;

use super::offsets::{Offsets, SchemaIds};
use crate::admission::Permit;
use crate::api::Request;
use crate::body::{self, Limits, Pace};
use crate::error::Error;
use crate::events;
use crate::format::Format;
use crate::produce::{self, RecordError, produce};
use crate::raw::{Begin, Blocks, Kind, Meta, no_record};
use crate::respond::{self, Response};

/// Pause before the next look whether there is room.
const PAUSE: Duration = Duration::from_millis(20);

/// What a request says of its lines.
pub(super) struct Lines {
    pub(super) kind: Kind,
    pub(super) meta: Meta,
    pub(super) topic: String,
    pub(super) partition: Option<i32>,
}

/// Writes the records of a body.
///
/// # Errors
/// Nothing was written.
pub(super) async fn write(
    request: &Request<'_>,
    lines: &Lines,
    mut body: Incoming,
) -> Result<Response, Error> {
    let app = request.app;
    let mut upload = Upload {
        request,
        lines,
        limits: app.body_limits(),
        pending: Bytes::new(),
        blocks: lines.kind.blocks(app.config.raw.block_bytes),
        begin: Begin::default(),
        records: 0,
        offsets: Offsets::new(true, 0),
        kept: app.admission.empty(),
    };
    match upload.run(&mut body).await {
        Err(error) if upload.records == 0 => return Err(error),
        Err(error) => upload.break_off(&error),
        Ok(()) if upload.records == 0 => return Err(no_record()),
        Ok(()) => {}
    }
    let answer = upload.offsets.finish(SchemaIds::default());
    let mut response = respond::bytes(answer.status, request.negotiated, answer.body);
    answer
        .outcome
        .apply(&mut response, app.admission.retry_after());
    Ok(response)
}

struct Upload<'a> {
    request: &'a Request<'a>,
    lines: &'a Lines,
    limits: Limits,
    /// What has come and is in no block yet.
    pending: Bytes,
    blocks: Blocks,
    /// Where the next block begins.
    begin: Begin,
    /// Records that were handed over.
    records: usize,
    offsets: Offsets,
    /// What the answer takes.
    kept: Permit,
}

impl Upload<'_> {
    async fn run(&mut self, body: &mut Incoming) -> Result<(), Error> {
        let mut received = 0;
        loop {
            let mut permit = self.request.app.admission.empty();
            let Some(block) = self.next(body, &mut received, &mut permit).await? else {
                return Ok(());
            };
            self.hand_over(block, permit).await?;
        }
    }

    /// The next block; `None` at the end of the body.
    async fn next(
        &mut self,
        body: &mut Incoming,
        received: &mut usize,
        permit: &mut Permit,
    ) -> Result<Option<Vec<u8>>, Error> {
        let app = self.request.app;
        let (pace, before) = (Pace::start(self.limits), *received);
        loop {
            if let Some(block) = self.blocks.next() {
                return Ok(Some(block));
            }
            if !self.pending.is_empty() {
                self.take(permit).await?;
                continue;
            }
            let patience = pace.patience(*received - before);
            let piece = tokio::select! {
                piece = body::next(body, patience) => piece?,
                () = app.stopping.cancelled() => {
                    return Err(Error::Unreachable("this one is being stopped".to_owned()));
                }
            };
            let Some(piece) = piece else {
                return Ok(self.blocks.rest());
            };
            *received += piece.len();
            if *received > self.limits.max_bytes {
                return Err(Error::BodyTooLarge(self.limits.max_bytes));
            }
            self.request.charge(piece.len(), 0);
            self.pending = piece;
        }
    }

    /// Takes as much of what has come as a block may have.
    async fn take(&mut self, permit: &mut Permit) -> Result<(), Error> {
        let config = &self.request.app.config;
        let some = self.pending.len().min(config.raw.block_bytes);
        self.blocks.push(&self.pending.split_to(some));
        self.reserve(permit, self.blocks.held()).await?;
        // A longer line would be refused by itself, but then it would have to be held.
        let longest = config.delivery.max_record_bytes;
        if self.blocks.open() > longest.max(config.raw.block_bytes) {
            return Err(Error::LineTooLarge {
                line: self.begin.lines + 1,
                limit: longest,
            });
        }
        Ok(())
    }

    /// Writes a block's records and waits for their results.
    async fn hand_over(&mut self, block: Vec<u8>, mut permit: Permit) -> Result<(), Error> {
        let (app, lines) = (self.request.app, self.lines);
        let batch = lines
            .kind
            .records_of_block(block, &lines.meta, &mut self.begin)?;
        let count = batch.records.len();
        if count == 0 {
            return Ok(());
        }
        let most = app.config.raw.max_lines;
        if self.records + count > most {
            return Err(Error::TooManyLines(most));
        }
        self.reserve(&mut permit, produce::cost(&batch)).await?;
        self.request.charge(0, count);
        let (topic, partition) = (&lines.topic, lines.partition);
        let produced = produce(app, topic, partition, Format::Binary, batch, permit).await?;
        self.records += count;
        self.offsets.add(&produced);
        drop(produced);
        let mut kept = std::mem::replace(&mut self.kept, app.admission.empty());
        let reserved = self.reserve(&mut kept, self.offsets.len()).await;
        self.kept = kept;
        reserved
    }

    /// Makes room. Once something is written the client cannot simply try again: then it is waited for, without holding
    /// anything meanwhile that others wait for.
    async fn reserve(&self, permit: &mut Permit, bytes: usize) -> Result<(), Error> {
        if permit.resize(bytes) {
            return Ok(());
        }
        let refused = permit.refused();
        if self.records == 0 {
            return Err(refused);
        }
        let until = Instant::now() + self.limits.timeout;
        while Instant::now() < until {
            let _smaller = permit.resize(0);
            tokio::time::sleep(PAUSE).await;
            if permit.resize(bytes) {
                return Ok(());
            }
        }
        Err(refused)
    }

    /// The last entry: what was wrong.
    fn break_off(&mut self, error: &Error) {
        events::refused(&self.request.app.metrics, error);
        let message = format!(
            "{error} Of the body, the {} records above were read.",
            self.records
        );
        self.offsets.fail(RecordError::new(error.code(), message));
    }
}

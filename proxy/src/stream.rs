//! v3's streamed produce: records are read, written and answered over one request, for as long as the client likes.
//!
//! ```text
//! request body ─▶ Input: split, decoded ─▶ prepared ─▶ Burst (on its way) ─▶ an answer per record ─▶ response body
//!                 one partial record       records that arrived together      in the records' order
//! ```
//!
//! Everything runs inside of the response body's `poll`: a client that does not read its answers stops being read, and
//! one that goes away takes the stream along (records handed to Kafka are still delivered). At most
//! [`MAX_RECORDS`] are under way per stream, and their bytes count against the admission of the whole proxy: a stream
//! waits for room where other requests are refused. What fails: records, each with its own answer; broken JSON, a
//! record over the limit and silence end the stream.

mod alike;
mod answers;
pub(crate) mod input;
mod position;
mod resync;
mod single;
pub(crate) mod split;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hyper::body::Incoming;
use tokio::time::sleep_until;

use crate::admission::Permit;
use crate::app::App;
use crate::body;
use crate::error::{Error, codes};
use crate::events;
use crate::produce::RecordError;
use crate::produce::answer::{self, Common};
use crate::produce::burst::{self, Burst, Outcome};
use crate::produce::prepare::{is_plain, plain, prepare};
use crate::produce::records::Records;
use crate::rate_limit;
use crate::record_request::RecordRequest;
use crate::trace_context::{Sending, TraceContext};
use input::{Input, Read};
use sluiceway_common::meters::Account;

pub use answers::Answers;
use answers::Out;
pub(crate) use single::Single;

/// Records under way per stream.
const MAX_RECORDS: usize = 1000;
/// Records that are handed over together.
const MAX_BURST: usize = 256;
/// Room made at once for the bytes of records that are handed over together.
const USUAL_BYTES: usize = 128 * 1024;
/// Pause before the next attempt when other requests fill the admission.
const PAUSE: Duration = Duration::from_millis(10);

/// What is known of whoever sends a stream.
pub(crate) struct Sender {
    /// Whom records are charged to, when they are limited.
    pub(crate) account: Option<Arc<Account>>,
    /// The trace that its records belong to.
    pub(crate) trace: TraceContext,
}

/// Starts a stream. Nothing happens before the answers are polled.
#[must_use]
pub(crate) fn produce(
    app: Arc<App>,
    sender: Sender,
    cluster: &str,
    topic: &str,
    body: Incoming,
) -> Answers {
    let out = Out::default();
    let stream = Stream {
        common: Common::new(cluster, topic),
        cluster: cluster.to_owned(),
        topic: Arc::from(topic),
        input: Input::new(&app.config),
        held: app.admission.empty(),
        bursts: VecDeque::new(),
        answered: 0,
        under_way: 0,
        usual: 0,
        out: out.clone(),
        started: Instant::now(),
        closing: None,
        sender,
        app,
    };
    Answers::new(out, stream.run(body))
}

struct Stream {
    app: Arc<App>,
    sender: Sender,
    cluster: String,
    topic: Arc<str>,
    /// What the answers have in common.
    common: Common,
    input: Input,
    /// What the input's buffer holds.
    held: Permit,
    /// Records under way with the span that sends them, oldest first.
    bursts: VecDeque<(Burst, Sending)>,
    /// Records of the oldest burst that were answered.
    answered: usize,
    /// Records under way.
    under_way: usize,
    /// Bytes a record of those that were handed over last: the next will have as many.
    usual: usize,
    out: Out,
    started: Instant,
    /// When a stream that is too old is closed.
    closing: Option<Instant>,
}

impl Stream {
    async fn run(mut self, mut body: Incoming) {
        let app = Arc::clone(&self.app);
        let timeout = app.config.http.body_timeout;
        loop {
            self.answer();
            while self.input.has_more() && self.under_way < MAX_RECORDS {
                self.hand_over().await;
                self.answer();
            }
            if self.input.is_done() && self.bursts.is_empty() {
                return;
            }
            let reading = !self.input.is_done() && !self.input.has_more();
            tokio::select! {
                biased;
                () = oldest(&self.bursts, self.answered), if !self.bursts.is_empty() => {}
                piece = body::next(&mut body, timeout), if reading => self.take(piece),
                () = app.stopping.cancelled(), if reading => self.input.finish(),
                () = until(self.closing), if self.closing.is_some() && reading => self.input.finish(),
            }
        }
    }

    /// Takes a piece of the body, or its end.
    fn take(&mut self, piece: Result<Option<bytes::Bytes>, Error>) {
        match piece {
            Ok(Some(piece)) => self.input.push(&piece),
            Ok(None) => self.input.end(),
            // Silence while answers are outstanding is the client waiting for them.
            Err(Error::BodyTimeout) if !self.bursts.is_empty() => {}
            Err(Error::BodyAborted(_)) => self.input.finish(),
            Err(error) => self.refuse(&error),
        }
    }

    /// Ends the stream with an error of the proxy.
    fn refuse(&mut self, error: &Error) {
        events::refused(&self.app.metrics, error);
        self.input
            .fail(RecordError::new(error.code(), error.to_string()));
    }

    /// Reads records that have arrived, and hands them over together.
    async fn hand_over(&mut self) {
        let now = now();
        let room = MAX_BURST.min(MAX_RECORDS - self.under_way);
        let held = self.input.held();
        let expected = held / self.usual.max(1) + 1;
        let mut records = Records::with_capacity(expected.min(room));
        let mut bytes = Vec::with_capacity(held.min(USUAL_BYTES));
        let (mut request, mut sending) = (RecordRequest::default(), None);
        let too_old = self.started.elapsed() > self.app.config.stream.max_duration;
        while records.len() < room {
            match self.input.next(&mut bytes, &mut request) {
                Read::Record(size) => {
                    let begin = || self.sender.trace.sending(&self.topic);
                    sending
                        .get_or_insert_with(begin)
                        .add_to(&mut request.headers);
                    match self.refusal(size, too_old) {
                        Some(error) => records.push(Err(error)),
                        None if is_plain(&request) => {
                            records.push(plain(&request, &mut bytes, now));
                        }
                        None => {
                            let (app, topic) = (&self.app, &self.topic);
                            records.push(prepare(app, topic, &request, &mut bytes, now).await);
                        }
                    }
                }
                Read::Failed(error) => records.push(Err(error)),
                Read::Nothing => break,
            }
        }
        if !self.held.resize(self.input.held()) {
            self.refuse(&self.held.refused());
        }
        if records.is_empty() {
            return;
        }
        self.usual = (held - self.input.held()) / records.len();
        let permit = self.admitted(burst::cost(&bytes, records.len())).await;
        let burst = burst::send(&self.app, &self.topic, records, bytes, permit).await;
        self.under_way += burst.len();
        self.bursts.push_back((burst, sending.unwrap_or_default()));
    }

    /// What a record is refused for before it is looked at.
    fn refusal(&mut self, size: usize, too_old: bool) -> Option<RecordError> {
        if too_old {
            let grace = self.app.config.stream.grace;
            self.closing.get_or_insert_with(|| Instant::now() + grace);
            return Some(RecordError::new(
                codes::REQUEST_TIMEOUT,
                "Streaming connection open for longer than allowed: Connection will be closed.",
            ));
        }
        if let Some(account) = &self.sender.account
            && !account.take_record(size)
        {
            return Some(rate_limit::refused());
        }
        let limits = self.app.rate_limits.as_ref()?;
        limits.refusal(&self.cluster, size)
    }

    /// Waits until so many bytes more may be on their way.
    async fn admitted(&mut self, cost: usize) -> Permit {
        let mut permit = self.app.admission.empty();
        while !permit.resize(cost) {
            if self.bursts.is_empty() {
                tokio::time::sleep(PAUSE).await;
            } else {
                oldest(&self.bursts, self.answered).await;
                self.answer();
            }
        }
        permit
    }

    /// Answers every record whose result is known, as long as those before it are.
    fn answer(&mut self) {
        let mut out = self.out.lock();
        while let Some((burst, _)) = self.bursts.front() {
            while self.answered < burst.len() {
                match burst.outcome(self.answered) {
                    None => return,
                    Some(Outcome::Stored(place, key, value)) => {
                        out.add(|text| self.common.streamed_stored(text, place, key, value));
                    }
                    Some(Outcome::Failed(error)) => {
                        let errors = std::slice::from_ref(&error);
                        crate::produce::failed(&self.app, &self.topic, errors);
                        out.add(|text| answer::streamed_failed(text, &error));
                    }
                }
                self.answered += 1;
            }
            self.answered = 0;
            if let Some((burst, sending)) = self.bursts.pop_front() {
                self.under_way -= burst.len();
                burst.count_stored(&self.app);
                sending.delivered(burst.len(), || burst.totals());
            }
        }
    }
}

async fn oldest(bursts: &VecDeque<(Burst, Sending)>, answered: usize) {
    if let Some((burst, _)) = bursts.front() {
        burst.record(answered).await;
    }
}

async fn until(time: Option<Instant>) {
    if let Some(time) = time {
        sleep_until(time.into()).await;
    }
}

/// Epoch milliseconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(1, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

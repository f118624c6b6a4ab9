//! Server-sent events: records pushed as they come, over one answer.
//!
//! ```text
//! Source (an instance, or a partition without a group) ─ read ─▶ events ─ a place for one chunk ─▶ body ─▶ client
//!            ▲                                                     └── full: nothing is read until the client does
//!            └── from `Last-Event-ID` on, else where the instance stands
//! ```
//!
//! In: a source of records and where to begin. Out: `id`, `data` for each record, a comment now and then while there is
//! nothing to say, `event: error` before a stream ends for a failure. An event's id holds the last offset of every
//! partition that this stream has shown, so a client that comes back with it goes on exactly there.
//!
//! Each stream is a task with a bounded channel: a client that does not read stops being read for, and is let go after
//! `sluiceway.sse.stall.ms`. What an instance's stream has taken counts as answered, as with a plain read: it is committed
//! if the instance commits by itself, and by `POST …/offsets` otherwise. Streams end when the proxy stops, when they are
//! as old as they may be, and with their instance.

mod id;
mod pushed;
mod source;
mod streams;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::sync::mpsc::Sender;

use crate::app::App;
use crate::body::Body;
use crate::consumer::ConsumerError;
use crate::consumer::read::Want;
use crate::entity::ErrorMessage;
use crate::events::{self, StreamEnd};
use crate::media::{MediaType, Negotiated};
use crate::respond::{self, Response};

pub(crate) use id::Positions;
pub use pushed::Pushed;
pub(crate) use source::{Source, resume};
pub(crate) use streams::StreamPlace;
pub use streams::Streams;

const EVENT_STREAM: &str = "text/event-stream";
/// What the client is told to wait before it comes back.
const RETRY: &[u8] = b"retry: 1000\n\n";
const HEARTBEAT: &[u8] = b": still here\n\n";
/// Silence after which what has come is sent: events are to be quick.
const LINGER: Duration = Duration::from_millis(5);

/// Limits of event streams.
#[derive(Debug, Clone, Copy)]
pub struct SseConfig {
    /// Streams at once; 0: none are served.
    pub max_streams: usize,
    /// Age at which a stream ends.
    pub max_duration: Duration,
    /// Silence after which a comment is sent.
    pub heartbeat: Duration,
    /// Time that a client may leave events unread.
    pub stall: Duration,
    /// Bytes of keys and values that are sent together at most.
    pub chunk_bytes: usize,
}

/// Whether a request asks for events before anything else.
#[must_use]
pub fn wanted(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok()) else {
        return false;
    };
    let first = accept.split([',', ';']).next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case(EVENT_STREAM)
}

/// Whether an answer with these headers is a stream of events.
pub(crate) fn is_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|content_type| content_type == EVENT_STREAM)
}

/// The media type of errors before the first event.
#[must_use]
pub fn errors_in() -> Negotiated {
    Negotiated::plain(MediaType::V2)
}

/// Starts a stream. `positions` are those of the id that the client came back with.
pub(crate) fn start(
    app: &Arc<App>,
    source: Source,
    positions: Positions,
    place: StreamPlace,
) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let (body, marks) = Pushed::new(receiver);
    let stream = Stream {
        app: Arc::clone(app),
        settings: app.config.sse,
        source,
        positions,
        sender,
        started: Instant::now(),
    };
    tokio::spawn(async move {
        let app = Arc::clone(&stream.app);
        let end = stream.run().await;
        events::stream_ended(&app.metrics, end);
        // What counted the request as under way lets go when nobody works on it any longer, however slowly it is read.
        drop((marks.take(), place));
    });
    let mut response = respond::bytes(StatusCode::OK, &errors_in(), Vec::new());
    *response.body_mut() = Body::Pushed(Box::new(body));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, EVENT_STREAM),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Front servers of the nginx kind hold answers back otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Stream {
    app: Arc<App>,
    settings: SseConfig,
    source: Source,
    positions: Positions,
    sender: Sender<Bytes>,
    started: Instant,
}

impl Stream {
    async fn run(mut self) -> StreamEnd {
        let app = Arc::clone(&self.app);
        let until = self.started + self.settings.max_duration;
        let sender = self.sender.clone();
        tokio::select! {
            end = self.events() => end,
            () = sender.closed() => StreamEnd::Client,
            () = app.stopping.cancelled() => StreamEnd::Shutdown,
            () = tokio::time::sleep_until(until.into()) => StreamEnd::Lifetime,
        }
    }

    /// Sends events until that fails.
    async fn events(&mut self) -> StreamEnd {
        if let Err(end) = self.send(Bytes::from_static(RETRY)).await {
            return end;
        }
        let want = Want {
            wait: self.settings.heartbeat,
            max_bytes: self.settings.chunk_bytes,
            max_records: usize::MAX,
            min_bytes: None,
            linger: LINGER,
            join: Duration::ZERO,
            until_end: false,
            events: true,
        };
        let mut spoke = Instant::now();
        loop {
            let read = self.source.read(want).await;
            let counted = read.as_ref().ok().filter(|taken| taken.records > 0);
            if counted.is_some() || read.is_err() {
                let counted = counted.map(|taken| (taken.records, taken.bytes));
                let metrics = &self.app.consumers.metrics;
                metrics.read(self.source.format(), counted);
            }
            let text = match read {
                Ok(taken) if taken.records > 0 => self.positions.text(&taken),
                Ok(_) if spoke.elapsed() < self.settings.heartbeat => continue,
                Ok(_) => HEARTBEAT.to_vec(),
                Err(error) => {
                    let _gone = self.send(failure(&error)).await;
                    return StreamEnd::Failed;
                }
            };
            if let Err(end) = self.send(text.into()).await {
                return end;
            }
            spoke = Instant::now();
        }
    }

    async fn send(&self, bytes: Bytes) -> Result<(), StreamEnd> {
        match tokio::time::timeout(self.settings.stall, self.sender.send(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(StreamEnd::Client),
            Err(_) => Err(StreamEnd::Stalled),
        }
    }
}

/// The event before a stream ends for a failure: the body that a plain read would have been answered with.
fn failure(error: &ConsumerError) -> Bytes {
    let message = ErrorMessage {
        error_code: error.code().number,
        message: error.to_string(),
    };
    let json = serde_json::to_string(&message).unwrap_or_default();
    Bytes::from(format!("event: error\ndata: {json}\n\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_named_first_is_wanted() {
        for (accept, expected) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8, */*", true),
            (
                "application/vnd.kafka.json.v2+json, text/event-stream",
                false,
            ),
            ("*/*", false),
            ("", false),
        ] {
            let value = HeaderValue::from_static(accept);
            let headers = HeaderMap::from_iter([(header::ACCEPT, value)]);
            assert_eq!(wanted(&headers), expected, "{accept}");
        }
        assert!(!wanted(&HeaderMap::new()));
    }

    #[test]
    fn failures_are_one_line() {
        let text = failure(&ConsumerError::Undecodable("a\nb".into()));
        let expected = "event: error\ndata: {\"error_code\":40801,\"message\":\"a\\nb\"}\n\n";
        assert_eq!(text, expected);
    }
}

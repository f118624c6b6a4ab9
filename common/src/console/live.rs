//! `/console/live`: figures as server-sent events, one a second, after those of the last 15 minutes.
//!
//! ```text
//! event: history                                  event: figures
//! data: {"times": [ms, …], "series": {name: […]}} data: {"time": ms, "figures": {name: number, …}}
//! ```
//!
//! The registry is gathered once a second while somebody looks, every five seconds while nobody does. What is kept for the
//! history are totals, without connectors: some hundreds of kilobytes at most.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame};
use parking_lot::Mutex;
use prometheus::Registry;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::MissedTickBehavior;

use super::figures::{Figures, figures, totals};
use super::{Body, refusal, with_headers};

/// Between two events.
const STEP: Duration = Duration::from_secs(1);
/// Every so many steps one sample of the history.
const SAMPLE: u32 = 5;
/// Samples of the history: 15 minutes.
const SAMPLES: usize = 180;
/// Streams at once; above: 429.
const STREAMS: usize = 16;

/// The figures as they come.
pub(super) struct Live {
    latest: watch::Sender<Bytes>,
    history: Mutex<History>,
    places: Arc<Semaphore>,
}

/// The figures of a moment; names are shared between moments.
struct Kept {
    time: u64,
    figures: Vec<(Arc<str>, f64)>,
}

#[derive(Default)]
struct History {
    names: HashMap<String, Arc<str>>,
    samples: VecDeque<Kept>,
}

impl Live {
    /// Gathers until nobody has it any longer.
    pub(super) fn start(registry: Registry) -> Arc<Self> {
        let live = Arc::new(Self {
            latest: watch::Sender::new(Bytes::new()),
            history: Mutex::default(),
            places: Arc::new(Semaphore::new(STREAMS)),
        });
        let weak = Arc::downgrade(&live);
        tokio::spawn(async move {
            let mut clock = tokio::time::interval(STEP);
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for step in 0_u32.. {
                clock.tick().await;
                let Some(live) = weak.upgrade() else { return };
                live.step(&registry, step.is_multiple_of(SAMPLE));
            }
        });
        live
    }

    fn step(&self, registry: &Registry, sample: bool) {
        let watched = self.latest.receiver_count() > 0;
        if !watched && !sample {
            return;
        }
        let (time, families) = (now(), registry.gather());
        if sample {
            self.history.lock().add(time, totals(&families));
        }
        if watched {
            let event = json!({ "time": time, "figures": figures(&families) });
            let _unseen = self.latest.send_replace(event_of("figures", &event));
        }
    }
}

impl History {
    fn add(&mut self, time: u64, figures: Figures) {
        if self.samples.len() >= SAMPLES {
            self.samples.pop_front();
        }
        let named = figures.into_iter().map(|(name, value)| {
            let known = self.names.get(&name).cloned();
            let name = known.unwrap_or_else(|| {
                let shared: Arc<str> = name.as_str().into();
                self.names.insert(name, Arc::clone(&shared));
                shared
            });
            (name, value)
        });
        let figures = named.collect();
        self.samples.push_back(Kept { time, figures });
    }

    /// A column a name; where a sample does not have it, nothing.
    fn event(&self) -> Bytes {
        let mut series: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
        for (index, sample) in self.samples.iter().enumerate() {
            for (name, value) in &sample.figures {
                let column = series.entry(name).or_default();
                column.resize(index, None);
                column.push(Some(*value));
            }
        }
        for column in series.values_mut() {
            column.resize(self.samples.len(), None);
        }
        let times: Vec<u64> = self.samples.iter().map(|sample| sample.time).collect();
        event_of("history", &json!({ "times": times, "series": series }))
    }
}

fn event_of(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// A stream of events.
pub(super) fn stream(live: &Arc<Live>) -> Response<Body> {
    let Ok(place) = Arc::clone(&live.places).try_acquire_owned() else {
        let message =
            format!("{STREAMS} streams of figures are open, which is the limit: close one");
        return refusal(StatusCode::TOO_MANY_REQUESTS, &message);
    };
    let mut latest = live.latest.subscribe();
    latest.mark_unchanged();
    let begin: Bytes = [b"retry: 1000\n\n", &live.history.lock().event()[..]]
        .concat()
        .into();
    let events = Events {
        begin: Some(begin),
        next: Box::pin(next(latest)),
        _place: place,
    };
    let body = events.map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    with_headers(response)
}

type Next = Pin<Box<dyn Future<Output = Option<(Bytes, watch::Receiver<Bytes>)>> + Send>>;

async fn next(mut latest: watch::Receiver<Bytes>) -> Option<(Bytes, watch::Receiver<Bytes>)> {
    latest.changed().await.ok()?;
    let event = latest.borrow_and_update().clone();
    Some((event, latest))
}

/// The body of a stream. A client that reads slowly misses events; they are not kept for it.
struct Events {
    begin: Option<Bytes>,
    next: Next,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(begin) = self.begin.take() {
            return Poll::Ready(Some(Ok(Frame::data(begin))));
        }
        self.next.as_mut().poll(context).map(|event| {
            let (event, latest) = event?;
            self.next = Box::pin(next(latest));
            Some(Ok(Frame::data(event)))
        })
    }
}

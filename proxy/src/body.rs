//! Bodies: of requests, read whole and bounded; of answers, sent with or without a length.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::admission::Permit;
use crate::error::Error;
use crate::peers::Forwarded;
use crate::sse::Pushed;
use crate::stream::Answers;

/// An answer's body. The original's have no length: HTTP/1.1 sends them chunked.
#[derive(Debug, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes, without a length.
    Chunked(Bytes),
    /// These bytes, with their length.
    Sized(Bytes),
    /// Answers that are written while the request is still being read.
    Stream(Box<Answers>),
    /// The answer of another replica, as it comes.
    Forwarded(Box<Forwarded>),
    /// Events, as they come.
    Pushed(Box<Pushed>),
}

impl Body {
    /// How many bytes it has left, as far as that is known.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Empty | Self::Stream(_) | Self::Forwarded(_) | Self::Pushed(_) => 0,
            Self::Chunked(bytes) | Self::Sized(bytes) => bytes.len(),
        }
    }

    /// Whether none are left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && !self.is_stream()
    }

    /// Whether it comes bit by bit.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_) | Self::Forwarded(_) | Self::Pushed(_))
    }

    /// Its bytes; those of a stream are not known.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Empty | Self::Stream(_) | Self::Forwarded(_) | Self::Pushed(_) => Bytes::new(),
            Self::Chunked(bytes) | Self::Sized(bytes) => bytes,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Self::Forwarded(answer) = &mut *self {
            return answer.poll_frame(context);
        }
        if let Self::Stream(answers) = &mut *self {
            let next = ready!(answers.poll_next(context));
            return Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))));
        }
        if let Self::Pushed(events) = &mut *self {
            let next = ready!(events.poll_next(context));
            return Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))));
        }
        let bytes = std::mem::take(&mut *self).into_bytes();
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Chunked(bytes) if !bytes.is_empty() => SizeHint::default(),
            Self::Stream(_) | Self::Forwarded(_) | Self::Pushed(_) => SizeHint::default(),
            _ => SizeHint::with_exact(self.len() as u64),
        }
    }
}

/// Bounds on a request's body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes it may have.
    pub max_bytes: usize,
    /// Time that the client may leave between two pieces.
    pub timeout: Duration,
    /// Bytes a second that have to come on average, after [`GRACE`]; 0: none.
    pub min_rate: usize,
}

/// How long a body may be slower than its least rate.
const GRACE: Duration = Duration::from_secs(10);
/// What a body is given room for before any of it is there.
const FIRST_ROOM: usize = 1024 * 1024;

/// A body on its way: how slow it may be.
pub(crate) struct Pace {
    started: Instant,
    limits: Limits,
}

impl Pace {
    /// Of what comes from now on.
    pub(crate) fn start(limits: Limits) -> Self {
        Self {
            started: Instant::now(),
            limits,
        }
    }

    /// How long the next piece may take after `received` bytes.
    pub(crate) fn patience(&self, received: usize) -> Duration {
        let Some(due) = received.checked_div(self.limits.min_rate) else {
            return self.limits.timeout;
        };
        let due = GRACE + Duration::from_secs(due as u64);
        due.saturating_sub(self.started.elapsed())
            .min(self.limits.timeout)
    }
}

/// Reads a body to its end. A body that comes in one piece is not copied. `permit` grows with what is there, not with what is
/// announced: what nobody has sent keeps nobody out.
///
/// # Errors
/// Too large, too slow, broken off, or too much on its way already.
pub async fn read(mut body: Incoming, limits: Limits, permit: &mut Permit) -> Result<Bytes, Error> {
    read_all(&mut body, limits, permit).await
}

/// The same of a body that is still needed; there is nothing left in it.
///
/// # Errors
/// As [`read`].
pub async fn read_all(
    body: &mut Incoming,
    limits: Limits,
    permit: &mut Permit,
) -> Result<Bytes, Error> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > limits.max_bytes {
        return Err(Error::BodyTooLarge(limits.max_bytes));
    }
    let Some(first) = next(body, limits.timeout).await? else {
        return Ok(Bytes::new());
    };
    reserve(first.len(), limits, permit)?;
    let pace = Pace::start(limits);
    let Some(second) = next(body, pace.patience(first.len())).await? else {
        return Ok(first);
    };
    let room = expected.min(FIRST_ROOM).max(first.len() + second.len());
    let mut whole = BytesMut::with_capacity(room);
    whole.extend_from_slice(&first);
    let mut piece = second;
    loop {
        reserve(whole.len() + piece.len(), limits, permit)?;
        whole.extend_from_slice(&piece);
        match next(body, pace.patience(whole.len())).await? {
            Some(next) => piece = next,
            None => return Ok(whole.freeze()),
        }
    }
}

fn reserve(bytes: usize, limits: Limits, permit: &mut Permit) -> Result<(), Error> {
    if bytes > limits.max_bytes {
        return Err(Error::BodyTooLarge(limits.max_bytes));
    }
    if bytes > permit.bytes() && !permit.resize(bytes) {
        return Err(permit.refused());
    }
    Ok(())
}

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// Too slow, or broken off.
pub async fn next(body: &mut Incoming, timeout: Duration) -> Result<Option<Bytes>, Error> {
    loop {
        if body.is_end_stream() {
            return Ok(None);
        }
        // The timer is only made when there is something to wait for.
        let frame = match futures_util::FutureExt::now_or_never(body.frame()) {
            Some(frame) => frame,
            None => tokio::time::timeout(timeout, body.frame())
                .await
                .map_err(|_| Error::BodyTimeout)?,
        };
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(Error::BodyAborted(error.to_string())),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_body_has_less_and_less_time() {
        let limits = Limits {
            max_bytes: 1,
            timeout: Duration::from_secs(30),
            min_rate: 1000,
        };
        let pace = |seconds| Pace {
            started: Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap_or_else(Instant::now),
            limits,
        };
        let seconds = |pace: Pace, received| pace.patience(received).as_secs_f64().round();
        assert_eq!(seconds(pace(0), 10), 10.0);
        assert_eq!(seconds(pace(0), 100_000), 30.0);
        assert_eq!(seconds(pace(8), 10), 2.0);
        assert_eq!(seconds(pace(12), 10), 0.0);
        assert_eq!(seconds(pace(12), 5_000), 3.0);
        let any = Limits {
            min_rate: 0,
            ..limits
        };
        assert_eq!(
            seconds(
                Pace {
                    limits: any,
                    ..pace(100)
                },
                0
            ),
            30.0
        );
    }
}

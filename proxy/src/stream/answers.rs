//! The body of a streamed answer: it drives the stream, and gives out what that wrote.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::connections::Active;
use crate::layer::shed::Place as Slot;
use crate::produce::RecordError;
use crate::produce::answer::{self, Place, Shown};

/// The end of each answer, a chunk of its own.
const CRLF: &[u8] = b"\r\n";
/// Answers that are ready together from this number on are sent in one chunk.
const TOGETHER: usize = 16;

/// Answers that are not sent yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Out(Arc<Mutex<VecDeque<String>>>);

impl Out {
    /// A record was written.
    pub(super) fn stored(
        &self,
        common: &str,
        place: Place,
        key: Option<&Shown>,
        value: Option<&Shown>,
    ) {
        let text = answer::streamed_stored(common, place, key, value);
        self.0.lock().push_back(text);
    }

    /// A record was not.
    pub(super) fn failed(&self, error: &RecordError) {
        self.0.lock().push_back(answer::streamed_failed(error));
    }
}

/// The body.
pub struct Answers {
    out: Out,
    /// An answer was given out, its end was not.
    owes_end: bool,
    stream: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What marks the request as under way.
    kept: Option<(Active, Option<Slot>)>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

impl Answers {
    pub(super) fn new(out: Out, stream: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            out,
            owes_end: false,
            stream: Some(Box::pin(stream)),
            kept: None,
        }
    }

    /// Keeps what marks the request as under way until the stream ends.
    pub fn keep(&mut self, marks: (Active, Option<Slot>)) {
        self.kept = Some(marks);
    }

    /// The next piece of the answer; `None` at its end.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(bytes) = self.pop() {
                return Poll::Ready(Some(bytes));
            }
            let Some(stream) = &mut self.stream else {
                self.kept = None;
                return Poll::Ready(None);
            };
            match stream.as_mut().poll(context) {
                Poll::Ready(()) => self.stream = None,
                Poll::Pending => {
                    return match self.pop() {
                        Some(bytes) => Poll::Ready(Some(bytes)),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    fn pop(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.owes_end) {
            return Some(Bytes::from_static(CRLF));
        }
        let mut ready = self.out.0.lock();
        if ready.len() < TOGETHER {
            let text = ready.pop_front()?;
            self.owes_end = true;
            return Some(Bytes::from(text));
        }
        let size = ready.iter().map(|text| text.len() + CRLF.len()).sum();
        let mut together = Vec::with_capacity(size);
        for text in ready.drain(..) {
            together.extend_from_slice(text.as_bytes());
            together.extend_from_slice(CRLF);
        }
        Some(Bytes::from(together))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_answers_have_chunks_of_their_own_and_many_share_one() {
        let out = Out::default();
        let mut answers = Answers::new(out.clone(), async {});
        let mut chunks = |count: usize| {
            out.0.lock().extend((0..count).map(|n| n.to_string()));
            std::iter::from_fn(|| answers.pop()).collect::<Vec<_>>()
        };
        assert_eq!(chunks(2), ["0", "\r\n", "1", "\r\n"]);
        let many = chunks(TOGETHER);
        assert_eq!(many.len(), 1);
        assert!(many[0].starts_with(b"0\r\n1\r\n"));
    }
}

//! The body of a streamed answer: it drives the stream, and gives out what that wrote.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use crate::connections::Active;
use crate::layer::shed::Place as Slot;

/// The end of each answer, a chunk of its own.
const CRLF: &str = "\r\n";
/// Answers that are ready together from this number on are sent in one chunk.
const TOGETHER: usize = 16;

/// Answers that are not sent yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Out(Arc<Mutex<Ready>>);

/// Answers that were written.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Answers, each with its end behind it.
    text: String,
    /// How much of it was sent.
    sent: usize,
    /// Where each of the others stops.
    stops: VecDeque<usize>,
}

impl Out {
    /// To add answers to.
    pub(super) fn lock(&self) -> MutexGuard<'_, Ready> {
        self.0.lock()
    }
}

impl Ready {
    /// Adds an answer.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.stops.push_back(self.text.len());
        self.text.push_str(CRLF);
    }

    /// The next answer without its end, or many answers with theirs.
    fn pop(&mut self) -> Option<(Bytes, Owes)> {
        if self.stops.len() >= TOGETHER {
            let mut rest = std::mem::take(&mut self.text);
            // What is ready next will be as much.
            self.text.reserve(rest.len() - self.sent);
            rest.drain(..self.sent);
            self.sent = 0;
            self.stops.clear();
            return Some((Bytes::from(rest), Owes::Nothing));
        }
        let stop = self.stops.pop_front()?;
        let answer = self.text.as_bytes().get(self.sent..stop);
        let answer = Bytes::copy_from_slice(answer.unwrap_or_default());
        self.sent = stop + CRLF.len();
        if self.stops.is_empty() {
            self.text.clear();
            self.sent = 0;
        }
        Some((answer, Owes::End))
    }
}

/// What is to follow a piece of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owes {
    Nothing,
    /// The answer's end.
    End,
}

/// The body.
pub struct Answers {
    out: Out,
    /// What was given out without its end.
    owes: Owes,
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
            owes: Owes::Nothing,
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
        if std::mem::replace(&mut self.owes, Owes::Nothing) == Owes::End {
            return Some(Bytes::from_static(CRLF.as_bytes()));
        }
        let (bytes, owes) = self.out.0.lock().pop()?;
        self.owes = owes;
        Some(bytes)
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
            for number in 0..count {
                out.lock().add(|text| text.push_str(&number.to_string()));
            }
            std::iter::from_fn(|| answers.pop()).collect::<Vec<_>>()
        };
        assert_eq!(chunks(2), ["0", "\r\n", "1", "\r\n"]);
        let many = chunks(TOGETHER);
        assert_eq!(many.len(), 1);
        assert!(many[0].starts_with(b"0\r\n1\r\n"));
        assert_eq!(chunks(1), ["0", "\r\n"]);
    }
}

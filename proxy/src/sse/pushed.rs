//! A body that a task fills, piece by piece.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;

use crate::connections::Active;
use crate::layer::shed::Place;

/// What marks a request as under way.
type Kept = (Active, Option<Place>);

/// Marks that the task holds, put there by the body's answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks(Arc<Mutex<Option<Kept>>>);

impl Marks {
    pub(super) fn take(&self) -> Option<Kept> {
        self.0.lock().take()
    }
}

/// The body. Dropping it tells the task.
#[derive(Debug)]
pub struct Pushed {
    receiver: Receiver<Bytes>,
    marks: Marks,
}

impl Pushed {
    pub(super) fn new(receiver: Receiver<Bytes>) -> (Self, Marks) {
        let marks = Marks::default();
        let body = Self {
            receiver,
            marks: marks.clone(),
        };
        (body, marks)
    }

    /// Keeps what marks the request as under way until the task ends.
    pub fn keep(&mut self, kept: Kept) {
        if !self.receiver.is_closed() {
            *self.marks.0.lock() = Some(kept);
        }
    }

    /// The next piece; `None` at the end.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.receiver.poll_recv(context)
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        drop(self.marks.take());
    }
}

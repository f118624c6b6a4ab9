//! Large buffers that were sent and wait to be filled again: the system need not clear new pages for every part.
//!
//! In: buffers whose bytes are in S3. Out: the same ones, empty, to files that grow. They hold at most a share of the byte budget
//! and go first when it is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::budget::Account;

/// Smaller buffers than that, in bytes, are the allocator's.
pub(crate) const SMALLEST: usize = 1024 * 1024;
/// A file that holds so many bytes is worth one.
pub(crate) const WORTH_FROM: usize = 256 * 1024;
/// One of which a part was sent before is worth one so early.
pub(crate) const WORTH_AGAIN_FROM: usize = 32 * 1024;

/// The buffers that are kept.
#[derive(Debug)]
pub(crate) struct SpareBuffers {
    kept: Mutex<Vec<Vec<u8>>>,
    bytes: AtomicUsize,
    limit: usize,
}

impl SpareBuffers {
    /// Keeps `limit` bytes at most.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            kept: Mutex::default(),
            bytes: AtomicUsize::new(0),
            limit,
        }
    }

    /// Bytes kept now.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Keeps `buffer` if it is large enough and there is room.
    pub(crate) fn keep(&self, mut buffer: Vec<u8>) {
        let bytes = buffer.capacity();
        let mut kept = self.kept.lock();
        if bytes < SMALLEST || self.bytes() + bytes > self.limit {
            return;
        }
        buffer.clear();
        kept.push(buffer);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The one that was kept last: its pages are the warmest.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        if self.bytes() == 0 {
            return None;
        }
        let buffer = self.kept.lock().pop()?;
        self.bytes.fetch_sub(buffer.capacity(), Ordering::Relaxed);
        Some(buffer)
    }

    /// Frees all of them.
    pub(crate) fn free(&self) {
        let kept = std::mem::take(&mut *self.kept.lock());
        let bytes = kept.iter().map(Vec::capacity).sum();
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A buffer on its way to S3: kept once nobody reads it any more.
struct Sent {
    buffer: Vec<u8>,
    account: Arc<Account>,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.account.keep(std::mem::take(&mut self.buffer));
    }
}

/// The bytes of `buffer` for a request, which may be repeated; the buffer goes back to the budget of `account` afterwards.
pub(crate) fn sent(buffer: Vec<u8>, account: &Arc<Account>) -> Bytes {
    if buffer.capacity() < SMALLEST {
        return Bytes::from(buffer);
    }
    let account = Arc::clone(account);
    Bytes::from_owner(Sent { buffer, account })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Budget, Pressure};

    #[test]
    fn a_sent_buffer_is_used_again_and_stays_counted() {
        let budget = Budget::new(64 * SMALLEST);
        let account = budget.account();
        let mut buffer = Vec::with_capacity(2 * SMALLEST);
        buffer.extend_from_slice(b"part");
        let address = buffer.as_ptr();
        let bytes = sent(buffer, &account);
        let again = bytes.clone();
        drop(bytes);
        assert_eq!((&*again, budget.used()), (&b"part"[..], 0));
        drop(again);
        assert_eq!(budget.used(), 2 * SMALLEST);
        let buffer = account.spare().expect("it was kept");
        assert_eq!((buffer.as_ptr(), buffer.len()), (address, 0));
        assert_eq!((budget.used(), account.spare()), (0, None));
    }

    #[test]
    fn small_ones_and_too_many_are_not_kept() {
        let spares = SpareBuffers::new(5 * SMALLEST);
        for (capacity, kept) in [
            (SMALLEST / 2, 0),
            (2 * SMALLEST, 2 * SMALLEST),
            (4 * SMALLEST, 2 * SMALLEST),
        ] {
            spares.keep(Vec::with_capacity(capacity));
            assert_eq!(spares.bytes(), kept, "after one of {capacity}");
        }
        spares.free();
        assert_eq!((spares.bytes(), spares.take()), (0, None));
    }

    #[test]
    fn a_full_budget_frees_them_first() {
        let budget = Budget::new(24 * SMALLEST);
        let account = budget.account();
        let mut open = account.reserve();
        for (megabytes, kept, pressure) in [
            (14, 4, Pressure::None),
            (16, 4, Pressure::Soft),
            (18, 0, Pressure::Soft),
            (22, 0, Pressure::Hard),
        ] {
            account.keep(Vec::with_capacity(4 * SMALLEST));
            open.set(megabytes * SMALLEST);
            assert_eq!(budget.pressure(), pressure, "{megabytes} MiB in files");
            assert_eq!(budget.used(), (megabytes + kept) * SMALLEST);
            drop(account.spare());
        }
    }
}

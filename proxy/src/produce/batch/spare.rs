//! Buffers that batches were written into, kept for the next ones: a few of the whole process, however many identities
//! write. Without them every large batch would cost fresh pages.

use parking_lot::Mutex;

/// Buffers that are kept, and the bytes of the largest that is.
const KEPT: usize = 4;
const KEPT_BYTES: usize = 1_048_576;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// An empty buffer with room for so many bytes.
pub(super) fn take(room: usize) -> Vec<u8> {
    let mut buffer = SPARE.lock().pop().unwrap_or_default();
    buffer.reserve_exact(room);
    buffer
}

/// Gives one back.
pub(super) fn keep(mut buffer: Vec<u8>) {
    let mut spare = SPARE.lock();
    if spare.len() < KEPT && buffer.capacity() <= KEPT_BYTES {
        buffer.clear();
        spare.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_moderate_size_are_kept() {
        for _ in 0..2 * KEPT {
            keep(vec![1; 10]);
            keep(Vec::with_capacity(2 * KEPT_BYTES));
        }
        assert!(SPARE.lock().len() <= KEPT);
        let taken = take(100);
        assert!(taken.is_empty() && taken.capacity() >= 100);
    }
}

//! Buffers that hold little more than their bytes.
//!
//! A vector doubles when it is full: of a large buffer up to a half is then empty, and with many small ones it adds up. Here a
//! record is encoded into a buffer that the thread keeps for that ([`with`]), and goes from there into the buffer of its file,
//! which grows by small steps ([`append`]).

use std::cell::RefCell;

/// What a thread's buffer may keep, bytes.
const KEPT: usize = 1024 * 1024;
/// A buffer grows by an eighth of what it holds, between these: many files may hold little each. From [`LARGE`] on it grows by
/// a half, since it may have to move each time.
const LEAST_STEP: usize = 256;
const MOST_STEP: usize = 1024 * 1024;
const LARGE: usize = 256 * 1024;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with an empty buffer of the thread's. Calls may be nested.
pub(crate) fn with<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let kept = BUFFERS.with(|buffers| buffers.borrow_mut().pop());
    let mut buffer = kept.unwrap_or_default();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEPT {
        buffer.clear();
        BUFFERS.with(|buffers| buffers.borrow_mut().push(buffer));
    }
    result
}

/// Appends with little room to spare.
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8]) {
    reserve(buffer, bytes.len());
    buffer.extend_from_slice(bytes);
}

/// The same with two runs of bytes.
pub(crate) fn append_runs(buffer: &mut Vec<u8>, runs: [&[u8]; 2]) {
    reserve(buffer, runs.iter().map(|run| run.len()).sum());
    runs.iter().for_each(|run| buffer.extend_from_slice(run));
}

/// Room for so many bytes more, as [`append`] makes it.
fn reserve(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() - buffer.len() < bytes {
        buffer.reserve_exact(bytes.max(step(buffer.len())));
    }
}

fn step(held: usize) -> usize {
    let share = if held < LARGE { held / 8 } else { held / 2 };
    share.clamp(LEAST_STEP, MOST_STEP)
}

#[cfg(test)]
mod tests {
    use super::{append, step, with};

    #[test]
    fn a_buffer_holds_hardly_more_than_its_bytes() {
        let mut buffer = Vec::new();
        let record = [7; 493];
        for _ in 0..80_000 {
            append(&mut buffer, &record);
            assert!(buffer.capacity() <= buffer.len() + step(buffer.len()) + record.len());
        }
        // 38 MiB: a doubling buffer would hold 64.
        assert!(buffer.len() > 37 << 20 && buffer.capacity() < 39 << 20);
    }

    #[test]
    fn calls_may_be_nested() {
        let both = with(|outer| {
            outer.push(1);
            let inner = with(|inner| {
                inner.extend([2, 3]);
                inner.len()
            });
            (outer.len(), inner)
        });
        assert_eq!(both, (1, 2));
        assert!(with(|buffer| buffer.is_empty()));
    }
}

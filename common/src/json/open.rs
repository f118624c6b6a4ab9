//! Which arrays and objects a walk is inside of.

use super::Options;

/// The open arrays and objects: a bit each, set for an object.
#[derive(Debug)]
pub(super) struct Open {
    bits: [u64; Options::DEPTH_CEILING / 64],
    pub(super) depth: usize,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            bits: [0; Options::DEPTH_CEILING / 64],
            depth: 0,
        }
    }
}

impl Open {
    #[inline]
    pub(super) fn push(&mut self, object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if let Some(bits) = self.bits.get_mut(word) {
            *bits = *bits & !(1 << bit) | u64::from(object) << bit;
        }
        self.depth += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.depth -= 1;
    }

    #[inline]
    pub(super) fn object(&self) -> bool {
        let top = self.depth - 1;
        self.bits
            .get(top / 64)
            .is_some_and(|bits| bits >> (top % 64) & 1 == 1)
    }
}

//! What becomes of the bytes that a walk leaves: run by run, whatever stood between them left out.

/// Where the walked bytes go.
pub(super) trait Sink<'a> {
    /// The next run of bytes.
    fn run(&mut self, bytes: &'a [u8]);
}

/// Appends them.
pub(super) struct Append<'b>(pub(super) &'b mut Vec<u8>);

impl<'a> Sink<'a> for Append<'_> {
    #[inline]
    fn run(&mut self, bytes: &'a [u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// Copies nothing as long as there is one run only.
pub(super) struct InPlace<'a, 'b> {
    pub(super) only: &'a [u8],
    pub(super) buffer: &'b mut Vec<u8>,
}

impl<'a> Sink<'a> for InPlace<'a, '_> {
    #[inline]
    fn run(&mut self, bytes: &'a [u8]) {
        if self.only.is_empty() {
            self.only = bytes;
        } else if !bytes.is_empty() {
            if self.buffer.is_empty() {
                self.buffer.extend_from_slice(self.only);
            }
            self.buffer.extend_from_slice(bytes);
        }
    }
}

/// Forgets them.
pub(super) struct Discard;

impl<'a> Sink<'a> for Discard {
    #[inline]
    fn run(&mut self, _: &'a [u8]) {}
}

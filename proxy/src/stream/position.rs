//! Where in a stream its errors are, as Jackson counts: lines and columns, both from 1.

/// A line and a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

impl Position {
    /// Goes to where these bytes end.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.column += bytes.len();
        if let Some(last) = memchr::memrchr(b'\n', bytes) {
            self.line += memchr::memchr_iter(b'\n', bytes).count();
            self.column = bytes.len() - last;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_the_bytes_are_cut() {
        let text = b"{}\n\n {\"a\":\n1} ";
        let passed = |pieces: &[&[u8]]| {
            let mut position = Position::default();
            pieces.iter().for_each(|piece| position.pass(piece));
            position
        };
        let end = Position { line: 4, column: 4 };
        for cut in 0..=text.len() {
            let (left, right) = text.split_at(cut);
            assert_eq!(passed(&[left, right]), end, "cut at {cut}");
        }
        assert_eq!(passed(&[b"{}"]), Position { line: 1, column: 3 });
        assert_eq!(passed(&[b"{}\n"]), Position { line: 2, column: 1 });
    }
}

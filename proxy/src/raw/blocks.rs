//! A body of lines as it comes: cut into blocks that end where a line or a row does.
//!
//! In: pieces of the body. Out: blocks of whole lines, once they are large enough, and what is left at the end. So no more
//! than a block and the longest line is held, however long the body is.

/// See the module.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// Line ends within quotes are none.
    quotes: bool,
    buffer: Vec<u8>,
    /// Bytes at the buffer's front that are whole lines.
    whole: usize,
    /// The buffer ends within quotes.
    quoted: bool,
    /// Bytes from which whole lines are a block.
    size: usize,
}

impl Blocks {
    /// Of so many bytes, or as much more as comes with one piece. `quotes`: rows of CSV, which may hold line ends.
    pub(crate) fn new(size: usize, quotes: bool) -> Self {
        Self {
            quotes,
            buffer: Vec::new(),
            whole: 0,
            quoted: false,
            size,
        }
    }

    /// Takes a piece of the body.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(piece);
        if !self.quotes {
            if let Some(at) = memchr::memrchr(b'\n', piece) {
                self.whole = start + at + 1;
            }
            return;
        }
        for at in memchr::memchr2_iter(b'\n', b'"', piece) {
            if piece.get(at) == Some(&b'"') {
                // A doubled quote closes and opens again, which comes to the same.
                self.quoted = !self.quoted;
            } else if !self.quoted {
                self.whole = start + at + 1;
            }
        }
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Bytes behind the last line that is whole.
    pub(crate) fn open(&self) -> usize {
        self.buffer.len() - self.whole
    }

    /// The next block, if it is there.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        if self.whole == 0 || self.buffer.len() < self.size {
            return None;
        }
        let rest = self.buffer.split_off(self.whole);
        self.whole = 0;
        Some(std::mem::replace(&mut self.buffer, rest))
    }

    /// What is left at the end of the body, if anything is.
    pub(crate) fn rest(&mut self) -> Option<Vec<u8>> {
        self.whole = 0;
        let rest = std::mem::take(&mut self.buffer);
        (!rest.is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The blocks of a body that comes in pieces of so many bytes.
    fn blocks(body: &str, step: usize, size: usize, quotes: bool) -> Vec<String> {
        let (mut blocks, mut out) = (Blocks::new(size, quotes), Vec::new());
        let text = |block: Vec<u8>| String::from_utf8_lossy(&block).into_owned();
        for piece in body.as_bytes().chunks(step) {
            blocks.push(piece);
            out.extend(blocks.next().map(text));
        }
        out.extend(blocks.rest().map(text));
        out
    }

    #[test]
    fn blocks_end_where_lines_do() {
        let body = "one\ntwo\nthree\nfour";
        for step in 1..=body.len() {
            for size in [1, 5, 100] {
                let found = blocks(body, step, size, false);
                assert_eq!(found.concat(), body);
                let (last, whole) = found
                    .split_last()
                    .map_or((None, &[][..]), |(a, b)| (Some(a), b));
                assert!(last.is_some_and(|last| last.ends_with("four")));
                assert!(
                    whole
                        .iter()
                        .all(|block| block.ends_with('\n') && block.len() >= size.min(4))
                );
            }
        }
        assert_eq!(
            blocks(body, 1, 5, false),
            ["one\n", "two\n", "three\n", "four"]
        );
        assert!(blocks("", 1, 5, false).is_empty());
    }

    #[test]
    fn a_line_end_within_quotes_is_none() {
        let body = "a,\"b\nc\"\nd,\"\"\"\n\"\ne";
        for step in 1..=body.len() {
            let found = blocks(body, step, 1, true);
            assert_eq!(found.concat(), body);
            let ends = |block: &String| {
                ["a,\"b\nc\"\n", "d,\"\"\"\n\"\n", "e"]
                    .iter()
                    .any(|row| block.ends_with(row))
            };
            assert!(found.iter().all(ends), "{found:?}");
        }
    }

    #[test]
    fn what_is_open_is_known() {
        let mut blocks = Blocks::new(4, false);
        blocks.push(b"ab\ncd");
        assert_eq!((blocks.held(), blocks.open()), (5, 2));
        assert_eq!(blocks.next(), Some(b"ab\n".to_vec()));
        assert_eq!((blocks.held(), blocks.open()), (2, 2));
        assert_eq!(blocks.next(), None);
    }
}

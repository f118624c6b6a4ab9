//! Producer ids, each given out once in the life of the data folder. Ids are reserved on disk in blocks, so that
//! an id that was given out before a crash is not given out again after it.

use std::io;
use std::path::PathBuf;

use parking_lot::Mutex;

use super::files;

/// Ids per block, as in Kafka.
const BLOCK: i64 = 1_000;

/// Gives out producer ids.
#[derive(Debug)]
pub(crate) struct ProducerIds {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: i64,
    /// First id that is not reserved.
    end: i64,
}

impl ProducerIds {
    /// Goes on after the last block that was reserved in `path`.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let next = match files::read(&path)? {
            Some(content) => String::from_utf8_lossy(&content)
                .trim()
                .parse()
                .map_err(|_| files::invalid(&path, "not a producer id"))?,
            None => 0,
        };
        Ok(Self {
            path,
            state: Mutex::new(State { next, end: next }),
        })
    }

    /// A fresh id. Fails when a new block cannot be written.
    pub(crate) fn next(&self) -> io::Result<i64> {
        let mut state = self.state.lock();
        if state.next == state.end {
            let end = state.end + BLOCK;
            files::replace(&self.path, end.to_string().as_bytes())?;
            state.end = end;
        }
        let id = state.next;
        state.next += 1;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn no_id_is_given_out_twice_even_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("producer-ids");
        let first = ProducerIds::open(path.clone()).unwrap();
        assert_eq!((first.next().unwrap(), first.next().unwrap()), (0, 1));
        let second = ProducerIds::open(path.clone()).unwrap();
        assert_eq!(second.next().unwrap(), BLOCK);
        std::fs::write(&path, "x").unwrap();
        assert!(ProducerIds::open(path).is_err());
    }
}

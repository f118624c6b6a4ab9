//! Opens what an earlier run left of a partition. Only the segment that was written last can be torn, so only its
//! checksums are verified.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::super::files;
use super::super::producers::Producers;
use super::super::segment::{self, Segment};

/// The first offset that was not deleted, 0 unless something was.
pub(super) fn read_start_offset(dir: &Path) -> io::Result<i64> {
    let path = dir.join(super::START_OFFSET_FILE);
    let Some(content) = files::read(&path)? else {
        return Ok(0);
    };
    let text = String::from_utf8_lossy(&content);
    text.trim()
        .parse()
        .map_err(|_| files::invalid(&path, "not an offset"))
}

/// Opens the segments of a partition, oldest first, and notes what producers wrote.
pub(super) fn recover_segments(
    dir: &Path,
    producers: &mut Producers,
) -> io::Result<VecDeque<Segment>> {
    let mut found: Vec<(i64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(base_offset) = segment::base_offset_of(&name) {
            found.push((base_offset, path.clone()));
        }
    }
    found.sort();
    let last = found.len().saturating_sub(1);
    let recover = |(at, (base_offset, path)): (usize, (i64, PathBuf))| {
        Segment::recover(path, base_offset, at == last, |header| {
            producers.note(header)
        })
    };
    found.into_iter().enumerate().map(recover).collect()
}

//! The names in folders, for listings.
//!
//! File systems tell the names of a folder in no order, so a page of a listing looks at all of them. Those of large folders
//! are kept in memory while their folder stays as it is: of a million names, a file system takes half a second and more to tell,
//! memory some ten milliseconds.
//!
//! Whoever adds or removes a name, this process or another, changes the folder's change time, which nobody can set back. It
//! advances in ticks of a few milliseconds, so names that were read in the tick of a change might lack another change of the same
//! tick. They are kept only if the folder had been left alone for [`SETTLED`] when their reading began.

use std::fs::{self, ReadDir};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::keys::segment_of;

/// Names of a folder that is worth it; fewer are read in milliseconds.
const SMALLEST: usize = 10_000;
/// Of all that is kept. A million names of 40 bytes are 44 MB.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Longer than a tick of any file system's clock.
const SETTLED: Duration = Duration::from_secs(1);
/// What nobody has asked for in this time goes with the next listing.
const UNUSED: Duration = Duration::from_secs(600);

/// The names in folders, some of them kept.
#[derive(Debug)]
pub(crate) struct Names {
    smallest: usize,
    most_bytes: usize,
    settled: Duration,
    /// The one used last is the last.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    stamp: Stamp,
    used: Instant,
    parts: Arc<Parts>,
}

/// Changes when a name is added to a folder or removed, or when it is another folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    /// Since 1970.
    changed: Duration,
}

/// Names as keys spell them, one behind the other.
#[derive(Debug, Default)]
struct Parts {
    text: String,
    ends: Vec<u32>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            smallest: SMALLEST,
            most_bytes: MOST_BYTES,
            settled: SETTLED,
            kept: Mutex::default(),
        }
    }
}

// === impl Names ===

impl Names {
    /// Shows each name in a folder, in no order, as keys spell it: that of a folder with its `/`. A folder that is not there
    /// has none.
    pub(crate) fn visit(&self, folder: &Path, mut see: impl FnMut(&str)) -> io::Result<()> {
        let Some(stamp) = Stamp::of(folder)? else {
            return Ok(());
        };
        if let Some(parts) = self.known(folder, stamp) {
            parts.iter().for_each(see);
            return Ok(());
        }
        let mut parts = Parts::default();
        let mut keeps = stamp.is_older_than(self.settled);
        for entry in entries(folder)?.into_iter().flatten() {
            let entry = entry?;
            let name = entry.file_name();
            // What is no UTF-8 belongs to no key.
            let Some(name) = name.to_str() else {
                continue;
            };
            see(parts.push(segment_of(name), entry.file_type()?.is_dir()));
            keeps &= parts.bytes() <= self.most_bytes;
            if !keeps {
                parts.clear();
            }
        }
        if keeps && parts.ends.len() >= self.smallest && Stamp::of(folder)? == Some(stamp) {
            self.keep(folder, stamp, parts);
        }
        Ok(())
    }

    /// The names of a folder that is as it was.
    fn known(&self, folder: &Path, stamp: Stamp) -> Option<Arc<Parts>> {
        let mut kept = self.kept.lock();
        let now = Instant::now();
        kept.retain(|one| now.duration_since(one.used) < UNUSED);
        let at = kept.iter().position(|one| one.folder == folder)?;
        let mut one = kept.remove(at);
        if one.stamp != stamp {
            return None;
        }
        one.used = now;
        let parts = Arc::clone(&one.parts);
        kept.push(one);
        Some(parts)
    }

    /// Keeps the names of a folder in place of those that were used least lately.
    fn keep(&self, folder: &Path, stamp: Stamp, parts: Parts) {
        let mut kept = self.kept.lock();
        kept.retain(|one| one.folder != folder);
        let mut bytes = parts.bytes();
        bytes += kept.iter().map(|one| one.parts.bytes()).sum::<usize>();
        while bytes > self.most_bytes && !kept.is_empty() {
            bytes -= kept.remove(0).parts.bytes();
        }
        kept.push(Kept {
            folder: folder.to_owned(),
            stamp,
            used: Instant::now(),
            parts: Arc::new(parts),
        });
    }
}

// === impl Stamp ===

impl Stamp {
    /// A folder's; `None`: it is not there.
    fn of(folder: &Path) -> io::Result<Option<Self>> {
        let metadata = match fs::metadata(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        // Before 1970: as good as any other time that never comes again.
        let seconds = metadata.ctime().unsigned_abs();
        let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
        Ok(Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            changed: Duration::new(seconds, nanos),
        }))
    }

    fn is_older_than(&self, age: Duration) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.is_ok_and(|now| now >= self.changed + age)
    }
}

// === impl Parts ===

impl Parts {
    /// Adds one, and gives it as keys spell it.
    fn push(&mut self, segment: &str, is_folder: bool) -> &str {
        let begin = self.text.len();
        self.text.push_str(segment);
        if is_folder {
            self.text.push('/');
        }
        // There are never more bytes than are kept.
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.ends.push(end);
        &self.text[begin..]
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let part = &self.text[begin..*end as usize];
            begin = *end as usize;
            part
        })
    }

    /// Memory that is in use.
    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }
}

/// A folder's entries; `None`: it is not there.
pub(crate) fn entries(folder: &Path) -> io::Result<Option<ReadDir>> {
    match fs::read_dir(folder) {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;

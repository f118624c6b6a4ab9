//! Lists a bucket in the order of its keys, a page at a time, without reading more of it than the page needs.
//! In: prefix, delimiter, where to go on; out: keys and common prefixes. A folder's entries are sorted as their
//! keys are (a folder counts with its `/`), so a walk in that order meets the keys of the bucket in theirs.
//!
//! File systems tell the names of a folder in no order, so all of them are looked at; but only as many as a page
//! may need are kept and sorted, however many there are.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::{self, DirEntry, Metadata, ReadDir};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::keys::segment_of;

/// Entries of a folder that are kept at once: more than a page has.
const KEPT: usize = 1_024;

/// What to list.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    /// Empty: no common prefixes.
    pub(crate) delimiter: String,
    /// Only keys after this one.
    pub(crate) after: String,
    /// No keys with this prefix: it was the last of the page before.
    pub(crate) after_prefix: Option<String>,
    pub(crate) max: usize,
}

/// One line of a listing.
#[derive(Debug)]
pub(crate) enum Entry {
    Key {
        key: String,
        path: PathBuf,
        file: Metadata,
    },
    Prefix(String),
}

impl Entry {
    /// The key or prefix.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Key { key, .. } => key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Whether there is more.
    pub(crate) truncated: bool,
}

/// Lists the bucket in `root`.
pub(crate) fn list(root: &Path, query: &Query) -> io::Result<Page> {
    let mut walk = Walk {
        query,
        skip: query.after_prefix.clone(),
        kept: KEPT,
        page: Page::default(),
    };
    if query.max > 0 {
        let _ = walk.folder(root, "")?;
    }
    Ok(walk.page)
}

struct Walk<'a> {
    query: &'a Query,
    /// The common prefix that has been listed last.
    skip: Option<String>,
    /// [`KEPT`], or less in tests.
    kept: usize,
    page: Page,
}

/// An entry of a folder with its key (that of a folder ends with `/`).
struct Found {
    key: String,
    entry: DirEntry,
    is_folder: bool,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found {}

impl Walk<'_> {
    /// Visits what is in a folder whose keys start with `stem`. Breaks when the page is full.
    fn folder(&mut self, folder: &Path, stem: &str) -> io::Result<ControlFlow<()>> {
        let mut behind = String::new();
        loop {
            let found = self.first(folder, stem, &behind)?;
            // Fewer than could be kept: there are no more.
            let last = match found.last() {
                Some(last) if found.len() == self.kept => last.key.clone(),
                _ => String::new(),
            };
            for Found {
                key,
                entry,
                is_folder,
            } in found
            {
                let flow = match is_folder {
                    true if !self.may_hold(&key) => ControlFlow::Continue(()),
                    true => match self.whole_group(&key) {
                        Some(prefix) => self.group(prefix, &entry.path())?,
                        None => self.folder(&entry.path(), &key)?,
                    },
                    false => self.file(key, &entry)?,
                };
                if flow.is_break() {
                    return Ok(flow);
                }
            }
            if last.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            behind = last;
        }
    }

    /// The first entries of a folder that can be in the page, in the order of their keys, behind a key.
    fn first(&self, folder: &Path, stem: &str, behind: &str) -> io::Result<Vec<Found>> {
        let mut found: BinaryHeap<Found> = BinaryHeap::new();
        let mut key = String::new();
        for entry in read(folder)?.into_iter().flatten() {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                continue;
            };
            key.clear();
            key.push_str(stem);
            key.push_str(segment_of(name));
            if is_folder {
                key.push('/');
            }
            let full = found.len() == self.kept;
            if key.as_str() <= behind || full && found.peek().is_some_and(|last| key >= last.key) {
                continue;
            }
            let fits = match is_folder {
                true => self.may_hold(&key),
                false => self.is_wanted(&key),
            };
            if fits {
                if full {
                    found.pop();
                }
                found.push(Found {
                    key: key.clone(),
                    entry,
                    is_folder,
                });
            }
        }
        Ok(found.into_sorted_vec())
    }

    /// Whether keys that start with `stem` can be in the page.
    fn may_hold(&self, stem: &str) -> bool {
        let prefix = self.query.prefix.as_str();
        let fits = stem.starts_with(prefix) || prefix.starts_with(stem);
        let passed = self.query.after.as_str() > stem && !self.query.after.starts_with(stem);
        fits && !passed && !self.skipped(stem)
    }

    /// The common prefix of all keys that start with `stem`, if they are all to be listed as one.
    fn whole_group(&self, stem: &str) -> Option<String> {
        let prefix = self.prefix_of(stem)?;
        (!self.query.after.starts_with(&prefix)).then_some(prefix)
    }

    /// The common prefix that a key belongs to.
    fn prefix_of(&self, key: &str) -> Option<String> {
        let (prefix, delimiter) = (&*self.query.prefix, &*self.query.delimiter);
        let rest = key.strip_prefix(prefix)?;
        let at = rest.find(delimiter).filter(|_| !delimiter.is_empty())?;
        Some(key[..prefix.len() + at + delimiter.len()].to_owned())
    }

    /// Lists a folder's keys as one prefix, if there are any: one file is enough, however many there are.
    fn group(&mut self, prefix: String, folder: &Path) -> io::Result<ControlFlow<()>> {
        if !holds_a_file(folder)? {
            return Ok(ControlFlow::Continue(()));
        }
        if self.page.entries.len() == self.query.max {
            self.page.truncated = true;
            return Ok(ControlFlow::Break(()));
        }
        self.skip = Some(prefix.clone());
        self.page.entries.push(Entry::Prefix(prefix));
        Ok(ControlFlow::Continue(()))
    }

    fn skipped(&self, key: &str) -> bool {
        self.skip
            .as_ref()
            .is_some_and(|skip| key.starts_with(skip.as_str()))
    }

    /// Whether a key is in the page or behind it.
    fn is_wanted(&self, key: &str) -> bool {
        let Query { prefix, after, .. } = self.query;
        key.starts_with(prefix.as_str()) && key > after.as_str() && !self.skipped(key)
    }

    fn file(&mut self, key: String, entry: &DirEntry) -> io::Result<ControlFlow<()>> {
        if !self.is_wanted(&key) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.page.entries.len() == self.query.max {
            self.page.truncated = true;
            return Ok(ControlFlow::Break(()));
        }
        let listed = match self.prefix_of(&key) {
            Some(prefix) => {
                self.skip = Some(prefix.clone());
                Entry::Prefix(prefix)
            }
            None => {
                // Deleted since the folder was read: not listed.
                let Ok(file) = entry.metadata() else {
                    return Ok(ControlFlow::Continue(()));
                };
                Entry::Key {
                    key,
                    path: entry.path(),
                    file,
                }
            }
        };
        self.page.entries.push(listed);
        Ok(ControlFlow::Continue(()))
    }
}

/// Whether there is a key in a folder or below.
fn holds_a_file(folder: &Path) -> io::Result<bool> {
    let mut folders = Vec::new();
    for entry in read(folder)?.into_iter().flatten() {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            return Ok(true);
        }
        folders.push(entry.path());
    }
    for folder in folders {
        if holds_a_file(&folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The folder's entries; `None`: it is not there.
fn read(folder: &Path) -> io::Result<Option<ReadDir>> {
    match fs::read_dir(folder) {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A key as listings with `encoding-type=url` spell it.
pub(crate) fn url_encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let encode = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    key.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::super::keys::path_of;
    use super::*;

    fn bucket(keys: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for key in keys {
            let path = dir.path().join(path_of(key).unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        dir
    }

    fn names(page: &Page) -> Vec<&str> {
        page.entries.iter().map(Entry::name).collect()
    }

    const KEYS: &[&str] = &[
        "a", "a-b", "a.b/x", "b//y", "b/", "b/c/d", "b/c/e", "b0", "ä",
    ];

    #[test]
    fn keys_come_in_the_order_of_their_bytes() {
        let dir = bucket(KEYS);
        let page = list(
            dir.path(),
            &Query {
                max: 100,
                ..Query::default()
            },
        )
        .unwrap();
        let mut expected: Vec<_> = KEYS.to_vec();
        expected.sort_unstable();
        assert_eq!(names(&page), expected);
        assert!(!page.truncated);
    }

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        let dir = bucket(KEYS);
        for delimiter in ["", "/", "c/"] {
            let query = |after: &str, after_prefix: Option<String>, max| Query {
                delimiter: delimiter.to_owned(),
                after: after.to_owned(),
                after_prefix,
                max,
                prefix: String::new(),
            };
            let whole = list(dir.path(), &query("", None, 100)).unwrap();
            let mut paged = Vec::new();
            let (mut after, mut after_prefix) = (String::new(), None);
            loop {
                let page = list(dir.path(), &query(&after, after_prefix, 2)).unwrap();
                paged.extend(names(&page).into_iter().map(str::to_owned));
                let Some(last) = page.entries.last() else {
                    break;
                };
                after = last.name().to_owned();
                after_prefix = matches!(last, Entry::Prefix(_)).then(|| after.clone());
                if !page.truncated {
                    break;
                }
            }
            assert_eq!(paged, names(&whole), "delimiter {delimiter:?}");
        }
    }

    #[test]
    fn a_folder_of_more_entries_than_are_kept_is_read_in_parts() {
        let dir = bucket(KEYS);
        for (prefix, delimiter) in [("", ""), ("", "/"), ("b/", ""), ("b/", "/")] {
            let query = Query {
                prefix: prefix.to_owned(),
                delimiter: delimiter.to_owned(),
                max: 100,
                ..Query::default()
            };
            let whole = list(dir.path(), &query).unwrap();
            for kept in 1..4 {
                let mut walk = Walk {
                    query: &query,
                    skip: None,
                    kept,
                    page: Page::default(),
                };
                assert!(walk.folder(dir.path(), "").unwrap().is_continue());
                assert_eq!(
                    names(&walk.page),
                    names(&whole),
                    "{prefix:?} {delimiter:?} {kept}"
                );
            }
        }
    }

    #[test]
    fn prefix_and_delimiter_group_as_s3_does() {
        let dir = bucket(KEYS);
        // A folder without keys is no prefix.
        fs::create_dir_all(dir.path().join("empty/below")).unwrap();
        let page = |prefix: &str, delimiter: &str| {
            let (prefix, delimiter) = (prefix.to_owned(), delimiter.to_owned());
            let query = Query {
                prefix,
                delimiter,
                max: 100,
                ..Query::default()
            };
            let page = list(dir.path(), &query).unwrap();
            names(&page)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(page("", "/"), ["a", "a-b", "a.b/", "b/", "b0", "ä"]);
        assert_eq!(page("b/", "/"), ["b/", "b//", "b/c/"]);
        assert_eq!(page("b/c", ""), ["b/c/d", "b/c/e"]);
        assert_eq!(page("a.", "/"), ["a.b/"]);
        assert!(page("nothing", "/").is_empty());
    }

    #[test]
    fn encoded_keys_survive_decoders_that_take_plus_for_a_space() {
        assert_eq!(
            url_encoded("t/p=0/t+0+1.json %"),
            "t/p%3D0/t%2B0%2B1.json%20%25"
        );
    }
}

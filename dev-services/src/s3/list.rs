//! Lists a bucket in the order of its keys, a page at a time, without reading more of it than the page needs.
//! In: prefix, delimiter, where to go on; out: keys and common prefixes. A folder's entries are sorted as their
//! keys are (a folder counts with its `/`), so a walk in that order meets the keys of the bucket in theirs.
//!
//! The names of a folder come in no order ([`Names`]), so all of them are looked at; but only as many as a page may
//! need are sorted, however many there are.

use std::collections::BinaryHeap;
use std::fs::{self, Metadata};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::keys::name_of;
use super::names::{Names, entries};

/// Entries of a folder that are sorted at once: more than a page has.
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
pub(crate) fn list(names: &Names, root: &Path, query: &Query) -> io::Result<Page> {
    let mut walk = Walk {
        names,
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
    names: &'a Names,
    query: &'a Query,
    /// The common prefix that has been listed last.
    skip: Option<String>,
    /// [`KEPT`], or less in tests.
    kept: usize,
    page: Page,
}

impl Walk<'_> {
    /// Visits what is in a folder whose keys start with `stem`. Breaks when the page is full.
    fn folder(&mut self, folder: &Path, stem: &str) -> io::Result<ControlFlow<()>> {
        let mut behind = String::new();
        loop {
            let found = self.first(folder, stem, &behind)?;
            // Fewer than could be kept: there are no more.
            let last = match found.last() {
                Some(last) if found.len() == self.kept => last.clone(),
                _ => String::new(),
            };
            for key in found {
                let part = &key[stem.len()..];
                let path = folder.join(name_of(part));
                let flow = match part.ends_with('/') {
                    true if !self.may_hold(&key) => ControlFlow::Continue(()),
                    true => match self.whole_group(&key) {
                        Some(prefix) => self.group(prefix, &path)?,
                        None => self.folder(&path, &key)?,
                    },
                    false => self.file(key, path)?,
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

    /// The first keys of a folder that can be in the page, in order, behind a key. Those of folders end with `/`.
    fn first(&self, folder: &Path, stem: &str, behind: &str) -> io::Result<Vec<String>> {
        let mut found: BinaryHeap<String> = BinaryHeap::new();
        let mut key = String::new();
        // A folder may hold what comes after a key that it does not come after itself.
        let behind_folders = behind.strip_prefix(stem);
        let behind_files = behind_folders.max(self.query.after.strip_prefix(stem));
        self.names.visit(folder, |part| {
            let is_folder = part.ends_with('/');
            let passed = if is_folder {
                behind_folders
            } else {
                behind_files
            };
            if passed.is_some_and(|passed| part <= passed) {
                return;
            }
            let full = found.len() == self.kept;
            // Most names of a large folder end here.
            if full && found.peek().is_some_and(|last| part >= &last[stem.len()..]) {
                return;
            }
            key.clear();
            key.push_str(stem);
            key.push_str(part);
            let fits = match is_folder {
                true => self.may_hold(&key),
                false => self.is_wanted(&key),
            };
            if fits {
                if full {
                    found.pop();
                }
                found.push(key.clone());
            }
        })?;
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

    fn file(&mut self, key: String, path: PathBuf) -> io::Result<ControlFlow<()>> {
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
                let Ok(file) = fs::symlink_metadata(&path) else {
                    return Ok(ControlFlow::Continue(()));
                };
                Entry::Key { key, path, file }
            }
        };
        self.page.entries.push(listed);
        Ok(ControlFlow::Continue(()))
    }
}

/// Whether there is a key in a folder or below.
fn holds_a_file(folder: &Path) -> io::Result<bool> {
    let mut folders = Vec::new();
    for entry in entries(folder)?.into_iter().flatten() {
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

    fn list(root: &Path, query: &Query) -> io::Result<Page> {
        super::list(&Names::default(), root, query)
    }

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
                    names: &Names::default(),
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

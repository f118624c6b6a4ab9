//! Listings from names that are kept, after changes by this process and by others.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::thread::sleep;

use s3s::dto::ListObjectsV2Input;

use super::super::attributes::{Attributes, Checksums, Headers};
use super::super::body::Received;
use super::super::listing;
use super::super::store::{Condition, Incoming, Store};
use super::super::uploads::{self, Completion};
use super::*;

const BUCKET: &str = "posts";
/// More than a tick of the clock that stamps files, which is 10 ms at most on Linux.
const SHORT: Duration = Duration::from_millis(30);

/// A server's files; names are kept of folders of three and more.
struct Bench {
    store: Store,
    _lock: fs::File,
    root: tempfile::TempDir,
}

impl Bench {
    fn with(keys: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let (mut store, lock) = Store::open(root.path()).unwrap();
        store.names.smallest = 3;
        store.names.settled = SHORT;
        store.create_bucket(BUCKET).unwrap();
        let bench = Self {
            store,
            _lock: lock,
            root,
        };
        keys.iter().for_each(|key| bench.put(key, "x"));
        bench
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(name)
    }

    fn incoming(&self, content: &str) -> Incoming {
        let file = self.store.incoming();
        fs::write(&file.path, content).unwrap();
        file
    }

    fn put(&self, key: &str, content: &str) {
        let (headers, checksums) = (Headers::default(), Checksums::default());
        let attributes = Attributes::new(key, "tag".to_owned(), headers, checksums);
        let (file, always) = (self.incoming(content), Condition::default());
        self.store
            .place(BUCKET, &file, attributes, &always)
            .unwrap();
    }

    fn put_in_parts(&self, key: &str) {
        let id = uploads::create(&self.store, BUCKET, key, Headers::default()).unwrap();
        let (upload, folder) = uploads::find(&self.store, BUCKET, key, &id).unwrap();
        let received = Received {
            file: self.incoming("x"),
            md5: "0".repeat(32),
            checksums: Checksums::default(),
        };
        uploads::put_part(&folder, 1, &received).unwrap();
        let completion = Completion {
            parts: vec![(1, None)],
            condition: Condition::default(),
            checksums: Checksums::default(),
        };
        uploads::complete(&self.store, &upload, &folder, &completion).unwrap();
    }

    /// What is listed, in pages of two: prefix, delimiter, first key's predecessor.
    fn pages(&self, prefix: &str, delimiter: &str, after: &str) -> Vec<String> {
        let (mut listed, mut token) = (Vec::new(), None);
        loop {
            let input = ListObjectsV2Input {
                bucket: BUCKET.to_owned(),
                prefix: Some(prefix.to_owned()),
                delimiter: Some(delimiter.to_owned()).filter(|it| !it.is_empty()),
                start_after: Some(after.to_owned()).filter(|it| !it.is_empty()),
                continuation_token: token,
                max_keys: Some(2),
                ..Default::default()
            };
            let page = listing::objects_v2(&self.store, input).unwrap();
            let prefixes = page.common_prefixes.unwrap();
            let mut names: Vec<_> = page
                .contents
                .unwrap()
                .into_iter()
                .map(|it| it.key)
                .collect();
            names.extend(prefixes.into_iter().map(|it| it.prefix));
            names.sort_unstable();
            listed.extend(names.into_iter().flatten());
            token = page.next_continuation_token;
            if token.is_none() {
                return listed;
            }
        }
    }

    fn all(&self) -> Vec<String> {
        self.pages("", "", "")
    }

    /// Lists after a while; the folder's names are kept by then.
    fn settled(&self, folder: &str) -> Vec<String> {
        sleep(SHORT * 2);
        let listed = self.all();
        assert!(self.is_kept(folder), "{folder} is not kept");
        listed
    }

    fn is_kept(&self, folder: &str) -> bool {
        let path = self.folder(folder);
        let kept = self.store.names.kept.lock();
        kept.iter().any(|one| one.folder == path)
    }
}

#[test]
fn a_change_is_seen_at_once() {
    let bench = Bench::with(&["t/a", "t/b", "t/c"]);
    assert_eq!(bench.settled("t"), ["t/a", "t/b", "t/c"]);
    assert_eq!(bench.all(), ["t/a", "t/b", "t/c"]);

    bench.put("t/aa", "x");
    assert_eq!(bench.all(), ["t/a", "t/aa", "t/b", "t/c"]);
    bench.settled("t");
    bench.store.delete(BUCKET, "t/b").unwrap();
    assert_eq!(bench.all(), ["t/a", "t/aa", "t/c"]);
    bench.settled("t");
    bench.put_in_parts("t/d");
    assert_eq!(bench.all(), ["t/a", "t/aa", "t/c", "t/d"]);
    bench.settled("t");
    bench.put("t/below/x", "x");
    assert_eq!(bench.all(), ["t/a", "t/aa", "t/below/x", "t/c", "t/d"]);
    bench.settled("t");
    bench.store.delete(BUCKET, "t/below/x").unwrap();
    assert_eq!(bench.all(), ["t/a", "t/aa", "t/c", "t/d"]);
}

#[test]
fn changes_beside_the_server_are_seen_at_once() {
    let bench = Bench::with(&["t/a", "t/b", "t/c"]);
    bench.settled("t");
    fs::write(bench.folder("t/d"), "x").unwrap();
    assert_eq!(bench.all(), ["t/a", "t/b", "t/c", "t/d"]);
    bench.settled("t");
    fs::remove_file(bench.folder("t/a")).unwrap();
    // A time that is set back, as by `cp -a`, hides nothing.
    let folder = fs::File::open(bench.folder("t")).unwrap();
    folder.set_modified(UNIX_EPOCH).unwrap();
    assert_eq!(bench.all(), ["t/b", "t/c", "t/d"]);
    bench.settled("t");
    fs::rename(bench.folder("t"), bench.folder("old")).unwrap();
    bench.put("t/e", "x");
    assert_eq!(bench.all(), ["old/b", "old/c", "old/d", "t/e"]);
    fs::remove_dir_all(bench.folder("t")).unwrap();
    assert_eq!(bench.all(), ["old/b", "old/c", "old/d"]);
}

#[test]
fn an_overwritten_object_is_listed_as_it_is() {
    let bench = Bench::with(&["t/a", "t/b", "t/c"]);
    bench.settled("t");
    bench.put("t/b", "longer than it was");
    let input = ListObjectsV2Input {
        bucket: BUCKET.to_owned(),
        ..Default::default()
    };
    let page = listing::objects_v2(&bench.store, input).unwrap();
    let sizes = page.contents.unwrap().into_iter().map(|it| it.size);
    assert_eq!(sizes.collect::<Vec<_>>(), [Some(1), Some(18), Some(1)]);
}

#[test]
fn names_that_are_kept_are_listed_as_those_that_are_not() {
    let keys = [
        "a", "a-b", "a.b/x", "b//y", "b/", "b/%self", "b/c/d", "b/c/e", "b/c/f", "b0", "ä", "..",
        "d/./x",
    ];
    let bench = Bench::with(&keys);
    sleep(SHORT * 2);
    // The second time they are kept.
    let twice = |prefix: &str, delimiter: &str, after: &str| {
        let read = bench.pages(prefix, delimiter, after);
        assert_eq!(
            bench.pages(prefix, delimiter, after),
            read,
            "{prefix:?} {delimiter:?} {after:?}"
        );
        read
    };
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    assert_eq!(twice("", "", ""), sorted);
    assert!(bench.is_kept("") && bench.is_kept("b") && bench.is_kept("b/c"));
    assert!(!bench.is_kept("a.b"), "a small folder is kept");
    assert_eq!(
        twice("", "/", ""),
        ["..", "a", "a-b", "a.b/", "b/", "b0", "d/", "ä"]
    );
    assert_eq!(twice("b/", "/", ""), ["b/", "b/%self", "b//", "b/c/"]);
    assert_eq!(twice("b/c", "", ""), ["b/c/d", "b/c/e", "b/c/f"]);
    assert_eq!(twice("b/c/", "/", "b/c/d"), ["b/c/e", "b/c/f"]);
    assert_eq!(twice("", "", "b/c/e"), ["b/c/f", "b0", "d/./x", "ä"]);
    assert_eq!(twice("", "/", "b/c/e"), ["b/", "b0", "d/", "ä"]);
    assert!(twice("nothing", "/", "").is_empty());
}

#[test]
fn a_folder_that_is_being_changed_is_not_kept() {
    let mut bench = Bench::with(&["t/a", "t/b", "t/c"]);
    bench.store.names.settled = Duration::from_secs(3600);
    sleep(SHORT);
    assert_eq!(bench.all().len(), 3);
    assert!(!bench.is_kept("t"));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut bench = Bench::with(&[]);
    for (folder, objects) in [("a", 4), ("b", 4), ("c", 5)] {
        (0..objects).for_each(|number| bench.put(&format!("{folder}/{number}"), "x"));
    }
    // More than the bucket's own folder has.
    bench.store.names.smallest = 4;
    // A name is a byte here, and where it ends another four.
    bench.store.names.most_bytes = 9 * 5;
    let list = |bench: &Bench, folder: &str| {
        let listed = bench.pages(&format!("{folder}/"), "", "");
        let kept = ["a", "b", "c"].into_iter().filter(|it| bench.is_kept(it));
        (listed.len(), kept.collect::<String>())
    };
    sleep(SHORT * 2);
    assert_eq!(list(&bench, "a"), (4, "a".to_owned()));
    assert_eq!(list(&bench, "b"), (4, "ab".to_owned()));
    assert_eq!(list(&bench, "a"), (4, "ab".to_owned()));
    assert_eq!(list(&bench, "c"), (5, "ac".to_owned()));
    assert_eq!(list(&bench, "b"), (4, "bc".to_owned()));
    // One for which there is no place at all is read each time.
    bench.store.names.most_bytes = 4 * 5;
    bench.put("c/5", "x");
    sleep(SHORT * 2);
    assert_eq!(list(&bench, "c"), (6, "b".to_owned()));
    assert_eq!(list(&bench, "c"), (6, "b".to_owned()));
}

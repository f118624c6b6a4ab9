//! Object keys as paths of files, and back. A key's segments are folders and a file name as they stand, except for
//! the few that a file system cannot hold: an empty segment (`%empty`; at the end of a key `%self`), `.` and `..`
//! (`%dot`, `%dotdot`); a segment that looks like one of these gets another `%` in front. Every key has one path and
//! the other way round.

use std::path::PathBuf;

/// Longest segment in bytes that file systems take.
const MAX_SEGMENT: usize = 255;

/// The path of a key relative to its bucket; `None` when a segment is too long or has a NUL.
pub(crate) fn path_of(key: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    let last = key.bytes().filter(|byte| *byte == b'/').count();
    for (at, segment) in key.split('/').enumerate() {
        let name = name_in_folder(segment, at < last);
        if name.len() > MAX_SEGMENT || name.contains('\0') {
            return None;
        }
        path.push(name);
    }
    Some(path)
}

/// The segment of a key that a file or folder name stands for.
pub(crate) fn segment_of(name: &str) -> &str {
    if !is_escape(name) {
        return name;
    }
    match name {
        "%empty" | "%self" => "",
        "%dot" => ".",
        "%dotdot" => "..",
        _ => &name[1..],
    }
}

/// The file or folder name of a key's part that ends where a name does: with `/` if it is a folder's.
pub(crate) fn name_of(part: &str) -> String {
    match part.strip_suffix('/') {
        Some(segment) => name_in_folder(segment, true),
        None => name_in_folder(part, false),
    }
}

fn name_in_folder(segment: &str, is_folder: bool) -> String {
    match segment {
        "" if !is_folder => "%self".to_owned(),
        _ => escape(segment),
    }
}

fn escape(segment: &str) -> String {
    match segment {
        "" => "%empty".to_owned(),
        "." => "%dot".to_owned(),
        ".." => "%dotdot".to_owned(),
        _ if is_escape(segment) => format!("%{segment}"),
        _ => segment.to_owned(),
    }
}

fn is_escape(name: &str) -> bool {
    // Most names are none, and folders may have a million of them.
    if name.as_bytes().first() != Some(&b'%') {
        return false;
    }
    let word = name.trim_start_matches('%');
    word.len() < name.len() && matches!(word, "empty" | "self" | "dot" | "dotdot")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::path::Path;

    use super::*;

    #[test]
    fn every_key_has_its_own_path_and_can_be_read_back() {
        let keys = [
            "topics/t/partition=0/t+0+0000000000.json",
            "/lead/trail//t/x",
            "dir/",
            "dir//",
            "dir//x",
            "%self/self",
            "a/../b/./c",
            "..",
            "%empty",
            "%%dot/x",
            "50%/empty",
        ];
        let mut paths = std::collections::HashSet::new();
        for key in keys {
            let path = path_of(key).unwrap();
            let names: Vec<_> = path
                .iter()
                .map(|name| segment_of(name.to_str().unwrap()))
                .collect();
            assert_eq!(names.join("/"), key);
            assert!(
                path.components()
                    .all(|it| matches!(it, std::path::Component::Normal(_))),
                "{key}"
            );
            assert!(paths.insert(path), "{key}");
        }
        assert_eq!(path_of("a/b=1/c.json").unwrap(), Path::new("a/b=1/c.json"));
    }

    #[test]
    fn segments_that_no_file_system_takes_are_refused() {
        assert!(path_of(&"x".repeat(256)).is_none());
        assert!(path_of(&format!("{0}/{0}", "x".repeat(255))).is_some());
        assert!(path_of("a\0b").is_none());
    }
}

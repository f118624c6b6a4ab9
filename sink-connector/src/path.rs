//! Object names.
//!
//! In: topic, encoded partition, Kafka partition, offset of the file's first record. Out: the key of the object. A pure
//! function: the same file has the same name whoever writes it and however often.
//!
//! ```text
//! topics / orders / partition=0 / orders + 0 + 0000000042 .json
//! ```

use std::fmt::Write as _;

use sluiceway_common::config_def::Values;

use crate::error::Exception;

/// `topics.dir`, `directory.delim`, `file.delim`, `filename.offset.zero.pad.width`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectPath {
    /// First level of every key; blank for none. Slashes in it are kept, also at its ends.
    pub topics_dir: String,
    /// Between the levels of a key.
    pub directory_delim: String,
    /// Between topic, partition and offset.
    pub file_delim: String,
    /// Digits of the offset at least.
    pub pad_width: usize,
}

/// What one file's name is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName<'a> {
    /// Topic as the transforms left it: the folder.
    pub folder_topic: &'a str,
    /// What the partitioner made of the file's records.
    pub encoded_partition: &'a str,
    /// Topic the records were read from.
    pub topic: &'a str,
    /// Partition the records were read from.
    pub partition: i32,
    /// Offset of the file's first record.
    pub first_offset: i64,
    /// Ending, with its dot if it has one.
    pub extension: &'a str,
}

impl ObjectPath {
    pub(crate) fn from_values(values: &Values) -> Self {
        Self {
            topics_dir: values.text("topics.dir").to_owned(),
            directory_delim: values.text("directory.delim").to_owned(),
            file_delim: values.text("file.delim").to_owned(),
            pad_width: values.size("filename.offset.zero.pad.width"),
        }
    }

    /// Whether offsets can be formatted at all.
    ///
    /// # Errors
    /// Java refuses the width 0 when the first file is named, so the task fails.
    pub fn check(&self) -> Result<(), Exception> {
        match self.pad_width {
            0 => Err(Exception::new(
                "java.util.DuplicateFormatFlagsException",
                "Flags = '0'",
            )),
            _ => Ok(()),
        }
    }

    /// The object's key.
    pub fn key(&self, file: &FileName<'_>) -> String {
        let (dir, delim) = (&self.directory_delim, &self.file_delim);
        let mut key = String::with_capacity(
            64 + self.topics_dir.len() + 2 * file.topic.len() + file.encoded_partition.len(),
        );
        if !self.topics_dir.trim().is_empty() {
            key.push_str(&self.topics_dir);
            key.push_str(dir);
        }
        // Writing to a String does not fail.
        let _ = write!(
            key,
            "{}{dir}{}{dir}{}{delim}{}{delim}{:0width$}{}",
            file.folder_topic,
            file.encoded_partition,
            file.topic,
            file.partition,
            file.first_offset,
            file.extension,
            width = self.pad_width
        );
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> ObjectPath {
        ObjectPath {
            topics_dir: "topics".into(),
            directory_delim: "/".into(),
            file_delim: "+".into(),
            pad_width: 10,
        }
    }

    fn file(topic: &str) -> FileName<'_> {
        FileName {
            folder_topic: topic,
            encoded_partition: "partition=0",
            topic,
            partition: 0,
            first_offset: 0,
            extension: ".json",
        }
    }

    /// Names the genuine connector gave.
    #[test]
    fn names_are_those_of_the_recordings() {
        let cases = [
            (path(), "topics/t/partition=0/t+0+0000000000.json"),
            (
                ObjectPath {
                    directory_delim: "_".into(),
                    ..path()
                },
                "topics_t_partition=0_t+0+0000000000.json",
            ),
            (
                ObjectPath {
                    file_delim: "-".into(),
                    ..path()
                },
                "topics/t/partition=0/t-0-0000000000.json",
            ),
            (
                ObjectPath {
                    file_delim: String::new(),
                    ..path()
                },
                "topics/t/partition=0/t00000000000.json",
            ),
            (
                ObjectPath {
                    pad_width: 1,
                    ..path()
                },
                "topics/t/partition=0/t+0+0.json",
            ),
            (
                ObjectPath {
                    topics_dir: "a/b/c".into(),
                    ..path()
                },
                "a/b/c/t/partition=0/t+0+0000000000.json",
            ),
            (
                ObjectPath {
                    topics_dir: "/lead/trail/".into(),
                    ..path()
                },
                "/lead/trail//t/partition=0/t+0+0000000000.json",
            ),
            (
                ObjectPath {
                    topics_dir: String::new(),
                    ..path()
                },
                "t/partition=0/t+0+0000000000.json",
            ),
            (
                ObjectPath {
                    topics_dir: "  ".into(),
                    ..path()
                },
                "t/partition=0/t+0+0000000000.json",
            ),
        ];
        for (path, key) in cases {
            assert_eq!(path.key(&file("t")), key);
        }
        assert_eq!(
            path().key(&file("t.dots-and_under.X")),
            "topics/t.dots-and_under.X/partition=0/t.dots-and_under.X+0+0000000000.json"
        );
    }

    #[test]
    fn a_long_offset_is_not_cut_and_the_folder_may_differ() {
        let file = FileName {
            folder_topic: "renamed",
            first_offset: 12_345_678_901,
            partition: 7,
            ..file("t")
        };
        assert_eq!(
            path().key(&file),
            "topics/renamed/partition=0/t+7+12345678901.json"
        );
    }

    #[test]
    fn no_pad_width_fails_as_in_java() {
        assert!(path().check().is_ok());
        let error = ObjectPath {
            pad_width: 0,
            ..path()
        }
        .check();
        assert_eq!(
            error.map_err(|e| e.to_string()),
            Err("java.util.DuplicateFormatFlagsException: Flags = '0'".into())
        );
    }
}

//! The promise of the sink, checked from outside: the objects of a topic tile its partitions. Every record stands in
//! exactly one object, in order, under the name of its first offset; nothing is missing, nothing stands twice.
//!
//! For the DefaultPartitioner and the names `<topics.dir>/<topic>/partition=N/<topic>+N+<offset>.json`.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};

use crate::json;
use crate::kafka::Record;
use crate::s3::Object;

/// One object's place: its first offset and its number of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// Offset in the name, which is that of its first record.
    pub first: i64,
    /// Number of records.
    pub count: i64,
}

/// Tiles by partition, in the order of their names.
pub type Tiles = BTreeMap<i32, Vec<Tile>>;

/// Checks that each object holds exactly the records of the topic that its name and length say, and that the objects
/// of a partition follow each other from offset 0 without gap or overlap.
///
/// # Errors
/// A name of another form, a line that is not the record, a gap, an overlap. The message names objects and offsets.
pub fn check(topic: &str, records: &[Record], objects: &[Object]) -> Result<Tiles> {
    let mut tiles = Tiles::new();
    for object in objects {
        let (partition, first) =
            parse_key(topic, &object.key).with_context(|| format!("key {}", object.key))?;
        let lines = object.lines()?;
        for (offset, line) in (first..).zip(&lines) {
            let record = find(records, partition, offset);
            let record = record.with_context(|| {
                format!("{}: no record {offset} in {topic}-{partition}", object.key)
            })?;
            let text = record.text();
            ensure!(
                line == &text || json::same_text(line, &text),
                "{}: record {offset} is {text}, not {line}",
                object.key
            );
        }
        let count = i64::try_from(lines.len())?;
        tiles
            .entry(partition)
            .or_default()
            .push(Tile { first, count });
    }
    contiguous(topic, &mut tiles)?;
    Ok(tiles)
}

/// Like [`check`], and the tiles reach the end of every partition.
///
/// # Errors
/// See [`check`]; or records at the end are missing.
pub fn check_complete(topic: &str, records: &[Record], objects: &[Object]) -> Result<Tiles> {
    let tiles = check(topic, records, objects)?;
    let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
    for record in records {
        let end = ends.entry(record.partition).or_default();
        *end = (*end).max(record.offset + 1);
    }
    for (partition, end) in ends {
        let reached = end_of(&tiles, partition);
        ensure!(
            reached == end,
            "{topic}-{partition}: objects reach {reached} of {end} records"
        );
    }
    Ok(tiles)
}

/// What became of the records of a topic, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Records of the topic.
    pub records: usize,
    /// Objects.
    pub objects: usize,
    /// Records that are in no object.
    pub lost: usize,
    /// Lines beyond the first of a record.
    pub duplicated: usize,
    /// Multipart uploads that nobody completes or aborts any more.
    pub orphaned: usize,
}

impl std::fmt::Display for Census {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} records in {} objects, {} lost, {} duplicated, {} uploads left open",
            self.records, self.objects, self.lost, self.duplicated, self.orphaned
        )
    }
}

/// Counts records by the text of their lines; each record's text is its own. Uploads are not counted.
///
/// # Errors
/// An object that is no text.
pub fn census(topic: &str, records: &[Record], objects: &[Object]) -> Result<Census> {
    let mut lines: HashMap<(i32, String), usize> = HashMap::new();
    for object in objects {
        let (_, name) = object.key.rsplit_once('/').context("no folder")?;
        let partition = name.strip_prefix(&format!("{topic}+"));
        let partition = partition.and_then(|rest| rest.split_once('+')?.0.parse().ok());
        let partition = partition.with_context(|| format!("key {}", object.key))?;
        for line in object.lines()? {
            *lines.entry((partition, line)).or_default() += 1;
        }
    }
    let found = records.iter().map(|record| {
        let line = (record.partition, record.text());
        lines.get(&line).copied().unwrap_or_default()
    });
    let found: Vec<usize> = found.collect();
    Ok(Census {
        records: records.len(),
        objects: objects.len(),
        lost: found.iter().filter(|times| **times == 0).count(),
        duplicated: found.iter().map(|times| times.saturating_sub(1)).sum(),
        orphaned: 0,
    })
}

/// Where the objects of a partition end: the next offset to be written.
#[must_use]
pub fn end_of(tiles: &Tiles, partition: i32) -> i64 {
    let last = tiles.get(&partition).and_then(|tiles| tiles.last());
    last.map_or(0, |tile| tile.first + tile.count)
}

fn find(records: &[Record], partition: i32, offset: i64) -> Option<&Record> {
    let at = records.binary_search_by_key(&(partition, offset), |record| {
        (record.partition, record.offset)
    });
    at.ok().map(|at| &records[at])
}

fn contiguous(topic: &str, tiles: &mut Tiles) -> Result<()> {
    for (partition, tiles) in tiles {
        tiles.sort_by_key(|tile| tile.first);
        let mut end = 0;
        for tile in tiles.iter() {
            match tile.first - end {
                0 => end += tile.count,
                gap if gap > 0 => bail!(
                    "{topic}-{partition}: offsets {end}..{} are in no object",
                    tile.first
                ),
                _ => bail!(
                    "{topic}-{partition}: offsets {}..{end} are in two objects",
                    tile.first
                ),
            }
        }
    }
    Ok(())
}

fn parse_key(topic: &str, key: &str) -> Result<(i32, i64)> {
    let (folder, name) = key.rsplit_once('/').context("no folder")?;
    let (_, number) = folder.rsplit_once("/partition=").context("no partition=")?;
    let partition: i32 = number.parse()?;
    let prefix = format!("{topic}+{partition}+");
    let rest = name
        .strip_prefix(&prefix)
        .with_context(|| format!("does not begin with {prefix}"))?;
    let (offset, _) = rest.split_once('.').context("no extension")?;
    ensure!(offset.len() == 10, "the offset has {} digits", offset.len());
    Ok((partition, offset.parse()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Object, Record, Tile, census, check, check_complete, end_of};

    fn object(first: i64, lines: &[&str]) -> Object {
        Object {
            key: format!("topics/t/partition=0/t+0+{first:010}.json"),
            body: lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>()
                .into_bytes(),
            content_type: None,
            content_encoding: None,
            etag: String::new(),
            metadata: 0,
        }
    }

    fn records(count: i64) -> Vec<Record> {
        let record = |offset: i64| Record {
            offset,
            ..Record::value(0, format!("{{\"n\": {offset}}}"))
        };
        (0..count).map(record).collect()
    }

    fn error(objects: &[Object]) -> String {
        check_complete("t", &records(4), objects)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn tiles_cover_a_partition() {
        let objects = [
            object(2, &["{\"n\":2}", "{\"n\":3}"]),
            object(0, &["{\"n\":0}", "{\"n\":1}"]),
        ];
        let tiles = check_complete("t", &records(4), &objects).unwrap();
        assert_eq!(
            tiles[&0],
            [Tile { first: 0, count: 2 }, Tile { first: 2, count: 2 }]
        );
        assert_eq!(end_of(&tiles, 0), 4);
        assert_eq!(end_of(&tiles, 1), 0);
    }

    #[test]
    fn lost_and_doubled_records_are_counted() {
        let objects = [
            object(0, &["{\"n\": 0}", "{\"n\": 1}"]),
            object(1, &["{\"n\": 1}"]),
        ];
        let census = census("t", &records(4), &objects).unwrap();
        assert_eq!((census.lost, census.duplicated), (2, 1));
    }

    #[test]
    fn gaps_and_overlaps_are_found() {
        assert!(error(&[object(1, &["{\"n\":1}"])]).contains("0..1 are in no object"));
        let twice = [
            object(0, &["{\"n\":0}", "{\"n\":1}"]),
            object(1, &["{\"n\":1}"]),
        ];
        assert!(error(&twice).contains("1..2 are in two objects"));
        assert!(error(&[object(0, &["{\"n\":0}"])]).contains("objects reach 1 of 4"));
        assert!(check("t", &records(4), &[object(0, &["{\"n\":0}"])]).is_ok());
    }

    #[test]
    fn wrong_contents_are_found() {
        assert!(error(&[object(0, &["{\"n\":1}"])]).contains("is {\"n\": 0}, not {\"n\":1}"));
        assert!(error(&[object(4, &["{\"n\":4}"])]).contains("no record 4"));
        let mut other = object(0, &["{\"n\":0}"]);
        other.key = "topics/t/partition=0/t+0+0.json".into();
        assert!(check("t", &records(1), &[other]).is_err());
    }
}

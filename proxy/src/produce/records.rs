//! The records of a v3 request, or those of a stream that had arrived together, and what is known of all of them: so that
//! nobody has to walk them only to check or to count.

use crate::app::App;
use crate::format::Format;
use crate::produce::RecordError;
use crate::produce::answer::Shown;
use crate::produce::prepare::Prepared;

/// A record: prepared, or what it failed for.
type Entry = Result<Prepared, RecordError>;

/// Records in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Records {
    list: Vec<Entry>,
    known: Known,
}

/// What is known of the records that did not fail.
#[derive(Debug, Default)]
struct Known {
    /// How many they are.
    good: usize,
    /// How many of them may go to any partition.
    loose: usize,
    /// How many partitions those have to have that are asked for.
    partitions: i32,
    /// Bytes of all headers.
    header_bytes: usize,
    /// By format, in the order of [`Format::ALL`].
    counts: [Count; Format::ALL.len()],
}

/// What is counted of a format.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    /// Bytes of keys and values.
    bytes: u64,
    /// Records whose value is of that format, or the key of those without a value.
    records: u64,
}

impl Known {
    #[inline]
    fn add(&mut self, record: &Prepared) {
        self.good += 1;
        self.loose += usize::from(record.is_loose());
        let partitions = record.record.partition.map_or(0, |it| it.saturating_add(1));
        self.partitions = self.partitions.max(partitions);
        self.header_bytes += record.header_bytes;
        // Values, not references: a record whose address nobody wants is put together where it is to lie.
        let told = |shown: &Option<Shown>| shown.as_ref().map(|shown| (shown.format, shown.size));
        let (key, value) = (told(&record.key), told(&record.value));
        if let Some((format, size)) = key {
            self.counts[format as usize].bytes += u64::try_from(size).unwrap_or(0);
        }
        if let Some((format, size)) = value {
            self.counts[format as usize].bytes += u64::try_from(size).unwrap_or(0);
        }
        if let Some((format, _)) = value.or(key) {
            self.counts[format as usize].records += 1;
        }
    }
}

impl Records {
    /// None yet; room for so many.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            list: Vec::with_capacity(count),
            known: Known::default(),
        }
    }

    /// Adds one behind the others.
    #[inline]
    pub(crate) fn push(&mut self, record: Entry) {
        if let Ok(prepared) = &record {
            self.known.add(prepared);
        }
        self.list.push(record);
    }

    /// Says what became of some of them. What is known of all is found out anew: it happens seldom.
    pub(crate) fn refuse(&mut self, refusal: impl Fn(usize, &Prepared) -> Option<RecordError>) {
        let list = std::mem::take(&mut self.list);
        *self = Self::with_capacity(list.len());
        for (index, record) in list.into_iter().enumerate() {
            let refused = record.as_ref().ok().and_then(|good| refusal(index, good));
            self.push(refused.map_or(record, Err));
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// One of them.
    pub(crate) fn get(&self, index: usize) -> Option<&Entry> {
        self.list.get(index)
    }

    /// How many did not fail.
    pub(crate) fn count_good(&self) -> usize {
        self.known.good
    }

    /// Those that did not fail, with their indexes.
    pub(crate) fn good(&self) -> impl Iterator<Item = (usize, &Prepared)> {
        let records = self.list.iter().enumerate();
        records.filter_map(|(index, record)| Some((index, record.as_ref().ok()?)))
    }

    /// The indexes of those that did not fail.
    pub(crate) fn good_indexes(&self) -> impl Iterator<Item = usize> {
        let all = self.known.good == self.list.len();
        (0..self.list.len()).filter(move |index| all || matches!(self.get(*index), Some(Ok(_))))
    }

    /// The indexes of those that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = usize> {
        let all = match self.known.good == self.list.len() {
            true => [].iter(),
            false => self.list.iter(),
        };
        all.enumerate()
            .filter_map(|(index, record)| record.is_err().then_some(index))
    }

    /// Whether there are any that did not fail, all of which may go to any partition.
    pub(crate) fn are_loose(&self) -> bool {
        self.known.good > 0 && self.known.good == self.known.loose
    }

    /// How many partitions the topic has to have for them.
    pub(crate) fn partitions(&self) -> i32 {
        self.known.partitions
    }

    /// Bytes of their headers.
    pub(crate) fn header_bytes(&self) -> usize {
        self.known.header_bytes
    }

    /// Counts the bytes of those that did not fail.
    pub(crate) fn count_bytes(&self, app: &App) {
        for (format, count) in Format::ALL.into_iter().zip(self.known.counts) {
            app.produced(format).bytes.inc_by(count.bytes);
        }
    }

    /// Counts those that did not fail, but for some.
    pub(crate) fn count_stored(&self, app: &App, lost: impl Iterator<Item = usize>) {
        let mut counts = self.known.counts;
        for index in lost {
            if let Some(Ok(record)) = self.get(index)
                && let Some(shown) = record.counted()
            {
                counts[shown.format as usize].records -= 1;
            }
        }
        for (format, count) in Format::ALL.into_iter().zip(counts) {
            app.produced(format).records.inc_by(count.records);
        }
    }
}

impl FromIterator<Entry> for Records {
    fn from_iter<T: IntoIterator<Item = Entry>>(records: T) -> Self {
        let mut all = Self::default();
        records.into_iter().for_each(|record| all.push(record));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Record;
    use crate::error::codes;

    fn record(partition: Option<i32>, format: Format, size: i64) -> Entry {
        let value = Some(Shown {
            format,
            size,
            schema: None,
        });
        Ok(Prepared {
            record: Record {
                partition,
                ..Record::default()
            },
            headers: None,
            header_bytes: 1,
            timestamp: 1,
            key: None,
            value,
        })
    }

    fn failed() -> Entry {
        Err(RecordError::new(codes::BAD_REQUEST, "no"))
    }

    #[test]
    fn what_is_known_is_that_of_the_good_ones() {
        let mut records: Records = [
            record(None, Format::Json, 5),
            failed(),
            record(Some(3), Format::Json, -1),
            record(None, Format::Binary, 7),
        ]
        .into_iter()
        .collect();
        assert_eq!((records.len(), records.count_good()), (4, 3));
        assert_eq!((records.partitions(), records.header_bytes()), (4, 3));
        assert!(!records.are_loose());
        assert_eq!(records.failed().collect::<Vec<_>>(), [1]);
        assert_eq!(records.good_indexes().collect::<Vec<_>>(), [0, 2, 3]);
        let json = records.known.counts[Format::Json as usize];
        assert_eq!((json.bytes, json.records), (5, 2));

        let error = || RecordError::new(codes::KAFKA, "no partition");
        records.refuse(|_, record| record.record.partition.map(|_| error()));
        assert_eq!((records.len(), records.count_good()), (4, 2));
        assert_eq!(records.partitions(), 0);
        assert!(records.are_loose());
        assert_eq!(records.failed().collect::<Vec<_>>(), [1, 2]);
        let json = records.known.counts[Format::Json as usize];
        assert_eq!((json.bytes, json.records), (5, 1));
    }

    #[test]
    fn none_are_not_loose() {
        assert!(!Records::default().are_loose());
        assert!(![failed()].into_iter().collect::<Records>().are_loose());
        assert_eq!(Records::default().failed().count(), 0);
    }
}

//! A record as it lies in a partition.

use rdkafka::message::{BorrowedMessage, Header, Headers, Message};

/// A record header: name and value.
pub type RecordHeader = (String, Option<Vec<u8>>);

/// A record as it lies in a partition. `partition` and `offset` of a record to be written say where
/// it goes and are checked afterwards; offset -1 is "wherever it lands".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Partition number.
    pub partition: i32,
    /// Offset, or -1.
    pub offset: i64,
    /// Milliseconds since the epoch; none is the broker's or the client's choice.
    pub timestamp: Option<i64>,
    /// Null is none.
    pub key: Option<Vec<u8>>,
    /// Null is none.
    pub value: Option<Vec<u8>>,
    /// In their order.
    pub headers: Vec<RecordHeader>,
}

impl Record {
    /// A record without key to be written to a partition.
    #[must_use]
    pub fn value(partition: i32, value: impl Into<Vec<u8>>) -> Self {
        Self {
            partition,
            offset: -1,
            timestamp: None,
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }

    /// The value as text, or `null`.
    #[must_use]
    pub fn text(&self) -> String {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.value.as_ref().map_or_else(|| "null".into(), text)
    }

    pub(super) fn read(message: &BorrowedMessage<'_>) -> Self {
        let header =
            |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(Vec::from));
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(Vec::from),
            value: message.payload().map(Vec::from),
            headers: message
                .headers()
                .map(|headers| headers.iter().map(header).collect())
                .unwrap_or_default(),
        }
    }
}

//! The header of a record batch (message format 2), the only part of a batch that the broker looks at.
//! In: the bytes of a batch; out: the header's fields, checks as Kafka makes them, and the few fields that a broker
//! writes. The records behind the header stay as the producer made them, compressed or not.

/// Bytes before a batch's records.
pub(crate) const HEADER_LEN: usize = 61;
/// Bytes that the batch's length field does not count: base offset and the length itself.
const LOG_OVERHEAD: usize = 12;
/// Where the checksum's range starts: everything from the attributes on.
const ATTRIBUTES_AT: usize = 21;
const CRC_AT: usize = 17;
const MAX_TIMESTAMP_AT: usize = 35;

const TIMESTAMP_TYPE_BIT: i16 = 1 << 3;
const TRANSACTIONAL_BIT: i16 = 1 << 4;
const CONTROL_BIT: i16 = 1 << 5;

/// The fields of a batch header that the broker uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) base_offset: i64,
    /// Bytes of the whole batch, its header included.
    pub(crate) size: usize,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) record_count: i32,
    magic: i8,
    crc: u32,
}

/// Why bytes are not a batch that may be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    #[error("the batch is shorter than its header says")]
    Truncated,
    #[error("the batch has message format {0}, only format 2 is supported")]
    Format(i8),
    #[error("the checksum does not match")]
    Checksum,
    #[error("the batch's record count, offsets or attributes are not those of a producer")]
    Invalid,
    #[error("transactions are not supported by the development broker")]
    Transactional,
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

impl BatchHeader {
    /// Reads the header at the start of `bytes`; the batch's records need not be there.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let magic = *bytes.get(16).ok_or(BatchError::Truncated)? as i8;
        if magic != 2 {
            return Err(BatchError::Format(magic));
        }
        Self::fields(bytes, magic)
            .filter(|header| header.size >= HEADER_LEN)
            .ok_or(BatchError::Truncated)
    }

    fn fields(bytes: &[u8], magic: i8) -> Option<Self> {
        let length = i32::from_be_bytes(field(bytes, 8)?);
        Some(Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)?),
            size: usize::try_from(length).ok()? + LOG_OVERHEAD,
            magic,
            crc: u32::from_be_bytes(field(bytes, CRC_AT)?),
            attributes: i16::from_be_bytes(field(bytes, ATTRIBUTES_AT)?),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)?),
            max_timestamp: i64::from_be_bytes(field(bytes, MAX_TIMESTAMP_AT)?),
            producer_id: i64::from_be_bytes(field(bytes, 43)?),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)?),
            base_sequence: i32::from_be_bytes(field(bytes, 53)?),
            record_count: i32::from_be_bytes(field(bytes, 57)?),
        })
    }

    /// Offset after the batch's last record.
    pub(crate) fn next_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta) + 1
    }

    /// Sequence number of the last record; sequences wrap from `i32::MAX` to 0.
    pub(crate) fn last_sequence(&self) -> i32 {
        add_sequence(self.base_sequence, self.last_offset_delta)
    }

    /// Whether the batch comes from an idempotent producer.
    pub(crate) fn has_producer(&self) -> bool {
        self.producer_id >= 0
    }

    /// Whether all records have the time of append, which is the header's `max_timestamp`.
    pub(crate) fn has_append_time(&self) -> bool {
        self.attributes & TIMESTAMP_TYPE_BIT != 0
    }

    /// Whether `batch`, exactly one batch long, has the checksum of this header.
    pub(crate) fn checksum_matches(&self, batch: &[u8]) -> bool {
        batch
            .get(ATTRIBUTES_AT..self.size)
            .is_some_and(|covered| crc32c::crc32c(covered) == self.crc)
    }

    /// Checks the one batch that a producer sent for a partition.
    pub(crate) fn from_producer(batch: &[u8]) -> Result<Self, BatchError> {
        let header = Self::parse(batch)?;
        if header.size > batch.len() {
            return Err(BatchError::Truncated);
        }
        if header.size < batch.len() || header.base_offset != 0 {
            return Err(BatchError::Invalid); // produce requests carry one batch a partition since version 3
        }
        if !header.checksum_matches(batch) {
            return Err(BatchError::Checksum);
        }
        let counts = header.record_count > 0 && header.last_offset_delta == header.record_count - 1;
        if !counts || header.attributes & CONTROL_BIT != 0 {
            return Err(BatchError::Invalid);
        }
        if header.attributes & TRANSACTIONAL_BIT != 0 {
            return Err(BatchError::Transactional);
        }
        Ok(header)
    }
}

/// `sequence + count`, wrapping as Kafka's sequence numbers do.
pub(crate) fn add_sequence(sequence: i32, count: i32) -> i32 {
    match sequence.checked_add(count) {
        Some(sum) => sum,
        None => count - (i32::MAX - sequence) - 1,
    }
}

/// Gives a batch its place in the log. The leader epoch is always 0: there is one leader, for ever.
pub(crate) fn assign_offset(batch: &mut [u8], base_offset: i64) {
    batch[0..8].copy_from_slice(&base_offset.to_be_bytes());
    batch[12..16].copy_from_slice(&0i32.to_be_bytes());
}

/// Replaces the producer's timestamps by the time of append (`message.timestamp.type=LogAppendTime`).
pub(crate) fn stamp_append_time(batch: &mut [u8], header: &BatchHeader, now_ms: i64) {
    let attributes = header.attributes | TIMESTAMP_TYPE_BIT;
    batch[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8].copy_from_slice(&now_ms.to_be_bytes());
    let crc = crc32c::crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use bytes::{Bytes, BytesMut};
    use kafka_protocol::records::{
        Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions,
        TimestampType,
    };

    use super::*;

    /// A batch as a producer would send it: `values[i]` with timestamp `start_ms + i`.
    pub(crate) fn producer_batch(values: &[&str], start_ms: i64) -> Vec<u8> {
        idempotent_batch(values, start_ms, -1, -1, -1)
    }

    /// The same of an idempotent producer.
    pub(crate) fn idempotent_batch(
        values: &[&str],
        start_ms: i64,
        producer_id: i64,
        producer_epoch: i16,
        sequence: i32,
    ) -> Vec<u8> {
        let records: Vec<Record> = values
            .iter()
            .enumerate()
            .map(|(index, value)| Record {
                transactional: false,
                control: false,
                delete_horizon: false,
                partition_leader_epoch: -1,
                producer_id,
                producer_epoch,
                timestamp_type: TimestampType::Creation,
                offset: index as i64,
                sequence: sequence + index as i32, // else the encoder starts another batch
                timestamp: start_ms + index as i64,
                key: None,
                value: Some(Bytes::copy_from_slice(value.as_bytes())),
                headers: Default::default(),
            })
            .collect();
        let mut batch = BytesMut::new();
        let options = RecordEncodeOptions {
            version: 2,
            compression: Compression::None,
        };
        RecordBatchEncoder::encode(&mut batch, &records, &options).unwrap();
        batch.to_vec()
    }

    #[test]
    fn reads_what_a_producer_sends() {
        let batch = idempotent_batch(&["a", "b", "c"], 1_000, 7, 1, 40);
        let header = BatchHeader::from_producer(&batch).unwrap();
        assert_eq!(
            (header.size, header.record_count, header.max_timestamp),
            (batch.len(), 3, 1_002)
        );
        assert_eq!(
            (
                header.producer_id,
                header.producer_epoch,
                header.base_sequence
            ),
            (7, 1, 40)
        );
        assert_eq!((header.next_offset(), header.last_sequence()), (3, 42));
    }

    #[test]
    fn refuses_what_no_producer_sends() {
        let batch = producer_batch(&["a"], 0);
        let error = |bytes: &[u8]| BatchHeader::from_producer(bytes).unwrap_err();
        assert_eq!(error(&batch[..30]), BatchError::Truncated);
        assert_eq!(error(&batch[..batch.len() - 1]), BatchError::Truncated);
        let mut flipped = batch.clone();
        *flipped.last_mut().unwrap() ^= 1;
        assert_eq!(error(&flipped), BatchError::Checksum);
        let mut old = batch.clone();
        old[16] = 1;
        assert_eq!(error(&old), BatchError::Format(1));
        assert_eq!(error(&[batch.clone(), batch].concat()), BatchError::Invalid);
    }

    #[test]
    fn sequences_wrap() {
        assert_eq!(add_sequence(i32::MAX, 1), 0);
        assert_eq!(add_sequence(i32::MAX - 1, 3), 1);
        assert_eq!(add_sequence(5, 2), 7);
    }

    #[test]
    fn append_time_replaces_the_producers_and_keeps_the_checksum_right() {
        let mut batch = producer_batch(&["a", "b"], 5);
        let header = BatchHeader::parse(&batch).unwrap();
        assign_offset(&mut batch, 90);
        stamp_append_time(&mut batch, &header, 777);
        let stamped = BatchHeader::parse(&batch).unwrap();
        assert!(stamped.checksum_matches(&batch));
        let decoded = RecordBatchDecoder::decode(&mut Bytes::from(batch))
            .unwrap()
            .records;
        assert_eq!(decoded[1].offset, 91);
        assert_eq!(stamped.max_timestamp, 777);
    }
}

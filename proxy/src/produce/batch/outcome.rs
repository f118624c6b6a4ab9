//! What became of a batch, told to the requests whose records it had.

use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use crate::kafka_wire::Landed;
use crate::produce::turn::{Parcel, Turn};

/// What becomes of a batch's records.
pub(super) enum Outcome {
    /// They lie there.
    Landed(Landed),
    /// librdkafka has to write them.
    Elsewhere,
    /// They are not written, or nobody knows.
    Failed(RDKafkaErrorCode),
}

impl Outcome {
    /// Tells requests what became of their records. The partition's next batch goes before that.
    pub(super) fn settle(self, partition: i32, parcels: Vec<Box<dyn Parcel>>, turn: Arc<Turn>) {
        match self {
            Self::Landed(Landed {
                mut offset,
                appended,
            }) => {
                drop(turn);
                for parcel in parcels {
                    let records = i64::try_from(parcel.records()).unwrap_or_default();
                    parcel.landed(partition, offset, appended);
                    offset += records;
                }
            }
            Self::Elsewhere => {
                for parcel in parcels {
                    parcel.hand_over(Some(partition), Some(Arc::clone(&turn)));
                }
            }
            Self::Failed(code) => {
                drop(turn);
                for parcel in parcels {
                    parcel.failed(code);
                }
            }
        }
    }
}

/// Whether a batch was refused for the sake of some of its records, or of its size.
pub(super) fn is_of_a_record(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::MessageBatchTooLarge
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::InvalidTimestamp
    )
}

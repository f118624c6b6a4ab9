//! Record batches of our own: what waits for a partition's [turn](super::turn) is written as one batch, straight from the
//! requests' buffers, and sent to the partition's leader.
//!
//! ```text
//! Parcels of a turn ─▶ format (bytes of a batch) ─▶ ids (who, and which number) ─▶ writer ─▶ leader
//!                                                                                    └─ not taken ─▶ librdkafka
//! ```
//!
//! librdkafka has no way to take a batch: it copies, queues, reports and frees each record by itself, which costs more than
//! all that the proxy does besides. It stays the client for everything else, and for every batch that a broker did not take:
//! it knows how to wait, ask again and fail.

pub(crate) mod format;
pub(crate) mod ids;
mod outcome;
pub(crate) mod settings;
mod spare;
pub(crate) mod writer;

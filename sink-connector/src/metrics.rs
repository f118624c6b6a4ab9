//! Counters of the sink. Stand-in.

/// The sink's metrics.
#[derive(Debug)]
pub struct SinkMetrics;

//! The worker. Stand-in.

/// A validated worker configuration.
#[derive(Debug)]
pub struct WorkerConfig;

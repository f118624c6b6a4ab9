//! Byte budget of the process. Stand-in.

/// Counts the bytes that tasks hold.
#[derive(Debug)]
pub struct Budget;

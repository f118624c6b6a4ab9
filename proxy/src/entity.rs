//! The JSON bodies of the API, field for field and in the original's order.

pub mod v2;
pub mod v3;

use serde::Serialize;

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorMessage {
    /// Confluent's code.
    pub error_code: u32,
    /// What went wrong.
    pub message: String,
}

//! Placeholder head, replaced with the crate.
#![forbid(unsafe_code)]

//! Head.
#![forbid(unsafe_code)]

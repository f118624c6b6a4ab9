//! Limits on rates: so many requests, bytes and records a second, for all, for an address, for a principal.
//!
//! | module | what it is |
//! |---|---|
//! | [`sluiceway_common::meters`] | `sluiceway.limit.*`, and `network.traffic.rate.limit.*` |
//! | [`dos_filter`] | `dos.filter.*` |
//! | [`permits`] | `rate.limit.*` |
//!
//! Requests are counted before they are looked at. How many bytes and records one brings is only known when it has
//! been read: it is charged then, and whoever owes is refused until the debt has been paid by time.

pub mod dos_filter;
pub mod permits;

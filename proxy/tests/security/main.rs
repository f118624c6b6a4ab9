//! Who may do what, through the whole stack: users, keys, tokens, rights, limits, and ways round them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod callers;
mod console;
mod credentials;
mod kafka;
#[path = "../support/provider.rs"]
mod provider;
mod rates;
mod rights;
mod settings;
mod spellings;
#[path = "../support/mod.rs"]
mod support;
mod ways_round;

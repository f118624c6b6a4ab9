//! Consumer instances against the development broker: every sub-resource, what each refuses, and what they leave behind.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod calls;
mod group;
mod lifetime;
mod offsets;
mod positions;
mod records;
mod subscription;
#[path = "../support/mod.rs"]
mod support;

//! The worker as its users meet it: started in this process on the embedded broker and S3, driven through Kafka
//! Connect's REST API.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod callers;
#[path = "../../../proxy/tests/support/certs.rs"]
mod certs;
mod distributed;
mod files;
mod hostile;
mod lifecycle;
mod offsets;
mod passed_on;
mod plugins;
#[path = "../../../proxy/tests/support/provider.rs"]
mod provider;
mod rates;
mod recorded;
mod requests;
mod secrets;
mod stage;
mod tls;
mod trace;
mod users;
mod workers_tls;

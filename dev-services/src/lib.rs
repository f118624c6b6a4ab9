//! What the programs need round them to be tried out and tested on one machine: a Kafka broker ([`broker`]), an S3
//! server ([`s3`]) and a schema registry ([`registry`]), each embedded in the process that starts it. **For development
//! only**: one node, no replication, no access control worth the name, no promise about data in another version's
//! format. Production talks to Kafka, S3 and a registry.
//!
//! They keep their data in plain folders that are given to them (the registry also in memory), survive `kill -9`, listen
//! on 127.0.0.1 only, and run on threads of their own: a test that blocks its runtime does not block them. They stop on
//! `stop().await` and when they are dropped.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use dev_services::broker::{Broker, BrokerOptions};
//! use dev_services::s3::{S3, S3Options};
//!
//! let broker = Broker::start(BrokerOptions::new("data/kafka")).await?;
//! let s3 = S3::start(S3Options::new("data/s3")).await?;
//! s3.create_bucket("posts").await?;
//! println!("bootstrap.servers={} endpoint={}", broker.bootstrap(), s3.endpoint());
//! s3.stop().await;
//! broker.stop().await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod broker;
pub mod raw_http;
pub mod registry;
pub mod s3;

mod service_thread;

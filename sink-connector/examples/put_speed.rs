//! The bare loop beside `flush.size=1`: objects put by the S3 client library alone, without Kafka:
//! `put_speed <endpoint> <bucket> <objects> <bytes> <in flight>`, credentials from the environment.
//!
//! Keys, content type and check sums as the sink's. Prints the seconds from the first request to the last answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region, RequestChecksumCalculation};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

/// Partitions whose folders the objects lie in.
const FOLDERS: u64 = 12;

/// Objects that are still to be put.
struct Puts {
    client: Client,
    bucket: String,
    body: Bytes,
    next: AtomicU64,
    objects: u64,
}

impl Puts {
    /// Puts one object after the other until none is left.
    async fn run(self: Arc<Self>) -> Result<()> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.objects {
                return Ok(());
            }
            let (folder, offset) = (number % FOLDERS, number / FOLDERS);
            let put = self
                .client
                .put_object()
                .bucket(&self.bucket)
                .key(format!(
                    "topics/sink-input/partition={folder}/sink-input+{folder}+{offset:010}.json"
                ))
                .content_type("binary/octet-stream")
                .body(ByteStream::from(self.body.clone()));
            put.send().await?;
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [endpoint, bucket, objects, bytes, in_flight] = arguments.as_slice() else {
        anyhow::bail!("put_speed <endpoint> <bucket> <objects> <bytes> <in flight>");
    };
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .load()
        .await;
    let config = aws_sdk_s3::config::Builder::from(&shared)
        .endpoint_url(endpoint)
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported);
    let puts = Arc::new(Puts {
        client: Client::from_conf(config.build()),
        bucket: bucket.clone(),
        body: vec![b'x'; bytes.parse().context("bytes")?].into(),
        next: AtomicU64::new(0),
        objects: objects.parse().context("objects")?,
    });
    let start = Instant::now();
    let loops: Vec<_> = (0..in_flight.parse().context("in flight")?)
        .map(|_: usize| tokio::spawn(Arc::clone(&puts).run()))
        .collect();
    for each in loops {
        each.await??;
    }
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}

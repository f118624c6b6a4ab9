//! A producer that keeps writing numbered records over all partitions of a topic while a test does harm elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinHandle;

use crate::kafka::{Kafka, Record};

/// How much is written.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Records a partition and round, at most.
    pub burst: u32,
    /// Pause between rounds, at most.
    pub pause: Duration,
    /// Bytes of filling a record, at most.
    pub filling: usize,
}

/// A running producer.
pub struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Result<()>>,
}

impl Load {
    /// Starts writing. Record `n` of a partition has offset `n` and says so.
    ///
    /// # Errors
    /// The client can't be built.
    pub fn start(
        bootstrap: &str,
        topic: &str,
        partitions: i32,
        pace: Pace,
        seed: u64,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let kafka = Kafka::new(bootstrap)?;
        let (stopped, topic) = (Arc::clone(&stop), topic.to_owned());
        let task = tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut next = vec![0i64; usize::try_from(partitions)?];
            while !stopped.load(Ordering::Relaxed) {
                let mut records = Vec::new();
                for (partition, next) in (0..partitions).zip(&mut next) {
                    for _ in 0..random.random_range(0..=pace.burst) {
                        records.push(numbered(
                            partition,
                            *next,
                            random.random_range(0..=pace.filling),
                        ));
                        *next += 1;
                    }
                }
                kafka.write(&topic, &records).await?;
                tokio::time::sleep(random.random_range(Duration::ZERO..=pace.pause)).await;
            }
            Ok(())
        });
        Ok(Self { stop, task })
    }

    /// Ends it; every record that it wrote is acknowledged.
    ///
    /// # Errors
    /// A record was refused.
    pub async fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await?.context("the producer under load")
    }
}

/// Record `n` of a partition, with some filling.
#[must_use]
pub fn numbered(partition: i32, n: i64, filling: usize) -> Record {
    let value = format!(
        "{{\"p\":{partition},\"n\":{n},\"filling\":\"{}\"}}",
        "x".repeat(filling)
    );
    Record {
        offset: n,
        ..Record::value(partition, value)
    }
}

//! The bare librdkafka producer loop: what the machine and the broker allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};

use super::{record, usage};

/// How many different records are sent over and over.
const DIFFERENT: u64 = 1_000;

/// Counts acknowledgements.
#[derive(Clone, Default)]
struct Acknowledged {
    good: Arc<AtomicU64>,
    bad: Arc<AtomicU64>,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() {
            &self.good
        } else {
            &self.bad
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the loop reached.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Acknowledged records a second.
    pub(crate) records_per_second: f64,
    /// Microseconds of CPU of this process a record.
    pub(crate) cpu_us: f64,
}

/// Produces for `warm_up` and then `measured`; acks=all, idempotent, no keys.
pub(crate) fn run(
    bootstrap: &str,
    topic: &str,
    size: usize,
    warm_up: Duration,
    measured: Duration,
) -> Result<Rate> {
    let records = different(size);
    let (producer, acknowledged) = producer(bootstrap)?;
    let mut next = 0_usize;
    let mut send_for = |span: Duration| -> Result<()> {
        let end = Instant::now() + span;
        while Instant::now() < end {
            for _ in 0..500 {
                send(
                    &producer,
                    BaseRecord::to(topic).payload(&records[next % records.len()]),
                )?;
                next += 1;
            }
            producer.poll(Duration::ZERO);
        }
        Ok(())
    };
    send_for(warm_up)?;
    let pid = std::process::id();
    let (start, before, cpu) = (
        Instant::now(),
        acknowledged.good.load(Ordering::Relaxed),
        usage::cpu(pid)?,
    );
    send_for(measured)?;
    let count = acknowledged.good.load(Ordering::Relaxed) - before;
    let (took, cpu) = (start.elapsed(), usage::cpu(pid)? - cpu);
    producer.flush(Duration::from_secs(60))?;
    ensure!(
        acknowledged.bad.load(Ordering::Relaxed) == 0,
        "records were not acknowledged"
    );
    Ok(Rate {
        records_per_second: count as f64 / took.as_secs_f64(),
        cpu_us: super::statistics::micros_each(cpu, count),
    })
}

/// Writes `count` records evenly over `partitions`.
pub(crate) fn fill(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
    count: u64,
    size: usize,
) -> Result<()> {
    let records = different(size);
    let (producer, acknowledged) = producer(bootstrap)?;
    for (number, partition) in (0..count).zip((0..partitions).cycle()) {
        let value = &records[(number % DIFFERENT) as usize];
        send(
            &producer,
            BaseRecord::to(topic).partition(partition).payload(value),
        )?;
        if number % 500 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(120))?;
    let good = acknowledged.good.load(Ordering::Relaxed);
    ensure!(good == count, "{good} of {count} records were acknowledged");
    Ok(())
}

fn different(size: usize) -> Vec<String> {
    (0..DIFFERENT)
        .map(|number| record::json(number, size))
        .collect()
}

fn producer(bootstrap: &str) -> Result<(BaseProducer<Acknowledged>, Acknowledged)> {
    let acknowledged = Acknowledged::default();
    let producer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // As the proxy's producer is set up by default.
        .set("linger.ms", "0.5")
        .set("partitioner", "murmur2_random")
        .create_with_context(acknowledged.clone())?;
    Ok((producer, acknowledged))
}

/// Enqueues, waiting while the queue is full.
fn send(producer: &BaseProducer<Acknowledged>, record: BaseRecord<'_, str, String>) -> Result<()> {
    let mut record = record;
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                producer.poll(Duration::from_millis(1));
            }
            Err((error, _)) => bail!("cannot enqueue: {error}"),
        }
    }
}

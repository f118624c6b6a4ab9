//! Topics of a bench: made for one measurement, counted, and deleted after it.

use std::time::Duration;

use anyhow::{Result, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};

const LIMIT: Duration = Duration::from_secs(30);

/// A topic; deleted when dropped.
pub(crate) struct Topic {
    /// Its name.
    pub(crate) name: String,
    /// How many partitions it has.
    pub(crate) partitions: i32,
    bootstrap: String,
}

impl Topic {
    /// Creates it.
    pub(crate) fn create(bootstrap: &str, name: &str, partitions: i32) -> Result<Self> {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        with_admin(bootstrap, async |admin| {
            for outcome in admin
                .create_topics(
                    [&topic],
                    &AdminOptions::new().operation_timeout(Some(LIMIT)),
                )
                .await?
            {
                if let Err((name, code)) = outcome {
                    bail!("topic {name} cannot be created: {code}");
                }
            }
            Ok(())
        })?;
        Ok(Self {
            name: name.to_owned(),
            partitions,
            bootstrap: bootstrap.to_owned(),
        })
    }

    /// How many records its partitions hold.
    pub(crate) fn records(&self) -> Result<u64> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .create()?;
        let mut sum = 0;
        for partition in 0..self.partitions {
            let (low, high) = client.fetch_watermarks(&self.name, partition, LIMIT)?;
            sum += u64::try_from(high - low)?;
        }
        Ok(sum)
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        let deleted = with_admin(&self.bootstrap, async |admin| {
            admin
                .delete_topics(&[&self.name], &AdminOptions::new())
                .await?;
            Ok(())
        });
        if let Err(error) = deleted {
            eprintln!("topic {} is not deleted: {error:#}", self.name);
        }
    }
}

fn with_admin<F>(bootstrap: &str, work: F) -> Result<()>
where
    F: AsyncFnOnce(&AdminClient<DefaultClientContext>) -> Result<()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let admin = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?;
    runtime.block_on(work(&admin))
}

//! Whether a stretch of a partition's log holds no record (any more).
//!
//! A recovered plan's boundary is one past a record that was written. When compaction or retention has removed that record
//! meanwhile, nothing meets the boundary until the partition's next record. So a partition that waits for its boundary without
//! records is looked at by a consumer of its own: it reads from where the task stands. What it finds first decides: a record
//! below the boundary (the task will get it, too), or one behind it, or the end of the log.
//!
//! In: topic, partition, where the task stands, the boundary. Out, over a channel: whether nothing lies between. That stays
//! true: records are only ever added at the end of a log, and the boundary lies below it (looked at first: a log that was cut
//! below the boundary will get other records there).

use std::error::Error as StdError;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use sluiceway_kafka_tokens::log_in;

use crate::upload::TpId;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(20);

/// A stretch that may be empty: of a topic-partition's assignment, from an offset up to (not with) a boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) tp: TpId,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) from: i64,
    pub(crate) boundary: i64,
}

/// Looks at one gap at a time, beside the task's thread.
pub(crate) struct GapFinder {
    settings: ClientConfig,
    found: mpsc::Receiver<Option<Gap>>,
    tell: mpsc::Sender<Option<Gap>>,
    looking: bool,
}

impl GapFinder {
    /// With the settings of the task's consumer.
    pub(crate) fn new(mut settings: ClientConfig) -> Self {
        settings
            .set("enable.partition.eof", "true")
            .set("statistics.interval.ms", "0")
            .set("queued.max.messages.kbytes", "1024");
        // It belongs to no group: what it assigns itself nobody hears of.
        settings.remove("group.instance.id");
        let (tell, found) = mpsc::channel();
        Self {
            settings,
            found,
            tell,
            looking: false,
        }
    }

    /// A gap that was found to be empty.
    pub(crate) fn take(&mut self) -> Option<Gap> {
        let answer = self.found.try_recv().ok()?;
        self.looking = false;
        answer
    }

    /// Begins to look, unless it is looking already.
    pub(crate) fn look(&mut self, gap: Gap, runtime: &tokio::runtime::Handle) {
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let (settings, tell) = (self.settings.clone(), self.tell.clone());
        runtime.spawn_blocking(move || {
            let empty = is_empty(&settings, &gap).unwrap_or_else(|error| {
                tracing::info!(topic = gap.topic, partition = gap.partition, %error, "cannot look for a record below a planned boundary; it is looked for again");
                false
            });
            // The task may have ended.
            let _ = tell.send(empty.then_some(gap));
        });
    }

    /// Whether it can begin to look.
    pub(crate) fn is_free(&self) -> bool {
        !self.looking
    }
}

/// Log lines of these clients, like those of the task's.
struct Quiet;

impl ClientContext for Quiet {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        sluiceway_kafka_tokens::answer(config)
    }

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        crate::consume::log_client(level, fac, message);
    }
}

impl ConsumerContext for Quiet {}

fn is_empty(settings: &ClientConfig, gap: &Gap) -> KafkaResult<bool> {
    let consumer: BaseConsumer<Quiet> = settings.create_with_context(Quiet)?;
    log_in(settings, &consumer);
    let (_, end) = consumer.fetch_watermarks(&gap.topic, gap.partition, LOOK)?;
    if end < gap.boundary {
        return Ok(false);
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&gap.topic, gap.partition, Offset::Offset(gap.from))?;
    consumer.assign(&list)?;
    let until = Instant::now() + LOOK;
    while Instant::now() < until {
        match consumer.poll(Duration::from_millis(200)) {
            None => {}
            Some(Ok(message)) => return Ok(message.offset() >= gap.boundary),
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(true),
            Some(Err(error)) => return Err(error),
        }
    }
    Ok(false)
}

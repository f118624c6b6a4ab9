//! What the operations share: who asks, which streams there are for them, and names.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Kinesis;
use super::config::KinesisConfig;
use super::fault::Fault;
use super::token::{Kind, Refused};
use super::which::Which;
use sluiceway_common::glob;

use crate::api::Request;
use crate::app::App;
use crate::auth::rights::Operation;
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::produce::RecordError;

/// How long an answer waits for other brokers to hear of a stream that was made or removed.
const SETTLE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(25);

/// See the module.
pub(crate) struct Front<'a> {
    pub(super) kinesis: &'a Kinesis,
    pub(super) request: &'a Request<'a>,
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

impl<'a> Front<'a> {
    /// Everything the proxy has.
    pub(super) fn app(&self) -> &'a Arc<App> {
        self.request.app
    }

    /// Settings.
    pub(super) fn config(&self) -> &'a KinesisConfig {
        &self.kinesis.config
    }

    /// Who asks, for the log.
    pub(super) fn principal(&self) -> &str {
        self.request
            .caller
            .principal
            .map_or("", |principal| &principal.name)
    }

    /// The name, if the settings let it be a stream.
    ///
    /// # Errors
    /// They do not: it is as if there were none.
    pub(super) fn visible<'n>(&self, name: &'n str) -> Result<&'n str, Fault> {
        let mut patterns = self.config().streams.iter();
        if !name.starts_with("__") && patterns.any(|pattern| glob::fits(pattern, name)) {
            return Ok(name);
        }
        Err(self.no_stream(name))
    }

    /// Name and number of shards of a stream that is there, for what the caller wants to do with it.
    ///
    /// # Errors
    /// It is not there, or the caller may not.
    pub(super) async fn stream<'w>(
        &self,
        which: &'w Which,
        wanted: Operation,
    ) -> Result<(&'w str, i32), Fault> {
        let name = self.visible(which.name()?)?;
        self.request.check(wanted, name)?;
        let shards = self.app().topics.existing(name).await;
        Ok((name, shards.map_err(|fault| self.fault(name, fault))?))
    }

    /// `arn:aws:kinesis:us-east-1:000000000000:stream/a`
    pub(super) fn arn(&self, name: &str) -> String {
        let KinesisConfig {
            region, account, ..
        } = self.config();
        format!("arn:aws:kinesis:{region}:{account}:stream/{name}")
    }

    fn no_stream(&self, name: &str) -> Fault {
        Fault::not_found(format!(
            "Stream {name} under account {} not found.",
            self.config().account
        ))
    }

    /// What Kafka says of a stream.
    pub(super) fn fault(&self, name: &str, fault: KafkaFault) -> Fault {
        match fault.class {
            FaultClass::UnknownTopicOrPartition | FaultClass::NoTopic => self.no_stream(name),
            _ => fault.into(),
        }
    }

    /// What Kafka says of a record.
    pub(super) fn record_fault(&self, name: &str, error: RecordError) -> Fault {
        let fault = Fault::from(error);
        if fault.name == "ResourceNotFoundException" {
            self.no_stream(name)
        } else {
            fault
        }
    }

    /// Waits until a stream that was made is seen, or one that was removed no longer is.
    pub(super) async fn settle(&self, name: &str, there: bool) {
        let deadline = Instant::now() + SETTLE;
        while Instant::now() < deadline {
            match self.app().admin.partitions(name).await {
                Ok(_) if there => return,
                Err(fault) if !there && fault.class == FaultClass::UnknownTopicOrPartition => {
                    return;
                }
                _ => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// Seals what a token stands for; it is taken for as long as the settings say.
    pub(super) fn seal(&self, kind: Kind, meaning: &[u8]) -> String {
        let lives = i64::try_from(self.config().iterator_expiry.as_millis()).unwrap_or(i64::MAX);
        self.kinesis
            .seals
            .seal(kind, now().saturating_add(lives), meaning)
    }

    /// The same of text.
    pub(super) fn seal_text(&self, kind: Kind, text: &str) -> String {
        self.seal(kind, text.as_bytes())
    }

    /// What a list's token stands for.
    ///
    /// # Errors
    /// It is none of this front's, or too old.
    pub(super) fn open_text(&self, kind: Kind, token: &str) -> Result<String, Fault> {
        let opened = self.kinesis.seals.open(kind, token, now());
        let meaning = opened.map_err(|refused| match refused {
            Refused::Garbled => Fault::argument("NextToken is invalid."),
            Refused::Expired(_) => {
                Fault::client("ExpiredNextTokenException", "NextToken has expired.")
            }
        })?;
        String::from_utf8(meaning).map_err(|_| Fault::argument("NextToken is invalid."))
    }
}

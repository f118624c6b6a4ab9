//! `TimestampRouter`: a topic name made of the topic and the record's timestamp.

use std::borrow::Cow;

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting};
use super::{Transform, Verdict};
use crate::date_format::DateFormat;
use crate::error::Exception;
use crate::record::SinkRecord;

pub(super) fn settings() -> Vec<Setting> {
    let text = |name, default, doc| {
        Setting::with(name, Kind::String, default, doc).importance(Importance::High)
    };
    vec![
        text(
            "topic.format",
            "${topic}-${timestamp}",
            "The new name: `${topic}` and `${timestamp}` are filled in.",
        ),
        text(
            "timestamp.format",
            "yyyyMMdd",
            "SimpleDateFormat pattern of `${timestamp}`, in UTC.",
        ),
    ]
}

struct TimestampRouter {
    topic_format: String,
    /// A bad pattern is told with the first record, as in the original.
    timestamp_format: Result<DateFormat, String>,
}

pub(super) fn new(options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(TimestampRouter {
        topic_format: options.string("topic.format"),
        timestamp_format: DateFormat::new(&options.string("timestamp.format")),
    }))
}

impl Transform for TimestampRouter {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let Some(millis) = record.timestamp else {
            return Err(Exception::data(format!(
                "Timestamp missing on record: SinkRecord{{kafkaOffset={}, timestampType=CreateTime, originalTopic={}, \
                 originalKafkaPartition={}, originalKafkaOffset={}}}",
                record.offset, record.source_topic, record.partition, record.offset
            )));
        };
        let format = self.timestamp_format.as_ref().map_err(|message| {
            Exception::new("java.lang.IllegalArgumentException", message.clone())
        })?;
        let topic = self.topic_format.replace("${topic}", &record.topic);
        record.topic = Cow::Owned(topic.replace("${timestamp}", &format.format(millis)));
        Ok(Verdict::Keep)
    }
}

//! All instances at a glance, without using them: nobody's end is put off by looking.

use std::sync::Arc;
use std::time::Duration;

use super::Consumers;
use super::instance::Instance;
use super::java_order::TopicPartition;
use crate::format::Format;

/// An instance, as it is seen from outside.
pub(crate) struct Seen {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) idle: Duration,
    pub(crate) ends_in: Duration,
    /// A request has its reader now.
    pub(crate) in_use: bool,
    pub(crate) topics: Vec<String>,
    pub(crate) partitions: Vec<TopicPartition>,
}

impl Consumers {
    /// All instances of this replica.
    pub(crate) fn overview(&self) -> Vec<Seen> {
        let timeout = self.instance_timeout();
        let instances = self.all();
        instances
            .iter()
            .map(|instance| instance.seen(timeout))
            .collect()
    }
}

impl Instance {
    fn seen(&self, timeout: Duration) -> Seen {
        let guard = self.reader.try_lock();
        let reader = guard.as_ref().ok().and_then(|guard| guard.as_ref());
        let ends_in = self.ends_in(timeout);
        Seen {
            group: self.group.clone(),
            name: self.name.clone(),
            format: self.format,
            owner: self.principal.clone(),
            idle: self.idle(),
            ends_in,
            in_use: guard.is_err(),
            topics: reader
                .map(|reader| reader.subscription())
                .unwrap_or_default(),
            partitions: reader.map(|reader| reader.assignment()).unwrap_or_default(),
        }
    }
}

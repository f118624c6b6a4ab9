//! The objects that this worker has written last: what a listing of the bucket does not tell.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::events::ClosedObject;
use crate::rotate::CloseReason;

/// Objects remembered of each connector, and connectors.
const OBJECTS: usize = 1000;
const CONNECTORS: usize = 200;

/// What is remembered of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrittenObject {
    pub(crate) last_offset: i64,
    pub(crate) records: u64,
    pub(crate) reason: CloseReason,
}

#[derive(Debug, Default)]
struct OfConnector {
    order: VecDeque<Arc<str>>,
    objects: HashMap<Arc<str>, WrittenObject>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<HashMap<String, OfConnector>>>);

impl Written {
    /// Remembers an object.
    pub(crate) fn add(&self, connector: &str, object: &ClosedObject) {
        let mut all = self.0.lock();
        if !all.contains_key(connector) {
            if all.len() >= CONNECTORS {
                return;
            }
            all.insert(connector.to_owned(), OfConnector::default());
        }
        let Some(of) = all.get_mut(connector) else {
            return;
        };
        let key: Arc<str> = object.key.as_str().into();
        let written = WrittenObject {
            last_offset: object.last_offset,
            records: object.records,
            reason: object.reason,
        };
        if of.objects.insert(Arc::clone(&key), written).is_none() {
            of.order.push_back(key);
        }
        if of.order.len() > OBJECTS
            && let Some(oldest) = of.order.pop_front()
        {
            of.objects.remove(&oldest);
        }
    }

    /// What is remembered of this one.
    pub(crate) fn find(&self, connector: &str, key: &str) -> Option<WrittenObject> {
        self.0.lock().get(connector)?.objects.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered() {
        let written = Written::default();
        let object = |number: usize| ClosedObject {
            key: format!("k{number}"),
            first_offset: 0,
            last_offset: 9,
            records: 10,
            bytes: 1,
            reason: CloseReason::FlushSize,
            sidecar: false,
        };
        for number in 0..=OBJECTS {
            written.add("c", &object(number));
            written.add("c", &object(number));
        }
        assert_eq!(written.find("c", "k0"), None);
        assert_eq!(written.find("c", "k1").map(|found| found.records), Some(10));
        assert_eq!(written.find("other", "k1"), None);
    }
}

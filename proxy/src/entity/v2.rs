//! Bodies of v2.

pub mod consumers;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

use crate::admin_client::PartitionInfo;

/// `GET /brokers`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokerList {
    /// Ids.
    pub brokers: Vec<i32>,
}

/// `GET /topics/{topic}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// All settings in effect; sensitive ones are null.
    pub configs: IndexMap<String, Option<String>>,
    /// Its partitions.
    pub partitions: Vec<Partition>,
}

/// `GET /topics/{topic}/partitions/{partition}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// Its number.
    pub partition: i32,
    /// The leader's broker id, -1 for none.
    pub leader: i32,
    /// Where it lies.
    pub replicas: Vec<Replica>,
}

/// A copy of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replica {
    /// The broker's id.
    pub broker: i32,
    /// Whether it leads.
    pub leader: bool,
    /// Whether it is in sync.
    pub in_sync: bool,
}

impl From<PartitionInfo> for Partition {
    fn from(info: PartitionInfo) -> Self {
        let replica = |broker: &i32| Replica {
            broker: *broker,
            leader: *broker == info.leader,
            in_sync: info.in_sync.contains(broker),
        };
        Self {
            partition: info.id,
            leader: info.leader,
            replicas: info.replicas.iter().map(replica).collect(),
        }
    }
}

/// `GET /topics/{topic}/partitions/{partition}/offsets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offsets {
    /// First offset that can be read.
    pub beginning_offset: i64,
    /// Offset of the next record.
    pub end_offset: i64,
}

/// `{}`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Empty;

impl Serialize for Empty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(std::iter::empty::<((), ())>())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_and_their_order() {
        let info = PartitionInfo {
            id: 1,
            leader: 2,
            replicas: vec![2, 3],
            in_sync: vec![2],
        };
        assert_eq!(
            serde_json::to_string(&Partition::from(info)).unwrap(),
            r#"{"partition":1,"leader":2,"replicas":[{"broker":2,"leader":true,"in_sync":true},{"broker":3,"leader":false,"in_sync":false}]}"#
        );
        assert_eq!(serde_json::to_string(&Empty).unwrap(), "{}");
        let topic = Topic {
            name: "t".into(),
            configs: IndexMap::from([("a".into(), None)]),
            partitions: vec![],
        };
        assert_eq!(
            serde_json::to_string(&topic).unwrap(),
            r#"{"name":"t","configs":{"a":null},"partitions":[]}"#
        );
    }
}

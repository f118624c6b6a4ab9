//! What a route asks of its caller, as far as method and path tell. What stands in bodies is checked by handlers.

use super::principal::Principal;
use super::rights::Operation;
use crate::error::Error;
use crate::router::{Endpoint, Kinesis, Matched, Route, V3};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing but an identity; what is listed is what may be seen.
    Identity,
    /// This, for the topic that is the path's parameter of this number.
    Topic(Operation, usize),
    /// This, for some topic; the handler knows which.
    Some(Operation),
    /// This, for all topics.
    All(Operation),
}

impl Need {
    /// The need of a route.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        use Endpoint as E;
        use Operation::{Admin, Consume, Describe, Produce};
        let topic = |operation| match parameter(route.template, "{topic}") {
            Some(number) => Self::Topic(operation, number),
            None => Self::All(operation),
        };
        match route.endpoint {
            // It is there for nobody, which is told whoever asks.
            _ if !route.served => Self::Identity,
            E::Root
            | E::RootPost
            | E::Brokers
            | E::Topics
            | E::OwnTopics
            | E::OpenApi
            | E::Docs => Self::Identity,
            E::ProduceToTopic | E::ProduceToPartition | E::V3Records | E::V3RecordsBatch => {
                topic(Produce)
            }
            E::Topic | E::Partitions | E::Partition | E::PartitionOffsets => topic(Describe),
            E::PartitionRecords => topic(Consume),
            // What a call of an SDK is for stands in its body: its handler checks.
            E::Kinesis(Kinesis::Call | Kinesis::List) => Self::Identity,
            E::Kinesis(kinesis) => Self::Topic(
                match kinesis {
                    Kinesis::Create | Kinesis::Delete => Admin,
                    Kinesis::Put | Kinesis::PutMany => Produce,
                    Kinesis::Get | Kinesis::Iterator => Consume,
                    Kinesis::Call | Kinesis::List | Kinesis::Describe => Describe,
                },
                0,
            ),
            E::CreateConsumer
            | E::DeleteConsumer
            | E::Subscribe
            | E::Subscription
            | E::Unsubscribe
            | E::Assign
            | E::Assignments
            | E::Seek
            | E::SeekToBeginning
            | E::SeekToEnd
            | E::Commit
            | E::Committed
            | E::Records
            | E::OwnConsumers => Self::Some(Consume),
            E::V3(endpoint) => match endpoint {
                V3::Clusters | V3::Cluster | V3::Brokers | V3::Broker | V3::Topics => {
                    Self::Identity
                }
                V3::Topic
                | V3::TopicConfigs
                | V3::TopicConfig
                | V3::Partitions
                | V3::Partition
                | V3::PartitionOffsets
                | V3::Replicas
                | V3::Replica
                | V3::TopicReassignments
                | V3::Reassignment => topic(Describe),
                V3::CreateTopic => Self::Some(Admin),
                V3::GrowTopic
                | V3::DeleteTopic
                | V3::SetTopicConfig
                | V3::ResetTopicConfig
                | V3::AlterTopicConfigs => topic(Admin),
                V3::ConsumerGroups
                | V3::ConsumerGroup
                | V3::Consumers
                | V3::Consumer
                | V3::Assignments
                | V3::Assignment
                | V3::LagSummary
                | V3::Lags
                | V3::Lag => Self::All(Consume),
                V3::AllBrokersConfigs
                | V3::BrokerConfigs
                | V3::BrokerConfig
                | V3::SetBrokerConfig
                | V3::ResetBrokerConfig
                | V3::AlterBrokerConfigs
                | V3::BrokerReplicas
                | V3::ClusterConfigs
                | V3::ClusterConfig
                | V3::SetClusterConfig
                | V3::ResetClusterConfig
                | V3::AlterClusterConfigs
                | V3::AllTopicsConfigs
                | V3::AlterAllTopicsConfigs
                | V3::AllReassignments
                | V3::Acls
                | V3::CreateAcl
                | V3::DeleteAcls
                | V3::CreateAcls => Self::All(Admin),
            },
        }
    }

    /// Whether the caller has what is needed.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; a topic's name that cannot be decoded.
    pub fn check(self, principal: &Principal, matched: &Matched, path: &str) -> Result<(), Error> {
        match self {
            Self::Identity => Ok(()),
            Self::Topic(operation, number) => {
                principal.check(operation, &matched.param(path, number)?)
            }
            Self::Some(operation) if principal.rights.allow_some(operation) => Ok(()),
            Self::Some(operation) | Self::All(operation) => principal.check_all(operation),
        }
    }
}

/// The number of a path parameter in a template.
fn parameter(template: &str, name: &str) -> Option<usize> {
    let mut parameters = template
        .split('/')
        .filter(|segment| segment.starts_with('{'));
    parameters.position(|segment| segment.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted() {
        let records = "/v3/clusters/{cluster}/topics/{topic}/records:batch";
        assert_eq!(parameter(records, "{topic}"), Some(1));
        assert_eq!(parameter("/topics/{topic}", "{topic}"), Some(0));
        assert_eq!(parameter("/topics", "{topic}"), None);
    }
}

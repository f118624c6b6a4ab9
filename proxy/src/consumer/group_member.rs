//! An instance as a static member of its group, when replicas share instances.
//!
//! The member's name is the instance's: Kafka itself sees to it that only one replica reads for it, and another that goes on
//! with it needs no rebalance. A static member does not leave its group by closing, so it is taken out when its instance ends.

use std::sync::Arc;

use crate::cluster_admin::ClusterAdmin;
use crate::peers::rendezvous::hash;

/// The name of an instance's member: what Kafka allows of the instance's, and a number that tells those apart of which
/// it allows the same.
pub(super) fn name(instance: &str) -> String {
    const SHOWN: usize = 100;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let shown = instance.chars().take(SHOWN);
    let shown: String = shown.map(|c| if legal(c) { c } else { '_' }).collect();
    format!("{shown}-{:016x}", hash(&[instance.as_bytes()]))
}

/// Takes an instance's member out of its group, where there are static members.
pub(super) async fn leave(cluster: Option<&Arc<dyn ClusterAdmin>>, group: &str, instance: &str) {
    let Some(cluster) = cluster else {
        return;
    };
    if let Err(fault) = cluster.remove_member(group, &name(instance)).await {
        // Its partitions go to others when its session ends.
        tracing::debug!(group, instance, %fault, "a consumer instance's member stays in its group for now");
    }
}

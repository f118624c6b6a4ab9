//! Bodies of access rules.

use serde::Serialize;

use super::Resource;

/// Fields of `KafkaAcl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acl {
    /// The cluster's id.
    pub cluster_id: String,
    /// What is ruled.
    pub resource_type: &'static str,
    /// Its name.
    pub resource_name: String,
    /// How the name is meant.
    pub pattern_type: &'static str,
    /// Whom it is about.
    pub principal: String,
    /// From where.
    pub host: String,
    /// What may be done.
    pub operation: &'static str,
    /// Or may not.
    pub permission: &'static str,
}

/// The rules that were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletedAcls {
    /// In order.
    pub data: Vec<Resource<Acl>>,
}

//! Access rules, and the names that the REST API and Kafka's protocol have for their parts.

/// One of Kafka's enumerations: names as the REST API writes them, codes as the protocol does.
#[derive(Debug)]
pub struct AclEnum {
    /// The Java class, for error texts.
    pub class: &'static str,
    /// The field's name in requests and answers.
    pub field: &'static str,
    /// The values in the order of their codes.
    pub values: &'static [&'static str],
    /// The values in the order in which the original's parser lists them.
    pub listed: &'static str,
}

/// What is ruled.
pub const RESOURCE_TYPE: AclEnum = AclEnum {
    class: "ResourceType",
    field: "resource_type",
    values: &[
        "UNKNOWN",
        "ANY",
        "TOPIC",
        "GROUP",
        "CLUSTER",
        "TRANSACTIONAL_ID",
        "DELEGATION_TOKEN",
    ],
    listed: "UNKNOWN, ANY, TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN",
};

/// How the resource's name is meant.
pub const PATTERN_TYPE: AclEnum = AclEnum {
    class: "PatternType",
    field: "pattern_type",
    values: &["UNKNOWN", "ANY", "MATCH", "LITERAL", "PREFIXED"],
    listed: "UNKNOWN, ANY, MATCH, LITERAL, PREFIXED",
};

/// What is allowed or denied.
pub const OPERATION: AclEnum = AclEnum {
    class: "Operation",
    field: "operation",
    values: &[
        "UNKNOWN",
        "ANY",
        "ALL",
        "READ",
        "WRITE",
        "CREATE",
        "DELETE",
        "ALTER",
        "DESCRIBE",
        "CLUSTER_ACTION",
        "DESCRIBE_CONFIGS",
        "ALTER_CONFIGS",
        "IDEMPOTENT_WRITE",
    ],
    listed: "ALL, ALTER_CONFIGS, UNKNOWN, DELETE, ANY, ALTER, IDEMPOTENT_WRITE, CLUSTER_ACTION, CREATE, DESCRIBE_CONFIGS, WRITE, DESCRIBE, READ",
};

/// Allowed or denied.
pub const PERMISSION: AclEnum = AclEnum {
    class: "Permission",
    field: "permission",
    values: &["UNKNOWN", "ANY", "DENY", "ALLOW"],
    listed: "UNKNOWN, ANY, DENY, ALLOW",
};

impl AclEnum {
    /// The name of a code.
    #[must_use]
    pub fn name(&self, code: i8) -> &'static str {
        let at = usize::try_from(code).ok();
        at.and_then(|at| self.values.get(at)).unwrap_or(&"UNKNOWN")
    }

    /// The code of exactly this name.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<i8> {
        let at = self.values.iter().position(|value| *value == name)?;
        i8::try_from(at).ok()
    }
}

/// An access rule; codes are the protocol's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AclBinding {
    /// See [`RESOURCE_TYPE`].
    pub resource_type: i8,
    /// What it is about.
    pub resource_name: String,
    /// See [`PATTERN_TYPE`].
    pub pattern_type: i8,
    /// Whom it is about, `User:alice`.
    pub principal: String,
    /// From where, `*` for anywhere.
    pub host: String,
    /// See [`OPERATION`].
    pub operation: i8,
    /// See [`PERMISSION`].
    pub permission: i8,
}

/// Which rules; `None` matches any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclFilter {
    /// See [`RESOURCE_TYPE`].
    pub resource_type: i8,
    /// What it is about.
    pub resource_name: Option<String>,
    /// See [`PATTERN_TYPE`].
    pub pattern_type: i8,
    /// Whom it is about.
    pub principal: Option<String>,
    /// From where.
    pub host: Option<String>,
    /// See [`OPERATION`].
    pub operation: i8,
    /// See [`PERMISSION`].
    pub permission: i8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes() {
        assert_eq!(OPERATION.code("IDEMPOTENT_WRITE"), Some(12));
        assert_eq!(OPERATION.name(3), "READ");
        assert_eq!(PATTERN_TYPE.code("literal"), None);
        assert_eq!(PERMISSION.name(99), "UNKNOWN");
        assert_eq!(PERMISSION.name(-1), "UNKNOWN");
    }
}

//! Which endpoints are served, and the stages that may stand before their paths.

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};

/// Which endpoints are served.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Whether v2 is.
    pub v2: bool,
    /// Whether v3 is.
    pub v3: bool,
    /// Whether the API's description is.
    pub openapi: bool,
    /// Whether the Kinesis front is.
    pub kinesis: bool,
    allowed: Vec<String>,
    blocked: Vec<String>,
}

impl Endpoints {
    pub(super) fn read(values: &Values) -> Self {
        Self {
            v2: values.boolean("api.v2.enable"),
            v3: values.boolean("api.v3.enable"),
            openapi: values.boolean("sluiceway.openapi.enable"),
            kinesis: values.boolean("sluiceway.kinesis.enable"),
            allowed: values.list("api.endpoints.allowlist").to_vec(),
            blocked: values.list("api.endpoints.blocklist").to_vec(),
        }
    }

    /// Whether the endpoint of this name (`api.v2.topics.list`) is served.
    #[must_use]
    pub fn serves(&self, name: &str) -> bool {
        let listed = |list: &[String]| {
            list.iter().any(|item| match item.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => item == name,
            })
        };
        (self.v2 || !name.starts_with("api.v2."))
            && (self.v3 || !name.starts_with("api.v3."))
            && (self.allowed.is_empty() || listed(&self.allowed))
            && !listed(&self.blocked)
    }
}

/// `sluiceway.stages`: names that cannot be taken for a resource.
pub(super) fn stages(values: &Values, errors: &mut ConfigErrors) -> Vec<String> {
    const KEY: &str = "sluiceway.stages";
    let stages = values.list(KEY);
    for stage in stages {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let taken = ["topics", "consumers", "brokers", "v3", "streams"].contains(&stage.as_str());
        if stage.is_empty() || !stage.chars().all(allowed) || taken {
            let reason = "a stage has letters, digits, - and _, and is no resource of the API";
            errors.0.push(ConfigError::invalid(KEY, stage, reason));
        }
    }
    stages.to_vec()
}

//! Connector configuration. Stand-in.

/// A validated connector configuration.
#[derive(Debug)]
pub struct ConnectorConfig;

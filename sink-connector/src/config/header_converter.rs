//! `header.converter` and the options under its prefix.

use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::props::Properties;

use super::classes::{is_class, no_such_class};
use super::converter::{self, ConverterConfig};

/// How header values are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderConverterConfig {
    /// `SimpleHeaderConverter`: texts become numbers, dates, lists … where they look like them.
    Simple,
    /// One of the converters of keys and values.
    Converter(Box<ConverterConfig>),
}

const KEY: &str = "header.converter";
const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Reads the connector's header converter, else the worker's, else the default.
pub(super) fn read(
    connector: &Properties,
    worker: &Properties,
    errors: &mut ConfigErrors,
) -> Option<HeaderConverterConfig> {
    let named = connector.get(KEY).or_else(|| worker.get(KEY));
    match named.map(|name| name.trim()) {
        Some("") if connector.contains_key(KEY) => {
            errors.0.push(no_such_class(KEY, ""));
            None
        }
        None | Some("") => Some(HeaderConverterConfig::Simple),
        Some(name) if is_class(name, SIMPLE) => Some(HeaderConverterConfig::Simple),
        Some(_) => {
            let config = converter::read(KEY, connector, worker, errors)?;
            Some(HeaderConverterConfig::Converter(Box::new(config)))
        }
    }
}

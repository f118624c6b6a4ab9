//! The console's settings, which both programs have.

use super::{ConsoleConfig, Other};
use crate::config_def::{ConfigError, ConfigErrors, Key, Kind, Values};

const ENABLE: &str = "sluiceway.console.enable";
const OTHER: &str = "sluiceway.console.other.url";

impl ConsoleConfig {
    /// Whether there is a console.
    #[must_use]
    pub fn enable_key() -> Key {
        Key::with(
            ENABLE,
            Kind::Boolean,
            "true",
            "Whether the admin listener shows the console at `/console`, and passes on what it asks of the APIs, to whom these let in.",
        )
    }

    /// Where the other program's console is.
    #[must_use]
    pub fn other_key() -> Key {
        Key::with(
            OTHER,
            Kind::String,
            "",
            "`http://host:port` of the other program's admin listener (of the sink for the proxy, of the proxy for the sink): the console then shows both. Its own users hold.",
        )
    }

    /// Reads both.
    #[must_use]
    pub fn read(values: &Values, errors: &mut ConfigErrors) -> Self {
        let text = values.text(OTHER);
        let other = Other::parse(text).unwrap_or_else(|error| {
            errors.0.push(ConfigError::invalid(OTHER, text, error));
            None
        });
        Self {
            enable: values.boolean(ENABLE),
            other,
        }
    }
}

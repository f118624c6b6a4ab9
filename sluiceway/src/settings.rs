//! The REST proxy's settings: those of a file of the user's, under those that this run decides.

use anyhow::Context;
use sluiceway_common::props::{self, Properties};
use sluiceway_proxy::Config;

use crate::{args::Args, ports::listener};

/// Reads the file of `--proxy-properties`; empty without it.
///
/// # Errors
/// The file cannot be read, or the proxy would refuse it: told before anything is started.
pub(crate) fn of_proxy(args: &Args) -> anyhow::Result<Properties> {
    let Some(file) = &args.proxy_properties else {
        return Ok(Properties::new());
    };
    let wrong = || format!("--proxy-properties {}", file.display());
    let settings = props::read_file(file).with_context(wrong)?;
    let mut all = settings.clone();
    all.extend(own(args.proxy_port, NOWHERE, ""));
    Config::parse(&all).with_context(wrong)?;
    Ok(settings)
}

/// Stands for the embedded broker while there is none.
const NOWHERE: &str = "127.0.0.1:1";

/// The settings that this run decides.
pub(crate) fn own(port: u16, bootstrap: &str, schemas: &str) -> Properties {
    map([
        ("bootstrap.servers", bootstrap),
        ("schema.registry.url", schemas),
        ("listeners", &listener(port)),
        // One admin listener serves both programs here.
        ("sluiceway.admin.listeners", ""),
    ])
}

/// Properties from pairs.
pub(crate) fn map<const N: usize>(pairs: [(&str, &str); N]) -> Properties {
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    pairs.map(owned).into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser;

    use super::*;

    fn read(text: &str) -> Result<Properties, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        let args = Args::parse_from(["sluiceway", "--proxy-properties", path]);
        of_proxy(&args).map_err(|error| format!("{error:#}").replace(path, "FILE"))
    }

    #[test]
    fn a_page_s_settings_are_taken() {
        let settings = read("sluiceway.raw.topics=orders,hooks-*\n").unwrap();
        assert_eq!(settings["sluiceway.raw.topics"], "orders,hooks-*");
    }

    #[test]
    fn what_the_run_decides_goes_before_the_file() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../examples/kinesis.properties"
        );
        let mut settings = read(&std::fs::read_to_string(file).unwrap()).unwrap();
        settings.extend(own(8082, "127.0.0.1:43127", "http://127.0.0.1:8081"));
        assert_eq!(settings["bootstrap.servers"], "127.0.0.1:43127");
        assert_eq!(settings["listeners"], "http://127.0.0.1:8082");
        assert_eq!(settings["sluiceway.admin.listeners"], "");
        assert_eq!(settings["sluiceway.kinesis.enable"], "true");
    }

    #[test]
    fn wrong_settings_name_the_option_the_file_and_the_key() {
        let error = read("sluiceway.requests.max=many\n").unwrap_err();
        assert!(error.starts_with("--proxy-properties FILE: "), "{error}");
        assert!(error.contains("sluiceway.requests.max"), "{error}");
        let args = ["sluiceway", "--proxy-properties", "not-there.properties"];
        let error = of_proxy(&Args::parse_from(args)).unwrap_err();
        assert!(format!("{error:#}").contains("not-there.properties"));
    }
}

//! What both Sluiceway programs need, and nothing that only one of them needs.
//!
//! | module | what it is |
//! |---|---|
//! | [`process_metrics`] | CPU time, memory and descriptors of the process, as Prometheus names them |
//! | [`props`] | Java `.properties` files and the Docker images' environment variables |
//! | [`config_def`] | declared configuration keys: type, default, validator, doc; all errors at once |
//! | [`kafka_config`] | Java client settings → librdkafka settings |
//! | [`jaas`] | `sasl.jaas.config` lines |
//! | [`json`] | a validating walk over JSON that builds no tree |
//! | [`listener`] | `http://host:port` settings and sockets bound to them |
//! | [`auth`] | who a client is (passwords, tokens, API keys, certificates), and what rules give to whom |
//! | [`bucket`] | tokens that come back with time |
//! | [`meters`] | so many requests, bytes and records a second |
//! | [`glob`] | patterns of names with `*` |
//! | [`admin`] | the admin listener: `/metrics`, `/livez`, `/readyz` |
//! | [`console`] | the page at `/console` of the admin listener, and what it needs |
//! | [`causes`] | an error and what caused it, in one line |
//! | [`logging`] | text on a terminal, JSON lines otherwise |
//! | [`shutdown`] | signal → drain → deadline |
//! | [`secret`] | strings that never print |
//! | [`tls`] | TLS of listeners, stores of keys and certificates |
//! | [`token_endpoint`] | tokens of an identity provider (OIDC client credentials), or of a file |
//! | [`traces`] | spans for an OpenTelemetry collector |
//! | [`topic_pattern`] | Java regular expressions over whole topic names |
#![forbid(unsafe_code)]

pub mod admin;
pub mod auth;
pub mod bucket;
pub mod causes;
pub mod config_def;
pub mod console;
pub mod glob;
pub mod jaas;
pub mod json;
pub mod kafka_config;
pub mod listener;
pub mod logging;
pub mod meters;
pub mod process_metrics;
pub mod props;
pub mod secret;
pub mod shutdown;
pub mod tls;
pub mod token_endpoint;
pub mod topic_pattern;
pub mod traces;

//! TLS: stores of keys and certificates, listeners that speak it, names of clients out of their certificates.
//!
//! | module | what it is |
//! |---|---|
//! | [`client`] | what HTTP clients connect with |
//! | [`settings`] | `ssl.*` settings of a listener |
//! | [`store`] | PEM, PKCS#12 and JKS files → keys and certificates |
//! | [`certificate`] | subject and validity of a certificate |
//! | [`principal`] | `ssl.principal.mapping.rules` |
//! | [`opening`] | what a listener does with a new connection |
//! | [`server`] | handshakes; new certificates without a restart |
//! | [`stream`] | a connection, with TLS or without |

#[cfg(feature = "tls")]
pub mod certificate;
#[cfg(feature = "tls")]
pub mod client;
#[cfg(feature = "tls")]
mod jks;
pub mod opening;
pub mod principal;
#[cfg(feature = "tls")]
pub mod server;
#[cfg(not(feature = "tls"))]
#[path = "tls/no_server.rs"]
pub mod server;
pub mod settings;
#[cfg(feature = "tls")]
pub mod store;
pub mod stream;

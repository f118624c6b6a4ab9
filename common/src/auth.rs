//! Who a client is, and what rules give to whom.
//!
//! ```text
//! request ─▶ verifier ─▶ basic + password_file │ jwt + jwks │ api_key + plan │ certificate ─▶ Caller ─▶ rules ─▶ Rights
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`verifier`] | credentials of a request → a caller |
//! | [`settings`] | the settings of that |
//! | [`method`] | how an identity is proven |
//! | [`basic`] | HTTP Basic |
//! | [`login_file`] | where a JAAS login configuration says that the passwords are |
//! | [`password_file`] | users, passwords and roles |
//! | [`credential`] | one password, or what is kept in its place |
//! | [`api_key`], [`plan`] | API keys and their usage plans |
//! | `jwt`, `jwks` | bearer tokens and the provider's keys; in programs with TLS |
//! | [`guessing`] | how often an address may be wrong |
//! | [`rules`] | who may do what |

pub mod api_key;
pub mod basic;
pub mod credential;
pub mod guessing;
#[cfg(feature = "tls")]
pub mod jwks;
#[cfg(feature = "tls")]
pub mod jwt;
pub mod login_file;
pub mod method;
pub mod password_file;
pub mod plan;
pub mod rules;
pub mod settings;
mod unix_crypt;
pub mod verifier;

use std::sync::Arc;

/// Someone whose identity is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: Arc<str>,
    /// The roles, perhaps none.
    pub roles: Vec<String>,
}

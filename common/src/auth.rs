//! Who a client is, by name and password.
//!
//! | module | what it is |
//! |---|---|
//! | [`basic`] | HTTP Basic |
//! | [`guessing`] | how often an address may be wrong |
//! | [`login_file`] | where a JAAS login configuration says that the passwords are |
//! | [`password_file`] | users, passwords and roles |
//! | [`credential`] | one password, or what is kept in its place |

pub mod basic;
pub mod credential;
pub mod guessing;
pub mod login_file;
pub mod password_file;
mod unix_crypt;

use std::sync::Arc;

/// Someone whose identity is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: Arc<str>,
    /// The roles, perhaps none.
    pub roles: Vec<String>,
}

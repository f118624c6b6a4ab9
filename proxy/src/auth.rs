//! Who may do what: identities, rights, usage plans. Nothing of it exists unless a setting asks for it.
//!
//! ```text
//! request ─▶ gate: address limits ─▶ authenticate ─▶ plan, limits of the principal ─▶ need of the route ─▶ stack
//!                                       │ basic │ jwt + jwks │ api_key │ certificate        │ rights
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`gate`] | the order of all checks |
//! | [`authenticate`] | credentials of a request → a principal |
//! | [`principal`], [`rights`], [`need`] | who it is, what that one may do, what a route asks for |
//! | [`api_key`], [`plan`] | API keys and their usage plans |
//! | [`jwt`], [`jwks`] | bearer tokens and the provider's keys |

pub mod api_key;
pub mod authenticate;
pub mod callers;
pub mod gate;
#[cfg(feature = "tls")]
pub mod jwks;
#[cfg(feature = "tls")]
pub mod jwt;
pub mod need;
pub mod plan;
pub mod principal;
pub mod rights;

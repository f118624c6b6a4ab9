//! Who may do what: identities, rights, usage plans. Nothing of it exists unless a setting asks for it.
//!
//! ```text
//! request ─▶ gate: address limits ─▶ authenticate ─▶ plan, limits of the principal ─▶ need of the route ─▶ stack
//!                                       │ common's verifier │ callers (Kafka)               │ rights
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`gate`] | the order of all checks |
//! | [`authenticate`] | credentials of a request → a principal |
//! | [`callers`] | callers whom Kafka knows |
//! | [`principal`], [`rights`], [`need`] | who it is, what that one may do, what a route asks for |
//! | [`sluiceway_common::auth`] | passwords, tokens, API keys, rules: what the sink has as well |

pub mod authenticate;
pub mod callers;
pub mod gate;
pub mod need;
pub mod principal;
pub mod rights;

//! Pages for users: how to test signed routes, and clients in other languages.
//!
//! They exist in the documentation alone.

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/clients.md")]
pub mod clients {}

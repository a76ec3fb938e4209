//! Pages for users: which format to take, how to move to it, how to test and watch signed routes,
//! clients in other languages.
//!
//! They exist in the documentation alone.

#[cfg(feature = "axum")]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[cfg(all(feature = "axum", feature = "webhooks"))]
#[doc = include_str!("../docs/webhooks.md")]
pub mod webhooks {}

#[doc = include_str!("../docs/clients.md")]
pub mod clients {}

#[cfg(feature = "rfc9421")]
#[doc = include_str!("../docs/which-format.md")]
pub mod which_format {}

#[cfg(feature = "sigv4")]
#[doc = include_str!("../docs/sigv4.md")]
pub mod sigv4 {}

#[doc = include_str!("../docs/migration.md")]
pub mod migration {}

#[doc = include_str!("../docs/watching.md")]
pub mod watching {}

#[doc = include_str!("../docs/wasm.md")]
pub mod wasm {}

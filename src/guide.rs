//! A book for users, in the order to read it.
//!
//! 1. [Which scheme?](which_format): what each one covers, and a new service with RFC 9421.
//! 2. [Other layers and nested routers](composing): which routes the layer covers, and which layers
//!    go around it.
//! 3. [Testing your signed routes](testing).
//! 4. [Clients in other languages](clients): Python, Node.js, Ruby and shell programs to copy.
//! 5. [Keys from a file or a vault](polling), replaced while the service runs.
//! 6. [Handle a message once](once): senders that retry.
//! 7. [Watching a service](watching): events, metrics, alarms.
//! 8. [Moving clients to another scheme](migration), one client at a time.
//!
//! For what you already have: [webhooks], [AWS Signature Version 4](sigv4),
//! [Flask-HMAC](flask_hmac), [AWS Lambda](lambda), [WebAssembly](wasm), [Swagger UI](swagger).
//!
//! These modules are empty: they only exist in the documentation.

// Each page defines its link targets in the repository. A definition here comes first, so it takes
// precedence in these docs.

#[cfg(feature = "rfc9421")]
#[doc = "[recommended]: https://docs.rs/crate/tower-hmac/latest/source/examples/recommended.rs"]
#[doc = "[sigv4]: crate::guide::sigv4"]
#[doc = "[webhooks]: crate::guide::webhooks"]
#[doc = "[migration]: crate::guide::migration"]
#[doc = ""]
#[doc = include_str!("../docs/which-format.md")]
pub mod which_format {}

#[cfg(feature = "axum")]
#[doc = include_str!("../docs/composing.md")]
pub mod composing {}

#[cfg(all(feature = "axum", feature = "rfc9421"))]
#[doc = "[explain]: https://docs.rs/crate/tower-hmac/latest/source/examples/explain.rs"]
#[doc = ""]
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[cfg(all(feature = "axum", feature = "webhooks"))]
#[doc = include_str!("../docs/once.md")]
pub mod once {}

#[doc = include_str!("../docs/clients.md")]
pub mod clients {}

#[doc = include_str!("../docs/watching.md")]
pub mod watching {}

#[doc = "[example]: https://docs.rs/crate/tower-hmac/latest/source/examples/migration.rs"]
#[doc = ""]
#[doc = include_str!("../docs/migration.md")]
pub mod migration {}

#[cfg(all(feature = "axum", feature = "webhooks"))]
#[doc = include_str!("../docs/webhooks.md")]
pub mod webhooks {}

#[cfg(feature = "sigv4")]
#[doc = include_str!("../docs/sigv4.md")]
pub mod sigv4 {}

#[doc = include_str!("../docs/flask-hmac.md")]
pub mod flask_hmac {}

#[doc = include_str!("../docs/wasm.md")]
pub mod wasm {}

#[doc = include_str!("../docs/lambda.md")]
pub mod lambda {}

#[cfg(all(feature = "reload", feature = "serde", feature = "tokio"))]
#[doc = include_str!("../docs/polling.md")]
pub mod polling {}

#[cfg(all(feature = "axum", feature = "openapi"))]
#[doc = "[cors]: crate::guide::composing"]
#[doc = ""]
#[doc = include_str!("../docs/swagger.md")]
pub mod swagger {}

/// Compiles the code for agents.
#[cfg(all(doctest, feature = "axum", feature = "rfc9421", feature = "webhooks"))]
#[doc = include_str!("../docs/skill/SKILL.md")]
mod skill {}

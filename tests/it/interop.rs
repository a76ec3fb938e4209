//! Third-party clients.

#[cfg(all(feature = "axum", feature = "serde"))]
mod device;

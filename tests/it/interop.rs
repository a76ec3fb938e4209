//! Clients that other people wrote.

#[cfg(all(feature = "axum", feature = "serde"))]
mod device;

//! Clients written by others.

#[cfg(all(feature = "axum", feature = "serde"))]
mod device;

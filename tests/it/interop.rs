//! Clients written by other people.

#[cfg(all(feature = "axum", feature = "serde"))]
mod device;

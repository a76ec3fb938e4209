//! What several tests need.

pub mod joints;
pub mod script;
pub mod socket;

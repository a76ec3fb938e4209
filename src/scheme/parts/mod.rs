//! A scheme composed of parts.

mod layout;
mod part;
mod scheme;
mod time;
mod wire;

#[cfg_attr(not(feature = "webhooks"), allow(unused_imports))]
// List schemes are made of parts, too.
pub(crate) use layout::{Layout, Values};
pub use part::Part;
pub use scheme::HeaderScheme;
pub use time::TimeFormat;

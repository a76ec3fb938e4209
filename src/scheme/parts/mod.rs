//! A scheme composed of parts.

mod head;
mod header_scheme;
mod layout;
mod part;
mod source;
mod time;

pub use header_scheme::HeaderScheme;
#[cfg_attr(not(feature = "webhooks"), allow(unused_imports))] // Lists are made of parts, too.
pub(crate) use layout::Layout;
pub use part::Part;
#[cfg(feature = "webhooks")]
pub(crate) use source::PartSource;
pub use time::TimeFormat;

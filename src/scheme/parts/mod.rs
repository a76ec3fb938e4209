//! A scheme composed of parts.

mod layout;
mod part;
mod scheme;
mod time;
mod values;
mod wire;

#[cfg_attr(not(feature = "webhooks"), allow(unused_imports))] // Lists are made of parts, too.
pub(crate) use layout::Layout;
pub use part::Part;
pub use scheme::HeaderScheme;
pub use time::TimeFormat;
#[cfg(feature = "webhooks")]
pub(crate) use values::Values;

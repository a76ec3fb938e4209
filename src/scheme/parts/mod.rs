//! A format put together from parts.

mod layout;
mod part;
mod scheme;
mod time;
mod wire;

pub use part::Part;
pub use scheme::HeaderScheme;
pub use time::TimeFormat;

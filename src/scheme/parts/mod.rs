//! A format put together from parts.

mod layout;
mod part;
mod scheme;
mod time;

pub use part::Part;
pub use scheme::HeaderScheme;
pub use time::TimeFormat;

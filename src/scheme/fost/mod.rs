//! FOST's two schemes: in headers, and in the query of a URL.

mod fost_header;
mod fost_url;
mod listed;
mod rules;

pub use fost_header::Fost;
pub use fost_url::FostUrl;

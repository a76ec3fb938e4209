//! Settings from any serde format or from the environment (feature `serde`).
//!
//! Reading never fails over a value and never repeats one: what a setting holds is checked when
//! the layer is made, and the [`ConfigError`](crate::ConfigError) names the setting and the
//! expected type. So a key that stands in the wrong place stays out of every log, whatever the
//! format's own errors print.

mod flask;
mod format;
mod keys;
mod setting;

pub use flask::FlaskConfig;
pub use format::FormatConfig;
pub use keys::KeysConfig;

//! Settings from any serde format or from the environment (feature `serde`).
//!
//! Deserializing never fails because of a value, and never repeats one. Values are checked when the
//! layer or the scheme is made, and the [`ConfigError`](crate::ConfigError) names the setting and
//! the expected type. So a misplaced key stays out of every log, whatever the serde format prints in
//! its errors.
//!
//! [`KeysConfig`] reads keys, [`SchemeConfig`] a scheme, and [`FlaskConfig`] the settings of
//! Flask-HMAC. Each has an example.

mod flask;
mod keys;
mod members;
mod part;
mod preset;
mod scheme;
mod setting;

pub use flask::FlaskConfig;
pub use keys::KeysConfig;
pub use scheme::SchemeConfig;

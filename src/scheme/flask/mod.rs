//! Flask-HMAC's two schemes.

mod flask_hmac;
mod flask_path;

pub use flask_hmac::FlaskHmac;
pub use flask_path::FlaskHmacPath;

//! A function where a key store is taken.

use http::request::Parts;
use tower_hmac::{BoxError, FlaskHmac, KeyId, SecretKey, VerifyLayer};

fn main() {
    let keys = |_: Option<&KeyId>, _: &Parts| async { Ok::<Option<SecretKey>, BoxError>(None) };
    let _ = VerifyLayer::new(FlaskHmac::new(), keys);
}

//! A missing `?` after `KeyMap::named`.

use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};

fn main() {
    let keys = KeyMap::named([("aservice", "akey")]);
    let _ = VerifyLayer::new(FlaskHmac::new(), keys);
}

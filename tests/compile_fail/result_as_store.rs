//! A missing `?` after `KeyMap::services`.

use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};

fn main() {
    let keys = KeyMap::services([("aservice", "akey")]);
    let _ = VerifyLayer::new(FlaskHmac::new(), keys);
}

//! A missing `?` after `HeaderScheme::new`.

use tower_hmac::{HeaderScheme, KeyMap, VerifyLayer};

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let _ = VerifyLayer::new(HeaderScheme::new("X-Signature"), keys);
}

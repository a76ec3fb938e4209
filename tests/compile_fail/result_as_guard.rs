//! A missing `?` after `MemoryReplay::new`.

use tower_hmac::{FlaskHmac, KeyMap, MemoryReplay, VerifyLayer};

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let layer = VerifyLayer::new(FlaskHmac::new(), keys).unwrap();
    let _ = layer.with_replay_guard(MemoryReplay::new(1000));
}

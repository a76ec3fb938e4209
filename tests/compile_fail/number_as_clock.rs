//! A time where a clock is taken.

use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};

fn main() {
    let keys = KeyMap::single("key").unwrap();
    let _ = VerifyLayer::new(FlaskHmac::new(), keys).unwrap().with_clock(1_700_000_000);
}

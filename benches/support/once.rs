//! A verified webhook, with and without `OnceLayer`.

use super::Case;

#[cfg(not(feature = "webhooks"))]
pub fn once() -> Vec<Case> {
    Vec::new()
}

/// Each request has its own ID, and the store fills from empty. The layers are in one stack, as in
/// docs/once.md. In the last two rows, the router has its own layer, which boxes the body and the
/// future of each request again.
#[cfg(feature = "webhooks")]
pub fn once() -> Vec<Case> {
    use tower::ServiceBuilder;
    use tower_hmac::once::{MemoryOnce, OnceLayer};
    use tower_hmac::webhooks::StandardWebhooks;
    use tower_hmac::{KeyMap, SecretKey, Signer, VerifyLayer};

    use super::{KEY, Nothing, body, floor, signed_by};

    let key = || SecretKey::new(KEY).unwrap();
    let verify = || {
        let keys = KeyMap::single(key()).unwrap();
        VerifyLayer::new(StandardWebhooks::new(), keys).unwrap()
    };
    let once = || OnceLayer::new(MemoryOnce::new(10_000_000).unwrap());
    let stack = || ServiceBuilder::new().layer(verify());
    let case = |name, app| {
        let (signer, body) = (Signer::new(StandardWebhooks::new(), key()), body(1024));
        Case::new(name, app, move || signed_by(&signer, body.clone())())
    };
    vec![
        case("no OnceLayer", floor(false).layer(verify())),
        case("a layer that does nothing", floor(false).layer(stack().layer(Nothing))),
        case("MemoryOnce", floor(false).layer(stack().layer(once()))),
        case("the router's: nothing", floor(false).layer(Nothing).layer(verify())),
        case("the router's: MemoryOnce", floor(false).layer(once()).layer(verify())),
    ]
}

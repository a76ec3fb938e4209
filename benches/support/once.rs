//! A verified webhook, with and without `OnceLayer`.

use super::Case;

/// Makes a case anew, with an empty store.
pub type MakeCase = Box<dyn Fn() -> Case>;

#[cfg(not(feature = "webhooks"))]
pub fn once() -> Vec<MakeCase> {
    Vec::new()
}

/// Each request has its own ID, and the store fills from empty. The layers are in one stack, as in
/// docs/once.md. In the last two rows, the router has its own layer, which boxes the body and the
/// future of each request again.
#[cfg(feature = "webhooks")]
pub fn once() -> Vec<MakeCase> {
    use axum::Router;
    use tower::ServiceBuilder;
    use tower_hmac::once::{MemoryOnce, OnceLayer};
    use tower_hmac::webhooks::StandardWebhooks;
    use tower_hmac::{KeyMap, SecretKey, Signer, VerifyLayer};

    use super::{KEY, Nothing, body, floor, signed_by};

    fn key() -> SecretKey {
        SecretKey::new(KEY).unwrap()
    }

    fn verify() -> VerifyLayer {
        VerifyLayer::new(StandardWebhooks::new(), KeyMap::single(key()).unwrap()).unwrap()
    }

    fn once() -> OnceLayer {
        OnceLayer::new(MemoryOnce::new(400_000).unwrap())
    }

    fn case(name: &'static str, app: fn() -> Router) -> MakeCase {
        Box::new(move || {
            let (signer, body) = (Signer::new(StandardWebhooks::new(), key()), body(1024));
            Case::new(name, app(), move || signed_by(&signer, body.clone())())
        })
    }

    vec![
        case("no OnceLayer", || floor(false).layer(verify())),
        case("a layer that does nothing", || {
            floor(false).layer(ServiceBuilder::new().layer(verify()).layer(Nothing))
        }),
        case("MemoryOnce", || {
            floor(false).layer(ServiceBuilder::new().layer(verify()).layer(once()))
        }),
        case("the router's: nothing", || floor(false).layer(Nothing).layer(verify())),
        case("the router's: MemoryOnce", || floor(false).layer(once()).layer(verify())),
    ]
}

//! The whole crate by a glob import, together with axum's own names: it compiles, and no name is
//! hidden.

use axum::routing::get;
use axum::{Json, Router, extract::State};
use tower_hmac::*;

async fn handler(State(_): State<extract::SharedVerifier>, _: Verified) -> Json<&'static str> {
    Json("")
}

/// The extractors, with `Verified` from the root.
#[test]
fn every_item_is_found_behind_a_glob() {
    use tower_hmac::extract::{AllowList, Anyone, Only, SharedVerifier, Signed};

    async fn signed(_: Signed<String, Anyone>) {}
    async fn only<L: AllowList>(_: Only<L>, _: Option<Only<L>>, _: Verified) {}

    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    let verifier: SharedVerifier = VerifyLayer::new(FlaskHmac::new(), keys).unwrap().shared();
    let _: Router = Router::new()
        .route("/", get(handler).post(signed))
        .route("/only", get(only::<Anyone>))
        .with_state(verifier);
}

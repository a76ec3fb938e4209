//! A listed key ID that no key store has is reported while building.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tower::{Layer as _, ServiceExt as _};
use tower_hmac::key::{SharedKeys, key_fn};
use tower_hmac::{
    BoxError, FlaskHmac, HeaderScheme, KeyId, KeyMap, SecretKey, Verifier, VerifyLayer,
};
use tracing::Level;

use crate::capture::Capture;

fn keys() -> KeyMap {
    KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap()
}

fn layer() -> VerifyLayer {
    VerifyLayer::new(FlaskHmac::new(), keys()).unwrap()
}

/// The warnings: their key IDs, or else their message.
fn warnings<T>(run: impl FnOnce() -> T) -> Vec<String> {
    let (capture, _) = Capture::during(run);
    let warnings = capture.events().into_iter().filter(|event| event.level == Level::WARN);
    let text = |event: crate::capture::Record| {
        event.field("key_ids").or(event.field("message")).unwrap_or_default().to_owned()
    };
    warnings.map(text).collect()
}

#[test]
fn unknown_key_ids_on_a_list_are_logged_once() {
    let layer = layer().only(["aservice", "ghost", "bservlce"]).unwrap();
    let told = warnings(|| {
        let app: Router = Router::new().route("/", get(async || "")).layer(layer.clone());
        let route: Router = Router::new().route("/", get(async || "").layer(layer));
        (app, route)
    });
    assert_eq!(told, ["[\"ghost\", \"bservlce\"]"]);
}

#[test]
fn known_key_ids_on_a_list_are_not_logged() {
    let shared = || SharedKeys::new(keys()).unwrap();
    assert!(warnings(|| layer().only(["aservice"]).unwrap().shared()).is_empty());
    let told = warnings(|| {
        VerifyLayer::new(FlaskHmac::new(), shared())
            .unwrap()
            .only(["bservice", "ghost"])
            .unwrap()
            .shared()
    });
    assert_eq!(told, ["[\"ghost\"]"]);
    // The keys of a function cannot be known in advance.
    let function =
        key_fn(|_: Option<&KeyId>, _: &_| async { Ok::<Option<SecretKey>, BoxError>(None) });
    let unknown = VerifyLayer::new(FlaskHmac::new(), function).unwrap().only(["ghost"]).unwrap();
    assert!(warnings(|| unknown.shared()).is_empty());
}

/// The list may be set before the scheme with that key ID is added.
#[test]
fn the_order_of_the_settings_makes_no_difference() {
    let second = || HeaderScheme::new("X-Tag").unwrap().with_key_id_header("X-Key").unwrap();
    let more = || KeyMap::named([("cservice", "ckey")]).unwrap();
    let list = ["cservice", "ghost"];
    let before = || layer().only(list).unwrap().or(second(), more()).unwrap().shared();
    let after = || layer().or(second(), more()).unwrap().only(list).unwrap().shared();
    assert_eq!(warnings(before), ["[\"ghost\"]"]);
    assert_eq!(warnings(after), ["[\"ghost\"]"]);

    // If a layer in use is changed into another one, only the new problem is reported.
    let told = warnings(|| {
        let layer = layer().only(list).unwrap();
        layer.layer(tower::service_fn(async |_: ()| Ok::<_, BoxError>(())));
        layer.or(second(), more()).unwrap().shared()
    });
    assert_eq!(told, ["[\"cservice\", \"ghost\"]", "[\"ghost\"]"]);
}

#[test]
fn an_empty_list_is_logged_once() {
    let none: [&str; 0] = [];
    let told = warnings(|| {
        let layer = layer().only(none).unwrap();
        (layer.clone().shared(), layer.shared())
    });
    assert_eq!(told, ["the list of `only` is empty: every caller is rejected"]);
}

#[test]
fn a_verifier_logs_it_at_the_first_request() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let verifier = Verifier::new(FlaskHmac::new(), keys()).unwrap().only(["ghost"]).unwrap();
    let (head, ()) = Request::new(()).into_parts();
    let told = warnings(|| {
        for _ in 0..3 {
            assert!(runtime.block_on(verifier.verify(&head, b"")).is_err());
        }
    });
    assert_eq!(told, ["[\"ghost\"]"]);
}

/// axum clones the service of a single handler for each request.
#[test]
fn many_requests_log_nothing_more() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let told = warnings(|| {
        let layer = layer().only(["ghost"]).unwrap();
        let app: Router = Router::new().route("/", axum::routing::any(async || "").layer(layer));
        for _ in 0..3 {
            let request = Request::new(Body::empty());
            assert_eq!(runtime.block_on(app.clone().oneshot(request)).unwrap().status(), 403);
        }
    });
    assert_eq!(told, ["[\"ghost\"]"]);
}

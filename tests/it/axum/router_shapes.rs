//! Requests that a layer never sees: those for a route or fallback outside it. See "Which requests
//! the layer does not see" in `docs/composing.md`.

use axum::Router;
use axum::routing::get as on_get;

use super::*;

const VERIFIED: StatusCode = StatusCode::FORBIDDEN;
const PASSED: StatusCode = StatusCode::OK;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;

fn routes() -> Router {
    Router::new().route("/here", on_get(async || "here"))
}

async fn fallback() -> &'static str {
    "the fallback"
}

/// Sends an unsigned request to each path. The response to a signed request shows that the path
/// works.
async fn unsigned(app: &Router, expected: &[(&str, StatusCode)]) {
    for (path, expected) in expected {
        assert_eq!(status(app, get(path)).await, *expected, "unsigned {path}");
        let right = status(app, signed(Request::get(*path).body("").unwrap())).await;
        assert_ne!(right, VERIFIED, "signed {path}");
    }
}

#[tokio::test]
async fn a_layer_added_last_covers_every_route_and_the_fallback() {
    let app = routes().fallback(fallback).layer(verify());
    unsigned(&app, &[("/here", VERIFIED), ("/nowhere", VERIFIED)]).await;
    let app = routes().layer(verify());
    unsigned(&app, &[("/here", VERIFIED), ("/nowhere", VERIFIED)]).await;
}

#[tokio::test]
async fn a_route_added_after_the_layer_is_not_verified() {
    let app = routes().layer(verify()).route("/late", on_get(async || "late"));
    unsigned(&app, &[("/here", VERIFIED), ("/late", PASSED), ("/nowhere", VERIFIED)]).await;
}

#[tokio::test]
async fn a_method_added_after_the_layer_is_not_verified() {
    let late = axum::routing::post(async || "late").layer(verify()).get(async || "later");
    unsigned(&Router::new().route("/late", late), &[("/late", PASSED)]).await;
}

#[tokio::test]
async fn a_fallback_added_after_the_layer_is_not_verified() {
    let app = routes().layer(verify()).fallback(fallback);
    unsigned(&app, &[("/here", VERIFIED), ("/nowhere", PASSED)]).await;
}

#[tokio::test]
async fn an_unmatched_path_under_nest_is_not_verified() {
    let app = Router::new().nest("/api", routes().layer(verify())).fallback(fallback);
    unsigned(&app, &[("/api/here", VERIFIED), ("/api/nowhere", PASSED), ("/other", PASSED)]).await;
    // Without its own fallback, the outer router answers 404.
    let app = Router::new().nest("/api", routes().layer(verify()));
    unsigned(&app, &[("/api/here", VERIFIED), ("/api/nowhere", NOT_FOUND)]).await;
}

#[tokio::test]
async fn a_nested_router_with_a_fallback_of_its_own_is_verified_whole() {
    let api = routes().fallback(fallback).layer(verify());
    let app = Router::new().nest("/api", api).fallback(fallback);
    unsigned(&app, &[("/api/here", VERIFIED), ("/api/nowhere", VERIFIED), ("/other", PASSED)])
        .await;
}

#[tokio::test]
async fn layer_around_the_outer_router_covers_nested_routes_and_both_fallbacks() {
    let app = Router::new().nest("/api", routes()).fallback(fallback).layer(verify());
    unsigned(&app, &[("/api/here", VERIFIED), ("/api/nowhere", VERIFIED), ("/x", VERIFIED)]).await;
}

#[tokio::test]
async fn a_router_merged_after_the_layer_is_not_verified() {
    let open = Router::new().route("/open", on_get(async || "open"));
    let app = routes().layer(verify()).merge(open);
    unsigned(&app, &[("/here", VERIFIED), ("/open", PASSED), ("/nowhere", NOT_FOUND)]).await;
}

#[tokio::test]
async fn a_route_layer_covers_no_fallback() {
    let app = routes().fallback(fallback).route_layer(verify());
    unsigned(&app, &[("/here", VERIFIED), ("/nowhere", PASSED)]).await;
}

#[tokio::test]
async fn a_fallback_for_wrong_methods_added_after_the_layer_is_not_verified() {
    let app = Router::new()
        .route("/here", axum::routing::post(async || "here"))
        .layer(verify())
        .method_not_allowed_fallback(fallback);
    unsigned(&app, &[("/here", PASSED)]).await;
}

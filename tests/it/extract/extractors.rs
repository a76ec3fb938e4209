//! `Verified`, `Option<Verified>` and `Only`.

use axum::routing::get;
use tower::ServiceBuilder;
use tower_hmac::extract::Only;
use tower_hmac::{ErrorKind, Verified};
use tower_http::compression::CompressionLayer;

use super::*;

async fn who(caller: Verified) -> String {
    caller.key_id().map_or_else(|| "anonymous".to_owned(), ToString::to_string)
}

async fn perhaps(caller: Option<Verified>) -> &'static str {
    if caller.is_some() { "somebody" } else { "nobody" }
}

async fn billing(caller: Only<Billing>) -> String {
    caller.into_verified().key_id().map(ToString::to_string).unwrap_or_default()
}

async fn perhaps_billing(caller: Option<Only<Billing>>) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.is_signed_by("aservice").to_string())
}

fn routes() -> Router {
    Router::new()
        .route("/who", get(who))
        .route("/perhaps", get(perhaps))
        .route("/perhaps-billing", get(perhaps_billing))
        .route("/billing", get(billing))
        .route("/nobody", get(async |_: Only<Nobody>| "never"))
        .route("/open", get(async || "open"))
}

#[tokio::test]
async fn without_the_layer_every_extractor_answers_500_and_never_passes() {
    for path in ["/who", "/perhaps", "/perhaps-billing", "/billing", "/nobody"] {
        for request in [get_by("aservice", path), unsigned(Method::GET, path)] {
            let answer = status(&routes(), request).await;
            assert_eq!(answer, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        }
    }
}

#[tokio::test]
async fn the_extractor_returns_the_caller() {
    let app = routes().layer(layer());
    assert_eq!(text(send(&app, get_by("aservice", "/who")).await).await, "aservice");
    assert_eq!(text(send(&app, get_by("bservice", "/who")).await).await, "bservice");
    assert_eq!(text(send(&app, get_by("", "/who")).await).await, "anonymous");
}

#[tokio::test]
async fn only_rejects_callers_that_are_not_listed() {
    let app = routes().layer(unauthorized());
    assert_eq!(text(send(&app, get_by("aservice", "/billing")).await).await, "aservice");
    for (service, path) in
        [("bservice", "/billing"), ("", "/billing"), ("aservice", "/nobody"), ("", "/nobody")]
    {
        let response = send(&app, get_by(service, path)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{service} {path}");
        assert_eq!(response.headers()["www-authenticate"], "HMAC");
        let error = response.extensions().get::<VerifyError>().unwrap();
        assert_eq!((error.kind(), error.scheme()), (ErrorKind::NotAllowed, Some("flask-hmac")));
        let claimed = error.claimed_key_id().map_or("", |id| id.as_str());
        assert_eq!(claimed, service, "{path}");
    }
}

/// A caller rejected by the list gets exactly the same response as one rejected by the layer.
#[tokio::test]
async fn the_extractor_answers_with_the_layers_rejection() {
    let app = routes().layer(layer().with_rejection_fn(spelled));
    let response = send(&app, get_by("bservice", "/billing")).await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(text(response).await, "not_allowed");

    let app = routes().layer(layer());
    let one = send(&app, get_by("bservice", "/billing")).await;
    let two = send(&app, unsigned(Method::GET, "/billing")).await;
    assert_eq!(one.status(), two.status());
    assert_eq!(one.headers(), two.headers());
    assert_eq!(text(one).await, text(two).await);
}

/// The rules for all rejections apply to those of extractors.
#[tokio::test]
async fn a_401_of_an_extractor_gets_a_challenge() {
    let bare = |_: &VerifyError| StatusCode::UNAUTHORIZED.into_response();
    let app = routes().layer(layer().with_rejection_fn(bare).optional());
    for request in [get_by("bservice", "/billing"), unsigned(Method::GET, "/who")] {
        let response = send(&app, request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["www-authenticate"], "HMAC");
    }
}

#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn the_layers_delay_applies_to_extractors() {
    const DELAY: std::time::Duration = std::time::Duration::from_millis(500);
    let app = routes().layer(layer().optional().with_rejection_delay(DELAY));
    for (request, expected) in [
        (get_by("bservice", "/billing"), DELAY),
        (unsigned(Method::GET, "/who"), DELAY),
        (get_by("aservice", "/billing"), std::time::Duration::ZERO),
    ] {
        let begun = tokio::time::Instant::now();
        send(&app, request).await;
        assert_eq!(begun.elapsed(), expected);
    }
}

#[tokio::test]
async fn behind_an_optional_layer_unsigned_is_none() {
    let app = routes().layer(unauthorized().optional());
    assert_eq!(text(send(&app, unsigned(Method::GET, "/perhaps")).await).await, "nobody");
    assert_eq!(text(send(&app, get_by("aservice", "/perhaps")).await).await, "somebody");
    for path in ["/who", "/billing"] {
        let response = send(&app, unsigned(Method::GET, path)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        let error = response.extensions().get::<VerifyError>().unwrap();
        assert_eq!(error.kind(), ErrorKind::Missing);
    }
}

/// `None` is only extracted from an unsigned request. A caller who is not on the list is rejected.
#[tokio::test]
async fn an_optional_list_is_none_only_for_unsigned_requests() {
    let app = routes().layer(unauthorized().optional());
    let path = "/perhaps-billing";
    assert_eq!(text(send(&app, unsigned(Method::GET, path)).await).await, "nobody");
    assert_eq!(text(send(&app, get_by("aservice", path)).await).await, "true");
    for service in ["bservice", ""] {
        let response = send(&app, get_by(service, path)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{service}");
        let error = response.extensions().get::<VerifyError>().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotAllowed);
    }
    // Behind a required layer, `None` never occurs.
    let app = routes().layer(layer());
    assert_eq!(status(&app, unsigned(Method::GET, path)).await, StatusCode::FORBIDDEN);
}

/// The layer's rejection has another body type than the extractor can return.
#[tokio::test]
async fn a_changed_body_type_in_between_gives_a_bare_403() {
    let changed = ServiceBuilder::new().layer(unauthorized()).layer(CompressionLayer::new());
    let app = routes().layer(changed);
    assert_eq!(status(&app, get_by("aservice", "/billing")).await, StatusCode::OK);
    let response = send(&app, get_by("bservice", "/billing")).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.extensions().get::<VerifyError>().is_some());
    // The layer's own rejection is unchanged.
    let response = send(&app, unsigned(Method::GET, "/billing")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn disarmed_everybody_passes_without_a_key_id() {
    let app = routes().layer(layer().dangerous_disarmed(true));
    for path in ["/billing", "/nobody", "/who", "/perhaps"] {
        let response = send(&app, unsigned(Method::GET, path)).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(text(send(&app, get_by("aservice", "/billing")).await).await, "");
}

#[tokio::test]
async fn an_outer_layer_does_not_vouch_for_an_inner_one() {
    let keys = KeyMap::named([("inner", "ikey")]).unwrap();
    let inner = VerifyLayer::new(FlaskHmac::new().with_header("X-Inner").unwrap(), keys).unwrap();
    let app = routes().layer(inner.optional()).layer(layer());
    // The request is signed only for the outer layer: the inner one saw an unsigned request.
    assert_eq!(text(send(&app, get_by("aservice", "/perhaps")).await).await, "nobody");
    assert_eq!(status(&app, get_by("aservice", "/billing")).await, StatusCode::FORBIDDEN);
}

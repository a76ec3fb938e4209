//! Services and layers with different bodies, fixed as the compiler's messages suggest.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use http::{Request, Response, StatusCode};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_hmac::layer::{Rejection, RejectionFn};
use tower_hmac::{FlaskHmac, KeyMap, SecretKey, Signer, VerifyError, VerifyLayer};
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::trace::TraceLayer;

fn verify() -> VerifyLayer {
    VerifyLayer::new(FlaskHmac::new(), KeyMap::single("key").unwrap()).unwrap()
}

fn signed() -> Request<Body> {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new("key").unwrap());
    signer.sign(Request::new("body")).unwrap().map(Body::from)
}

#[tokio::test]
async fn a_service_of_another_body_is_served_behind_a_map_of_request_bodies() {
    let serve = service_fn(async |request: Request<Body>| {
        let body = axum::body::to_bytes(request.into_body(), 10).await.unwrap();
        Ok::<_, Infallible>(Response::new(Body::from(body)))
    });
    let service = ServiceBuilder::new()
        .layer(verify())
        .layer(MapRequestBodyLayer::new(Body::new))
        .service(serve);
    let response = service.clone().oneshot(signed()).await.unwrap();
    assert_eq!(axum::body::to_bytes(response.into_body(), 10).await.unwrap(), "body");
    let response = service.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_layer_that_changes_response_bodies_needs_a_map_of_them() {
    let layers = ServiceBuilder::new()
        .layer(verify())
        .layer(MapResponseBodyLayer::new(Body::new))
        .layer(TraceLayer::new_for_http());
    let app: Router = Router::new().route("/", get(async || "hello")).layer(layers);
    assert_eq!(app.clone().oneshot(signed()).await.unwrap().status(), StatusCode::OK);
    let unsigned = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::FORBIDDEN);
}

fn answer(error: &VerifyError) -> axum::response::Response {
    (StatusCode::IM_A_TEAPOT, Json(error.public().as_str())).into_response()
}

/// A layer of each type that a function can return.
#[tokio::test]
async fn the_type_of_a_layer_with_a_rejection_of_its_own_can_be_named() {
    fn opaque() -> VerifyLayer<impl Rejection<Body>> {
        verify().with_rejection_fn(answer)
    }
    fn boxed() -> VerifyLayer<Box<dyn Rejection<Body>>> {
        verify().with_rejection(Box::new(RejectionFn::new(answer)))
    }
    fn shared() -> VerifyLayer<Arc<dyn Rejection<Body>>> {
        verify().with_rejection(Arc::new(RejectionFn::new(answer)))
    }
    let route = || Router::new().route("/", get(async || "hello"));
    for app in [route().layer(opaque()), route().layer(boxed()), route().layer(shared())] {
        let unsigned = app.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(unsigned.status(), StatusCode::IM_A_TEAPOT);
    }
}

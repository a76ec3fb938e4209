//! The position of the layer: the table in the docs, and other layers.

use axum::Json;
use axum::extract::{DefaultBodyLimit, OriginalUri};
use axum::routing::{get, post};
use bytes::Bytes;
use tower_hmac::extract::Signed;
use tower_hmac::{ErrorKind, Verified};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::trace::TraceLayer;

use super::*;
use crate::support::joints::{Covers, Joints};

const REFUSED: StatusCode = StatusCode::FORBIDDEN;

fn routes() -> Router {
    Router::new().route("/here", get(async |_: Verified| "here"))
}

fn preflight() -> Request<Body> {
    let mut request = unsigned(Method::OPTIONS, "/here");
    for (name, value) in [("origin", "https://a.test"), ("access-control-request-method", "GET")] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

fn apps() -> [(&'static str, Router); 3] {
    let here = get(async |_: Verified| "here").layer(layer());
    [
        ("layer", routes().layer(layer())),
        ("route_layer", routes().route_layer(layer())),
        ("MethodRouter::layer", Router::new().route("/here", here)),
    ]
}

/// The table in the docs of `tower_hmac::verify`.
#[tokio::test]
async fn unknown_paths_wrong_methods_and_preflights_are_answered_as_documented() {
    for (place, app) in apps() {
        let outside = if place == "layer" { REFUSED } else { StatusCode::NOT_FOUND };
        let cases = [
            (get_by("aservice", "/here"), StatusCode::OK),
            (unsigned(Method::GET, "/here"), REFUSED),
            (get_by("aservice", "/nowhere"), StatusCode::NOT_FOUND),
            (unsigned(Method::GET, "/nowhere"), outside),
            (by("aservice", Method::POST, "/here", ""), StatusCode::METHOD_NOT_ALLOWED),
            (unsigned(Method::POST, "/here"), REFUSED),
            (preflight(), REFUSED),
        ];
        for (request, expected) in cases {
            let line = format!("{place}: {} {}", request.method(), request.uri());
            assert_eq!(status(&app, request).await, expected, "{line}");
        }
    }
}

#[tokio::test]
async fn cors_outside_answers_preflights_and_marks_rejections() {
    let cors = CorsLayer::new().allow_origin(Any).allow_methods(Any);
    let outside = routes().layer(layer()).layer(cors.clone());
    let answer = send(&outside, preflight()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let rejected = send(&outside, unsigned(Method::GET, "/here")).await;
    assert_eq!(rejected.status(), REFUSED);
    assert_eq!(rejected.headers()["access-control-allow-origin"], "*");
    assert_eq!(status(&outside, get_by("aservice", "/here")).await, StatusCode::OK);

    let inside = routes().layer(cors).layer(layer());
    assert_eq!(status(&inside, preflight()).await, REFUSED);
}

#[tokio::test]
async fn layer_works_with_compression_and_tracing() {
    let apps = [
        routes().layer(layer()).layer(CompressionLayer::new()).layer(TraceLayer::new_for_http()),
        routes().layer(CompressionLayer::new()).layer(layer()),
        routes().layer(TraceLayer::new_for_http()).layer(layer()),
    ];
    for app in apps {
        assert_eq!(status(&app, get_by("aservice", "/here")).await, StatusCode::OK);
        assert_eq!(status(&app, unsigned(Method::GET, "/here")).await, REFUSED);
        let mut zipped = get_by("aservice", "/here");
        zipped.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        assert_eq!(status(&app, zipped).await, StatusCode::OK);
    }
}

/// The signature covers the sent bytes: the compressed ones.
#[tokio::test]
async fn requests_are_decompressed_inside() {
    // `printf 'hello' | gzip -n | base64`
    let zipped = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0, 0x86, 0xa6,
        0x10, 0x36, 5, 0, 0, 0,
    ];
    let echo = || Router::new().route("/echo", post(async |_: Verified, body: Bytes| body));
    let request = || {
        let mut request = by("aservice", Method::POST, "/echo", zipped);
        request.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        request
    };
    let inside = echo().layer(RequestDecompressionLayer::new()).layer(layer());
    assert_eq!(text(send(&inside, request()).await).await, "hello");
    let outside = echo().layer(layer()).layer(RequestDecompressionLayer::new());
    assert_eq!(status(&outside, request()).await, REFUSED);
}

#[tokio::test]
async fn a_limit_over_axums_own_applies() {
    const MIB: usize = 1024 * 1024;
    let routes = || {
        Router::new()
            .route("/bytes", post(async |body: Bytes| body.len().to_string()))
            .route("/json", post(async |Json(text): Json<String>| text.len().to_string()))
    };
    let json = |size| {
        let body = format!("\"{}\"", "x".repeat(size));
        let mut request = by("aservice", Method::POST, "/json", body);
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        request
    };
    let app = routes().layer(layer().with_body_limit(10 * MIB));
    let bytes = |size| by("aservice", Method::POST, "/bytes", vec![0; size]);
    assert_eq!(status(&app, bytes(10 * MIB)).await, StatusCode::OK);
    assert_eq!(status(&app, json(9 * MIB)).await, StatusCode::OK);
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    assert_eq!(status(&app, bytes(10 * MIB + 1)).await, too_large);
    assert_eq!(status(&routes().layer(layer()), bytes(2 * MIB)).await, StatusCode::OK);
    assert_eq!(status(&routes().layer(layer()), bytes(2 * MIB + 1)).await, too_large);
    assert_eq!(status(&routes().layer(layer().with_body_limit(5)), bytes(6)).await, too_large);
}

/// The smaller limit applies, for the layer and for the extractor. axum's default does not count.
#[tokio::test]
async fn the_smaller_of_our_limit_and_axums_applies() {
    const MIB: usize = 1024 * 1024;
    let max = DefaultBodyLimit::max;
    // The columns are our limit, axum's limit, and the longest accepted body.
    let cases = [
        (4 * MIB, None, 4 * MIB),
        (4 * MIB, Some(max(1024)), 1024),
        (4 * MIB, Some(max(0)), 0),
        // axum's default, set explicitly.
        (4 * MIB, Some(max(2 * MIB)), 2 * MIB),
        (4 * MIB, Some(max(3 * MIB)), 3 * MIB),
        (4 * MIB, Some(max(usize::MAX)), 4 * MIB),
        (4 * MIB, Some(DefaultBodyLimit::disable()), 4 * MIB),
        (1024, None, 1024),
        (1024, Some(max(1023)), 1023),
        (1024, Some(max(2 * MIB)), 1024),
        (1024, Some(DefaultBodyLimit::disable()), 1024),
    ];
    for (ours, theirs, most) in cases {
        let verify = layer().with_body_limit(ours);
        let layered = post(async |body: Bytes| body.len().to_string()).layer(verify.clone());
        let extracted = post(async |Signed(body, _): Signed<Bytes>| body.len().to_string());
        let routes = Router::new().route("/layer", layered).route("/Signed", extracted);
        let app = routes.with_state(verify.shared());
        let app = match theirs {
            Some(limit) => app.layer(limit),
            None => app,
        };
        for path in ["/layer", "/Signed"] {
            let bytes = |size| by("aservice", Method::POST, path, vec![0; size]);
            let response = send(&app, bytes(most)).await;
            assert_eq!(response.status(), StatusCode::OK, "{path} {ours} {theirs:?}");
            assert_eq!(text(response).await, most.to_string());
            let response = send(&app, bytes(most + 1)).await;
            assert_eq!(
                response.status(),
                StatusCode::PAYLOAD_TOO_LARGE,
                "{path} {ours} {theirs:?}"
            );
            // Our layer rejects the body before hashing it, so the inner extractor does not.
            let error = response.extensions().get::<VerifyError>().expect("our own rejection");
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
        }
    }
}

/// A limit inside the layer only affects axum: our layer has already read the body.
#[tokio::test]
async fn a_lower_axum_limit_inside_the_layer_still_applies() {
    let app = Router::new()
        .route("/", post(async |body: Bytes| body.len().to_string()))
        .layer(DefaultBodyLimit::max(5))
        .layer(layer().with_body_limit(4 * 1024 * 1024));
    let bytes = |size| by("aservice", Method::POST, "/", vec![0; size]);
    assert_eq!(status(&app, bytes(5)).await, StatusCode::OK);
    assert_eq!(status(&app, bytes(6)).await, StatusCode::PAYLOAD_TOO_LARGE);
}

/// A scheme that signs the target sees it as the client sent it, and the handler sees it as the
/// router shortened it.
#[tokio::test]
async fn under_nest_the_signed_target_is_the_one_first_received() {
    let scheme = Joints::new(Covers::Body);
    let keys = || KeyMap::named([("aservice", "akey")]).unwrap();
    let verify = || VerifyLayer::new(scheme.clone(), keys()).unwrap();
    let inner = |app: Router| Router::new().nest("/api", app);
    let echo = Router::new().route(
        "/item",
        get(async |OriginalUri(full): OriginalUri, request: axum::extract::Request| {
            format!("{} {full}", request.uri())
        }),
    );
    let apps = [
        inner(echo.clone().layer(verify())),
        inner(echo.clone()).layer(verify()),
        inner(echo.route_layer(verify())),
    ];
    for (place, app) in apps.into_iter().enumerate() {
        let signed = |path: &str| {
            Signer::new(scheme.clone(), SecretKey::new("akey").unwrap())
                .with_key_id("aservice")
                .unwrap()
                .sign(Request::get(path).body(Vec::new()).unwrap())
                .unwrap()
                .map(Body::from)
        };
        let response = send(&app, signed("/api/item?q=1")).await;
        assert_eq!(response.status(), StatusCode::OK, "place {place}");
        assert_eq!(text(response).await, "/item?q=1 /api/item?q=1");
        // A signature for the shortened path does not match the path that was sent.
        let mut cut = signed("/item?q=1");
        *cut.uri_mut() = "/api/item?q=1".parse().unwrap();
        assert_eq!(status(&app, cut).await, REFUSED, "place {place}");
    }
}

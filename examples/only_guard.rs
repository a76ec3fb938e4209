//! How do I open a route only to certain key IDs?
//!
//! There are three ways: an allow-list on the layer of a route, one in a handler's arguments, and a
//! route that verifies by itself, without a layer.

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Request, StatusCode};
use tower::ServiceExt as _;
use tower_hmac::extract::{Only, Signed};
use tower_hmac::{BoxError, FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};

tower_hmac::allow_list!(Billing = ["aservice", "bservice"]);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey"), ("cservice", "ckey")])?;
    let layer = VerifyLayer::new(FlaskHmac::new(), keys)?;
    let app = Router::new()
        // An allow-list on the layer: `@hmac.auth(only=["aservice"])`.
        .route("/ledger", get(|| async { "ledger" }).layer(layer.clone().only(["aservice"])?))
        // An allow-list in the arguments: the layer verifies, the handler says who may call it.
        .route("/invoice", get(invoice).layer(layer.clone()))
        // No layer: the handler verifies, with the verifier in the state.
        .route("/order", post(order))
        .with_state(layer.shared());

    for (path, body, allowed) in [
        ("/ledger", "", ["aservice"].as_slice()),
        ("/invoice", "", &["aservice", "bservice"]),
        ("/order", "[1, 2]", &["aservice", "bservice"]),
    ] {
        for (name, key) in [("aservice", "akey"), ("bservice", "bkey"), ("cservice", "ckey")] {
            let signer = Signer::new(FlaskHmac::new(), SecretKey::new(key)?).with_key_id(name)?;
            let method = if body.is_empty() { "GET" } else { "POST" };
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("Content-Type", "application/json")
                .body(body)?;
            let request = signer.sign(request)?.map(Body::from);
            let status = app.clone().oneshot(request).await?.status();
            let expected =
                if allowed.contains(&name) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            println!("{path} as {name}: {status}");
            assert_eq!(status, expected);
        }
    }
    Ok(())
}

async fn invoice(caller: Only<Billing>) -> String {
    format!("an invoice for {:?}", caller.key_id())
}

async fn order(Signed(Json(lines), caller): Signed<Json<Vec<u32>>, Billing>) -> String {
    format!("{} lines from {:?}", lines.len(), caller.key_id())
}

//! Signed services with Swagger UI pages, whose button "Try it out" signs.
//!
//!     npm install swagger-ui-dist
//!     cargo run -- node_modules/swagger-ui-dist
//!
//! `docs/swagger.md` contains the code of the pages, which this example serves unchanged. The test
//! in `scripts/swagger` presses the button in Chromium.

mod page;

use axum::extract::Query;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_hmac::openapi::{security_requirement, security_schemes};
use tower_hmac::scheme::{Part, TimeFormat};
use tower_hmac::webhooks::{ListScheme, StandardWebhooks};
use tower_hmac::{
    BoxError, FlaskHmac, HeaderScheme, KeyMap, Scheme, SecretKey, Verified, VerifyLayer,
};
use utoipa::{OpenApi, ToSchema};

use page::Page;

#[derive(Deserialize, Serialize, ToSchema)]
struct Order {
    #[schema(example = "two chairs, für Zoë")]
    text: String,
}

#[derive(Deserialize)]
struct Options {
    note: Option<String>,
}

#[utoipa::path(
    post,
    path = "/orders",
    params(("note" = Option<String>, Query, example = "a b&c/ü")),
    request_body = Order,
    responses((status = 200, body = Order), (status = 403, description = "not signed"))
)]
async fn order(
    _: Verified,
    Query(options): Query<Options>,
    Json(mut order): Json<Order>,
) -> Json<Order> {
    order.text.extend(options.note);
    Json(order)
}

#[derive(OpenApi)]
#[openapi(paths(order), info(title = "Orders", version = "1"))]
struct Api;

/// The document that utoipa makes, with the headers that a client must send.
fn document(scheme: &(impl Scheme + Clone), prefix: &str) -> Result<Value, BoxError> {
    let mut document = serde_json::to_value(Api::openapi())?;
    let schemes = security_schemes(scheme)?;
    document["servers"] = json!([{ "url": prefix }]);
    document["security"] = json!([security_requirement(&schemes)]);
    document["components"]["securitySchemes"] = schemes;
    Ok(document)
}

/// The service under `/name`, and its page under `/name/api/`.
fn service<S>(name: &str, scheme: S, keys: KeyMap, page: Page) -> Result<Router, BoxError>
where
    S: Scheme + Clone + 'static,
{
    let prefix = format!("/{name}");
    let page = page.router(&format!("{prefix}/api"), document(&scheme, &prefix)?);
    let orders = Router::new().route("/orders", post(order)).layer(VerifyLayer::new(scheme, keys)?);
    Ok(Router::new().nest(&prefix, orders).merge(page))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let files = std::env::args().nth(1).ok_or("expected the folder of swagger-ui-dist")?;
    let key = std::env::var("HMAC_KEY")?;
    let whsec = SecretKey::from_whsec(&std::env::var("WHSEC_KEY")?)?;

    let flask = FlaskHmac::new();
    let parts = HeaderScheme::new("x-signature")?.with_key_id_header("x-key-id")?.with_parts([
        Part::timestamp("x-timestamp", TimeFormat::UnixSeconds)?,
        Part::literal("\n"),
        Part::Method,
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Query,
        Part::literal("\n"),
        Part::Body,
    ])?;
    let list = ListScheme::new("stripe-signature", "v1")?
        .with_time("t", TimeFormat::UnixSeconds)?
        .with_parts([Part::Time, Part::literal("."), Part::Body])?;

    let single = || KeyMap::single(SecretKey::new(key.clone())?);
    let page = |scheme| Page::new(scheme, files.clone());
    let named = KeyMap::named([("aservice", key.clone())])?;
    let app = Router::new()
        .merge(service("flask", flask, single()?, page(0))?)
        .merge(service("parts", parts, named, page(1))?)
        .merge(service("list", list, single()?, page(2))?)
        .merge(service("webhooks", StandardWebhooks::new(), KeyMap::single(whsec)?, page(3))?);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

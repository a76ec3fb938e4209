//! The page that explains a pasted request.
//!
//! The page consists of one HTML file, one style sheet and one script. A strict content security
//! policy lets it talk only to its own server. Keys are sent in the body of a request. They are
//! never logged, stored, or put in a URL.

use std::process::ExitCode;

use axum::extract::{DefaultBodyLimit, OriginalUri};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use tower_hmac::capture::Capture;
use zeroize::Zeroizing;

use crate::args::KeyEncoding;
use crate::failure::Failure;
use crate::keys::Keys;
use crate::view::{Now, View};
use crate::{formats, listen, view};

const PAGE: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/inspect.css");
const SCRIPT: &str = include_str!("../page/inspect.js");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The maximum size of a pasted request, in bytes: enough for a body of 2 MiB in base64, and for
/// the rest.
const MOST: usize = 4 * 1024 * 1024;

/// Returns the routes of the page, for your own service.
///
/// The page is for developers: it shows what the server expects to be signed. Serve it on the
/// loopback interface or behind a login. The page has none of your keys, only the pasted data.
///
/// ```
/// use axum::Router;
///
/// let app: Router = Router::new().nest("/inspect", tower_hmac_cli::inspect::router());
/// # let _ = app;
/// ```
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(page))
        .route("/inspect.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/inspect.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/explain", post(explain))
        .layer(DefaultBodyLimit::max(MOST))
        .layer(middleware::map_response(with_policy))
}

pub(crate) async fn run(port: u16) -> Result<ExitCode, Failure> {
    listen::serve(port, "the page is on", router()).await
}

/// Returns the page, with links that work under any prefix.
async fn page(OriginalUri(uri): OriginalUri) -> Html<String> {
    let base = uri.path().trim_end_matches('/');
    let base = base.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let named = formats::all();
    let options = named.iter().map(|format| ["<option value=\"", format.name, "\">"]);
    let options = options.flatten().collect::<String>();
    Html(PAGE.replace("{base}", &base).replace("{formats}", &options))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}

async fn with_policy(mut response: Response) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The request sent by the page. Not `Debug`, because it contains a key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    capture: String,
    format: String,
    key: String,
    #[serde(default)]
    key_encoding: Encoding,
    #[serde(default)]
    key_id: Option<String>,
    #[serde(default)]
    no_clock: bool,
    #[serde(default)]
    now: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Text,
    Hex,
    Base64,
    Whsec,
}

/// Returns the report, or an error for a field of the page.
async fn explain(headers: HeaderMap, question: Json<Question>) -> Response {
    // Reject requests from other sites.
    let is_ours = headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin");
    if !is_ours {
        return StatusCode::FORBIDDEN.into_response();
    }
    match answer(question.0).await {
        Ok(view) => Json(view).into_response(),
        Err((field, message)) => {
            let told = serde_json::json!({ "field": field, "message": message });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(told)).into_response()
        }
    }
}

async fn answer(question: Question) -> Result<View, (&'static str, String)> {
    let in_field = |field| {
        move |failure: Failure| match failure {
            Failure::Message(message) => (field, message),
            Failure::ClosedPipe => (field, String::new()),
        }
    };
    let key = Zeroizing::new(question.key.into_bytes());
    let scheme = formats::find_without_files(&question.format).map_err(in_field("format"))?;
    let capture = Capture::read(question.capture.as_bytes())
        .map_err(|error| ("capture", error.to_string()))?;
    let encoding = match question.key_encoding {
        Encoding::Text => KeyEncoding::Text,
        Encoding::Hex => KeyEncoding::Hex,
        Encoding::Base64 => KeyEncoding::Base64,
        Encoding::Whsec => KeyEncoding::Whsec,
    };
    let id = question.key_id.filter(|id| !id.is_empty());
    let keys = Keys::pasted(&key, encoding, id).map_err(in_field("key"))?;
    let now = Now::of(question.now, question.no_clock);
    let verifier = view::verifier(&scheme, &keys, &capture, now).map_err(in_field("format"))?;
    let report = verifier.explain(capture.head(), capture.body()).await;
    Ok(View::of(&report, &capture))
}

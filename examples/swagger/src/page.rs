//! The page of Swagger UI: the code in `docs/swagger.md`, and the files of `swagger-ui-dist`.

use std::path::PathBuf;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

const DOCS: &str = include_str!("../../../docs/swagger.md");
/// The files of `swagger-ui-dist` that the page needs.
const FILES: [(&str, &str); 2] =
    [("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript")];

pub struct Page {
    script: String,
    files: PathBuf,
}

impl Page {
    /// A page that signs with one of the schemes in the docs, counted from 0.
    pub fn new(scheme: usize, files: String) -> Self {
        let start = block("javascript", 5);
        Self { script: format!("{}{start}", block("javascript", scheme + 1)), files: files.into() }
    }

    /// Serves everything below this path.
    pub fn router(self, prefix: &str, document: Value) -> Router {
        let at = |name: &str| format!("{prefix}/{name}");
        let script = |text: String| ([(CONTENT_TYPE, "text/javascript")], text);
        let files = self.files;
        Router::new()
            .route(&at(""), get(async || Html(block("html", 0))))
            .route(&at("openapi.json"), get(async || Json(document)))
            .route(&at("sign.js"), get(async move || script(block("javascript", 0))))
            .route(&at("page.js"), get(async move || script(self.script)))
            .route(
                &at("{file}"),
                get(async move |Path(name): Path<String>| file(files, &name).await),
            )
    }
}

/// Returns one of the code blocks in this language.
fn block(language: &str, number: usize) -> String {
    let start = format!("```{language}\n");
    let rest = DOCS.split(&start).nth(number + 1).unwrap_or_default();
    rest.split_once("```").map(|(code, _)| code.to_owned()).unwrap_or_default()
}

async fn file(folder: PathBuf, name: &str) -> Response {
    let Some((name, kind)) = FILES.into_iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match tokio::fs::read(folder.join(name)).await {
        Ok(bytes) => ([(CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

//! Sends requests to an app in memory.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Service, ServiceExt as _};

pub async fn send<S>(app: &S, request: Request<Body>) -> Response
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    app.clone().oneshot(request).await.unwrap()
}

pub async fn status<S>(app: &S, request: Request<Body>) -> StatusCode
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone,
{
    send(app, request).await.status()
}

pub async fn text(response: Response) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&body).into_owned()
}

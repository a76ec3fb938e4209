//! Redirects over real sockets: which signatures match, and which hosts never receive a signature.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_hmac::client::same_origin_redirects;
use tower_hmac::{
    BoxError, FlaskHmac, KeyMap, MessageSignatures, Scheme, SecretKey, SignLayer, Signer,
    VerifyLayer,
};

use crate::sockets::serve;

/// The requests that reached the handlers: their method and body, and whether they carried a
/// signature.
type Seen = Arc<Mutex<Vec<(Method, Bytes, bool)>>>;

/// A service that answers `/301` and so on with a redirect to `/done`, on its own or another
/// origin, and the requests that either accepted at `/done`.
struct Service {
    address: SocketAddr,
    here: Seen,
    there: Seen,
}

fn key() -> SecretKey {
    SecretKey::new("a key of the tests").unwrap()
}

fn signer<S: Scheme>(scheme: S) -> Signer<S> {
    Signer::new(scheme, key()).with_key_id("billing").unwrap()
}

fn noting(seen: &Seen) -> Router {
    let seen = seen.clone();
    let handler = async move |method: Method, headers: HeaderMap, body: Bytes| {
        seen.lock().unwrap().push((method, body, headers.contains_key("signature")));
    };
    Router::new().route("/done", any(handler))
}

impl Service {
    async fn start(scheme: impl Scheme + 'static) -> Self {
        let (here, there) = (Seen::default(), Seen::default());
        let elsewhere = serve(noting(&there)).await;
        let keys = KeyMap::default().with_key("billing", key()).unwrap();
        let redirect = |target: String| {
            any(async move |Path(status): Path<u16>| {
                (StatusCode::from_u16(status).unwrap(), [("location", target)])
            })
        };
        let app = noting(&here)
            .route("/here/{status}", redirect("/done".to_owned()))
            .route("/away/{status}", redirect(format!("http://{elsewhere}/done")))
            .layer(VerifyLayer::new(scheme, keys).unwrap());
        Self { address: serve(app).await, here, there }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn take(&self) -> Vec<(Method, Bytes, bool)> {
        std::mem::take(&mut self.here.lock().unwrap())
    }
}

fn arrived(method: &Method, body: &'static str) -> Vec<(Method, Bytes, bool)> {
    vec![(method.clone(), Bytes::from_static(body.as_bytes()), true)]
}

const BODY: &str = r#"{"order": 7}"#;

/// The responses to a POST and to a GET, as the caller sees them, and the requests that reached
/// `/done`.
async fn with_reqwest<S: Scheme + Clone + 'static>(scheme: S, after_307: u16) {
    let service = Service::start(scheme.clone()).await;
    let client = reqwest::Client::builder().no_proxy().redirect(same_origin_redirects());
    let client = client.build().unwrap();
    for (method, body) in [(Method::POST, BODY), (Method::GET, "")] {
        let send = async |path: String| {
            let request = client.request(method.clone(), service.url(&path)).body(body);
            let mut request = request.build().unwrap();
            signer(scheme.clone()).sign_reqwest(&mut request).unwrap();
            client.execute(request).await.unwrap().status().as_u16()
        };
        for status in [301, 302, 303] {
            assert_eq!(send(format!("/here/{status}")).await, status, "the caller's");
            assert_eq!(service.take(), []);
        }
        for status in [307, 308] {
            assert_eq!(send(format!("/here/{status}")).await, after_307, "{status}");
            let expected = if after_307 == 200 { arrived(&method, body) } else { Vec::new() };
            assert_eq!(service.take(), expected, "{status}");
        }
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(send(format!("/away/{status}")).await, status, "the caller's");
        }
    }
    assert_eq!(*service.there.lock().unwrap(), []);
}

/// The signature covers only the body, so it matches wherever the body is sent.
#[tokio::test]
async fn reqwest_follows_307_with_a_signature_of_the_body() {
    with_reqwest(FlaskHmac::new(), 200).await;
}

/// The signature also covers the path, so the server rejects it on another path.
#[tokio::test]
async fn reqwest_carries_a_signature_of_the_path_to_where_it_is_rejected() {
    with_reqwest(MessageSignatures::new(), 403).await;
}

#[cfg(feature = "reqwest-middleware")]
mod middleware {
    use super::*;
    use tower_hmac::client::SignMiddleware;

    async fn each_hop_is_signed<S: Scheme + Clone + 'static>(scheme: S) {
        let service = Service::start(scheme.clone()).await;
        let client = SignMiddleware::new(signer(scheme));
        let client = client.into_client(reqwest::Client::builder().no_proxy()).unwrap();
        for (method, body) in [(Method::POST, BODY), (Method::GET, ""), (Method::DELETE, "")] {
            let send = async |path: String| {
                let request = client.request(method.clone(), service.url(&path)).body(body);
                request.send().await.unwrap().status().as_u16()
            };
            for status in [301, 302, 303, 307, 308] {
                // A POST or DELETE would become a GET.
                let follows = status > 303 || method == Method::GET;
                let expected = if follows { 200 } else { status };
                assert_eq!(send(format!("/here/{status}")).await, expected, "{method} {status}");
                let expected = if follows { arrived(&method, body) } else { Vec::new() };
                assert_eq!(service.take(), expected, "{method} {status}");
                assert_eq!(send(format!("/away/{status}")).await, status, "the caller's");
            }
            assert_eq!(send("/here/200".into()).await, 200);
            assert_eq!(service.take(), [], "no redirect, whatever its `Location`");
        }
        assert_eq!(*service.there.lock().unwrap(), []);
    }

    #[tokio::test]
    async fn middleware_signs_each_hop_whatever_the_scheme_covers() {
        each_hop_is_signed(FlaskHmac::new()).await;
        each_hop_is_signed(MessageSignatures::new()).await;
    }

    /// A server that adds a slash keeps the query, and with it the signature of a link.
    #[cfg(feature = "sigv4")]
    #[tokio::test]
    async fn middleware_replaces_a_signature_that_a_redirect_kept() {
        use tower_hmac::scheme::AwsSigV4;

        let scheme = AwsSigV4::new("us-east-1", "execute-api").unwrap().presigned();
        let keys = KeyMap::default().with_key("billing", key()).unwrap();
        let add_slash = any(async |uri: http::Uri| {
            let location = format!("{}/?{}", uri.path(), uri.query().unwrap_or_default());
            (StatusCode::MOVED_PERMANENTLY, [("location", location)])
        });
        let app = Router::new().route("/dir", add_slash).route("/dir/", any(async || "listed"));
        let address = serve(app.layer(VerifyLayer::new(scheme.clone(), keys).unwrap())).await;
        let signer = signer(scheme).with_lifetime(std::time::Duration::from_secs(60));
        let client = SignMiddleware::new(signer);
        let client = client.into_client(reqwest::Client::builder().no_proxy()).unwrap();
        let response = client.get(format!("http://{address}/dir?a=1")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let pairs: Vec<_> = response.url().query_pairs().map(|(name, _)| name).collect();
        assert_eq!(pairs.iter().filter(|name| *name == "X-Amz-Signature").count(), 1);
        assert_eq!(pairs[0], "a");
    }

    #[tokio::test]
    async fn middleware_stops_after_ten_redirects() {
        let seen = Arc::new(Mutex::new(0));
        let count = seen.clone();
        let circle = any(async move || {
            *count.lock().unwrap() += 1;
            axum::response::Redirect::temporary("/circle")
        });
        let address = serve(Router::new().route("/circle", circle)).await;
        let client = SignMiddleware::new(signer(FlaskHmac::new()));
        let client = client.into_client(reqwest::Client::builder().no_proxy()).unwrap();
        let response = client.get(format!("http://{address}/circle")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), *seen.lock().unwrap()), (307, 11));
    }

    /// An inner client built by the user keeps its own policy.
    #[tokio::test]
    async fn middleware_in_a_custom_client_follows_no_redirects() {
        let service = Service::start(FlaskHmac::new()).await;
        let inner = reqwest::Client::builder().no_proxy();
        let inner = inner.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let client = reqwest_middleware::ClientBuilder::new(inner)
            .with(SignMiddleware::new(signer(FlaskHmac::new())))
            .build();
        let response = client.post(service.url("/here/307")).body(BODY).send().await.unwrap();
        assert_eq!(response.status(), 307);
        assert_eq!(service.take(), []);
    }
}

/// After 303, a POST becomes a GET without a body, and the inner layer signs it.
#[tokio::test]
async fn sign_layer_inside_a_layer_that_follows_redirects_signs_each_hop() {
    use tower_http::follow_redirect::FollowRedirectLayer;
    use tower_http::follow_redirect::policy::{Limited, PolicyExt as _, SameOrigin};

    for scheme in [
        Arc::new(FlaskHmac::new()) as Arc<dyn Scheme>,
        Arc::new(MessageSignatures::new()) as Arc<dyn Scheme>,
    ] {
        let service = Service::start(scheme.clone()).await;
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let policy = Limited::default().and::<_, Full<Bytes>, BoxError>(SameOrigin::new());
        let client = ServiceBuilder::new()
            .layer(FollowRedirectLayer::with_policy(policy))
            .layer(SignLayer::new(signer(scheme)))
            .service(client);
        let send = async |path: String| {
            let request =
                http::Request::post(service.url(&path)).body(Full::<Bytes>::from(BODY)).unwrap();
            client.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        for status in [301, 302, 303] {
            assert_eq!(send(format!("/here/{status}")).await, 200, "{status}");
            assert_eq!(service.take(), arrived(&Method::GET, ""), "{status}");
        }
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(send(format!("/away/{status}")).await, status, "the caller's");
        }
        assert_eq!(*service.there.lock().unwrap(), []);
    }
}

/// The table of `docs/clients.md`: how the server decides on the old signature.
#[cfg(feature = "sha1")]
#[tokio::test]
async fn an_old_signature_after_a_redirect_is_decided_as_documented() {
    use tower_hmac::scheme::{FlaskHmacPath, Fost, FostUrl, Part};
    use tower_hmac::{ErrorKind, HeaderScheme, Verifier};

    async fn judged(
        scheme: impl Scheme + Clone + 'static,
        was: &str,
        is: &str,
    ) -> Option<ErrorKind> {
        let parse = |text: &str| {
            let mut words = text.split(' ').map(str::to_owned);
            let request = http::Request::builder().method(words.next().unwrap().as_str());
            let request = request.uri(format!("http://example.com{}", words.next().unwrap()));
            (request.body(()).unwrap().into_parts().0, words.next().unwrap_or_default())
        };
        let (mut old, body) = parse(was);
        let is_named = !scheme.name().starts_with("flask") && scheme.name() != "header";
        let mut signer =
            Signer::new(scheme.clone(), key()).with_lifetime(std::time::Duration::from_secs(60));
        if is_named {
            signer = signer.with_key_id("billing").unwrap();
        }
        signer.sign_head(&mut old, body.as_bytes()).unwrap();
        let (mut new, body) = parse(is);
        new.headers = old.headers;
        let keys = KeyMap::single(key()).unwrap().with_key("billing", key()).unwrap();
        let outcome = Verifier::new(scheme, keys).unwrap().verify(&new, body.as_bytes()).await;
        outcome.err().map(|error| error.kind())
    }

    const MISMATCH: Option<ErrorKind> = Some(ErrorKind::Mismatch);
    let flask = FlaskHmac::new;
    assert_eq!(judged(flask(), "POST /a body", "GET /a").await, MISMATCH);
    assert_eq!(judged(flask(), "POST /a", "GET /b").await, None);
    assert_eq!(judged(flask(), "POST /a body", "POST /b body").await, None);

    let plain = || HeaderScheme::new("X-Signature").unwrap();
    let of_path = || plain().with_parts([Part::Path, Part::literal("\n"), Part::Body]).unwrap();
    let of_method = || plain().with_parts([Part::Method, Part::literal("\n"), Part::Body]).unwrap();
    assert_eq!(judged(plain(), "POST /a body", "GET /a").await, MISMATCH);
    assert_eq!(judged(of_method(), "POST /a", "GET /a").await, MISMATCH);
    assert_eq!(judged(plain(), "POST /a body", "POST /b body").await, None);
    assert_eq!(judged(of_path(), "POST /a body", "POST /b body").await, MISMATCH);

    let path = FlaskHmacPath::new;
    assert_eq!(judged(path(), "POST /a", "GET /a").await, None);
    assert_eq!(judged(path(), "POST /a", "POST /b").await, MISMATCH);

    assert_eq!(judged(Fost::new(), "POST /a body", "GET /a").await, MISMATCH);
    assert_eq!(judged(Fost::new(), "POST /a body", "POST /b body").await, MISMATCH);
    assert_eq!(judged(FostUrl::new(), "GET /a", "GET /b").await, Some(ErrorKind::Missing));

    let messages = MessageSignatures::new;
    assert_eq!(judged(messages(), "POST /a body", "GET /a").await, MISMATCH);
    assert_eq!(judged(messages(), "POST /a body", "POST /b body").await, MISMATCH);
}

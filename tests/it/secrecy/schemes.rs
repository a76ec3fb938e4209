//! Every scheme, with every kind of request.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::request::Parts;
use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::clock::ManualClock;
use tower_hmac::layer::VerifiedBody;
use tower_hmac::testing::{FixedNonce, signed_text};
use tower_hmac::{
    Algorithm, FlaskHmac, KeyMap, KeySet, MemoryReplay, Scheme, SecretKey, SignLayer, Signer,
    Verifier, VerifyError, VerifyLayer,
};

use super::{KEY, OLD_KEY, assert_untold, keys};
use crate::capture::Capture;
use crate::stamped::{NOW, Stamped};

/// Sends a request through the layer to a handler that logs everything it gets.
async fn send(layer: &VerifyLayer, head: &Parts, body: &'static str) -> u16 {
    let handler = service_fn(|request: Request<VerifiedBody<Body>>| async move {
        let verified = request.extensions().get::<tower_hmac::Verified>();
        tracing::trace!(?request, ?verified, "handled");
        let shown = format!("{verified:?} {request:?}");
        assert!(shown.starts_with("Some(Verified { key_id: ") && shown.contains("VerifiedBody::"));
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let mut head = head.clone();
    // As on a server, the signature is not marked as sensitive yet.
    head.headers.values_mut().for_each(|value| value.set_sensitive(false));
    let request = Request::from_parts(head, Body::from(body));
    let response = layer.layer(handler).oneshot(request).await.unwrap();
    let error = response.extensions().get::<VerifyError>();
    tracing::trace!(?response, ?error, error_text = error.map(ToString::to_string));
    response.status().as_u16()
}

/// The same signature twice, in headers or in the target.
fn doubled(scheme: &impl Scheme, head: &Parts) -> Parts {
    let mut head = head.clone();
    match scheme.headers().first() {
        Some(name) => {
            let value = head.headers[name].clone();
            head.headers.append(name, value);
        }
        None => {
            let target = head.uri.to_string();
            let (_, query) = target.split_once('?').unwrap();
            head.uri = format!("{target}&{query}").parse().unwrap();
        }
    }
    head
}

struct Subject<S> {
    scheme: S,
    /// All tags that have been sent.
    tags: Mutex<Vec<Vec<u8>>>,
    method: &'static str,
    key_id: Option<&'static str>,
    clock: ManualClock,
}

impl<S: Scheme + Clone + Debug + 'static> Subject<S> {
    fn signer(&self, key: &str) -> Signer<S> {
        let signer = Signer::new(self.scheme.clone(), SecretKey::new(key).unwrap())
            .with_clock(self.clock.clone())
            .with_lifetime(Duration::from_secs(60))
            .with_nonce_source(FixedNonce([7; 24]));
        match self.key_id {
            Some(key_id) => signer.with_key_id(key_id).unwrap(),
            None => signer,
        }
    }

    fn unsigned(&self) -> Parts {
        let builder = Request::builder().method(self.method);
        let target = if self.method == "GET" { "/orders?id=1" } else { "/orders" };
        let builder = builder.uri(target).header("host", "example.com");
        builder.body(()).unwrap().into_parts().0
    }

    fn head(&self, key: &str, body: &str) -> Parts {
        let mut head = self.unsigned();
        self.signer(key).sign_head(&mut head, body.as_bytes()).unwrap();
        self.tags.lock().unwrap().push(self.tag(key, &head, body));
        head
    }

    /// The tag of a signed request, computed anew.
    fn tag(&self, key: &str, head: &Parts, body: &str) -> Vec<u8> {
        let claim = self.scheme.claim(head).unwrap();
        let mut mac = self.scheme.key_mac(&SecretKey::new(key).unwrap(), &claim);
        mac.update(&signed_text(&self.scheme, head, body.as_bytes()).unwrap());
        mac.finalize().as_bytes().to_vec()
    }

    fn verifier(&self) -> Verifier {
        let set = KeySet::new([KEY, OLD_KEY].map(|key| SecretKey::new(key).unwrap())).unwrap();
        let keys = KeyMap::named([("aservice", set.clone())]).unwrap().with_single(set).unwrap();
        let mut verifier =
            Verifier::new(self.scheme.clone(), keys).unwrap().with_clock(self.clock.clone());
        if self.scheme.headers().is_empty() {
            // A signature in the target cannot be marked as sensitive.
            verifier = verifier.strip_signature();
        }
        verifier
            .dangerous_replay_by_tag(Duration::from_secs(60))
            .with_replay_guard(Arc::new(MemoryReplay::new(100).unwrap()))
            .unwrap()
    }

    /// Accepts requests, rejects them in every way that computes a tag, and rejects them before
    /// that.
    async fn verify_all(&self, body: &'static str) {
        let verifier = self.verifier();
        let layer = VerifyLayer::from(verifier.clone());
        // The server computes these tags, with both keys, for the same request.
        let (new, old) = (self.head(KEY, body), self.head(OLD_KEY, body));
        tracing::trace!(?layer, signer = ?self.signer(KEY));
        assert_eq!(send(&layer, &new, body).await, 200);
        assert_eq!(send(&layer, &new, body).await, 403, "a replay");
        let only = layer.clone().only(["bservice"]).unwrap();
        assert_eq!(send(&only, &old, body).await, 403, "not on the list");
        let twice = doubled(&self.scheme, &new);
        assert_eq!(send(&layer, &twice, body).await, 403, "two signatures");
        let strange = self.head("a key that is not the server's", body);
        assert_eq!(send(&layer, &strange, body).await, 403, "another key");
        let mut heads = vec![new, old.clone(), twice, strange];
        if self.method != "GET" {
            drop((self.head(KEY, "another"), self.head(OLD_KEY, "another")));
            assert_eq!(send(&layer, &old, "another").await, 403, "a changed body");
        }
        if verifier_is_timed(&self.scheme) {
            self.clock.set(NOW + 3600);
            assert_eq!(send(&layer, &old, body).await, 403, "too late");
            heads.push(self.head(KEY, body));
            self.clock.set(NOW);
        }
        let unsigned = self.unsigned();
        assert_eq!(send(&layer, &unsigned, body).await, 403);
        heads.push(unsigned);
        for head in &heads {
            for body in [body, "another\n"] {
                let report = verifier.explain(head, body.as_bytes()).await;
                #[cfg(feature = "serde")]
                let json = serde_json::to_string(&report).unwrap();
                #[cfg(not(feature = "serde"))]
                let json = ();
                tracing::trace!(?report, report_text = %report, ?json, "explained");
            }
        }
    }

    /// The client's layer: signs, and fails to sign.
    async fn sign_all(&self, body: &'static str) {
        let client = |signer| {
            let service =
                service_fn(|request: Request<http_body_util::Full<bytes::Bytes>>| async move {
                    tracing::trace!(headers = ?request.headers(), "sent");
                    Ok::<_, Infallible>(Response::new(Body::empty()))
                });
            SignLayer::new(signer).with_body_limit(16).layer(service)
        };
        let request = |body: &'static str| {
            let (head, ()) = Request::from_parts(self.unsigned(), ()).into_parts();
            Request::from_parts(head, Body::from(body))
        };
        tracing::trace!(client = ?SignLayer::new(self.signer(KEY)));
        assert!(client(self.signer(KEY)).oneshot(request(body)).await.is_ok());
        let long = client(self.signer(KEY)).oneshot(request("more than sixteen bytes"));
        let twice = Request::from_parts(self.head(KEY, body), Body::from(body));
        let twice = client(self.signer(KEY)).oneshot(twice);
        for error in [long.await.unwrap_err(), twice.await.unwrap_err()] {
            tracing::trace!(?error, error_text = %error, source = error.source().map(|e| e.to_string()));
        }
    }
}

fn verifier_is_timed(scheme: &impl Scheme) -> bool {
    scheme.window().is_timed()
}

fn nothing_is_told(
    scheme: impl Scheme + Clone + Debug + 'static,
    method: &'static str,
    key_id: Option<&'static str>,
) {
    let clock = ManualClock::new(NOW);
    let subject = Subject { scheme, tags: Mutex::default(), method, key_id, clock };
    let body = if method == "GET" { "" } else { "the body" };
    let (capture, ()) = Capture::during(|| {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            subject.verify_all(body).await;
            subject.sign_all(body).await;
        });
    });
    let mut secrets = subject.tags.into_inner().unwrap();
    assert!(secrets.len() >= 3);
    secrets.extend(keys());
    let text = capture.text();
    for what in ["handled", "replayed", "explained", "sent"] {
        assert!(text.contains(what), "nothing of {what} was logged: {text}");
    }
    assert_untold(&text, &secrets);
}

#[test]
fn flask_hmac_reveals_no_key_and_no_tag() {
    nothing_is_told(FlaskHmac::new(), "POST", None);
    nothing_is_told(FlaskHmac::new(), "POST", Some("aservice"));
    nothing_is_told(FlaskHmac::new().with_algorithm(Algorithm::Sha512), "POST", Some("aservice"));
    nothing_is_told(tower_hmac::scheme::FlaskHmacPath::new(), "GET", None);
}

#[test]
fn a_custom_scheme_reveals_no_key_and_no_tag() {
    nothing_is_told(Stamped::new(), "POST", Some("aservice"));
}

#[test]
fn a_scheme_from_parts_reveals_no_key_and_no_tag() {
    use tower_hmac::HeaderScheme;
    use tower_hmac::scheme::{Encoding, Part, TimeFormat};
    let scheme = || HeaderScheme::new("X-Signature").unwrap().with_prefix("v1=").unwrap();
    for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64UrlNoPad] {
        nothing_is_told(scheme().with_encoding(encoding), "POST", None);
    }
    let time = Part::timestamp("X-Timestamp", TimeFormat::UnixSeconds).unwrap();
    let parts = [time, Part::literal("\n"), Part::Method, Part::literal("\n"), Part::Body];
    let full = scheme().with_parts(parts).unwrap().with_key_id_header("X-Key-Id").unwrap();
    nothing_is_told(full, "POST", Some("aservice"));
}

#[cfg(feature = "sha1")]
#[test]
fn fost_reveals_no_key_and_no_tag() {
    nothing_is_told(tower_hmac::scheme::Fost::new(), "POST", Some("aservice"));
    nothing_is_told(tower_hmac::scheme::Fost::new(), "GET", Some("aservice"));
    nothing_is_told(tower_hmac::scheme::FostUrl::new(), "GET", Some("aservice"));
}

#[cfg(feature = "rfc9421")]
#[test]
fn message_signatures_reveal_no_key_and_no_tag() {
    let scheme = tower_hmac::MessageSignatures::new;
    nothing_is_told(scheme(), "POST", Some("aservice"));
    nothing_is_told(scheme(), "GET", Some("aservice"));
}

#[cfg(feature = "sigv4")]
#[test]
fn aws_signatures_reveal_no_key_and_no_tag() {
    let scheme = || tower_hmac::scheme::AwsSigV4::new("us-east-1", "service").unwrap();
    nothing_is_told(scheme(), "POST", Some("aservice"));
    nothing_is_told(scheme().with_payload_header(), "POST", Some("aservice"));
    nothing_is_told(scheme().presigned(), "GET", Some("aservice"));
}

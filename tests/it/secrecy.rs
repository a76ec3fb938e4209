//! No key and no computed tag is ever told: all that is logged at TRACE level and all `Debug`
//! output is searched for them in every usual spelling.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::request::Parts;
use http::{HeaderName, Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_hmac::scheme::{ClaimError, Coverage, SignedText, Stamp, Window};
use tower_hmac::testing::FixedNonce;
use tower_hmac::{
    Algorithm, Claim, FlaskHmac, KeyEntry, KeyMap, KeySet, Mac, ManualClock, MemoryReplay, Scheme,
    SecretKey, SignError, Signer, Tag, VerifiedBody, Verifier, VerifyError, VerifyLayer,
};

use crate::capture::Capture;
use crate::stamped::{NOW, Stamped};

/// Long enough to turn up in nothing by chance.
const KEY: &str = "a key that must not be told, 0123456789";
const OLD_KEY: &str = "an old key that must not be told either";

/// The spellings of a secret, the padding left out so that a longer text holds them too.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hex = base16ct::lower::encode_string(secret);
    let list = format!("{secret:?}");
    let mut all = vec![
        hex.to_uppercase(),
        hex,
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        list.trim_matches(['[', ']']).to_owned(),
        secret.escape_ascii().to_string(),
    ];
    all.extend(std::str::from_utf8(secret).ok().map(str::to_owned));
    all
}

#[track_caller]
fn assert_untold(text: &str, secrets: &[Vec<u8>]) {
    for spelling in secrets.iter().flat_map(|secret| spellings(secret)) {
        assert!(!text.contains(&spelling), "told: {spelling}");
    }
}

fn keys() -> Vec<Vec<u8>> {
    vec![KEY.into(), OLD_KEY.into()]
}

/// A format that notes each tag that is computed in it.
#[derive(Clone, Debug)]
struct Spy<S> {
    scheme: S,
    tags: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl<S: Scheme> Scheme for Spy<S> {
    fn name(&self) -> &'static str {
        self.scheme.name()
    }

    fn algorithm(&self) -> Algorithm {
        self.scheme.algorithm()
    }

    fn headers(&self) -> &[HeaderName] {
        self.scheme.headers()
    }

    fn window(&self) -> Window {
        self.scheme.window()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.scheme.claim(head)
    }

    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        self.scheme.coverage(head, claim)
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.before_body(head, claim, text)
    }

    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.after_body(head, claim, text)
    }

    fn derive(
        &self,
        head: &Parts,
        claim: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.derive(head, claim, body, text)
    }

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        self.scheme.key_mac(key, claim)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        self.scheme.stamp(head, stamp)
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tag: &Tag) -> Result<(), SignError> {
        self.tags.lock().unwrap().push(tag.as_bytes().to_vec());
        self.scheme.attach(head, claim, tag)
    }

    fn strip(&self, head: &mut Parts) {
        self.scheme.strip(head);
    }
}

/// Sends a request through the layer to a handler that logs all it gets.
async fn send(layer: &VerifyLayer, head: Parts, body: &'static str) -> u16 {
    let handler = service_fn(|request: Request<VerifiedBody<Body>>| async move {
        let verified = request.extensions().get::<tower_hmac::Verified>();
        tracing::trace!(?request, ?verified, "handled");
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let future = layer.layer(handler).oneshot(Request::from_parts(head, Body::from(body)));
    let response = future.await.unwrap();
    let error = response.extensions().get::<VerifyError>();
    tracing::trace!(?response, ?error, error_text = error.map(ToString::to_string));
    response.status().as_u16()
}

/// Accepted, refused in every way that computes a tag, and refused before.
fn nothing_is_told(scheme: impl Scheme + Clone + std::fmt::Debug + 'static, method: &str) {
    let clock = ManualClock::new(NOW);
    let tags = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let scheme = Spy { scheme, tags: tags.clone() };
    let signer = |key: &str| {
        Signer::new(scheme.clone(), SecretKey::new(key).unwrap())
            .with_key_id("aservice")
            .unwrap()
            .with_clock(clock.clone())
            .with_nonce_source(FixedNonce([7; 24]))
    };
    let head = |key: &str, body: &str| {
        let builder = Request::builder().method(method).uri("/orders?id=1");
        let (mut head, ()) = builder.header("host", "example.com").body(()).unwrap().into_parts();
        signer(key).sign_head(&mut head, body.as_bytes()).unwrap();
        head
    };
    let set = KeySet::new([KEY, OLD_KEY].map(|key| SecretKey::new(key).unwrap())).unwrap();
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let layer = VerifyLayer::new(scheme.clone(), KeyMap::services([("aservice", set)]).unwrap())
        .with_clock(clock.clone())
        .dangerous_replay_by_tag(std::time::Duration::from_secs(60))
        .with_replay_guard(guard)
        .unwrap();
    let body = if method == "GET" { "" } else { "the body" };
    let (capture, ()) = Capture::during(|| {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            // What the server computes for these is what the two keys make of the same request.
            let (new, old) = (head(KEY, body), head(OLD_KEY, body));
            tracing::trace!(?layer, signer = ?signer(KEY));
            assert_eq!(send(&layer, new.clone(), body).await, 200);
            assert_eq!(send(&layer, new, body).await, 403, "a replay");
            let only = layer.clone().only(["bservice"]);
            assert_eq!(send(&only, old.clone(), body).await, 403, "not on the list");
            if method != "GET" {
                drop((head(KEY, "another"), head(OLD_KEY, "another")));
                assert_eq!(send(&layer, old, "another").await, 403, "a changed body");
            }
            let mut unsigned = head(KEY, body);
            scheme.strip(&mut unsigned);
            assert_eq!(send(&layer, unsigned, body).await, 403);
        });
    });
    let mut secrets = tags.lock().unwrap().clone();
    assert!(secrets.len() >= 3);
    secrets.extend(keys());
    let text = capture.text();
    assert!(text.contains("handled") && text.contains("replayed"), "nothing was logged: {text}");
    assert_untold(&text, &secrets);
}

#[test]
fn no_format_tells_a_key_or_a_tag() {
    nothing_is_told(FlaskHmac::new(), "POST");
    nothing_is_told(FlaskHmac::new().with_algorithm(Algorithm::Sha512), "POST");
    nothing_is_told(Stamped::new(), "POST");
}

#[test]
fn no_type_shows_a_key_or_a_tag() {
    let key = || SecretKey::new(KEY).unwrap();
    let mut mac = Mac::new(Algorithm::Sha256, &key());
    mac.update(b"text");
    let tag = mac.clone().finalize();
    let set = KeySet::new([KeyEntry::new(key()).with_label("2026-11")]).unwrap();
    let map = KeyMap::services([("aservice", set.clone())]).unwrap().with_single(key());
    let verifier = Verifier::new(FlaskHmac::new(), map.clone());
    let layer = VerifyLayer::from(verifier.clone());
    let signature = tower_hmac::scheme::Signature::new(tag.as_bytes()).unwrap();
    let claim = Claim::signed(signature.clone()).with_nonce(b"nonce");
    let service = layer.layer(service_fn(|_: Request<VerifiedBody<Body>>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let future = service.clone().oneshot(Request::new(Body::from(KEY)));
    let replay_key = tower_hmac::replay::ReplayKey::from_bytes(tag.as_bytes().try_into().unwrap());
    let lookup = tower_hmac::Lookup::ready(Ok(Some(set.clone())));
    let nonce = FixedNonce(*KEY.as_bytes().first_chunk().unwrap());
    let signer = Signer::new(FlaskHmac::new(), key());
    #[cfg(feature = "reload")]
    let shared = tower_hmac::SharedKeys::new(map.clone()).unwrap();
    #[cfg(not(feature = "reload"))]
    let shared = ();
    #[cfg(feature = "cache")]
    let cached = tower_hmac::CachedKeys::new(map.clone());
    #[cfg(not(feature = "cache"))]
    let cached = ();
    let shown: [&dyn std::fmt::Debug; 17] = [
        &key(),
        &mac,
        &tag,
        &set,
        &map,
        &verifier,
        &layer,
        &signature,
        &claim,
        &service,
        &future,
        &replay_key,
        &lookup,
        &nonce,
        &signer,
        &shared,
        &cached,
    ];
    let text = format!("{shown:?}{shown:#?}");
    assert!(text.contains("2026-11"), "{text}");
    assert_untold(&text, &[KEY.into(), tag.as_bytes().to_vec(), nonce.0.to_vec()]);
}

#[test]
fn no_error_of_the_configuration_repeats_a_key() {
    let errors = [
        SecretKey::from_hex(KEY).unwrap_err(),
        SecretKey::from_base64(KEY).unwrap_err(),
        KeyMap::services([("aservice", KEY), ("aservice", KEY)]).unwrap_err(),
        KeyMap::services([("", KEY)]).unwrap_err(),
        KeySet::new((0..9).map(|_| SecretKey::new(KEY).unwrap())).unwrap_err(),
    ];
    for error in errors {
        assert_untold(&format!("{error:?} {error}"), &keys());
    }
}

/// The search itself: what is told is found, in every spelling.
#[test]
fn a_secret_that_is_told_is_found() {
    let secret = KEY.as_bytes();
    for spelling in spellings(secret) {
        let (capture, ()) = Capture::during(|| tracing::trace!("it is {spelling}"));
        let found = std::panic::catch_unwind(|| assert_untold(&capture.text(), &keys()));
        assert!(found.is_err(), "{spelling} was not found");
    }
}

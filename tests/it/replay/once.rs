//! The identity of a claim, and of the caller.

use axum::extract::Extension;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower::ServiceBuilder;
use tower_hmac::KeyId;
use tower_hmac::extract::{SharedVerifier, Signed};
use tower_hmac::key::key_fn;
use tower_hmac::testing::FixedNonce;

use super::*;

/// The key ID is not signed, as in some custom schemes.
#[tokio::test]
async fn a_nonce_is_accepted_once_per_secret_and_not_per_key_id() {
    let clock = ManualClock::new(NOW);
    let keys = KeyMap::named([("a", "shared"), ("b", "shared"), ("c", "other")]).unwrap();
    let verifier = Verifier::new(Stamped::new(), keys)
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    let mut first = head(&signer("a", "shared", &clock), b"once");
    assert_eq!(kind(verifier.verify(&first, b"once").await), None);
    for name in ["a", "b"] {
        let value = first.headers["x-stamped"].to_str().unwrap();
        let (_, rest) = value.split_once(',').unwrap();
        let renamed = format!("{name},{rest}").parse().unwrap();
        first.headers.insert("x-stamped", renamed);
        let outcome = kind(verifier.verify(&first, b"once").await);
        assert_eq!(outcome, Some(ErrorKind::Replayed), "as {name}");
    }
}

/// Another caller's nonce must not use up this caller's.
#[tokio::test]
async fn one_nonce_under_two_secrets_is_two_requests() {
    let clock = ManualClock::new(NOW);
    let verifier = verifier(&clock, &Arc::new(MemoryReplay::new(100).unwrap()));
    for (name, key) in [("aservice", "akey"), ("bservice", "bkey")] {
        let signer = signer(name, key, &clock).with_nonce_source(FixedNonce([7; 24]));
        let head = head(&signer, b"");
        assert_eq!(kind(verifier.verify(&head, b"").await), None, "{name}");
        assert_eq!(kind(verifier.verify(&head, b"").await), Some(ErrorKind::Replayed), "{name}");
    }
}

#[tokio::test]
async fn a_nonce_of_one_tenant_does_not_use_up_that_of_another() {
    let store = key_fn(|_: Option<&KeyId>, head: &Parts| {
        let key = match head.headers.get("host").map(|host| host.as_bytes()) {
            Some(b"one.example") => Some("the key of one"),
            Some(b"two.example") => Some("the key of two"),
            _ => None,
        };
        std::future::ready(Ok::<_, tower_hmac::BoxError>(
            key.map(|key| SecretKey::new(key).unwrap()),
        ))
    });
    let clock = ManualClock::new(NOW);
    let verifier = Verifier::new(Stamped::new(), store)
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    for (host, key) in [("one.example", "the key of one"), ("two.example", "the key of two")] {
        let signer = signer("billing", key, &clock).with_nonce_source(FixedNonce([7; 24]));
        let mut head = head(&signer, b"");
        head.headers.insert("host", host.parse().unwrap());
        assert_eq!(kind(verifier.verify(&head, b"").await), None, "{host}");
        assert_eq!(kind(verifier.verify(&head, b"").await), Some(ErrorKind::Replayed), "{host}");
    }
}

/// During a rotation, a key ID has two secrets. With each of them, the nonce is accepted once.
#[tokio::test]
async fn a_nonce_is_claimed_under_the_secret_that_matched() {
    let clock = ManualClock::new(NOW);
    let keys = KeySet::new([SecretKey::new("new").unwrap(), SecretKey::new("old").unwrap()]);
    let verifier = Verifier::new(Stamped::new(), KeyMap::single(keys.unwrap()).unwrap())
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(MemoryReplay::new(100).unwrap())
        .unwrap();
    for key in ["new", "old"] {
        let signer = signer("", key, &clock).with_nonce_source(FixedNonce([7; 24]));
        let head = head(&signer, b"");
        assert_eq!(kind(verifier.verify(&head, b"").await), None, "{key}");
        assert_eq!(kind(verifier.verify(&head, b"").await), Some(ErrorKind::Replayed), "{key}");
    }
}

fn layer(clock: &ManualClock, guard: &Arc<MemoryReplay>) -> VerifyLayer {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    VerifyLayer::new(Stamped::new(), keys)
        .unwrap()
        .with_clock(clock.clone())
        .with_replay_guard(guard.clone())
        .unwrap()
}

/// The statuses of one request that is sent twice.
async fn twice(app: &Router, path: &str, signer: &Signer<Stamped>) -> [u16; 2] {
    let head = head(signer, b"once");
    let mut statuses = [0; 2];
    for status in &mut statuses {
        let mut head = head.clone();
        head.uri = path.parse().unwrap();
        let request = Request::from_parts(head, Body::from("once"));
        *status = app.clone().oneshot(request).await.unwrap().status().as_u16();
    }
    statuses
}

#[tokio::test]
async fn a_layer_inside_another_with_the_same_guard_does_not_claim_again() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let layer = layer(&clock, &guard);
    let inner = layer.clone().with_body_limit(10).only(["aservice"]).unwrap();
    let route = || post(async |body: String| body);
    let app = Router::new()
        .route("/plain", route())
        .route("/narrow", route().layer(inner.clone()))
        .route("/three", route().layer(ServiceBuilder::new().layer(inner.clone()).layer(inner)))
        .layer(layer);
    let honest = signer("aservice", "akey", &clock);
    for (number, path) in ["/plain", "/narrow", "/three"].into_iter().enumerate() {
        assert_eq!(twice(&app, path, &honest).await, [200, 403], "{path}");
        assert_eq!(guard.len(), number + 1, "{path}");
    }
    // The inner layer's list still applies.
    let other = signer("bservice", "bkey", &clock);
    assert_eq!(twice(&app, "/narrow", &other).await, [403, 403]);
}

#[tokio::test]
async fn an_extractor_behind_a_layer_with_the_same_guard_does_not_claim_again() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let layer = layer(&clock, &guard);
    let state: SharedVerifier = layer.clone().shared();
    let app = Router::new()
        .route("/", post(async |Signed(body, _): Signed<String>| body))
        .with_state(state)
        .layer(layer);
    let honest = signer("aservice", "akey", &clock);
    assert_eq!(twice(&app, "/", &honest).await, [200, 403]);
    assert_eq!(guard.len(), 1);
}

/// Each guard must keep its own promise.
#[tokio::test]
async fn a_layer_inside_another_with_another_guard_claims_too() {
    let clock = ManualClock::new(NOW);
    let (one, two) = (MemoryReplay::new(100).unwrap(), MemoryReplay::new(100).unwrap());
    let (one, two) = (Arc::new(one), Arc::new(two));
    let app = Router::new()
        .route("/", post(async |body: String| body).layer(layer(&clock, &two)))
        .layer(layer(&clock, &one));
    let honest = signer("aservice", "akey", &clock);
    assert_eq!(twice(&app, "/", &honest).await, [200, 403]);
    assert_eq!((one.len(), two.len()), (1, 1));
}

/// Two guards at one address, one inside the other, are still two guards.
#[test]
fn a_wrapped_guard_is_not_the_same_guard() {
    struct Wrapper(MemoryReplay);

    impl ReplayGuard for Wrapper {
        fn claim(&self, request: &ReplayRequest<'_>) -> tower_hmac::replay::ReplayClaim {
            self.0.claim(request)
        }
    }

    let wrapper = Arc::new(Wrapper(MemoryReplay::new(1).unwrap()));
    assert_ne!(wrapper.id(), wrapper.0.id());
    assert_eq!(wrapper.id(), wrapper.clone().id());
    let handle: Arc<dyn ReplayGuard> = wrapper.clone();
    assert_eq!(handle.id(), wrapper.id());
}

/// A claim belongs to one request. Another request made from its head, without the layer's mark, is
/// a replay.
#[tokio::test]
async fn a_request_forwarded_by_a_handler_is_claimed_again() {
    let clock = ManualClock::new(NOW);
    let guard = Arc::new(MemoryReplay::new(100).unwrap());
    let layer = layer(&clock, &guard);
    let backend: Router = Router::new()
        .route("/", get(async || "backend").post(async || "backend"))
        .layer(layer.clone());
    let forward = async |Extension(backend): Extension<Router>, request: Request<Body>| {
        let mut copy = Request::post("/").body(Body::from("once")).unwrap();
        *copy.headers_mut() = request.headers().clone();
        backend.oneshot(copy).await.unwrap().status().as_u16().to_string()
    };
    let app = Router::new()
        .route("/", post(forward))
        .layer(layer)
        .layer(Extension(backend))
        .layer(middleware::map_request(async |request: Request<Body>| request));
    let head = head(&signer("aservice", "akey", &clock), b"once");
    let response = app.oneshot(Request::from_parts(head, Body::from("once"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    assert_eq!(body, "403");
}

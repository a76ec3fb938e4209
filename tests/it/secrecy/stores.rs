//! Stores behind a verifier that fail: their errors are logged with all their sources.

use std::time::Duration;

use futures_util::FutureExt as _;
use http::Request;
use tower_hmac::{BoxError, ErrorKind, FlaskHmac, KeyMap, SecretKey, Signer, Verifier};

use super::{KEY, assert_untold, keys};
use crate::capture::Capture;

/// An error with all of its sources.
fn log(error: &(dyn std::error::Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        tracing::trace!(?error, error_text = %error, "failed");
        next = error.source();
    }
}

fn signed() -> (http::request::Parts, Vec<u8>) {
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new(KEY).unwrap());
    let signature = signer.with_key_id("aservice").unwrap().signature(b"the body");
    // Like a client, this does not mark the header as sensitive.
    let request = Request::post("/").header("signature", &signature).body(()).unwrap();
    (request.into_parts().0, signature.into_bytes())
}

fn on_a_runtime(run: impl Future<Output = ()>) -> String {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let (capture, ()) = Capture::during(|| runtime.unwrap().block_on(run));
    capture.text()
}

#[cfg(feature = "redis")]
#[test]
fn an_unreachable_guard_reveals_no_tag_and_no_password() {
    const PASSWORD: &str = "a-password-that-must-not-be-told";
    let (head, signature) = signed();
    let text = on_a_runtime(async {
        // Nobody listens on this port.
        let address = format!("redis://user:{PASSWORD}@127.0.0.1:1/");
        let guard = tower_hmac::replay::RedisReplay::lazy(&address).unwrap();
        tracing::trace!(?guard);
        let wrong = tower_hmac::replay::RedisReplay::lazy(&address.replace("redis:", "nothing:"));
        log(&wrong.unwrap_err());
        for guard in [guard.clone(), guard.dangerous_fail_open()] {
            let keys = KeyMap::named([("aservice", KEY)]).unwrap();
            let verifier = Verifier::new(FlaskHmac::new(), keys)
                .unwrap()
                .dangerous_replay_by_tag(Duration::from_secs(60))
                .with_replay_guard(guard)
                .unwrap();
            if let Err(error) = verifier.verify(&head, b"the body").await {
                assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
                log(&error);
            }
        }
    });
    assert!(text.contains("failed") && text.contains("let the request through"), "{text}");
    let mut secrets = keys();
    secrets.extend([PASSWORD.into(), signature]);
    assert_untold(&text, &secrets);
}

/// A database that returns a key once and then fails, or never answers again.
#[cfg(feature = "cache")]
#[test]
fn a_cache_of_an_unreachable_store_reveals_no_key_and_no_tag() {
    use std::sync::atomic::{AtomicU32, Ordering};
    use tower_hmac::KeyId;
    use tower_hmac::key::{CachedKeys, key_fn};

    let (head, signature) = signed();
    let text = on_a_runtime(async {
        for (hangs, stale) in [(false, 0), (false, 3600), (true, 0), (true, 3600)] {
            let asked = AtomicU32::new(0);
            let store = key_fn(move |_: Option<&KeyId>, _: &http::request::Parts| {
                let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
                async move {
                    match (first, hangs) {
                        (true, _) => Ok(SecretKey::new(KEY).ok()),
                        (false, false) => Err(BoxError::from("the database is away")),
                        (false, true) => std::future::pending().await,
                    }
                }
            });
            let cached = CachedKeys::new(store)
                .with_ttl(Duration::from_secs(60))
                .with_stale_if_error(Duration::from_secs(stale));
            let cached = std::sync::Arc::new(cached);
            let verifier = Verifier::new(FlaskHmac::new(), cached.clone()).unwrap();
            assert!(verifier.verify(&head, b"the body").await.is_ok());
            tokio::time::advance(Duration::from_secs(61)).await;
            let later = verifier.verify(&head, b"the body").await;
            tracing::trace!(?cached, ?verifier, ?later);
            match later {
                Ok(verified) => {
                    assert_eq!((stale, verified.key_id().unwrap().as_str()), (3600, "aservice"))
                }
                Err(error) => {
                    assert_eq!((stale, error.kind()), (0, ErrorKind::StoreUnavailable));
                    log(&error);
                }
            }
        }
    });
    assert!(text.contains("the database is away"), "{text}");
    let mut secrets = keys();
    secrets.push(signature);
    assert_untold(&text, &secrets);
}

/// The store's error may contain anything, but the call itself reveals nothing.
#[test]
fn config_errors_and_unread_requests_reveal_no_key() {
    // The output of `unwrap`.
    let keys_of = || KeyMap::named([("aservice", KEY)]).unwrap();
    let verifier = || Verifier::new(FlaskHmac::new(), keys_of()).unwrap();
    let empty = verifier().only([""]).unwrap_err();
    let disjoint = verifier().only(["a"]).unwrap().only(["b"]).unwrap_err();
    assert_untold(&format!("{empty:?} {empty} {disjoint:?} {disjoint}"), &keys());
    let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single(KEY).unwrap()).unwrap();
    let (head, ()) = Request::new(()).into_parts();
    let error = verifier.verify(&head, b"").now_or_never().unwrap().unwrap_err();
    assert_untold(&format!("{error:?} {error}"), &keys());
}

//! Costs that grow: with the keys of one key ID, the schemes of one verifier, the headers of a
//! request, and its body.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request};
use tower_hmac::{FlaskHmac, HeaderScheme, KeyMap, KeySet, SecretKey, Signer, VerifyLayer};

use super::{Case, FRAME, KEY, body, framed, layer, ours, signed_by};

/// The tables, each compared with its first row. `scripts/plot` and `scripts/instructions` read
/// their names.
pub fn growth() -> Vec<(&'static str, Vec<Case>)> {
    let kib = [64, 128, 512, 1024];
    vec![
        ("keys", [1, 2, 4, 8].map(with_keys).into()),
        ("schemes", [1, 2, 3, 4].map(with_schemes).into()),
        ("headers", [10, 25, 50, 100].map(with_headers).into()),
        ("body", kib.map(|kib| with_body(kib, None)).into()),
        ("frames", kib.map(|kib| with_body(kib, Some(FRAME))).into()),
    ]
}

/// Signs with the newest of this many keys.
fn with_keys(count: usize) -> Case {
    let newest = SecretKey::new(KEY).unwrap();
    let older = (1..count).map(|_| SecretKey::generate(tower_hmac::Algorithm::Sha256));
    let set = KeySet::new(std::iter::once(newest).chain(older)).unwrap();
    let keys = KeyMap::default().with_key("aservice", set).unwrap();
    let signer = Signer::new(FlaskHmac::new(), SecretKey::new(KEY).unwrap());
    let signer = signer.with_key_id("aservice").unwrap();
    let verify = VerifyLayer::new(FlaskHmac::new(), keys).unwrap();
    Case::new(count.to_string(), layer(verify), signed_by(&signer, body(1024)))
}

/// Signs in the first of this many schemes.
fn with_schemes(count: usize) -> Case {
    let keys = || KeyMap::single(KEY).unwrap();
    let mut verify = VerifyLayer::new(FlaskHmac::new(), keys()).unwrap();
    for place in 1..count {
        let scheme = HeaderScheme::new(format!("x-signature-{place}")).unwrap();
        verify = verify.or(scheme, keys()).unwrap();
    }
    Case::new(count.to_string(), layer(verify), super::signed(body(1024)))
}

/// RFC 9421 if it is built in, with this many headers.
fn with_headers(count: usize) -> Case {
    #[cfg(feature = "rfc9421")]
    let scheme = tower_hmac::MessageSignatures::new;
    #[cfg(not(feature = "rfc9421"))]
    let scheme = FlaskHmac::new;
    let key = || SecretKey::new(KEY).unwrap();
    let signer = Signer::new(scheme(), key()).with_key_id("aservice").unwrap();
    let keys = KeyMap::named([("aservice", key())]).unwrap();
    let day = Duration::from_secs(24 * 60 * 60);
    let verify = VerifyLayer::new(scheme(), keys).unwrap().with_tolerance(day, day);
    let text = body(1024);
    let (mut head, _) = signed_by(&signer, text.clone())().into_parts();
    for place in head.headers.len()..count {
        let name = HeaderName::try_from(format!("x-header-{place}")).unwrap();
        head.headers.insert(name, HeaderValue::from_static("a value of the usual size"));
    }
    let request = move || Request::from_parts(head.clone(), Body::from(text.clone()));
    Case::new(count.to_string(), layer(verify), request)
}

/// A body of this many KiB.
fn with_body(kib: usize, frame: Option<usize>) -> Case {
    Case::new(kib.to_string(), layer(ours(false)), framed(body(kib * 1024), frame))
}

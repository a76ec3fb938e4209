//! Any head and body for any scheme: never a panic, and a claim only for well-formed requests.
#![no_main]

use http::request::Parts;
use http::{HeaderValue, Method, Request};
use tower_hmac::Scheme;
use tower_hmac::scheme::ClaimError;
use tower_hmac::testing::signed_text;
use tower_hmac_fuzz::{Case, case};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    let case = case(*choice);
    let Some((head, body)) = request(case, data) else { return };
    let scheme = &*case.scheme;
    check_claim(scheme, &head, body);
    match scheme.name() {
        "flask-hmac" => check_flask(scheme, &head),
        "rfc9421" if data.len() <= 8000 => check_readings(scheme, &head, body),
        _ => {}
    }
    if !scheme.is_in_body() {
        // After the signature is removed, the request is not signed in this scheme.
        let mut stripped = head;
        scheme.strip(&mut stripped);
        assert!(scheme.claim(&stripped).is_err(), "the signature is stripped");
    }
});

/// Reads a line each for the method, the target and each header of the case. The rest is the body.
/// If the method's byte says so, our client signs the request before these headers are set.
fn request<'d>(case: &Case, data: &'d [u8]) -> Option<(Parts, &'d [u8])> {
    let mut lines = data.splitn(case.headers.len() + 3, |byte| *byte == b'\n');
    let first = *lines.next()?.first()?;
    let method = if first & 1 == 0 { Method::GET } else { Method::POST };
    let target = std::str::from_utf8(lines.next()?).ok()?;
    let (mut head, ()) = Request::builder().method(method).uri(target).body(()).ok()?.into_parts();
    let values: Vec<_> = lines.by_ref().take(case.headers.len()).collect();
    let body = lines.next().unwrap_or_default();
    if first & 2 != 0 {
        let _ = case.client.sign_head(&mut head, body);
    }
    for (name, value) in case.headers.iter().zip(values) {
        if !value.is_empty() {
            head.headers.insert(name, HeaderValue::from_bytes(value).ok()?);
        }
    }
    Some((head, body))
}

fn check_claim(scheme: &dyn Scheme, head: &Parts, body: &[u8]) {
    let claim =
        if scheme.is_in_body() { scheme.claim_from_body(head, body) } else { scheme.claim(head) };
    let Ok(claim) = claim else { return };
    let lengths: Vec<_> = claim.tags().map(|tag| tag.len()).collect();
    assert!((1..=16).contains(&lengths.len()));
    assert!(lengths.iter().all(|length| *length == scheme.algorithm().tag_len()));
    assert!(claim.key_id().is_none_or(|id| !id.as_str().is_empty()));
    assert!(!scheme.window().is_timed() || claim.created().or(claim.expires()).is_some());
    let _ = scheme.coverage(head, &claim);
    let first = signed_text(scheme, head, body);
    assert_eq!(first, signed_text(scheme, head, body), "one request, one text");
}

/// Flask-HMAC: one tag, no white space, and nothing that another reader could skip.
fn check_flask(scheme: &dyn Scheme, head: &Parts) {
    let Ok(claim) = scheme.claim(head) else { return };
    assert_eq!(claim.tags().count(), 1);
    let value = head.headers["signature"].as_bytes();
    assert!(value.len() <= 8 * 1024 && value.iter().all(u8::is_ascii_graphic));
}

/// RFC 9421: a space after the bracket of the first list does not change its meaning, but prevents
/// the comparison with known lists. The general parser must return the same.
fn check_readings(scheme: &dyn Scheme, head: &Parts, body: &[u8]) {
    let input = head.headers.get("signature-input").and_then(|value| value.to_str().ok());
    let Some((label, list)) = input.and_then(|input| input.split_once("=(")) else { return };
    if label.contains(['=', '"']) {
        return;
    }
    let spaced = HeaderValue::from_str(&format!("{label}=( {list}")).unwrap();
    let mut other = head.clone();
    other.headers.insert("signature-input", spaced);
    let said = |head: &Parts| {
        let claim = scheme.claim(head)?;
        let coverage = scheme.coverage(head, &claim);
        Ok::<_, ClaimError>((
            claim.key_id().cloned(),
            (claim.created(), claim.expires()),
            claim.nonce().map(<[u8]>::to_vec),
            coverage.map(|coverage| format!("{coverage:?}")),
            signed_text(scheme, head, body),
        ))
    };
    assert_eq!(said(head), said(&other));
}

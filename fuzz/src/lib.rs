//! Shared by the targets: the schemes, and arbitrary requests for them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use tower_hmac::testing::{FixedNonce, signed_text};
use tower_hmac::{
    Algorithm, HeaderScheme, KeyMap, MessageSignatures, Scheme, SecretKey, Signer, VerifyLayer,
};
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{AwsSigV4, ClaimError, Encoding, FlaskHmacPath, Fost, FostUrl, Part, TimeFormat};
use tower_hmac_measure::{Handler, send};
use tower_layer::Layer as _;

#[path = "../../tests/it/support/schemes.rs"]
pub mod schemes;

const NOW: i64 = 1_700_000_000;
const LIMIT: usize = 1024;

/// A key that nobody knows, so the fuzzer cannot sign.
static KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| SecretKey::generate(Algorithm::Sha256).expose_secret().to_vec());

fn key() -> SecretKey {
    SecretKey::new(KEY.clone()).unwrap()
}

/// A scheme, whether it carries a key ID, and the headers that it reads.
pub struct Format {
    pub scheme: Arc<dyn Scheme>,
    pub named: bool,
    pub headers: &'static [&'static str],
}

impl Format {
    fn new(scheme: impl Scheme + 'static, named: bool, headers: &'static [&'static str]) -> Self {
        Self { scheme: Arc::new(scheme), named, headers }
    }
}

/// With every option: a prefix, a list, a key ID, a time, method, target and body.
pub static HEADER: LazyLock<Format> = LazyLock::new(|| {
    let line = || Part::literal("\n");
    let time = Part::timestamp("x-timestamp", TimeFormat::Rfc3339).unwrap();
    let parts =
        [time, line(), Part::Method, line(), Part::Path, line(), Part::Query, line(), Part::Body];
    let scheme = HeaderScheme::new("x-signature")
        .unwrap()
        .with_parts(parts)
        .unwrap()
        .with_prefix("v1=")
        .unwrap()
        .with_list_separator(",")
        .unwrap()
        .with_encoding(Encoding::Hex)
        .with_key_id_header("x-key-id")
        .unwrap();
    Format::new(scheme, true, &["x-signature", "x-timestamp", "x-key-id"])
});

pub static PATH: LazyLock<Format> =
    LazyLock::new(|| Format::new(FlaskHmacPath::new(), false, &["hmac"]));

pub static FOST: LazyLock<Format> = LazyLock::new(|| {
    Format::new(
        Fost::new(),
        true,
        &["authorization", "x-fost-timestamp", "x-fost-headers", "x-fost-user"],
    )
});

pub static FOST_URL: LazyLock<Format> =
    LazyLock::new(|| Format::new(FostUrl::new(), true, &["host"]));

pub static MESSAGE: LazyLock<Format> = LazyLock::new(|| {
    Format::new(
        MessageSignatures::new(),
        true,
        &["signature-input", "signature", "content-digest", "host"],
    )
});

pub static SIGV4: LazyLock<Format> = LazyLock::new(|| {
    Format::new(
        AwsSigV4::new("us-east-1", "service").unwrap(),
        true,
        &["authorization", "x-amz-date", "x-amz-content-sha256", "host", "content-type"],
    )
});

pub static SIGV4_PRESIGNED: LazyLock<Format> = LazyLock::new(|| {
    let scheme = AwsSigV4::new("us-east-1", "s3").unwrap();
    Format::new(scheme.presigned(), true, &["host", "content-type"])
});

/// Texts for the target and for the headers of a scheme, separated by newlines, with the body last.
#[must_use]
pub fn head_of(format: &Format, data: &[u8]) -> Option<(Parts, Vec<u8>)> {
    let mut pieces = data.split(|byte| *byte == b'\n');
    let method = if pieces.next()?.first()? % 2 == 0 { Method::GET } else { Method::POST };
    let target = std::str::from_utf8(pieces.next()?).ok()?;
    let mut request = Request::builder().method(method).uri(target);
    for name in format.headers {
        if let Some(piece) = pieces.next().filter(|piece| !piece.is_empty()) {
            request = request.header(*name, HeaderValue::from_bytes(piece).ok()?);
        }
    }
    let body = pieces.next().unwrap_or_default().to_vec();
    Some((request.body(()).ok()?.into_parts().0, body))
}

/// Never a panic, and a claim only with tags of the right length.
pub fn claim(format: &Format, data: &[u8]) {
    let Some((head, body)) = head_of(format, data) else { return };
    check_claim(&*format.scheme, &head, &body);
    // After the signature is removed, the request is not signed in this scheme.
    let mut stripped = head;
    format.scheme.strip(&mut stripped);
    assert!(format.scheme.claim(&stripped).is_err(), "the signature is stripped");
}

/// The same for any scheme of the crate, chosen by the first byte: the target, a line for each of
/// its headers, and the body.
pub fn claim_any(data: &[u8]) {
    static ALL: LazyLock<Vec<(&str, Arc<dyn Scheme>)>> = LazyLock::new(schemes::all);
    let Some((first, rest)) = data.split_first() else { return };
    let (_, scheme) = &ALL[usize::from(*first) % ALL.len()];
    let mut lines = rest.split(|byte| *byte == b'\n');
    let target = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let mut request = Request::builder().uri(target);
    for name in scheme.headers() {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            request = request.header(name, value);
        }
    }
    let Ok(request) = request.body(()) else { return };
    check_claim(&**scheme, &request.into_parts().0, lines.next().unwrap_or_default());
}

fn check_claim(scheme: &dyn Scheme, head: &Parts, body: &[u8]) {
    let claim = if scheme.is_in_body() {
        scheme.claim_from_body(head, body)
    } else {
        scheme.claim(head)
    };
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

/// A space after the bracket of the first list does not change its meaning, but prevents the
/// comparison with known lists. The general parser must return the same.
pub fn spelled(data: &[u8]) {
    let Some((head, body)) = head_of(&MESSAGE, data) else { return };
    let input = head.headers.get("signature-input").and_then(|value| value.to_str().ok());
    let Some((label, list)) = input.and_then(|input| input.split_once("=(")) else { return };
    if label.contains(['=', '"']) || data.len() > 8000 {
        return;
    }
    let spaced = HeaderValue::from_str(&format!("{label}=( {list}")).unwrap();
    let mut other = head.clone();
    other.headers.insert("signature-input", spaced);
    let said = |head: &Parts| {
        let claim = MESSAGE.scheme.claim(head)?;
        let coverage = MESSAGE.scheme.coverage(head, &claim);
        Ok::<_, ClaimError>((
            claim.key_id().cloned(),
            (claim.created(), claim.expires()),
            claim.nonce().map(<[u8]>::to_vec),
            coverage.map(|coverage| format!("{coverage:?}")),
            signed_text(&*MESSAGE.scheme, head, &body),
        ))
    };
    assert_eq!(said(&head), said(&other));
}

#[derive(Arbitrary, Debug)]
pub struct Input {
    method: u8,
    target: String,
    /// By the scheme's own names.
    own: Vec<(u8, Vec<u8>)>,
    others: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    then: Then,
}

#[derive(Arbitrary, Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Unchanged, and unsigned.
    Send,
    /// Signed, and therefore accepted, if it can be signed.
    Sign,
    /// Signed, with a changed body.
    SignAndChange,
}

/// Never accepted without the key, never a panic, never a 5xx. A request signed by our client is
/// accepted, but not with another body.
pub fn layer(format: &Format, input: &Input) {
    let keys = KeyMap::named([("aservice", KEY.clone())]).unwrap().with_single(key()).unwrap();
    let layer = VerifyLayer::new(format.scheme.clone(), keys).unwrap()
        .with_clock(ManualClock::new(NOW))
        .with_body_limit(LIMIT);
    let mut server = layer.layer(Handler);

    let (mut head, ()) = Request::new(()).into_parts();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD];
    head.method = methods[usize::from(input.method) % methods.len()].clone();
    if let Ok(target) = input.target.parse::<Uri>() {
        head.uri = target;
    }
    for (name, value) in &input.own {
        let name = format.headers[usize::from(*name) % format.headers.len()];
        if let Ok(value) = HeaderValue::from_bytes(value) {
            head.headers.append(HeaderName::from_static(name), value);
        }
    }
    for (name, value) in &input.others {
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value))
            && name != "content-length"
        {
            head.headers.append(name, value);
        }
    }
    let mut body = input.body.clone();
    let mut signed = false;
    if input.then != Then::Send {
        let mut signer = Signer::new(format.scheme.clone(), key())
            .with_clock(ManualClock::new(NOW))
            .with_lifetime(Duration::from_secs(60))
            .with_nonce_source(FixedNonce([7; 24]))
            .replace_signature();
        if format.named {
            signer = signer.with_key_id("aservice").unwrap();
        }
        signed = signer.sign_head(&mut head, &body).is_ok();
    }
    if input.then == Then::SignAndChange {
        match body.last_mut() {
            Some(last) => *last ^= 1,
            None => body.push(b'a'),
        }
        signed = false;
    }
    let too_large = body.len() > LIMIT;
    let request = Request::from_parts(head, Full::from(Bytes::from(body)));
    let status = send(&mut server, request).as_u16();
    match (signed, too_large) {
        (true, false) => assert_eq!(status, 200),
        (true, true) => assert_eq!(status, 413),
        (false, _) => assert!(matches!(status, 400 | 403 | 413), "{status}"),
    }
}

//! Any request: never accepted without the key, never a panic, never a 5xx. A signed request is
//! accepted, whatever else it contains.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tower_hmac::{Algorithm, FlaskHmac, KeyMap, SecretKey, Signer, VerifyLayer};
use tower_hmac_measure::{Handler, send};
use tower_layer::Layer as _;

const LIMIT: usize = 1024;

#[derive(Arbitrary, Debug)]
struct Input {
    method: u8,
    target: String,
    signatures: Vec<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
    length: Option<Vec<u8>>,
    body: Vec<u8>,
    sign: bool,
}

/// A key that nobody knows, so the fuzzer cannot sign.
static KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| SecretKey::generate(Algorithm::Sha256).expose_secret().to_vec());

fn key() -> SecretKey {
    SecretKey::new(KEY.clone()).unwrap()
}

fuzz_target!(|input: Input| {
    let keys = KeyMap::named([("aservice", KEY.clone())]).unwrap().with_single(key()).unwrap();
    let layer = VerifyLayer::new(FlaskHmac::new(), keys).unwrap().with_body_limit(LIMIT);
    let mut server = layer.layer(Handler);

    let mut request = Request::new(Full::from(Bytes::from(input.body.clone())));
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD];
    *request.method_mut() = methods[usize::from(input.method) % methods.len()].clone();
    if let Ok(target) = input.target.parse::<Uri>() {
        *request.uri_mut() = target;
    }
    let headers = request.headers_mut();
    for (name, value) in &input.headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value))
            && name != "content-length"
        {
            headers.append(name, value);
        }
    }
    for signature in &input.signatures {
        if let Ok(value) = HeaderValue::from_bytes(signature) {
            headers.append("signature", value);
        }
    }
    if input.sign {
        let value = Signer::new(FlaskHmac::new(), key()).signature(&input.body);
        headers.insert("signature", value.parse().unwrap());
    } else if let Some(length) = &input.length
        && let Ok(value) = HeaderValue::from_bytes(length)
    {
        headers.insert("content-length", value);
    }

    let status = send(&mut server, request).as_u16();
    match (input.sign, input.body.len() > LIMIT) {
        (true, false) => assert_eq!(status, 200),
        (true, true) => assert_eq!(status, 413),
        (false, _) => assert!(matches!(status, 400 | 403 | 413), "{status}"),
    }
});

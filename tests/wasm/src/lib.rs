//! Called by `run.mjs` under node: published vectors, and the sources of time and randomness, which
//! only JavaScript has there. A failure is a panic, which traps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_executor::block_on;
use http::Request;
use http::request::Parts;
use serde_json::Value;
use tower_hmac::clock::{Clock as _, ManualClock, SystemClock};
use tower_hmac::crypto::Mac;
use tower_hmac::scheme::Policy;
use tower_hmac::webhooks::StandardWebhooks;
use tower_hmac::{
    Algorithm, ErrorKind, FlaskHmac, KeyMap, MemoryReplay, MessageSignatures, SecretKey, Signer,
    Verifier,
};
use wasm_bindgen::prelude::wasm_bindgen;

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    base16ct::mixed::decode_vec(text(value)).unwrap()
}

fn head(method: &str, uri: &str, headers: &Value) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for header in headers.as_array().unwrap() {
        request = request.header(text(&header[0]), text(&header[1]));
    }
    request.body(()).unwrap().into_parts().0
}

/// RFC 4231 and RFC 2202. Returns the number of vectors.
#[wasm_bindgen]
pub fn macs() -> usize {
    let sets =
        [include_str!("../../vectors/rfc4231.json"), include_str!("../../vectors/rfc2202.json")];
    let mut seen = 0;
    for set in sets.map(parse) {
        for test in set["tests"].as_array().unwrap() {
            let algorithm = match text(&test["alg"]) {
                "HMAC-MD5" => Algorithm::Md5,
                "HMAC-SHA-1" => Algorithm::Sha1,
                "HMAC-SHA-224" => Algorithm::Sha224,
                "HMAC-SHA-256" => Algorithm::Sha256,
                "HMAC-SHA-384" => Algorithm::Sha384,
                "HMAC-SHA-512" => Algorithm::Sha512,
                other => panic!("{other}"),
            };
            let mut mac = Mac::new(algorithm, &SecretKey::new(unhex(&test["key_hex"])).unwrap());
            mac.update(&unhex(&test["msg_hex"]));
            // Some tags are truncated.
            assert!(mac.finalize().as_bytes().starts_with(&unhex(&test["tag_hex"])));
            seen += 1;
        }
    }
    seen
}

/// Standard Webhooks: accepted and rejected vectors. Returns the number of vectors.
#[wasm_bindgen]
pub fn webhooks() -> usize {
    let vectors = parse(include_str!("../../vectors/standard_webhooks.json"));
    let tests = vectors["tests"].as_array().unwrap();
    for test in tests {
        let secret = text(&test["secret"]);
        let key = if secret.starts_with("whsec_") {
            SecretKey::from_whsec(secret)
        } else {
            SecretKey::from_base64(secret)
        };
        let is_svix = text(&test["headers"][0][0]).starts_with("svix");
        let scheme = if is_svix { StandardWebhooks::svix() } else { StandardWebhooks::new() };
        let clock = ManualClock::new(test["now"].as_i64().unwrap());
        let keys = KeyMap::single(key.unwrap()).unwrap();
        let verifier = Verifier::new(scheme, keys).unwrap().with_clock(clock);
        let body = STANDARD.decode(text(&test["body_base64"])).unwrap();
        let outcome = block_on(verifier.verify(&head("POST", "/", &test["headers"]), &body));
        assert_eq!(outcome.is_ok(), test["valid"].as_bool().unwrap(), "{}", test["name"]);
    }
    tests.len()
}

/// RFC 9421, appendix B.2.5: the request signed with a shared secret.
#[wasm_bindgen]
pub fn message_signature() {
    let vectors = parse(include_str!("../../vectors/rfc9421.json"));
    let cases = vectors["signature_cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["section"] == "B.2.5").unwrap();
    let request = &vectors["test_request"];
    let mut head = head("POST", "/foo?param=Value&Pet=dog", &request["headers"]);
    for (name, value) in [("signature-input", "signature_input"), ("signature", "signature")] {
        head.headers.insert(name, text(&case[value]).parse().unwrap());
    }
    let policy = Policy::strict()
        .dangerous_require_only(["date", "@authority", "content-type"])
        .and_then(|policy| policy.dangerous_without_nonce().dangerous_unsigned_body())
        .unwrap();
    let secret = &vectors["shared_secret"];
    let key = SecretKey::from_base64(text(&secret["base64"])).unwrap();
    let keys = KeyMap::named([(text(&secret["keyid"]), key)]).unwrap();
    let verifier = Verifier::new(MessageSignatures::new().with_policy(policy), keys)
        .unwrap()
        .with_clock(ManualClock::new(1_618_884_473));
    let verify = |head: &Parts| block_on(verifier.verify(head, text(&request["body"]).as_bytes()));
    assert!(verify(&head).is_ok());
    head.headers.insert("content-type", "text/plain".parse().unwrap());
    assert_eq!(verify(&head).unwrap_err().kind(), ErrorKind::Mismatch);
}

/// The default clock of a verifier, in Unix seconds.
#[wasm_bindgen]
pub fn now() -> f64 {
    SystemClock.unix_now() as f64
}

/// A request with a time and a random nonce is accepted once, and differs from the next one.
#[wasm_bindgen]
pub fn signed_now_is_accepted_once() {
    let key = SecretKey::generate(Algorithm::Sha256);
    let keys = KeyMap::named([("a-service", key.clone())]).unwrap();
    let guard = MemoryReplay::new(100).unwrap();
    let verifier =
        Verifier::new(MessageSignatures::new(), keys).unwrap().with_replay_guard(guard).unwrap();
    let signer = Signer::new(MessageSignatures::new(), key).with_key_id("a-service").unwrap();
    for _ in 0..2 {
        let request = Request::post("https://example.com/orders").header("host", "example.com");
        let (head, body) = signer.sign(request.body("a body").unwrap()).unwrap().into_parts();
        let verify = || block_on(verifier.verify(&head, body.as_bytes()));
        assert!(verify().is_ok());
        assert_eq!(verify().unwrap_err().kind(), ErrorKind::Replayed);
    }
}

/// The Flask-HMAC signature of a body, for node to compute as well.
#[wasm_bindgen]
pub fn flask_signature(key: &str, body: &str) -> String {
    let key = SecretKey::new(key).unwrap();
    Signer::new(FlaskHmac::new(), key).signature(body.as_bytes())
}

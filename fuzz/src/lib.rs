//! Every scheme, as one list that the targets choose from by a byte.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::{HeaderName, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::layer::{StatusRejection, VerifyService};
use tower_hmac::scheme::{AwsSigV4, Encoding, Part, Policy, TimeFormat};
use tower_hmac::testing::FixedNonce;
use tower_hmac::{
    Algorithm, FlaskHmac, HeaderScheme, KeyMap, MessageSignatures, Scheme, SecretKey, Signer,
    VerifyLayer, webhooks,
};
use tower_hmac_measure::Handler;
use tower_layer::Layer as _;

#[path = "../../tests/it/support/schemes.rs"]
mod schemes;

/// The longest body that the servers accept, in bytes.
pub const LIMIT: usize = 1024;

const NOW: i64 = 1_700_000_000;

/// A scheme with a server and a client that share a key.
pub struct Case {
    pub scheme: Arc<dyn Scheme>,
    /// The headers of the scheme, those that its client writes, and others that it may cover or
    /// compare; sorted.
    pub headers: Vec<HeaderName>,
    pub server: VerifyService<Handler, StatusRejection>,
    pub client: Signer<Arc<dyn Scheme>>,
}

/// Returns the case for this byte.
pub fn case(choice: u8) -> &'static Case {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
        // A key that nobody knows, so the fuzzer cannot sign.
        let key = SecretKey::generate(Algorithm::Sha256);
        all().into_iter().map(|scheme| Case::new(scheme, &key)).collect()
    });
    &CASES[usize::from(choice) % CASES.len()]
}

/// One scheme of each kind, all presets, and some with more settings.
fn all() -> Vec<Arc<dyn Scheme>> {
    let flask = |algorithm| Arc::new(FlaskHmac::new().with_algorithm(algorithm)) as _;
    let aws = AwsSigV4::new("us-east-1", "s3").unwrap();
    schemes::all()
        .into_iter()
        .map(|(_, scheme)| scheme)
        .chain(webhooks::names().filter_map(webhooks::by_name))
        .chain([Algorithm::Md5, Algorithm::Sha512].map(flask))
        .chain([
            Arc::new(header()) as Arc<dyn Scheme>,
            Arc::new(message()),
            Arc::new(aws.clone().with_payload_header()),
            Arc::new(aws.presigned()),
        ])
        .collect()
}

/// With every option: a prefix, a list, a key ID, a time, method, target and body.
fn header() -> HeaderScheme {
    let line = || Part::literal("\n");
    let time = Part::timestamp("x-timestamp", TimeFormat::Rfc3339).unwrap();
    let parts =
        [time, line(), Part::Method, line(), Part::Path, line(), Part::Query, line(), Part::Body];
    HeaderScheme::new("x-signature")
        .and_then(|scheme| scheme.with_parts(parts))
        .and_then(|scheme| scheme.with_prefix("v1="))
        .and_then(|scheme| scheme.with_list_separator(","))
        .and_then(|scheme| scheme.with_encoding(Encoding::Hex).with_key_id_header("x-key-id"))
        .unwrap()
}

/// A policy that requires little, and a signer that covers more.
fn message() -> MessageSignatures {
    let policy = Policy::strict()
        .dangerous_without_created()
        .dangerous_without_keyid()
        .dangerous_without_nonce()
        .dangerous_require_only(["@method"])
        .unwrap();
    MessageSignatures::new()
        .with_policy(policy)
        .with_max_lifetime(Duration::from_secs(3600))
        .with_components(["@method", "@target-uri", "@query", "content-digest"])
        .and_then(|scheme| scheme.with_digest(Algorithm::Sha512))
        .and_then(|scheme| scheme.with_public_origin("https://service.example/v1"))
        .unwrap()
}

impl Case {
    fn new(scheme: Arc<dyn Scheme>, key: &SecretKey) -> Self {
        let keys = KeyMap::named([("aservice", key.clone())]).unwrap();
        let layer = VerifyLayer::new(scheme.clone(), keys.with_single(key.clone()).unwrap())
            .unwrap()
            .with_clock(ManualClock::new(NOW))
            .with_body_limit(LIMIT);
        let client = Signer::new(scheme.clone(), key.clone())
            .with_clock(ManualClock::new(NOW))
            .with_lifetime(Duration::from_secs(60))
            .with_nonce_source(FixedNonce([7; 24]))
            .replace_signature();
        let client = match scheme.carries_key_id() {
            true => client.with_key_id("aservice").unwrap(),
            false => client,
        };
        let (mut head, ()) =
            Request::post("https://service.example/").body(()).unwrap().into_parts();
        // A scheme whose signature is in the body has none in the head.
        let _ = client.sign_head(&mut head, b"{}");
        let others = ["content-digest", "content-length", "content-type", "host", "x-fost-user"];
        let others = others.map(HeaderName::from_static);
        let headers = scheme.headers().iter().chain(head.headers.keys()).chain(&others);
        let mut headers: Vec<_> = headers.cloned().collect();
        headers.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        headers.dedup();
        Self { scheme, headers, server: layer.layer(Handler), client }
    }
}

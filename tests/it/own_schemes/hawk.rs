//! `Authorization: Hawk id="..", ts="..", nonce="..", hash="..", ext="..", mac=".."`: the MAC
//! covers a hash of the payload between two texts, so it is checked before the body is read.
//!
//! <https://github.com/mozilla/hawk/blob/main/API.md>

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, Request};
use tower_hmac::clock::ManualClock;
use tower_hmac::crypto::{Digest, Tag};
use tower_hmac::scheme::{BodyDigest, Coverage, SignedText, Stamp, Window, wire};
use tower_hmac::scheme::{Claim, ClaimError, Encoding};
use tower_hmac::{
    Algorithm, ErrorKind, KeyId, KeyMap, MemoryReplay, Scheme, SecretKey, SignError, Signer,
    VerifyLayer,
};

use super::send;

static HEADERS: [HeaderName; 1] = [AUTHORIZATION];

#[derive(Clone)]
struct Hawk;

/// The parts of the head other than the key ID and the tag.
struct Artifacts {
    ts: String,
    nonce: String,
    hash: String,
    ext: String,
}

/// The text before the payload when it is hashed: the media type without its parameters.
fn payload_frame(head: &Parts) -> String {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    format!("hawk.1.payload\n{}\n", kind.trim().to_ascii_lowercase())
}

impl Scheme for Hawk {
    fn name(&self) -> &str {
        "hawk"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &HEADERS
    }

    fn window(&self) -> Window {
        Window::timed().with_tolerance(60, 60)
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(&AUTHORIZATION, why);
        let text = wire::credentials(head, &AUTHORIZATION, "Hawk")?;
        let params = wire::auth_params(&AUTHORIZATION, text)?;
        let known = ["id", "ts", "nonce", "hash", "ext", "mac"];
        if params.names().any(|name| !known.contains(&name)) {
            return Err(malformed("has a parameter that is not supported"));
        }
        let required = |name| params.get(name).ok_or(malformed("lacks a parameter"));
        let (ts, nonce) = (required("ts")?, required("nonce")?);
        let created = wire::unix_seconds(ts).ok_or(malformed("`ts` is no time"))?;
        let tag = Encoding::Base64.decode_tag(required("mac")?, Algorithm::Sha256);
        let id = KeyId::new(required("id")?).map_err(|_| malformed("`id` is empty"))?;
        let optional = |name| params.get(name).unwrap_or_default().to_owned();
        Ok(Claim::signed(tag.ok_or(malformed("`mac` is no tag"))?)
            .with_key_id(id)
            .with_created(created)
            .with_nonce(nonce.as_bytes())
            .with_memo(Artifacts {
                ts: ts.to_owned(),
                nonce: nonce.to_owned(),
                hash: optional("hash"),
                ext: optional("ext"),
            }))
    }

    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        let hash = claim.memo().map_or("", |artifacts: &Artifacts| &artifacts.hash);
        if hash.is_empty() {
            return Ok(Coverage::Empty);
        }
        let digest = Encoding::Base64.decode_digest(hash, Algorithm::Sha256);
        let digest = digest.ok_or(ClaimError::malformed("`hash` is no digest"))?;
        let frame = payload_frame(head);
        Ok(Coverage::Digest(vec![BodyDigest::framed(digest, frame.as_bytes(), b"\n")]))
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let Artifacts { ts, nonce, hash, ext } =
            claim.memo().ok_or(ClaimError::malformed("is no claim of this scheme"))?;
        let (method, host) = (&head.method, wire::host(head)?);
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let (host, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        let ext = ext.replace('\\', "\\\\");
        let lines = format!(
            "hawk.1.header\n{ts}\n{nonce}\n{method}\n{target}\n{host}\n{port}\n{hash}\n{ext}\n"
        );
        text.update(lines.as_bytes());
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let id = stamp.key_id().ok_or(SignError::KeyId("Hawk asks for one"))?;
        let mut hash = String::new();
        if !stamp.body().is_empty() {
            let framed = [payload_frame(head).as_bytes(), stamp.body(), b"\n"].concat();
            hash = Encoding::Base64.encode(Digest::of(Algorithm::Sha256, &framed).as_bytes());
        }
        Ok(Claim::new().with_key_id(id.clone()).with_created(stamp.now()).with_memo(Artifacts {
            ts: stamp.now().to_string(),
            nonce: Encoding::Base64UrlNoPad.encode(stamp.nonce()),
            hash,
            ext: String::new(),
        }))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let artifacts: Option<&Artifacts> = claim.memo();
        let Artifacts { ts, nonce, hash, .. } =
            artifacts.ok_or(SignError::Request("is no claim of this scheme"))?;
        let id = claim.key_id().and_then(|id| wire::quoted(id.as_str()));
        let id = id.ok_or(SignError::KeyId("is not ASCII text"))?;
        let mac = Encoding::Base64.encode(wire::only_tag(tags)?.as_bytes());
        let mut text = format!("Hawk id={id}, ts=\"{ts}\", nonce=\"{nonce}\", mac=\"{mac}\"");
        if !hash.is_empty() {
            text += &format!(", hash=\"{hash}\"");
        }
        head.headers.insert(AUTHORIZATION, wire::sensitive(&AUTHORIZATION, &text)?);
        Ok(())
    }
}

/// The values of the protocol's own example.
const NOW: i64 = 1_353_832_234;
const ID: &str = "dh37fgj492je";
const PLAIN: &str = "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", \
    ext=\"some-app-ext-data\", mac=\"6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=\"";
const WITH_BODY: &str = "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", \
    hash=\"Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=\", \
    ext=\"some-app-ext-data\", mac=\"aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw=\"";
const BODY: &str = "Thank you for flying Hawk";

fn key() -> SecretKey {
    SecretKey::new("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn").unwrap()
}

fn layer(now: i64) -> VerifyLayer {
    let keys = KeyMap::default().with_key(ID, key()).unwrap();
    VerifyLayer::new(Hawk, keys).unwrap().with_clock(ManualClock::new(now))
}

fn request(method: &str, authorization: &str, body: &'static str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri("/resource/1?b=1&a=2")
        .header("Host", "example.com:8000")
        .header(CONTENT_TYPE, "Text/Plain; charset=utf-8")
        .header(AUTHORIZATION, authorization)
        .body(Body::from(body))
        .unwrap()
}

async fn outcome(now: i64, request: Request<Body>) -> Option<ErrorKind> {
    send(&layer(now), request).await.err()
}

#[tokio::test]
async fn the_examples_of_the_protocol_are_accepted() {
    assert_eq!(outcome(NOW, request("GET", PLAIN, "")).await, None);
    assert_eq!(outcome(NOW, request("POST", WITH_BODY, BODY)).await, None);
}

#[tokio::test]
async fn another_body_or_media_type_is_rejected_despite_a_correct_mac() {
    let rejected = Some(ErrorKind::Mismatch);
    assert_eq!(outcome(NOW, request("POST", WITH_BODY, "another body")).await, rejected);
    assert_eq!(outcome(NOW, request("POST", WITH_BODY, "")).await, rejected);
    let mut other = request("POST", WITH_BODY, BODY);
    other.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    assert_eq!(outcome(NOW, other).await, rejected);
    // Without a hash, there must be no body.
    let signed = request("GET", PLAIN, "smuggled");
    assert_eq!(outcome(NOW, signed).await, Some(ErrorKind::Malformed));
}

/// The MAC is wrong, and the sender withholds the body.
#[tokio::test]
async fn wrong_mac_is_answered_before_the_body_is_read() {
    let wrong = WITH_BODY.replace("nonce=\"j4", "nonce=\"k4");
    let withheld = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let request = request("POST", &wrong, "").map(|_| Body::from_stream(withheld));
    let layer = layer(NOW).with_drain_limit(0);
    assert_eq!(send(&layer, request).await.unwrap_err(), ErrorKind::Mismatch);
}

#[tokio::test]
async fn the_schemes_minute_is_the_default_tolerance() {
    for (age, expected) in
        [(-61, Some(ErrorKind::Stale)), (-60, None), (60, None), (61, Some(ErrorKind::Stale))]
    {
        let outcome = outcome(NOW + age, request("GET", PLAIN, "")).await;
        assert_eq!(outcome, expected, "{age}");
    }
    let seconds = std::time::Duration::from_secs;
    let wider = layer(NOW + 90).with_tolerance(seconds(90), seconds(0));
    assert_eq!(send(&wider, request("GET", PLAIN, "")).await.err(), None);
    let ahead = layer(NOW - 1).with_tolerance(seconds(90), seconds(0));
    let outcome = send(&ahead, request("GET", PLAIN, "")).await;
    assert_eq!(outcome.unwrap_err(), ErrorKind::Stale);
}

#[tokio::test]
async fn nonce_is_accepted_only_once() {
    let layer = layer(NOW).with_replay_guard(MemoryReplay::new(1_000).unwrap()).unwrap();
    assert_eq!(send(&layer, request("GET", PLAIN, "")).await.err(), None);
    let again = send(&layer, request("POST", WITH_BODY, BODY)).await;
    assert_eq!(again.unwrap_err(), ErrorKind::Replayed, "another request, the same nonce");
}

#[tokio::test]
async fn malformed_and_foreign_credentials_are_distinguished() {
    for malformed in [
        "Hawk".to_owned(),
        "Hawk ".to_owned(),
        PLAIN.replace("ts=\"1", "ts=\"+1"),
        PLAIN.replace("ts=\"1353832234\", ", ""),
        PLAIN.replace("id=\"dh37fgj492je\"", "id=\"\""),
        format!("{PLAIN}, nonce=\"other\""),
        format!("{PLAIN}, app=\"x\""),
        format!("{PLAIN},"),
        WITH_BODY.replace("hash=\"Y", "hash=\"!"),
    ] {
        let outcome = outcome(NOW, request("GET", &malformed, "")).await;
        assert_eq!(outcome, Some(ErrorKind::Malformed), "{malformed}");
    }
    let basic = outcome(NOW, request("GET", "Basic YTpi", "")).await;
    assert_eq!(basic, Some(ErrorKind::Missing));
    // RFC 9110 section 11.1.
    let lower = PLAIN.replace("Hawk", "hawk");
    assert_eq!(outcome(NOW, request("GET", &lower, "")).await, None);
}

#[tokio::test]
async fn the_server_accepts_what_the_client_signs() {
    let signer =
        Signer::new(Hawk, key()).with_key_id(ID).unwrap().with_clock(ManualClock::new(NOW));
    for body in ["", BODY] {
        let request = Request::post("http://example.com/path?q").body(body).unwrap();
        let signed = signer.sign(request).unwrap().map(Body::from);
        assert_eq!(outcome(NOW, signed).await, None, "{body}");
    }
}

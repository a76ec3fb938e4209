//! 6xx: attacks that apply to any scheme, tried on each.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use http::HeaderValue;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{AwsSigV4, Encoding, FlaskHmacPath, Fost, FostUrl, Part, TimeFormat};
use tower_hmac::testing::FixedNonce;
use tower_hmac::{Algorithm, HeaderScheme, MessageSignatures, Scheme};

use super::*;

const NOW: i64 = 1_700_000_000;

/// A scheme, and the position of its tag: in which header (in the target, if there is none), and
/// after which text.
#[derive(Clone)]
struct SchemeCase {
    scheme: Arc<dyn Scheme>,
    named: bool,
    has_body: bool,
    place: &'static str,
    before: &'static str,
    encoding: Encoding,
}

fn webhook() -> HeaderScheme {
    HeaderScheme::new("x-signature").unwrap().with_prefix("sha256=").unwrap()
}

/// Signs with a key ID, a time, the method, the target and the body.
fn full() -> HeaderScheme {
    let dot = || Part::literal("\n");
    let time = Part::timestamp("x-timestamp", TimeFormat::UnixSeconds).unwrap();
    let parts =
        [time, dot(), Part::Method, dot(), Part::Path, dot(), Part::Query, dot(), Part::Body];
    HeaderScheme::new("x-signature")
        .unwrap()
        .with_parts(parts)
        .unwrap()
        .with_encoding(Encoding::Base64UrlNoPad)
        .with_key_id_header("x-key-id")
        .unwrap()
}

fn aws() -> AwsSigV4 {
    AwsSigV4::new("us-east-1", "service").unwrap()
}

fn cases() -> Vec<SchemeCase> {
    fn case(
        scheme: impl Scheme + 'static,
        (named, has_body): (bool, bool),
        (place, before, encoding): (&'static str, &'static str, Encoding),
    ) -> SchemeCase {
        SchemeCase { scheme: Arc::new(scheme), named, has_body, place, before, encoding }
    }
    vec![
        case(FlaskHmac::new(), (false, true), ("signature", "", Encoding::Base64)),
        case(FlaskHmacPath::new(), (false, false), ("hmac", "", Encoding::Base64UrlNoPad)),
        case(webhook(), (false, true), ("x-signature", "sha256=", Encoding::Hex)),
        case(full(), (true, true), ("x-signature", "", Encoding::Base64UrlNoPad)),
        case(Fost::new(), (true, true), ("authorization", ":", Encoding::Base64)),
        case(Fost::new(), (true, false), ("authorization", ":", Encoding::Base64)),
        case(FostUrl::new(), (true, false), ("", "_s=", Encoding::Base64)),
        case(aws(), (true, true), ("authorization", "Signature=", Encoding::Hex)),
        case(
            aws().with_payload_header(),
            (true, true),
            ("authorization", "Signature=", Encoding::Hex),
        ),
        case(aws().presigned(), (true, false), ("", "X-Amz-Signature=", Encoding::Hex)),
        case(MessageSignatures::new(), (true, true), ("signature", "=:", Encoding::Base64)),
        case(MessageSignatures::new(), (true, false), ("signature", "=:", Encoding::Base64)),
    ]
}

impl SchemeCase {
    fn layer(&self) -> VerifyLayer {
        let services = [("aservice", "akey"), ("bservice", "bkey")];
        let keys = KeyMap::named(services).unwrap().with_single(key("single")).unwrap();
        VerifyLayer::new(self.scheme.clone(), keys).unwrap().with_clock(ManualClock::new(NOW))
    }

    fn app(&self) -> Router {
        routes().layer(self.layer())
    }

    fn unsigned(&self) -> Request<Vec<u8>> {
        let request = if self.has_body {
            Request::post("/pay").body(BODY.into())
        } else {
            Request::get("/pay?to=me").body(Vec::new())
        };
        let mut request = request.unwrap();
        request.headers_mut().insert("host", HeaderValue::from_static("example.com"));
        request
    }

    fn signed_by(&self, scheme: Arc<dyn Scheme>, name: &str, with: &str) -> Request<Vec<u8>> {
        let signer = Signer::new(scheme, key(with))
            .with_clock(ManualClock::new(NOW))
            .with_lifetime(Duration::from_secs(60))
            .with_nonce_source(FixedNonce([7; 24]));
        let signer = if self.named { signer.with_key_id(name.to_owned()).unwrap() } else { signer };
        signer.sign(self.unsigned()).unwrap()
    }

    fn signed(&self) -> Request<Vec<u8>> {
        self.signed_by(self.scheme.clone(), "aservice", if self.named { "akey" } else { "single" })
    }

    /// The HMAC key. In AWS's scheme it is derived for the day and the scope.
    fn signing_key(&self) -> SecretKey {
        let with = if self.named { "akey" } else { "single" };
        if !self.scheme.name().starts_with("sigv4") {
            return key(with);
        }
        let scope = ["20231114", "us-east-1", "service", "aws4_request"];
        scope.iter().fold(key(&format!("AWS4{with}")), |key, part| {
            let mut mac = tower_hmac::crypto::Mac::new(Algorithm::Sha256, &key);
            mac.update(part.as_bytes());
            mac.into_key()
        })
    }

    /// The signature's text, and the text around it.
    fn text(&self, request: &Request<Vec<u8>>) -> (String, String, String) {
        let all = match self.place {
            "" => request.uri().to_string(),
            name => request.headers()[name].to_str().unwrap().to_owned(),
        };
        let start = all.find(self.before).unwrap() + self.before.len();
        let end = all[start..].find([':', '&']).map_or(all.len(), |length| start + length);
        let tag = all[start..end].replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        (all[..start].to_owned(), tag, all[end..].to_owned())
    }

    fn tag(&self) -> Vec<u8> {
        let (_, text, _) = self.text(&self.signed());
        match self.encoding {
            Encoding::Hex => base16ct::lower::decode_vec(text).unwrap(),
            Encoding::Base64 => STANDARD.decode(text).unwrap(),
            _ => URL_SAFE_NO_PAD.decode(text).unwrap(),
        }
    }

    /// Returns the signed request with another text instead of its tag, or `None` if it cannot be
    /// sent.
    fn with_text(&self, text: &str) -> Option<Request<Body>> {
        let mut request = self.signed();
        let (before, _, after) = self.text(&request);
        if self.place.is_empty() {
            let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            *request.uri_mut() = format!("{before}{escaped}{after}").parse().unwrap();
        } else {
            let value = format!("{before}{text}{after}").parse().ok()?;
            request.headers_mut().insert(self.place, value);
        }
        Some(request.map(Body::from))
    }

    fn what(&self, text: &str) -> String {
        format!("{}: {text}", self.scheme.name())
    }

    async fn reject_texts(&self, texts: impl IntoIterator<Item = String>) {
        let app = self.app();
        for text in texts {
            if let Some(request) = self.with_text(&text) {
                reject(&app, request, &self.what(&text)).await;
            }
        }
    }
}

fn with_body(request: Request<Vec<u8>>) -> Request<Body> {
    request.map(Body::from)
}

#[tokio::test]
async fn attack_600_control_each_scheme_accepts_its_own_signature() {
    for case in cases() {
        let expected = if case.named { "name aservice" } else { "anonymous" };
        assert_eq!(accepted_as(&case.app(), with_body(case.signed())).await, expected);
        let same = case.with_text(&case.encoding.encode(&case.tag())).unwrap();
        assert_eq!(accepted_as(&case.app(), same).await, expected);
    }
}

#[tokio::test]
async fn attack_601_other_encodings_of_the_right_tag() {
    for case in cases() {
        let tag = case.tag();
        let right = case.encoding.encode(&tag);
        let hex = Encoding::Hex.encode(&tag);
        let mut half = hex.to_uppercase();
        half.replace_range(..2, &hex[..2]);
        let texts = [
            hex.to_uppercase(),
            half,
            format!("0x{hex}"),
            hex,
            STANDARD.encode(&tag),
            STANDARD_NO_PAD.encode(&tag),
            URL_SAFE.encode(&tag),
            URL_SAFE_NO_PAD.encode(&tag),
            STANDARD.encode(&right),
            Encoding::Hex.encode(right.as_bytes()),
            format!("{right}="),
            format!("{right}=="),
            format!("={right}"),
            format!("{} {}", &right[..4], &right[4..]),
            format!("{right} "),
            format!(" {right}"),
            format!("\"{right}\""),
            format!(":{right}:"),
            format!("{right}\t"),
            format!("{right}\0"),
            right.replace('=', "%3D").replace('a', "%61"),
            right.to_lowercase(),
            right.to_uppercase(),
        ];
        // White space around a header's value does not count: hyper removes it.
        case.reject_texts(texts.into_iter().filter(|text| *text != right)).await;
    }
}

#[tokio::test]
async fn attack_602_slack_bits() {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for case in cases() {
        let right = case.encoding.encode(&case.tag());
        let last = right.trim_end_matches('=').len() - 1;
        let texts = DIGITS.iter().map(|digit| {
            let mut text = right.clone();
            text.replace_range(last..=last, std::str::from_utf8(&[*digit]).unwrap());
            text
        });
        case.reject_texts(texts.filter(|text| *text != right)).await;
    }
}

#[tokio::test]
async fn attack_603_every_prefix_of_the_tag_and_extra_bytes() {
    for case in cases() {
        let tag = case.tag();
        let encode = |bytes: &[u8]| case.encoding.encode(bytes);
        let right = encode(&tag);
        let shorter = (0..tag.len()).map(|length| encode(&tag[..length]));
        let cut = (0..right.len()).map(|length| right[..length].to_owned());
        let longer =
            [vec![0], tag.clone(), vec![0; 32]].map(|more| encode(&[&tag[..], &more].concat()));
        case.reject_texts(shorter.chain(cut).chain(longer)).await;
    }
}

#[tokio::test]
async fn attack_604_every_single_bit_flipped() {
    for case in cases() {
        let tag = case.tag();
        let flipped = (0..tag.len() * 8).map(|bit| {
            let mut tag = tag.clone();
            tag[bit / 8] ^= 1 << (bit % 8);
            case.encoding.encode(&tag)
        });
        case.reject_texts(flipped).await;
    }
}

#[tokio::test]
async fn attack_605_an_algorithm_that_is_not_configured() {
    for case in cases() {
        let right = case.encoding.encode(&case.tag());
        let prefixes = [
            "md5=",
            "sha1=",
            "sha256=",
            "SHA256=",
            "sha512=",
            "none=",
            "none",
            "v0=",
            "v1=",
            "hmac-sha256:",
            "HMAC ",
            "alg=none;",
        ];
        case.reject_texts(prefixes.map(|prefix| format!("{prefix}{right}"))).await;
        let words = ["none", "null", "md5=", "sha256=", "-", "*", "true", "0"];
        case.reject_texts(words.map(str::to_owned)).await;
    }
    // Only the configured prefix is accepted.
    let webhook = cases().swap_remove(2);
    for prefix in ["", "SHA256=", "sha256:", "sha1=", "md5=", "sha256==", "sha256= ", "sha256"] {
        let mut request = webhook.signed();
        let value = request.headers()["x-signature"].to_str().unwrap();
        let value = value.replacen("sha256=", prefix, 1).parse().unwrap();
        request.headers_mut().insert("x-signature", value);
        reject(&webhook.app(), with_body(request), prefix).await;
    }
}

/// The tag of another hash under the correct key, truncated if it is longer.
#[tokio::test]
async fn attack_606_a_tag_of_another_hash() {
    use tower_hmac::testing::signed_text;
    for case in cases() {
        let length = case.scheme.algorithm().tag_len();
        let (head, body) = case.signed().into_parts();
        let text = signed_text(&*case.scheme, &head, &body).unwrap();
        let signing_key = case.signing_key();
        let mac = |algorithm| {
            let mut mac = tower_hmac::crypto::Mac::new(algorithm, &signing_key);
            mac.update(&text);
            mac.finalize().as_bytes().to_vec()
        };
        assert_eq!(mac(case.scheme.algorithm()), case.tag(), "the text is the one that is signed");
        let others = [
            Algorithm::Sha1,
            Algorithm::Md5,
            Algorithm::Sha256,
            Algorithm::Sha512_256,
            Algorithm::Sha512,
            Algorithm::Sha3_256,
        ];
        let tags = others.into_iter().filter(|other| *other != case.scheme.algorithm());
        case.reject_texts(tags.flat_map(|other| {
            let tag = mac(other);
            let cut = tag[..tag.len().min(length)].to_vec();
            [tag, cut].map(|tag| case.encoding.encode(&tag))
        }))
        .await;
    }
}

#[tokio::test]
async fn attack_607_tags_made_without_a_key() {
    use tower_hmac::crypto::Digest;
    use tower_hmac::testing::signed_text;
    for case in cases() {
        let (head, body) = case.signed().into_parts();
        let text = signed_text(&*case.scheme, &head, &body).unwrap();
        let algorithm = case.scheme.algorithm();
        let length = algorithm.tag_len();
        let plain = Digest::of(algorithm, &text).as_bytes().to_vec();
        let mut no_key = tower_hmac::crypto::Mac::new(algorithm, &key("\0"));
        no_key.update(&text);
        let no_key = no_key.finalize().as_bytes().to_vec();
        let tags = [plain, no_key, vec![0; length], vec![0xff; length]];
        case.reject_texts(tags.map(|tag| case.encoding.encode(&tag))).await;
    }
}

/// Each header that a scheme reads, twice: equal, with another value first, with an empty one last.
#[tokio::test]
async fn attack_608_each_header_of_the_scheme_twice() {
    for case in cases() {
        let signed = case.signed();
        let unsigned = case.unsigned();
        let added = signed.headers().keys().filter(|name| !unsigned.headers().contains_key(*name));
        for name in added {
            let right = signed.headers()[name].clone();
            let other = HeaderValue::from_static("bservice");
            let empty = HeaderValue::from_static("");
            for values in [[&right, &right], [&other, &right], [&right, &other], [&right, &empty]] {
                let mut request = case.signed();
                request.headers_mut().remove(name);
                for value in values {
                    request.headers_mut().append(name, value.clone());
                }
                reject(&case.app(), with_body(request), &case.what(name.as_str())).await;
            }
            // Both values are in one line, as joined by a proxy.
            let mut request = case.signed();
            let folded = [right.as_bytes(), b", ", right.as_bytes()].concat();
            let folded = HeaderValue::from_bytes(&folded).unwrap();
            request.headers_mut().insert(name, folded);
            reject(&case.app(), with_body(request), &case.what(name.as_str())).await;
        }
    }
}

/// Removes each header that a scheme reads. A required layer always rejects the request, and an
/// optional one never identifies a caller.
#[tokio::test]
async fn attack_609_a_signature_removed_in_part_or_whole() {
    let who = || {
        Router::new().fallback(async |caller: Option<Verified>| match caller {
            Some(caller) => format!("{:?}", caller.key_id()),
            None => "nobody".to_owned(),
        })
    };
    for case in cases() {
        let optional = who().layer(case.layer().optional());
        let whole = with_body(case.unsigned());
        assert_eq!(accepted_as(&optional, whole).await, "nobody");
        let signed = case.signed();
        let unsigned = case.unsigned();
        let added = signed.headers().keys().filter(|name| !unsigned.headers().contains_key(*name));
        for name in added.filter(|name| *name != "content-digest") {
            let without = || {
                let mut request = case.signed();
                request.headers_mut().remove(name);
                with_body(request)
            };
            reject(&case.app(), without(), &case.what(name.as_str())).await;
            let response = send(&optional, without()).await;
            if response.status() != StatusCode::FORBIDDEN {
                // The rest is not a signature: the request counts as unsigned.
                assert_eq!(name, case.place, "{}", case.scheme.name());
                assert_eq!(accepted_as(&optional, without()).await, "nobody");
            }
        }
    }
    let url = cases().into_iter().find(|case| case.place.is_empty()).unwrap();
    let optional = who().layer(url.layer().optional());
    for name in ["_k", "_e", "_s"] {
        let mut request = url.signed();
        let target = request.uri().to_string();
        let (path, query) = target.split_once('?').unwrap();
        let left: Vec<_> = query.split('&').filter(|piece| !piece.starts_with(name)).collect();
        *request.uri_mut() = format!("{path}?{}", left.join("&")).parse().unwrap();
        reject(&optional, with_body(request), name).await;
    }
}

#[tokio::test]
async fn attack_610_identity_headers_with_a_signature() {
    let identities = [
        "x-verified-key-id",
        "x-key-id",
        "x-user",
        "remote-user",
        "x-forwarded-user",
        "x-tower-hmac-verified",
        "keyid",
        "cookie",
    ];
    for case in cases() {
        let expected = if case.named { "name aservice" } else { "anonymous" };
        for name in identities {
            let mut signed = case.signed();
            let mut unsigned = case.unsigned();
            for request in [&mut signed, &mut unsigned] {
                if !request.headers().contains_key(name) {
                    request.headers_mut().insert(name, HeaderValue::from_static("bservice"));
                }
            }
            assert_eq!(accepted_as(&case.app(), with_body(signed)).await, expected, "{name}");
            reject(&case.app(), with_body(unsigned), &case.what(name)).await;
        }
    }
}

#[tokio::test]
async fn attack_611_another_key_id_than_the_signers() {
    let names = [
        "bservice",
        "Aservice",
        "ASERVICE",
        "aservice ",
        "aservice,bservice",
        "nobody",
        "a service",
        "aservice:",
        "*",
        "None",
    ];
    for case in cases().into_iter().filter(|case| case.named) {
        let app = case.app();
        for (name, with) in [("bservice", "akey"), ("aservice", "bkey"), ("nobody", "akey")] {
            let request = case.signed_by(case.scheme.clone(), name, with);
            reject(&app, with_body(request), &case.what(name)).await;
        }
        let mut tried = 0;
        for name in names {
            let mut request = case.signed();
            for header in ["authorization", "x-key-id", "signature-input"] {
                let Some(value) = request.headers().get(header) else { continue };
                let value = value.to_str().unwrap().replacen("aservice", name, 1);
                request.headers_mut().insert(
                    http::HeaderName::from_static(header),
                    HeaderValue::from_str(&value).unwrap(),
                );
                tried += 1;
            }
            if case.place.is_empty() {
                let target = request.uri().to_string();
                let escaped = name.replace(' ', "%20");
                *request.uri_mut() = target.replacen("aservice", &escaped, 1).parse().unwrap();
                tried += 1;
            }
            reject(&app, with_body(request), &case.what(name)).await;
        }
        assert_eq!(tried, names.len(), "each name is tried in its place");
    }
}

/// One byte of the body added, removed or changed, and a body where there was none.
#[tokio::test]
async fn attack_612_another_body_under_the_same_signature() {
    for case in cases() {
        let bodies: &[&str] = if case.has_body {
            &["", " ", r#"{"amount": 101}"#, r#"{"amount": 100} "#, "\n", r#"{"amount": 100"#]
        } else {
            &["a", " ", "\0", "to=me", "/pay?to=me"]
        };
        for body in bodies {
            let request = case.signed().map(|_| Body::from(*body));
            reject(&case.app(), request, &case.what(body)).await;
        }
    }
}

/// Two schemes, each with its own keys: neither accepts a tag of the other.
#[tokio::test]
async fn attack_613_a_tag_moved_from_one_scheme_to_another() {
    // Both schemes sign only the body, with the same hash.
    let header = || HeaderScheme::new("x-signature").unwrap().with_encoding(Encoding::Base64);
    let keys = |text| KeyMap::single(key(text)).unwrap();
    let app = routes().layer(
        VerifyLayer::new(FlaskHmac::new(), keys("one")).unwrap().or(header(), keys("two")).unwrap(),
    );
    let tag = |with| Signer::new(FlaskHmac::new(), key(with)).signature(BODY.as_bytes());
    let request = |signature: Option<String>, sibling: Option<String>| {
        let mut request = carrying(&[] as &[&str]);
        for (name, value) in [("signature", signature), ("x-signature", sibling)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        request
    };
    assert_eq!(accepted_as(&app, request(Some(tag("one")), None)).await, "anonymous");
    assert_eq!(accepted_as(&app, request(None, Some(tag("two")))).await, "anonymous");
    reject(&app, request(Some(tag("two")), None), "the other's key").await;
    reject(&app, request(None, Some(tag("one"))), "the other's key").await;
    // Put a correct, a wrong and an empty signature next to a correct one.
    for other in [tag("two"), tag("one"), String::new(), "none".into()] {
        reject(&app, request(Some(tag("one")), Some(other)), "both").await;
    }
    for other in [tag("two"), String::new(), "none".into()] {
        reject(&app, request(Some(other), Some(tag("two"))), "both").await;
    }
}

/// For every pair of schemes without a common header: a request signed in both is rejected, in
/// either order.
#[tokio::test]
async fn attack_614_signed_in_two_schemes_at_once() {
    for first in cases() {
        for second in cases() {
            if first.has_body != second.has_body {
                continue;
            }
            let keys = || {
                KeyMap::named([("aservice", "akey")]).unwrap().with_single(key("single")).unwrap()
            };
            let layer = VerifyLayer::new(first.scheme.clone(), keys())
                .unwrap()
                .with_clock(ManualClock::new(NOW))
                .or(second.scheme.clone(), keys());
            let Ok(layer) = layer else { continue };
            let app = routes().layer(layer);
            let mut both = first.signed();
            let other = second.signed();
            for (name, value) in other.headers().iter().filter(|(name, _)| *name != "host") {
                both.headers_mut().append(name, value.clone());
            }
            // A signature in the target is of the same request.
            if second.place.is_empty() {
                *both.uri_mut() = match (first.place, both.uri().query()) {
                    ("", Some(query)) => format!("{}&{query}", other.uri()).parse().unwrap(),
                    _ => other.uri().clone(),
                };
            }
            let what = format!("{} and {}", first.scheme.name(), second.scheme.name());
            reject(&app, with_body(both), &what).await;
            for (case, request) in [(&first, first.signed()), (&second, second.signed())] {
                let expected = if case.named { "name aservice" } else { "anonymous" };
                assert_eq!(accepted_as(&app, with_body(request)).await, expected, "{what}");
            }
        }
    }
}

/// An `Authorization` of another type does not belong to this scheme, so the request is unsigned.
#[tokio::test]
async fn attack_615_an_authorization_of_another_kind() {
    let fost = cases().into_iter().find(|case| case.place == "authorization").unwrap();
    let (_, tag, _) = fost.text(&fost.signed());
    let values = [
        format!("FOST  aservice:{tag}"),
        format!("FOSTaservice:{tag}"),
        format!("Bearer aservice:{tag}"),
        format!("Basic {}", STANDARD.encode(format!("aservice:{tag}"))),
        format!("FOST aservice:{tag}, Basic eDp5"),
        format!("Basic eDp5, FOST aservice:{tag}"),
        format!("HMAC aservice:{tag}"),
        "FOST".into(),
        "FOST ".into(),
        "FOST :".into(),
        format!("FOST :{tag}"),
        "FOST aservice:".into(),
    ];
    for value in values {
        let mut request = fost.signed();
        request.headers_mut().insert("authorization", value.parse().unwrap());
        reject(&fost.app(), with_body(request), &value).await;
    }
}

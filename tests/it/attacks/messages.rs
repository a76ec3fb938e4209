//! 8xx: HTTP Message Signatures. Labels, tags, parameters, and covered components.

use http::{HeaderName, HeaderValue};
use tower_hmac::clock::ManualClock;
use tower_hmac::testing::FixedNonce;
use tower_hmac::{Algorithm, MessageSignatures};

use super::*;

const NOW: i64 = 1_700_000_000;

fn scheme() -> MessageSignatures {
    MessageSignatures::new().with_tag("pay").unwrap()
}

fn app_of(scheme: MessageSignatures) -> Router {
    let keys = KeyMap::named([("aservice", "akey"), ("bservice", "bkey")]).unwrap();
    routes().layer(VerifyLayer::new(scheme, keys).unwrap().with_clock(ManualClock::new(NOW)))
}

fn app() -> Router {
    app_of(scheme())
}

fn signed_by(scheme: MessageSignatures, name: &str, with: &str) -> Request<&'static str> {
    let signer = Signer::new(scheme, key(with))
        .with_key_id(name.to_owned())
        .unwrap()
        .with_nonce_source(FixedNonce([7; 24]))
        .with_clock(ManualClock::new(NOW));
    let request = Request::post("/pay?to=me").header("host", "example.com");
    signer.sign(request.body(BODY).unwrap()).unwrap()
}

fn signed() -> Request<&'static str> {
    signed_by(scheme(), "aservice", "akey")
}

fn value(request: &Request<&str>, name: &str) -> String {
    request.headers()[name].to_str().unwrap().to_owned()
}

fn with(
    mut request: Request<&'static str>,
    name: &'static str,
    value: &str,
) -> Request<&'static str> {
    request.headers_mut().insert(HeaderName::from_static(name), value.parse().unwrap());
    request
}

/// Returns the signed request with its input rewritten.
fn rewritten(from: &str, to: &str) -> Request<Body> {
    let input = value(&signed(), "signature-input");
    assert!(input.contains(from), "{from} is in {input}");
    with(signed(), "signature-input", &input.replacen(from, to, 1)).map(Body::from)
}

#[tokio::test]
async fn attack_800_control_a_signed_message_passes() {
    assert_eq!(accepted_as(&app(), signed().map(Body::from)).await, "name aservice");
    assert_eq!(
        value(&signed(), "signature-input").split(';').next().unwrap(),
        r#"sig1=("@method" "@authority" "@path" "@query" "content-digest")"#
    );
}

/// The list of components is signed: none can be removed, replaced or altered.
#[tokio::test]
async fn attack_801_a_component_removed_or_replaced() {
    let covered = r#"("@method" "@authority" "@path" "@query" "content-digest")"#;
    for component in ["@method", "@authority", "@path", "@query", "content-digest"] {
        let written = format!("\"{component}\"");
        let others = [
            String::new(),
            "\"date\"".into(),
            "\"@target-uri\"".into(),
            "\"@scheme\"".into(),
            format!("\"{}\"", component.to_uppercase()),
            format!("{written};req"),
            format!("{written};sf"),
            format!("{written};bs"),
            format!("{written};tr"),
            format!("{written};key=\"a\""),
            format!("{written};name=\"a\""),
            format!("{written} {written}"),
            component.to_owned(),
            format!("\" {component}\""),
            format!("\"@{component}\""),
        ];
        for other in others {
            let what = format!("{component} as {other}");
            reject(&app(), rewritten(&written, &other), &what).await;
        }
    }
    for list in ["()", "(\"@method\")", "", "(", "\"@method\"", "(\"@status\")"] {
        reject(&app(), rewritten(covered, list), list).await;
    }
}

#[tokio::test]
async fn attack_802_a_parameter_removed_replaced_or_doubled() {
    let input = value(&signed(), "signature-input");
    let parameters: Vec<&str> = input.split(';').skip(1).collect();
    assert!(parameters.len() >= 4, "{input}");
    for parameter in &parameters {
        let name = parameter.split('=').next().unwrap();
        let others = [
            String::new(),
            name.into(),
            format!("{name}=\"x\""),
            format!("{name}=1"),
            format!("{name}=?1"),
            format!("{parameter};{parameter}"),
            format!("{parameter};{name}=\"x\""),
            format!("{}x", parameter),
            parameter.to_uppercase(),
        ];
        for other in others {
            reject(&app(), rewritten(parameter, &other), &format!("{parameter} as {other}")).await;
        }
    }
}

/// The server chooses the algorithm, never the message.
#[tokio::test]
async fn attack_803_an_algorithm_chosen_by_the_message() {
    let algorithms = [
        "none",
        "hmac-sha1",
        "hmac-md5",
        "hmac-sha512",
        "ed25519",
        "rsa-v1_5-sha256",
        "HMAC-SHA256",
        "",
        "hmac-sha256 ",
    ];
    let input = value(&signed(), "signature-input");
    for algorithm in algorithms {
        // The input is as the attacker writes it, and as a careless signer would sign it.
        let text = format!("{input};alg=\"{algorithm}\"");
        reject(&app(), with(signed(), "signature-input", &text).map(Body::from), algorithm).await;
        let mut request = with(signed(), "signature-input", &text);
        let (head, body) = request.clone().into_parts();
        let bare = text.strip_prefix("sig1=").unwrap();
        if let Ok(base) = scheme().signature_base(&head, bare) {
            let mut mac = tower_hmac::crypto::Mac::new(Algorithm::Sha256, &key("akey"));
            mac.update(base.as_bytes());
            let tag = tower_hmac::scheme::Encoding::Base64.encode(mac.finalize().as_bytes());
            request = with(Request::from_parts(head, body), "signature", &format!("sig1=:{tag}:"));
            reject(&app(), request.map(Body::from), algorithm).await;
        }
    }
}

/// The tag says which application a signature is for. A signature for another application is
/// rejected.
#[tokio::test]
async fn attack_804_a_signature_for_another_use() {
    let other = || MessageSignatures::new().with_tag("log").unwrap();
    let untagged = MessageSignatures::new;
    for scheme in [other(), untagged()] {
        let request = signed_by(scheme, "aservice", "akey");
        reject(&app(), request.map(Body::from), "another tag, or none").await;
    }
    for tag in ["\"Pay\"", "\"pay \"", "\"log\"", "pay", ":cGF5:", "\"pay\";tag=\"log\"", "\"\""] {
        reject(&app(), rewritten("\"pay\"", tag), tag).await;
    }
}

#[tokio::test]
async fn attack_805_labels_that_do_not_match() {
    let (input, signature) = (value(&signed(), "signature-input"), value(&signed(), "signature"));
    let (bare, tag) = (&input["sig1=".len()..], &signature["sig1=".len()..]);
    let pairs = [
        (format!("a={bare}"), signature.clone()),
        (input.clone(), format!("a={tag}")),
        (format!("Sig1={bare}"), format!("Sig1={tag}")),
        (format!("sig1 ={bare}"), signature.clone()),
        (format!("{input}, {input}"), signature.clone()),
        (input.clone(), format!("{signature}, {signature}")),
        (format!("{input}, sig1=()"), signature.clone()),
        (format!("sig1=(), {input}"), signature.clone()),
        (input.clone(), format!("sig1=:AAAA:, {signature}")),
        (input.clone(), format!("{signature}, sig1=:AAAA:")),
        (format!("{input},"), signature.clone()),
        (input.clone(), format!("{signature},")),
        (input.clone(), tag.to_owned()),
        (bare.to_owned(), signature.clone()),
        (input.clone(), format!("{signature};a=1, b")),
        (format!("{input}, a={bare}"), format!("{signature}, a={tag}")),
    ];
    for (input, signature) in pairs {
        let request = with(with(signed(), "signature-input", &input), "signature", &signature);
        reject(&app(), request.map(Body::from), &format!("{input} / {signature}")).await;
    }
}

/// A second signature, valid under its own key, does not validate the first one.
#[tokio::test]
async fn attack_806_two_signatures_of_two_keys() {
    let mine = signed_by(scheme().with_label("b").unwrap(), "bservice", "bkey");
    let theirs = signed();
    for (first, second) in [(&mine, &theirs), (&theirs, &mine)] {
        let mut both = signed();
        for name in ["signature", "signature-input"] {
            both = with(both, name, &format!("{}, {}", value(first, name), value(second, name)));
        }
        reject(&app(), both.map(Body::from), "two signatures with the tag").await;
    }
    // Combine the input of one signature with the tag of the other.
    let mixed = with(signed(), "signature", &value(&mine, "signature").replacen("b=", "sig1=", 1));
    reject(&app(), mixed.map(Body::from), "the other's tag").await;
}

#[tokio::test]
async fn attack_807_the_tag_in_another_spelling() {
    let signature = value(&signed(), "signature");
    let tag = signature.strip_prefix("sig1=:").unwrap().strip_suffix(':').unwrap();
    let texts = [
        format!("sig1=\"{tag}\""),
        format!("sig1={tag}"),
        format!("sig1=:{tag}"),
        format!("sig1={tag}:"),
        format!("sig1=::{tag}::"),
        format!("sig1=(:{tag}:)"),
        format!("sig1=: {tag}:"),
        format!("sig1=:{}:", tag.trim_end_matches('=')),
        format!("sig1=:{tag}=:"),
        "sig1".into(),
        "sig1=?1".into(),
        "sig1=::".into(),
        "sig1=".into(),
        tag.to_owned(),
    ];
    for text in texts {
        reject(&app(), with(signed(), "signature", &text).map(Body::from), &text).await;
    }
}

/// Adds a wrong, a weak, and another body's digest next to the correct digest of the signed body.
#[tokio::test]
async fn attack_808_another_body_under_a_covered_digest() {
    use base64::Engine as _;
    let other = r#"{"amount": 999}"#;
    reject(&app(), signed().map(|_| Body::from(other)), "another body").await;
    let digest = |text: &str| {
        let digest = tower_hmac::crypto::Digest::of(Algorithm::Sha256, text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
    };
    let right = value(&signed(), "content-digest");
    assert_eq!(right, format!("sha-256=:{}:", digest(BODY)));
    let digests = [
        format!("sha-256=:{}:", digest(other)),
        format!("{right}, sha-256=:{}:", digest(other)),
        format!("sha-256=:{}:, {right}", digest(other)),
        format!("{right}, md5=:AAAAAAAAAAAAAAAAAAAAAA==:"),
        "md5=:AAAAAAAAAAAAAAAAAAAAAA==:".into(),
        "sha-256=::".into(),
        String::new(),
    ];
    for digest in digests {
        let request = with(signed(), "content-digest", &digest);
        reject(&app(), request.map(|_| Body::from(other)), &digest).await;
        let request = with(signed(), "content-digest", &digest);
        reject(&app(), request.map(Body::from), &digest).await;
    }
    let mut twice = signed();
    let second = HeaderValue::from_str(&format!("sha-256=:{}:", digest(other))).unwrap();
    twice.headers_mut().append("content-digest", second);
    reject(&app(), twice.map(|_| Body::from(other)), "two digests").await;
}

/// Every part of the target is covered.
#[tokio::test]
async fn attack_809_another_target_or_method() {
    let targets = [
        "/pay?to=you",
        "/pay",
        "/pay?",
        "/pay?to=me&",
        "/pay/?to=me",
        "//pay?to=me",
        "/PAY?to=me",
        "/%70ay?to=me",
        "/pay?to=%6de",
        "/pay?to=me&to=you",
        "/x/../pay?to=me",
        "/pay;a?to=me",
    ];
    for target in targets {
        let mut request = signed();
        *request.uri_mut() = target.parse().unwrap();
        reject(&app(), request.map(Body::from), target).await;
    }
    for method in ["PUT", "GET", "DELETE", "post", "POSTS"] {
        let mut request = signed();
        *request.method_mut() = http::Method::from_bytes(method.as_bytes()).unwrap();
        reject(&app(), request.map(Body::from), method).await;
    }
}

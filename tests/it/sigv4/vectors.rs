//! The vectors of AWS: the signing suite at its three stages, in headers and in the query, and the
//! examples of the S3 API reference.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use serde::Deserialize;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{AwsPresigned, AwsSigV4};
use tower_hmac::testing::signed_text;
use tower_hmac::{KeyMap, Scheme, SecretKey, Signer, Verifier};

use super::{KEY_ID, NOW, SECRET, checked, scheme, verifier};

#[derive(Deserialize)]
struct Suite {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Case {
    name: String,
    context: Context,
    request: String,
    header_signed_request: String,
    header_canonical_request: String,
    header_string_to_sign: String,
    header_signature: String,
    query_signed_request: String,
    query_canonical_request: String,
    query_string_to_sign: String,
    query_signature: String,
}

#[derive(Deserialize)]
struct Context {
    credentials: BTreeMap<String, String>,
    normalize: bool,
    sign_body: bool,
    expiration_in_seconds: u64,
    region: String,
    service: String,
    timestamp: String,
}

impl Case {
    fn all() -> Vec<Self> {
        let text = include_str!("../../vectors/aws_sigv4_suite.json");
        let cases = serde_json::from_str::<Suite>(text).unwrap().cases;
        for Case { name, context, .. } in &cases {
            assert_eq!(context.credentials["access_key_id"], KEY_ID, "{name}");
            assert_eq!(context.credentials["secret_access_key"], SECRET, "{name}");
            assert_eq!(context.timestamp, "2015-08-30T12:36:00Z", "{name}");
        }
        cases
    }

    /// The suite's cases without normalization encode the path once, like S3.
    fn scheme(&self) -> AwsSigV4 {
        let scheme = AwsSigV4::new(&self.context.region, &self.context.service).unwrap();
        let scheme = match self.context.normalize {
            true => scheme.dangerous_normalized_path(),
            false => scheme.with_s3_paths(),
        };
        if self.context.sign_body { scheme.with_payload_header() } else { scheme }
    }

    fn presigned(&self) -> AwsPresigned {
        self.scheme().presigned().with_methods([Method::GET, Method::POST])
    }

    /// Returns whether the path is rejected unless it is normalized.
    fn is_normalized(&self) -> bool {
        self.name.ends_with("-normalized")
    }
}

/// Parses a request of the suite. One has a space in its target, which HTTP does not allow.
fn parsed(text: &str) -> Request<Vec<u8>> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let line = lines.next().unwrap();
    let (method, rest) = line.split_once(' ').unwrap();
    let target = rest.strip_suffix(" HTTP/1.1").unwrap().replace(' ', "%20");
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let name: HeaderName = name.parse().unwrap();
        request = request.header(name, HeaderValue::from_bytes(value.trim().as_bytes()).unwrap());
    }
    request.body(body.as_bytes().to_vec()).unwrap()
}

fn text(scheme: &impl Scheme, request: &Request<Vec<u8>>) -> String {
    let (head, body) = request.clone().into_parts();
    String::from_utf8(signed_text(scheme, &head, &body).unwrap()).unwrap()
}

#[test]
fn suite_headers_match_at_three_stages() {
    assert_eq!(Case::all().len(), 25);
    for case in Case::all() {
        let (scheme, name) = (case.scheme(), &case.name);
        let request = parsed(&case.header_signed_request);
        let (head, body) = request.clone().into_parts();
        let canonical = scheme.canonical_request(&head, &body).unwrap();
        assert_eq!(canonical, case.header_canonical_request, "{name}");
        assert_eq!(text(&scheme, &request), case.header_string_to_sign, "{name}");
        let verified = checked(verifier(scheme.clone()), &request).unwrap();
        assert_eq!(verified.key_id().unwrap(), KEY_ID, "{name}");
        assert_eq!(verified.scheme(), "sigv4");
        assert_eq!(verified.created(), Some(NOW));

        let strict = AwsSigV4::new(&case.context.region, &case.context.service).unwrap();
        let strict = if case.context.normalize { strict } else { strict.with_s3_paths() };
        let outcome = checked(verifier(strict), &request);
        assert_eq!(outcome.is_err(), case.is_normalized(), "{name}");
    }
}

#[test]
fn suite_queries_match_at_three_stages() {
    for case in Case::all() {
        let (scheme, name) = (case.presigned(), &case.name);
        let request = parsed(&case.query_signed_request);
        let (head, body) = request.clone().into_parts();
        let canonical = scheme.canonical_request(&head, &body).unwrap();
        assert_eq!(canonical, case.query_canonical_request, "{name}");
        assert_eq!(text(&scheme, &request), case.query_string_to_sign, "{name}");
        let verified = checked(verifier(scheme), &request).unwrap();
        assert_eq!(verified.key_id().unwrap(), KEY_ID, "{name}");
        assert_eq!(verified.scheme(), "sigv4-presigned");
    }
}

#[test]
fn requests_of_the_suite_are_signed_as_published() {
    for case in Case::all() {
        let mut request = parsed(&case.request);
        let token = case.context.credentials.get("token");
        if let Some(token) = token {
            request.headers_mut().insert("x-amz-security-token", token.parse().unwrap());
        }
        let signed = super::signer(case.scheme()).sign(request).unwrap();
        let value = signed.headers()[AUTHORIZATION].to_str().unwrap();
        let ours = value.rsplit_once("Signature=").unwrap().1;
        assert_eq!(ours, case.header_signature, "{}", case.name);
        let published = parsed(&case.header_signed_request);
        assert_eq!(value, published.headers()[AUTHORIZATION].to_str().unwrap());
        assert!(signed.headers()[AUTHORIZATION].is_sensitive());
    }
}

#[test]
fn links_of_the_suite_are_signed_as_published() {
    for case in Case::all() {
        let mut request = parsed(&case.request);
        if let Some(token) = case.context.credentials.get("token") {
            let mark = if request.uri().query().is_some() { '&' } else { '?' };
            let token = token.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
            let uri = format!("{}{mark}X-Amz-Security-Token={token}", request.uri());
            *request.uri_mut() = uri.parse().unwrap();
        }
        let lifetime = Duration::from_secs(case.context.expiration_in_seconds);
        let signer = super::signer(case.presigned()).with_lifetime(lifetime);
        let signed = signer.sign(request).unwrap();
        let query = signed.uri().query().unwrap();
        let ours = query.rsplit_once("&X-Amz-Signature=").unwrap().1;
        assert_eq!(ours, case.query_signature, "{}", case.name);
    }
}

#[derive(Deserialize)]
struct S3 {
    access_key: String,
    secret_key: String,
    region: String,
    service: String,
    tests: Vec<S3Case>,
}

#[derive(Deserialize)]
struct S3Case {
    name: String,
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    #[serde(default)]
    body: String,
    presigned_url: Option<String>,
    valid_from: Option<i64>,
    valid_to: Option<i64>,
}

/// The time of the S3 API reference, 2013-05-24T00:00:00Z.
const S3_NOW: i64 = 1_369_353_600;

impl S3 {
    fn read() -> Self {
        serde_json::from_str(include_str!("../../vectors/s3_sigv4_docs.json")).unwrap()
    }

    fn scheme(&self) -> AwsSigV4 {
        AwsSigV4::new(&self.region, &self.service).unwrap()
    }

    fn verifier(&self, scheme: impl Scheme + 'static, now: i64) -> Verifier {
        let keys = KeyMap::named([(&*self.access_key, &*self.secret_key)]).unwrap();
        Verifier::new(scheme, keys).unwrap().with_clock(ManualClock::new(now))
    }

    /// Returns the request that belongs to a canonical one, as it would be sent.
    fn request(&self, case: &S3Case) -> Request<Vec<u8>> {
        let mut lines = case.canonical_request.lines();
        let mut next = || lines.next().unwrap();
        let (method, path, query) = (next(), next(), next());
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let mut request = Request::builder().method(method).uri(target);
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap();
            request = request.header(name, value);
        }
        let list = lines.next().unwrap();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders={list},Signature={}",
            self.access_key, case.signature,
        );
        request.header(AUTHORIZATION, authorization).body(case.body.clone().into_bytes()).unwrap()
    }
}

#[test]
fn s3_reference_requests_match_at_three_stages() {
    let s3 = S3::read();
    let in_headers = |case: &&S3Case| case.presigned_url.is_none();
    let is_streaming = |case: &S3Case| case.canonical_request.contains("STREAMING-");
    let mut seen = 0;
    for case in s3.tests.iter().filter(in_headers) {
        let (scheme, request) = (s3.scheme(), s3.request(case));
        let outcome = checked(s3.verifier(scheme.clone(), S3_NOW), &request);
        if is_streaming(case) {
            let said = outcome.unwrap_err().to_string();
            assert!(said.contains("AWS_REQUEST_CHECKSUM_CALCULATION=when_required"), "{said}");
            continue;
        }
        let (head, body) = request.clone().into_parts();
        let canonical = scheme.canonical_request(&head, &body).unwrap();
        assert_eq!(canonical, case.canonical_request, "{}", case.name);
        assert_eq!(text(&scheme, &request), case.string_to_sign, "{}", case.name);
        assert_eq!(outcome.unwrap().key_id().unwrap(), s3.access_key.as_str(), "{}", case.name);
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn requests_of_the_s3_reference_are_signed_as_published() {
    let s3 = S3::read();
    for case in s3.tests.iter().filter(|case| case.presigned_url.is_none()) {
        let mut request = s3.request(case);
        if case.canonical_request.contains("STREAMING-") {
            continue;
        }
        let published = request.headers_mut().remove(AUTHORIZATION).unwrap();
        let signer = Signer::new(s3.scheme(), SecretKey::new(&*s3.secret_key).unwrap())
            .with_key_id(&*s3.access_key)
            .unwrap()
            .with_clock(ManualClock::new(S3_NOW));
        let signed = signer.sign(request).unwrap();
        let ours = signed.headers()[AUTHORIZATION].to_str().unwrap().replace(", ", ",");
        assert_eq!(ours, published.to_str().unwrap(), "{}", case.name);
    }
}

#[test]
fn s3_reference_link_is_valid_for_its_lifetime() {
    let s3 = S3::read();
    let case = s3.tests.iter().find(|case| case.presigned_url.is_some()).unwrap();
    let url: http::Uri = case.presigned_url.as_ref().unwrap().parse().unwrap();
    let scheme = s3.scheme().presigned();
    let request = Request::get(url.path_and_query().unwrap().as_str())
        .header(HOST, url.host().unwrap())
        .body(Vec::new())
        .unwrap();
    let (head, body) = request.clone().into_parts();
    let canonical = scheme.canonical_request(&head, &body).unwrap();
    assert_eq!(canonical, case.canonical_request);
    assert_eq!(text(&scheme, &request), case.string_to_sign);
    let (from, to) = (case.valid_from.unwrap(), case.valid_to.unwrap());
    // The link is not valid before its date minus the tolerance of 300 s.
    for (now, works) in [(from - 301, false), (from - 300, true), (to, true), (to + 1, false)] {
        let outcome = checked(s3.verifier(scheme.clone(), now), &request);
        assert_eq!(outcome.is_ok(), works, "{now}");
    }
}

/// Returns the derived key, to compare with other implementations.
#[test]
fn another_day_region_or_service_derives_another_key() {
    let case = Case::all().into_iter().find(|case| case.name == "get-vanilla").unwrap();
    let request = parsed(&case.header_signed_request);
    assert!(checked(verifier(scheme()), &request).is_ok());
    for other in [
        AwsSigV4::new("us-east-2", "service").unwrap(),
        AwsSigV4::new("us-east-1", "services").unwrap(),
    ] {
        let error = checked(verifier(other), &request).unwrap_err();
        assert_eq!(error.kind(), tower_hmac::ErrorKind::Mismatch);
    }
    let several = scheme().with_regions(["eu-west-1", "us-east-1"]).unwrap();
    assert!(checked(verifier(several), &request).is_ok());
}

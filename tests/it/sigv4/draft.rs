//! Requests signed by hand, to break each rule with a signature that matches the client's canonical
//! request.

use http::{HeaderValue, Request};
use tower_hmac::crypto::{Digest, Mac};
use tower_hmac::scheme::Encoding;
use tower_hmac::{Algorithm, SecretKey};

use super::{HOST, KEY_ID, SECRET};

/// The parts that a client signs and sends. Use [`sign`](Self::sign) or [`link`](Self::link) to
/// assemble them.
#[derive(Clone)]
pub struct Draft {
    pub method: &'static str,
    /// The target as sent.
    pub target: String,
    /// The path as in the canonical request.
    pub path: String,
    pub query: String,
    pub headers: Vec<(&'static str, String)>,
    pub list: String,
    pub payload: String,
    pub date: String,
    pub scope: String,
    pub body: Vec<u8>,
}

pub fn sha256(bytes: &[u8]) -> String {
    Encoding::Hex.encode(Digest::of(Algorithm::Sha256, bytes).as_bytes())
}

impl Draft {
    /// Makes a POST that is accepted without changes.
    pub fn new() -> Self {
        let body = br#"{"id": 7}"#.to_vec();
        Self {
            method: "POST",
            target: "/orders?a=1&b=2".into(),
            path: "/orders".into(),
            query: "a=1&b=2".into(),
            headers: vec![
                ("host", HOST.into()),
                ("x-amz-date", "20150830T123600Z".into()),
                ("content-type", "application/json".into()),
            ],
            list: "content-type;host;x-amz-date".into(),
            payload: sha256(&body),
            date: "20150830T123600Z".into(),
            scope: "20150830/us-east-1/service/aws4_request".into(),
            body,
        }
    }

    /// Makes a GET of a link that is accepted without changes, with the five signed parameters.
    pub fn new_link() -> Self {
        let mut draft = Self::new();
        draft.method = "GET";
        draft.headers.truncate(1);
        draft.list = "host".into();
        draft.body = Vec::new();
        draft.payload = sha256(b"");
        draft.query = [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            &format!("X-Amz-Credential={KEY_ID}%2F20150830%2Fus-east-1%2Fservice%2Faws4_request"),
            "X-Amz-Date=20150830T123600Z",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host",
        ]
        .join("&");
        draft.target = format!("/orders?{}", draft.query);
        draft
    }

    /// Sends a header that is also listed as signed.
    pub fn header(&mut self, name: &'static str, value: &str) {
        self.headers.push((name, value.into()));
        let mut names: Vec<_> = self.list.split(';').chain([name]).collect();
        names.sort_unstable();
        names.dedup();
        self.list = names.join(";");
    }

    /// Sets the value of an existing header.
    pub fn set(&mut self, name: &str, value: &str) {
        let (_, old) = self.headers.iter_mut().find(|(known, _)| *known == name).unwrap();
        *old = value.into();
    }

    /// Changes the sent and the signed query.
    pub fn replace_in_query(&mut self, from: &str, to: &str) {
        assert!(self.query.contains(from), "{from}");
        self.query = self.query.replace(from, to);
        self.target = self.target.replace(from, to);
    }

    pub fn signature(&self) -> String {
        let values = |name: &str| {
            let values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            values.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(",")
        };
        let lines: String =
            self.list.split(';').map(|name| format!("{name}:{}\n", values(name))).collect();
        let Self { method, path, query, list, payload, date, scope, .. } = self;
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{list}\n{payload}");
        let hash = sha256(canonical.as_bytes());
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}");
        let mut key = SecretKey::new(format!("AWS4{SECRET}")).unwrap();
        for part in scope.split('/') {
            let mut mac = Mac::new(Algorithm::Sha256, &key);
            mac.update(part.as_bytes());
            key = mac.into_key();
        }
        let mut mac = Mac::new(Algorithm::Sha256, &key);
        mac.update(text.as_bytes());
        Encoding::Hex.encode(mac.finalize().as_bytes())
    }

    pub fn authorization(&self) -> String {
        let (Self { scope, list, .. }, signature) = (self, self.signature());
        format!(
            "AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={list}, \
             Signature={signature}"
        )
    }

    /// The request with this `Authorization`.
    pub fn with(&self, authorization: &str) -> Request<Vec<u8>> {
        let mut request = self.unsigned(&self.target);
        let value = HeaderValue::from_str(authorization).unwrap();
        request.headers_mut().append("authorization", value);
        request
    }

    pub fn sign(&self) -> Request<Vec<u8>> {
        self.with(&self.authorization())
    }

    pub fn link(&self) -> Request<Vec<u8>> {
        self.unsigned(&format!("{}&X-Amz-Signature={}", self.target, self.signature()))
    }

    fn unsigned(&self, target: &str) -> Request<Vec<u8>> {
        let mut request = Request::builder().method(self.method).uri(target);
        for (name, value) in &self.headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        request.body(self.body.clone()).unwrap()
    }
}

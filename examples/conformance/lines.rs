//! The verbs that read one request per line and write one answer per line.

use std::io::{BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_hmac::{BoxError, KeyId, KeyMap, SecretKey, Signer};

use crate::config::Config;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body_base64: Option<String>,
    #[serde(default)]
    key_id: Option<String>,
}

impl Line {
    fn request(&self) -> Result<Request<Vec<u8>>, BoxError> {
        let body = STANDARD.decode(self.body_base64.as_deref().unwrap_or_default())?;
        let mut request =
            Request::builder().method(self.method.as_str()).uri(self.url.as_str()).body(body)?;
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse()?;
            request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes())?);
        }
        Ok(request)
    }
}

pub(crate) async fn sign(config: &Config) -> Result<(), BoxError> {
    let scheme = config.scheme()?;
    let keys = config.key_map()?;
    answer_lines(async |line: Line| {
        let mut of_name = keys_of(&keys, line.key_id.as_deref())?.into_iter();
        let newest = of_name.next().ok_or("key_id: there is no key with this key ID")?;
        let mut signer = Signer::new(scheme.clone(), newest).with_clock(config.clock());
        for older in of_name.filter(|_| config.sign_all) {
            signer = signer.add_key(older)?;
        }
        if let Some(lifetime) = config.lifetime() {
            signer = signer.with_lifetime(lifetime);
        }
        if let Some(key_id) = line.key_id.as_deref().filter(|id| !id.is_empty()) {
            signer = signer.with_key_id(key_id)?;
        }
        let request = signer.sign(line.request()?)?;
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect();
        Ok(json!({"url": request.uri().to_string(), "headers": headers}))
    })
    .await
}

/// Returns the keys of a key ID, newest first.
fn keys_of(keys: &KeyMap, key_id: Option<&str>) -> Result<Vec<SecretKey>, BoxError> {
    let id = key_id.filter(|id| !id.is_empty()).map(KeyId::new).transpose()?;
    let set = keys.get(id.as_ref()).ok_or("key_id: there is no key with this key ID")?;
    Ok(set.iter().map(|entry| entry.key().clone()).collect())
}

pub(crate) async fn explain(config: &Config) -> Result<(), BoxError> {
    let shared = config.layer()?.shared();
    answer_lines(async |line: Line| {
        let (head, body) = line.request()?.into_parts();
        let report = shared.verifier().explain(&head, &body).await;
        Ok(serde_json::to_value(report)?)
    })
    .await
}

async fn answer_lines(
    answer: impl AsyncFn(Line) -> Result<Value, BoxError>,
) -> Result<(), BoxError> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str(&line) {
            Ok(line) => answer(line).await,
            Err(error) => Err(error.into()),
        };
        let answer = answer.unwrap_or_else(|error| json!({"error": error.to_string()}));
        writeln!(out, "{answer}")?;
    }
    out.flush()?;
    Ok(())
}

//! Signs requests with `aws-sigv4`, as the AWS SDK for Rust does.
//!
//! ```text
//! aws-sigv4-peer SERVICE KEY_ID SECRET headers|query < requests.jsonl > answers.jsonl
//! ```

use std::error::Error;
use std::io::BufRead as _;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn settings(service: &str, place: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    // The settings of the S3 client.
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if place == "query" {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
    }
    settings
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [service, key_id, secret, place] = arguments.as_slice() else {
        return Err("usage: aws-sigv4-peer SERVICE KEY_ID SECRET headers|query".into());
    };
    let identity = Credentials::new(key_id, secret, None, None, "peer").into();
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = STANDARD.decode(text(&line["body_base64"]))?;
        let headers: Vec<(String, String)> = line["headers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(SystemTime::now())
            .settings(settings(service, place))
            .build()?;
        let (method, url) = (text(&line["method"]), text(&line["url"]));
        // An S3 link does not sign its payload.
        let payload = match (service.as_str(), place.as_str()) {
            ("s3", "query") => SignableBody::UnsignedPayload,
            _ => SignableBody::Bytes(&body),
        };
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = SignableRequest::new(&method, &url, pairs, payload)?;
        let (instructions, _) = sign(request, &parameters.into())?.into_parts();
        let (more, parameters) = instructions.into_parts();
        let mut signed = headers.iter().map(|pair| json!(pair)).collect::<Vec<_>>();
        signed.extend(more.iter().map(|header| json!([header.name(), header.value()])));
        let mut url = url;
        for (name, value) in parameters {
            let mark = if url.contains('?') { '&' } else { '?' };
            let value = encoded(&value);
            url += &format!("{mark}{name}={value}");
        }
        println!("{}", json!({"url": url, "headers": signed}));
    }
    Ok(())
}

/// Escapes all but the unreserved characters (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

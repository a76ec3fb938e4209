//! A report, as shown by the command and the page.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::sync::Arc;
use tower_hmac::capture::Capture;
use tower_hmac::clock::{Clock as _, ManualClock, SystemClock};
use tower_hmac::explain::{Cause, Report};
use tower_hmac::{Scheme, Verifier};

use crate::advice;
use crate::failure::Failure;
use crate::keys::Keys;

/// The maximum number of bytes shown of each part of the signed text.
const SHOWN: usize = 8 * 1024;

/// The outcome of a request, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    pub(crate) outcome: &'static str,
    pub(crate) step: Option<&'static str>,
    pub(crate) error: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) key_id: Option<String>,
    pub(crate) created: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) now: i64,
    pub(crate) head: Head,
    pub(crate) notes: Vec<String>,
    pub(crate) signed_text: Option<String>,
    pub(crate) parts: Vec<Part>,
    pub(crate) causes: Vec<Told>,
    pub(crate) vector: Vector,
}

/// The head as it was read.
#[derive(Debug, Serialize)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_len: usize,
}

/// A part of the signed text.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) hex: String,
    /// The number of bytes at the end that `hex` omits.
    pub(crate) left_out: usize,
}

/// A cause, and how to fix it.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) cause: String,
    pub(crate) change: &'static str,
}

/// The request as a test vector, without the key.
#[derive(Debug, Serialize)]
pub(crate) struct Vector {
    pub(crate) request: VectorRequest,
    pub(crate) now: i64,
    pub(crate) signed_text_base64: Option<String>,
    pub(crate) expect: Expect,
}

#[derive(Debug, Serialize)]
pub(crate) struct VectorRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body_base64: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Expect {
    pub(crate) outcome: &'static str,
    pub(crate) likely: Vec<String>,
}

/// The time at which a request is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Now {
    System,
    At(i64),
    /// The request's own time.
    OfRequest,
}

impl Now {
    pub(crate) fn of(now: Option<i64>, no_clock: bool) -> Self {
        match now {
            Some(now) => Self::At(now),
            None if no_clock => Self::OfRequest,
            None => Self::System,
        }
    }
}

/// Makes a verifier for a request.
pub(crate) fn verifier(
    scheme: &Arc<dyn Scheme>,
    keys: &Keys,
    capture: &Capture,
    now: Now,
) -> Result<Verifier, Failure> {
    let (head, body) = (capture.head(), capture.body());
    let verifier = Verifier::new(scheme.clone(), keys.map(&**scheme, head, body)?)?;
    let now = match now {
        Now::System => SystemClock.unix_now(),
        Now::At(now) => now,
        Now::OfRequest => {
            let claim = scheme.claim(head).or_else(|_| scheme.claim_from_body(head, body)).ok();
            let time = claim.and_then(|claim| claim.created().or(claim.expires()));
            time.unwrap_or_else(|| SystemClock.unix_now())
        }
    };
    // The limit protects a service, but a capture is already in memory.
    Ok(verifier.with_clock(ManualClock::new(now)).with_body_limit(usize::MAX))
}

impl View {
    pub(crate) fn of(report: &Report, capture: &Capture) -> Self {
        let (head, body) = (capture.head(), capture.body());
        let headers: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let target = head.uri.path_and_query().map_or("*", |target| target.as_str());
        let causes = report.likely().iter().map(Told::of).collect();
        let text = report.signed_text();
        Self {
            outcome: report.outcome(),
            step: report.step(),
            error: report.error().map(ToString::to_string),
            scheme: report.scheme().map(str::to_owned),
            key_id: report.claimed_key_id().map(|id| id.as_str().to_owned()),
            created: report.created(),
            expires: report.expires(),
            now: report.now(),
            head: Head {
                method: head.method.to_string(),
                target: head.uri.to_string(),
                headers: headers.clone(),
                body_len: body.len(),
            },
            notes: capture.notes().iter().map(ToString::to_string).collect(),
            signed_text: text.map(str::to_owned),
            parts: parts(report),
            causes,
            vector: Vector {
                request: VectorRequest {
                    method: head.method.to_string(),
                    target: target.to_owned(),
                    headers,
                    body_base64: STANDARD.encode(body),
                },
                now: report.now(),
                signed_text_base64: text.map(|_| STANDARD.encode(report.signed_bytes())),
                expect: Expect {
                    outcome: report.outcome(),
                    likely: report.likely().iter().map(ToString::to_string).collect(),
                },
            },
        }
    }
}

impl Told {
    fn of(cause: &Cause) -> Self {
        Self { cause: cause.to_string(), change: advice::of(cause) }
    }
}

fn parts(report: &Report) -> Vec<Part> {
    let bytes = report.signed_bytes();
    let part = |part: &tower_hmac::explain::TextPart| {
        let range = part.range();
        let bytes = bytes.get(range.clone()).unwrap_or_default();
        let shown = bytes.get(..SHOWN).unwrap_or(bytes);
        Part {
            name: part.name().to_owned(),
            start: range.start,
            end: range.end,
            hex: shown.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
            left_out: bytes.len() - shown.len(),
        }
    };
    report.parts().iter().map(part).collect()
}

//! Explain to developers why a request was rejected.
//!
//! Causes are found by trying: each likely mistake is corrected, and the result is compared with
//! the tags of the request. Schemes need no code for this, and only corrections that match are
//! reported. Each file has one family of mistakes:
//!
//! | file | the caller |
//! | --- | --- |
//! | `body.rs`, `json.rs` | signed another form of the body, or none |
//! | `target.rs` (`segments.rs`, `prefix.rs`) | signed another form of the method or the target |
//! | `base.rs` | wrote the signature base of RFC 9421 differently |
//! | `aws.rs` | wrote the canonical request of `AwsSigV4` differently, or signed for another scope |
//! | `keys.rs` | has another key, or reads its text differently |
//! | `tag.rs`, `around.rs` (`forms.rs`) | wrote the tag differently, or used another hash |
//! | `time.rs` | wrote the time differently, or has a wrong clock |
//!
//! `search.rs` tries them in order. `trial.rs` checks one request with changed signing strings and
//! keys.
//!
//! See [`Report`] for an example.

mod around;
#[cfg(feature = "sigv4")]
mod aws;
mod base;
mod body;
mod cause;
mod edit;
mod forms;
mod json;
mod json_writer;
mod keys;
mod prefix;
mod report;
mod rewrite;
mod search;
mod segments;
mod tag;
mod target;
mod text;
mod text_part;
mod time;
mod trial;

use http::request::Parts;

use crate::explain::search::{Outcome, Rejected};
use crate::explain::text::Assembled;
use crate::scheme::Claim;
use crate::verify::{ClaimedKeyId, ErrorKind, Verifier, as_received};
pub use cause::Cause;
pub use report::Report;
pub use text_part::TextPart;

impl Verifier {
    /// Explains why a request is rejected: the step that rejected it, the signing string as this
    /// side assembled it, and the likely causes. Each cause has been tried.
    ///
    /// **For developers and their logs. Never show it to a client.** It reveals what a rejection
    /// hides: whether a key ID is known, and which mistake would make a signature right. It
    /// contains no key, and no tag that was not in the request.
    ///
    /// The replay guard is not asked, so the request is not used up. A disarmed verifier is treated
    /// as armed. Nothing is counted or logged. One call may cost as much as hundreds of requests,
    /// and ask the key store several times. The work is bounded: at most 200 signing strings, the
    /// keys of 256 other key IDs, and other forms of a body of up to 2 MiB. The signing strings
    /// include up to 64 other ways to write the signature.
    ///
    /// ```
    /// use http::Request;
    /// use tower_hmac::{FlaskHmac, KeyMap, Verifier};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let keys = KeyMap::single("s3cr3tk3y")?;
    /// let verifier = Verifier::new(FlaskHmac::new(), keys)?;
    ///
    /// // The client signed `{"foo": "boo"}` and sent a newline with it.
    /// let request = Request::post("/plain")
    ///     .header("Signature", "nm3ezDgSuwx2dN51HHuq8CK/R7G8J+tulFgYFFArj8U=")
    ///     .body("{\"foo\": \"boo\"}\n")?;
    /// let (head, body) = request.into_parts();
    ///
    /// let report = verifier.explain(&head, body.as_bytes()).await;
    /// assert_eq!(report.outcome(), "mismatch");
    /// let likely = report.likely()[0].to_string();
    /// assert_eq!(likely, "right with the body's last newline cut off");
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// # }).unwrap();
    /// ```
    pub async fn explain(&self, head: &Parts, body: &[u8]) -> Report {
        let armed = self.for_explaining();
        let head = &settled(head);
        let rejection = armed.verify_silently(head, body).await.err();
        let claim_body = armed.reads_claim_from_body(head).then_some(body);
        let read = armed.read(head, claim_body).ok();
        let claim = read.as_ref().map(|(_, claim)| claim);
        let outcome = match &rejection {
            Some(error) if may_be_a_mistake(error.kind()) => {
                let rejected = Rejected { verifier: &armed, head, body, error };
                rejected.likely(read.as_ref()).await
            }
            _ => Outcome::default(),
        };
        let text = read.as_ref().and_then(|(place, claim)| {
            let scheme = &*armed.entry(*place).scheme;
            let coverage = scheme.coverage(head, claim).ok()?;
            Assembled::new(scheme, head, claim, &coverage, body).ok()
        });
        Report {
            scheme: read.as_ref().map(|(place, _)| armed.entry(*place).name.clone()),
            key_id: claim.and_then(Claim::key_id).cloned().map(ClaimedKeyId),
            created: claim.and_then(Claim::created),
            expires: claim.and_then(Claim::expires),
            now: self.now(),
            text: text.map(|text| report::Text::of(&text)),
            likely: outcome.likely,
            others: outcome.others,
            is_long: rejection.is_some() && body.len() > trial::MOST_BODY,
            rejection,
            is_guarded: self.has_replay_guard(),
        }
    }
}

/// Returns the head with its target as first received, for all trials. A trial that changes the
/// target is not reset to the received one.
fn settled(head: &Parts) -> Parts {
    #[cfg_attr(not(feature = "axum"), allow(unused_mut))]
    let mut head = as_received(head).into_owned();
    #[cfg(feature = "axum")]
    head.extensions.remove::<axum::extract::OriginalUri>();
    head
}

/// Returns whether a rejection of this kind may be due to a mistake by the caller.
fn may_be_a_mistake(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Missing
            | ErrorKind::Malformed
            | ErrorKind::UnknownKey
            | ErrorKind::Mismatch
            | ErrorKind::Stale
            | ErrorKind::Expired
    )
}

//! Logs and metrics of a layer, with fixed labels and no secrets. They cost nothing if the features
//! are off.

use crate::verify::error::VerifyError;
use crate::verify::verified::Verified;

/// Measures how long the verification of one request takes, for metrics.
pub(crate) struct Timer {
    #[cfg(feature = "metrics")]
    start: crate::clock::platform::Instant,
}

impl Timer {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            start: crate::clock::platform::Instant::now(),
        }
    }

    /// Records the end of the verification and the length of the body in bytes. A rejection is
    /// counted and logged when it is answered.
    #[cfg_attr(not(feature = "metrics"), allow(clippy::unused_self))]
    pub(crate) fn done(&self, outcome: Result<&Verified, &VerifyError>, body_len: usize) {
        if let Ok(verified) = outcome {
            accepted(verified, body_len);
        }
        #[cfg(feature = "metrics")]
        {
            let scheme = match outcome {
                Ok(verified) => label(Some(verified.shared_scheme())),
                Err(error) => label(error.shared_scheme()),
            };
            metrics::histogram!("tower_hmac_verification_seconds", "scheme" => scheme)
                .record(self.start.elapsed());
        }
    }
}

/// The label for a request without a scheme or a step.
#[cfg(feature = "metrics")]
const NONE: &str = "none";

#[cfg(feature = "metrics")]
fn label(scheme: Option<&std::sync::Arc<str>>) -> metrics::SharedString {
    scheme.map_or(NONE.into(), |name| metrics::SharedString::from_shared(name.clone()))
}

#[cfg(feature = "metrics")]
fn count(outcome: &'static str, step: &'static str, scheme: metrics::SharedString) {
    metrics::counter!(
        "tower_hmac_requests_total",
        "outcome" => outcome, "step" => step, "scheme" => scheme
    )
    .increment(1);
}

fn accepted(verified: &Verified, body_len: usize) {
    #[cfg(feature = "tracing")]
    if let Some(key_id) = verified.key_id() {
        tracing::Span::current().record("key_id", tracing::field::display(key_id));
    }
    #[cfg(feature = "metrics")]
    {
        let outcome = if verified.is_disarmed() { "disarmed" } else { "accepted" };
        let scheme = label(Some(verified.shared_scheme()));
        count(outcome, NONE, scheme.clone());
        #[allow(clippy::cast_precision_loss)] // Bodies are far below 2^52 bytes.
        metrics::histogram!("tower_hmac_body_bytes", "scheme" => scheme).record(body_len as f64);
    }
    let _ = (verified, body_len);
}

/// Records an unsigned request that an optional layer lets through.
pub(crate) fn unsigned() {
    #[cfg(feature = "metrics")]
    count("unsigned", NONE, NONE.into());
}

/// The warnings of one verifier and its clones.
#[derive(Clone, Default)]
pub(crate) struct Warnings {
    #[cfg(feature = "tracing")]
    seldom: std::sync::Arc<crate::seldom::Seldom>,
}

/// The target of rejection events. It stays the same if this code moves to another module.
#[cfg(feature = "tracing")]
const TARGET: &str = "tower_hmac::rejection";

/// Records a rejection at any step. Warns about a failing store at most once a second for each
/// cause.
pub(crate) fn rejected(error: &VerifyError, warnings: &Warnings) {
    #[cfg(feature = "tracing")]
    {
        use crate::verify::error::ErrorKind;
        let kind = error.kind().as_str();
        let step = error.step().as_str();
        let scheme = error.scheme();
        let claimed = error.claimed_key_id().map(tracing::field::display);
        let source = std::error::Error::source(error);
        let left_out = match error.kind() {
            ErrorKind::StoreUnavailable | ErrorKind::ReplayFull => {
                warnings.seldom.tell(&source.map_or_else(|| kind.to_owned(), ToString::to_string))
            }
            _ => None,
        };
        if let Some(left_out) = left_out {
            tracing::warn!(
                target: TARGET,
                kind,
                step,
                scheme,
                claimed_key_id = claimed,
                source,
                left_out,
                "{error}"
            );
        } else {
            tracing::debug!(target: TARGET, kind, step, scheme, claimed_key_id = claimed, "{error}");
        }
    }
    #[cfg(feature = "metrics")]
    count(error.kind().as_str(), error.step().as_str(), label(error.shared_scheme()));
    let _ = (error, warnings);
}

//! What a layer tells those who watch the service. Fixed labels, and no secret.

use bytes::Bytes;

use crate::verify::{Verified, VerifyError};

/// One request under watch.
pub(crate) struct Watch(());

impl Watch {
    pub(crate) fn start() -> Self {
        Self(())
    }

    pub(crate) fn done(&self, outcome: &Result<(Verified, Bytes), VerifyError>) {
        match outcome {
            Ok((verified, body)) => accepted(verified, body.len()),
            Err(error) => refused(error),
        }
    }
}

fn accepted(verified: &Verified, _body_len: usize) {
    #[cfg(feature = "tracing")]
    if let Some(key_id) = verified.key_id() {
        tracing::Span::current().record("key_id", key_id.as_str());
    }
    let _ = verified;
}

/// A refusal at any step.
pub(crate) fn refused(error: &VerifyError) {
    #[cfg(feature = "tracing")]
    {
        use crate::verify::ErrorKind;
        let kind = error.kind().as_str();
        let scheme = error.scheme();
        let claimed = error.claimed_key_id().map(super::ClaimedKeyId::as_str);
        match error.kind() {
            ErrorKind::StoreUnavailable | ErrorKind::ReplayFull => {
                let source = std::error::Error::source(error);
                tracing::warn!(kind, scheme, claimed_key_id = claimed, source, "{error}");
            }
            _ => tracing::debug!(kind, scheme, claimed_key_id = claimed, "{error}"),
        }
    }
    let _ = error;
}

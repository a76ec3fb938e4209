//! Advice on fixing each cause of a rejection.

use tower_hmac::explain::Cause;

/// Returns advice on how to make the signature match.
pub(crate) fn of(cause: &Cause) -> &'static str {
    match cause {
        Cause::Clock { .. } => {
            "Synchronise the client's clock by NTP, or check an old capture at its own time."
        }
        Cause::TimeForm { .. } => "Write the time in the form that the scheme requires.",
        Cause::BodyNewlineCut => {
            "Send exactly the bytes that were signed: an editor or `echo` added the newline."
        }
        Cause::BodyNewlineAdded => {
            "Sign exactly the bytes that are sent: the signed text has one more newline."
        }
        Cause::Body { .. } => {
            "Sign the body's bytes as they are sent, and verify them as they arrive, before any parser."
        }
        Cause::Target { signed }
            if signed.contains("before the path") || signed.contains("off the path") =>
        {
            "The path is rewritten on the way: let the proxy pass it on as it came, or tell the verifier \
             its public origin."
        }
        Cause::QueryDropped | Cause::QueryAdded | Cause::Target { .. } => {
            "Sign the method and the target exactly as they are in the request line."
        }
        Cause::Base { .. } => "Write the signature base as RFC 9421 section 2.5 defines it.",
        Cause::Encoding { .. } | Cause::EncodedTwice | Cause::Tag { .. } => {
            "Write the tag in the form that the scheme requires."
        }
        Cause::Hash { .. } => "Use the hash that the scheme requires.",
        Cause::KeyDecoded { .. } | Cause::KeyAsText { .. } | Cause::Key { .. } => {
            "Read the key in the same way on both sides."
        }
        Cause::KeyNewlineCut | Cause::KeyNewlineAdded => {
            "Remove the newline at the end of the stored key."
        }
        Cause::KeyNotCurrent => "Sign with a key that is valid now.",
        Cause::OtherKey(_) => "Sign with the key of the key ID that the request names.",
        _ => "Compare the client's signed text with this one.",
    }
}

//! Mistakes that a caller may have made.

use std::borrow::Cow;
use std::fmt;

use crate::crypto::Algorithm;
use crate::key::KeyId;

/// A mistake that, once corrected, makes the signature match.
///
/// See [`Report`](crate::explain::Report) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The caller's clock is this many seconds ahead of the verifier's, or behind if negative.
    Clock {
        /// The difference, in seconds.
        seconds: i64,
    },
    /// The time is written in another form, or in another unit.
    TimeForm {
        /// The form that was sent.
        sent: &'static str,
        /// The form that the scheme expects.
        expected: &'static str,
    },
    /// The body was signed without the newline at its end: `\n` or `\r\n`.
    BodyNewlineCut,
    /// The body was signed with one more newline at its end.
    BodyNewlineAdded,
    /// The body was signed in another form, such as with its JSON serialized again.
    Body {
        /// The form that was signed, such as `LF for each CRLF of the body`.
        signed: Cow<'static, str>,
    },
    /// The target was signed without its query.
    QueryDropped,
    /// The path was signed with the query appended, although the scheme leaves it out.
    QueryAdded,
    /// The method or the target was signed in another form, or with other text between the parts.
    Target {
        /// The form that was signed, such as `a slash at the end of the path`.
        signed: Cow<'static, str>,
    },
    /// The signature base of RFC 9421 was written differently.
    Base {
        /// The form that was signed, such as `a newline at the end of the signature base`.
        signed: &'static str,
    },
    /// The tag, or the text around it, is in another encoding.
    Encoding {
        /// The encoding that was sent.
        sent: &'static str,
        /// The encoding that the scheme expects.
        expected: &'static str,
    },
    /// The tag is encoded once more than the scheme expects, such as base64 of hex.
    EncodedTwice,
    /// The text around the tag is not what the scheme expects: for example, the prefix is missing.
    Tag {
        /// The change that would correct it, such as ``the prefix `sha256=` before the tag``.
        expected: String,
    },
    /// The tag was made with another hash.
    Hash {
        /// The hash that was used.
        sent: Algorithm,
        /// The hash that the scheme expects.
        expected: Algorithm,
    },
    /// The caller decodes the text that this side uses as the key.
    KeyDecoded {
        /// The encoding that the caller decodes.
        from: &'static str,
    },
    /// The caller uses text as the key that this side decodes.
    KeyAsText {
        /// The encoding of the text.
        encoding: &'static str,
    },
    /// This side's key ends in a newline, and the caller's does not.
    KeyNewlineCut,
    /// The caller's key ends in a newline, such as one read from a file.
    KeyNewlineAdded,
    /// The caller reads the text of the key differently, such as without the quotes around it.
    Key {
        /// The form that the caller uses, such as `the quotes around the key taken off`.
        taken: &'static str,
    },
    /// The caller used one of the key ID's own keys that is not valid now.
    KeyNotCurrent,
    /// The caller used the key of another key ID, or the anonymous key for `None`.
    OtherKey(Option<KeyId>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock { seconds } => {
                let side = if *seconds < 0 { "behind" } else { "ahead of" };
                let seconds = seconds.unsigned_abs();
                write!(f, "clock off by {seconds} seconds: the caller's is {side} this one")
            }
            Self::TimeForm { sent, expected } => {
                write!(f, "the time is in {sent}, but the scheme expects {expected}")
            }
            Self::BodyNewlineCut => f.write_str("right with the body's last newline cut off"),
            Self::BodyNewlineAdded => f.write_str("right with a newline added to the body"),
            Self::Body { signed } | Self::Target { signed } => write!(f, "right with {signed}"),
            Self::Base { signed } => write!(f, "right with {signed}"),
            Self::Tag { expected } => write!(f, "right with {expected}"),
            Self::Key { taken } => write!(f, "right with {taken}"),
            Self::Hash { sent, expected } => {
                write!(f, "right with a tag of {sent} instead of {expected}")
            }
            Self::QueryDropped => f.write_str("right with the query dropped"),
            Self::QueryAdded => f.write_str("right with the query added to the path"),
            Self::Encoding { sent, expected } => {
                write!(f, "right with {sent} instead of {expected}")
            }
            Self::EncodedTwice => f.write_str("right with a tag that is encoded twice"),
            Self::KeyDecoded { from } => {
                write!(f, "right with the key decoded from {from} instead of given as text")
            }
            Self::KeyAsText { encoding } => {
                write!(f, "right with the key given as text instead of decoded from {encoding}")
            }
            Self::KeyNewlineCut => f.write_str("right with the key's last newline cut off"),
            Self::KeyNewlineAdded => f.write_str("right with a newline added to the key"),
            Self::KeyNotCurrent => {
                f.write_str("right with a key of this name that is not valid now")
            }
            Self::OtherKey(Some(id)) => write!(f, "right with the key of {id:?}"),
            Self::OtherKey(None) => f.write_str("right with the anonymous key"),
        }
    }
}

//! What a caller may have done otherwise.

use std::borrow::Cow;
use std::fmt;

use crate::crypto::Algorithm;
use crate::key::KeyId;

/// A mistake that, made good, makes a signature right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The caller's clock is so many seconds ahead of the verifier's; behind it, if negative.
    Clock {
        /// The difference, in seconds.
        seconds: i64,
    },
    /// The time is written in another form, or counts another unit.
    TimeForm {
        /// The form that was sent.
        sent: &'static str,
        /// The form that the format asks for.
        expected: &'static str,
    },
    /// The body was signed without the newline at its end: `\n` or `\r\n`.
    BodyNewlineCut,
    /// The body was signed with one more newline at its end.
    BodyNewlineAdded,
    /// The body was signed in another form, such as with its JSON written anew.
    Body {
        /// What was signed, such as `LF for each CRLF of the body`.
        signed: Cow<'static, str>,
    },
    /// The target was signed without its query.
    QueryDropped,
    /// The path was signed with the query behind it, where the format leaves it out.
    QueryAdded,
    /// The method or the target was signed in another form, or with other text between the parts.
    Target {
        /// What was signed, such as `a slash at the end of the path`.
        signed: Cow<'static, str>,
    },
    /// The signature base of RFC 9421 was written otherwise.
    Base {
        /// What was signed, such as `a newline at the end of the signature base`.
        signed: &'static str,
    },
    /// The tag, or what holds it, is written in another encoding.
    Encoding {
        /// The one that was sent.
        sent: &'static str,
        /// The one that the format asks for.
        expected: &'static str,
    },
    /// The tag is encoded once more than the format asks for, such as base64 of hex.
    EncodedTwice,
    /// Something else stands around the tag than the format asks for, such as no prefix.
    Tag {
        /// What makes it right, such as ``the prefix `sha256=` before the tag``.
        expected: String,
    },
    /// The tag is that of another hash.
    Hash {
        /// The hash that was used.
        sent: Algorithm,
        /// The hash that the format asks for.
        expected: Algorithm,
    },
    /// The caller decodes the text that this side takes as the key.
    KeyDecoded {
        /// The encoding that it decodes.
        from: &'static str,
    },
    /// The caller takes as the key the text that this side decodes.
    KeyAsText {
        /// The encoding of the text.
        encoding: &'static str,
    },
    /// This side's key has a newline at its end, which the caller's has not.
    KeyNewlineCut,
    /// The caller's key has a newline at its end, as one read from a file may.
    KeyNewlineAdded,
    /// The caller takes the text of the key otherwise, such as without the quotes around it.
    Key {
        /// What the caller takes, such as `the quotes around the key taken off`.
        taken: &'static str,
    },
    /// It is one of the name's own keys that does not count now.
    KeyNotCurrent,
    /// It is the key of another name; of the anonymous caller, if there is none.
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
                write!(f, "the time is in {sent}, and the format asks for {expected}")
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

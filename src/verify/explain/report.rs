use std::fmt;

use crate::key::KeyId;
use crate::verify::error::{ClaimedKeyId, VerifyError};
use crate::verify::explain::trial;

/// What [`Verifier::explain`](crate::Verifier::explain) found out about a request.
///
/// [`Display`](fmt::Display) tells it to people, in several lines. With feature `serde` it becomes
/// `{"outcome": .., "step": .., "signed_text": .., "likely": [..]}`.
///
/// It holds no key, and no tag that the request did not bring along. Still it is not for clients.
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) refusal: Option<VerifyError>,
    pub(super) scheme: Option<std::sync::Arc<str>>,
    pub(super) key_id: Option<ClaimedKeyId>,
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) now: i64,
    pub(super) signed_text: Option<String>,
    pub(super) likely: Vec<Cause>,
    pub(super) untried_keys: usize,
    pub(super) is_guarded: bool,
}

impl Report {
    /// `accepted`, or the refusal's kind as [`ErrorKind::as_str`](crate::ErrorKind::as_str) names it.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.refusal.as_ref().map_or("accepted", |error| error.kind().as_str())
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<&VerifyError> {
        self.refusal.as_ref()
    }

    /// The name of the step that refused, as [`Step::as_str`](crate::verify::Step::as_str) gives it.
    #[must_use]
    pub fn step(&self) -> Option<&'static str> {
        self.refusal.as_ref().map(|error| error.step().as_str())
    }

    /// The format, if the request is well-formed in one.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// Who the request claims to come from.
    #[must_use]
    pub fn claimed_key_id(&self) -> Option<&ClaimedKeyId> {
        self.key_id.as_ref()
    }

    /// The claimed time of signing, in Unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// The claimed time of expiry, in Unix seconds.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// The verifier's time, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The signed text as this side assembled it, to be held against the client's. Of a long body
    /// it shows the beginning and the end; bytes that are no text as `\xNN`. None where the
    /// request is not well-formed.
    #[must_use]
    pub fn signed_text(&self) -> Option<&str> {
        self.signed_text.as_deref()
    }

    /// What makes the signature right, each on its own, or together with a [`Cause::Clock`] that
    /// stands first. Empty where nothing that was tried did.
    #[must_use]
    pub fn likely(&self) -> &[Cause] {
        &self.likely
    }
}

/// A mistake that, made good, makes a signature right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The caller's clock is so many seconds ahead of the verifier's; behind it, if negative.
    Clock {
        /// The difference, in seconds.
        seconds: i64,
    },
    /// The time counts another unit than the format asks for.
    TimeUnit {
        /// The unit that was sent.
        sent: &'static str,
        /// The unit that the format asks for.
        expected: &'static str,
    },
    /// The body was signed without the newline at its end: `\n` or `\r\n`.
    BodyNewlineCut,
    /// The body was signed with one more newline at its end.
    BodyNewlineAdded,
    /// The target was signed without its query.
    QueryDropped,
    /// The path was signed with the query behind it, where the format leaves it out.
    QueryAdded,
    /// The tag, or what holds it, is written in another encoding.
    Encoding {
        /// The one that was sent.
        sent: &'static str,
        /// The one that the format asks for.
        expected: &'static str,
    },
    /// The tag is encoded once more than the format asks for, such as base64 of hex.
    EncodedTwice,
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
            Self::TimeUnit { sent, expected } => {
                write!(f, "the time is in {sent}, and the format asks for {expected}")
            }
            Self::BodyNewlineCut => f.write_str("right with the body's last newline cut off"),
            Self::BodyNewlineAdded => f.write_str("right with a newline added to the body"),
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.refusal, self.step()) {
            (Some(error), Some(step)) => {
                writeln!(f, "outcome: {}, at step {step:?}: {error}", self.outcome())?;
            }
            _ => writeln!(f, "outcome: {}", self.outcome())?,
        }
        if let Some(scheme) = self.scheme() {
            writeln!(f, "format: {scheme}")?;
        }
        match &self.key_id {
            Some(id) => writeln!(f, "key id: {id:?}")?,
            None if self.scheme.is_some() => writeln!(f, "key id: none, the anonymous key")?,
            None => {}
        }
        for (name, time) in [("created", self.created), ("expires", self.expires)] {
            if let Some(time) = time {
                writeln!(f, "{name}: {time}, and now it is {}", self.now)?;
            }
        }
        if let Some(text) = &self.signed_text {
            writeln!(f, "signed text: {text:?}")?;
        }
        for cause in &self.likely {
            writeln!(f, "likely: {cause}")?;
        }
        let is_accepted = self.refusal.is_none();
        if !is_accepted && self.likely.is_empty() && self.step() == Some("mac") {
            writeln!(f, "likely: nothing that was tried; hold the client's text against this one")?;
        }
        if self.untried_keys > 0 {
            let (tried, more) = (trial::MOST_KEYS, Grouped(self.untried_keys));
            writeln!(f, "note: {tried} other keys were tried, … and {more} more were not tried")?;
        }
        if is_accepted && self.is_guarded {
            writeln!(f, "note: the replay guard was not asked; it may have seen the request")?;
        }
        Ok(())
    }
}

/// A number with a comma before each three of its digits.
struct Grouped(usize);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && digits.len().saturating_sub(place) % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;

        let likely: Vec<_> = self.likely.iter().map(ToString::to_string).collect();
        let mut report = serializer.serialize_struct("Report", 4)?;
        report.serialize_field("outcome", self.outcome())?;
        report.serialize_field("step", &self.step())?;
        report.serialize_field("signed_text", &self.signed_text)?;
        report.serialize_field("likely", &likely)?;
        report.end()
    }
}

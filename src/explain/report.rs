use std::fmt;

use bytes::Bytes;

use crate::explain::Cause;
use crate::explain::keys::Others;
use crate::explain::text::Assembled;
use crate::explain::text_part::TextPart;
use crate::verify::{ClaimedKeyId, VerifyError};

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
    pub(super) text: Option<Text>,
    pub(super) likely: Vec<Cause>,
    pub(super) others: Others,
    /// Whether the body is too long to be changed.
    pub(super) is_long: bool,
    pub(super) is_guarded: bool,
}

/// The signed text: as it is shown, its bytes, and where they come from.
#[derive(Clone)]
pub(super) struct Text {
    shown: String,
    bytes: Bytes,
    parts: Vec<TextPart>,
}

impl Text {
    pub(super) fn of(text: &Assembled<'_>) -> Self {
        Self { shown: text.shown(), bytes: text.pieces().concat().into(), parts: text.parts() }
    }
}

impl fmt::Debug for Text {
    /// Without the bytes, which may be many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("shown", &self.shown)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl Report {
    /// `accepted`, or the refusal's kind as [`ErrorKind::as_str`](crate::ErrorKind::as_str) names it.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.refusal.as_ref().map_or("accepted", |error| error.kind().as_str())
    }

    /// The refusal, if it is one.
    #[must_use]
    pub fn error(&self) -> Option<&VerifyError> {
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
        self.text.as_ref().map(|text| &*text.shown)
    }

    /// Returns the whole signed text as it is hashed; empty where there is none.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.text.as_ref().map_or(&[], |text| &text.bytes)
    }

    /// Returns the parts of the signed text in their order, none of them empty: where each byte of
    /// [`signed_bytes`](Self::signed_bytes) comes from.
    ///
    /// ```
    /// use http::Request;
    /// use tower_hmac::{HeaderScheme, KeyMap, SecretKey, Signer, Verifier};
    /// use tower_hmac::scheme::Part;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let parts = [Part::Method, Part::literal("\n"), Part::Body];
    /// let scheme = HeaderScheme::new("X-Signature")?.with_parts(parts)?;
    /// let key = SecretKey::new("a key")?;
    /// let request = Signer::new(scheme.clone(), key.clone()).sign(Request::post("/").body("{}")?)?;
    /// let (head, body) = request.into_parts();
    ///
    /// let verifier = Verifier::new(scheme, KeyMap::single(key)?)?;
    /// let report = verifier.explain(&head, body.as_bytes()).await;
    /// let parts: Vec<_> = report.parts().iter().map(|part| (part.name(), part.range())).collect();
    /// assert_eq!(report.signed_bytes(), b"POST\n{}");
    /// assert_eq!(parts, [("method", 0..4), ("literal", 4..5), ("body", 5..7)]);
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn parts(&self) -> &[TextPart] {
        self.text.as_ref().map_or(&[], |text| &text.parts)
    }

    /// What makes the signature right, each on its own, or together with a [`Cause::Clock`] that
    /// stands first. Empty where nothing that was tried did.
    #[must_use]
    pub fn likely(&self) -> &[Cause] {
        &self.likely
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
        if let Some(text) = self.signed_text() {
            writeln!(f, "signed text: {text:?}")?;
        }
        for cause in &self.likely {
            writeln!(f, "likely: {cause}")?;
        }
        let is_accepted = self.refusal.is_none();
        if !is_accepted && self.likely.is_empty() && self.step() == Some("mac") {
            writeln!(f, "likely: nothing that was tried; hold the client's text against this one")?;
        }
        if self.is_long {
            writeln!(f, "note: the body is longer than 2 MiB, and no other form of it was tried")?;
        }
        if self.others.left_out > 0 {
            let (tried, more) = (self.others.tried, Grouped(self.others.left_out));
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
        report.serialize_field("signed_text", &self.signed_text())?;
        report.serialize_field("likely", &likely)?;
        report.end()
    }
}

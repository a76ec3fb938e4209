use std::fmt;

use bytes::Bytes;

use crate::explain::Cause;
use crate::explain::keys::Others;
use crate::explain::text::Assembled;
use crate::explain::text_part::TextPart;
use crate::verify::{ClaimedKeyId, VerifyError};

/// The result of [`Verifier::explain`](crate::Verifier::explain) for a request.
///
/// [`Display`](fmt::Display) shows the report on several lines. With feature `serde`, it serializes
/// to `{"outcome": .., "step": .., "signed_text": .., "likely": [..]}`.
///
/// The report contains no key, and no tag that was not in the request. Still, do not show it to
/// clients.
///
/// ```
/// use http::Request;
/// use tower_hmac::explain::Cause;
/// use tower_hmac::{FlaskHmac, KeyMap, Signer, SecretKey, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let key = SecretKey::new("a key")?;
/// let signed = Signer::new(FlaskHmac::new(), key.clone()).sign(Request::post("/").body("{}")?)?;
/// let verifier = Verifier::new(FlaskHmac::new(), KeyMap::single(key)?)?;
///
/// // The client signed `{}`, and sent it with a newline.
/// let report = verifier.explain(&signed.into_parts().0, b"{}\n").await;
/// assert_eq!(report.outcome(), "mismatch");
/// assert_eq!(report.likely(), [Cause::BodyNewlineCut]);
/// println!("{report}");
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    pub(super) rejection: Option<VerifyError>,
    pub(super) scheme: Option<std::sync::Arc<str>>,
    pub(super) key_id: Option<ClaimedKeyId>,
    pub(super) created: Option<i64>,
    pub(super) expires: Option<i64>,
    pub(super) now: i64,
    pub(super) text: Option<Text>,
    pub(super) likely: Vec<Cause>,
    pub(super) others: Others,
    /// Whether the body is too long to be tried in other forms.
    pub(super) is_long: bool,
    pub(super) is_guarded: bool,
}

/// The signing string: its text for display, its bytes, and where they come from.
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
    /// Omits the bytes, which may be many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("shown", &self.shown)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl Report {
    /// Returns `accepted`, or the kind of the rejection as in
    /// [`ErrorKind::as_str`](crate::ErrorKind::as_str).
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        self.rejection.as_ref().map_or("accepted", |error| error.kind().as_str())
    }

    /// Returns the error, if the request was rejected.
    #[must_use]
    pub fn error(&self) -> Option<&VerifyError> {
        self.rejection.as_ref()
    }

    /// Returns the name of the step that rejected the request, as in
    /// [`Step::as_str`](crate::verify::Step::as_str).
    #[must_use]
    pub fn step(&self) -> Option<&'static str> {
        self.rejection.as_ref().map(|error| error.step().as_str())
    }

    /// Returns the scheme, if the request is well-formed.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// Returns the key ID that the request claims.
    #[must_use]
    pub fn claimed_key_id(&self) -> Option<&ClaimedKeyId> {
        self.key_id.as_ref()
    }

    /// Returns the claimed time of signing, in Unix seconds.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        self.created
    }

    /// Returns the claimed time of expiry, in Unix seconds.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// Returns the verifier's time, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Returns the signing string as this side assembled it, to compare with the client's. Of a
    /// long body, only the beginning and the end are shown. Bytes that are not text are shown as
    /// `\xNN`. `None` if the request is not well-formed.
    #[must_use]
    pub fn signed_text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| &*text.shown)
    }

    /// Returns the whole signing string as it is hashed. Empty if there is no signing string.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.text.as_ref().map_or(&[], |text| &text.bytes)
    }

    /// Returns the non-empty parts of the signing string in order: where each byte of
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

    /// Returns the likely causes. If one of them is corrected, the signature matches. If a
    /// [`Cause::Clock`] comes first, the clock must be corrected, too. Empty if no cause was found.
    #[must_use]
    pub fn likely(&self) -> &[Cause] {
        &self.likely
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.rejection, self.step()) {
            (Some(error), Some(step)) => {
                writeln!(f, "outcome: {}, at step {step:?}: {error}", self.outcome())?;
            }
            _ => writeln!(f, "outcome: {}", self.outcome())?,
        }
        if let Some(scheme) = self.scheme() {
            writeln!(f, "scheme: {scheme}")?;
        }
        match &self.key_id {
            Some(id) => writeln!(f, "key ID: {id:?}")?,
            None if self.scheme.is_some() => writeln!(f, "key ID: none, the anonymous key")?,
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
        let is_accepted = self.rejection.is_none();
        if !is_accepted && self.likely.is_empty() && self.step() == Some("mac") {
            writeln!(f, "likely: no known cause; compare the client's text with this one")?;
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

/// A number with commas as thousands separators.
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

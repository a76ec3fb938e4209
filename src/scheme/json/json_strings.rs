use std::borrow::Cow;
use std::fmt;

use crate::scheme::ClaimError;
use crate::scheme::json::json_members;
use crate::scheme::json::json_members::{Fault, characters, decoded};

/// The string members of a JSON object, for text that is
/// [derived](crate::HeaderScheme::dangerous_derived_text) from a body.
///
/// Strict, so that no other reader of JSON sees another text in the same bytes: the body must be
/// an object in UTF-8, and no member may be there twice. The text of a string is what it stands for,
/// its escapes undone, whatever way a client writes it; one that stands for no Unicode text is
/// refused. Members within members are not looked at.
///
/// Nothing of the body is kept: each member is looked for when it is asked for.
///
/// ```
/// use tower_hmac::HeaderScheme;
/// use tower_hmac::scheme::JsonStrings;
///
/// // `{mac_address}:{timestamp}`. A time without a colon ends the text, so that the address may
/// // hold colons.
/// let scheme = HeaderScheme::new("X-HMAC-Signature")?.dangerous_derived_text(|_, body| {
///     let json = JsonStrings::read(body)?;
///     let (mac, timestamp) = (json.get("mac_address")?, json.get("timestamp")?);
///     if timestamp.contains(':') {
///         return Err(tower_hmac::scheme::ClaimError::malformed("a colon in the timestamp"));
///     }
///     Ok(format!("{mac}:{timestamp}"))
/// })?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
pub struct JsonStrings<'b>(&'b [u8]);

impl<'b> JsonStrings<'b> {
    /// Reads a body.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if it is no JSON object, or has a member twice.
    pub fn read(body: &'b [u8]) -> Result<Self, ClaimError> {
        json_members::check(body).map_err(|Fault| {
            ClaimError::malformed("the body is no JSON object, or one with a doubled member")
        })?;
        Ok(Self(body))
    }

    /// Returns the text of a member.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Malformed`] if it is missing or no string.
    pub fn get(&self, name: &str) -> Result<Cow<'b, str>, ClaimError> {
        decoded(self.string(name)?).ok_or(MISSING)
    }

    /// A member as it stands in the body, a string with its quotes.
    pub(super) fn string(&self, name: &str) -> Result<&'b str, ClaimError> {
        let mut found = None;
        let _ = json_members::visit(self.0, |member, value| {
            if !characters(member).eq(name.chars().map(Some)) {
                return Ok(());
            }
            found = Some(value);
            // No other has its name.
            Err(Fault)
        });
        found.filter(|value| value.starts_with('"')).ok_or(MISSING)
    }
}

const MISSING: ClaimError =
    ClaimError::malformed("a signed member of the JSON body is missing, or no string");

impl fmt::Debug for JsonStrings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonStrings(..)")
    }
}

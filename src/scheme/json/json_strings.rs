use std::borrow::Cow;
use std::fmt;

use crate::scheme::ClaimError;
use crate::scheme::json::json_members;
use crate::scheme::json::json_members::{Fault, characters, decoded};

/// The string members of a JSON object, for a signing string
/// [derived](crate::HeaderScheme::dangerous_derived_text) from a body.
///
/// Parsing is strict, so that every JSON parser reads the same text from the same bytes. The body
/// must be an object in UTF-8, without duplicate members. Escapes are decoded, so the client may
/// write a string in any way. A string that is not valid Unicode is rejected. Nested members are
/// ignored.
///
/// No part of the body is copied: each member is searched for when requested.
///
/// ```
/// use tower_hmac::HeaderScheme;
/// use tower_hmac::scheme::JsonStrings;
///
/// // `{mac_address}:{timestamp}`. The time comes last and has no colon, so the address may
/// // contain colons.
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
    /// Returns [`ClaimError::Malformed`] if the body is not a JSON object, or has a duplicate
    /// member.
    pub fn read(body: &'b [u8]) -> Result<Self, ClaimError> {
        json_members::check(body).map_err(|Fault| {
            ClaimError::malformed("the body is not a JSON object, or has a duplicate member")
        })?;
        Ok(Self(body))
    }

    /// Returns the text of a member.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if the member is missing or not a string.
    pub fn get(&self, name: &str) -> Result<Cow<'b, str>, ClaimError> {
        decoded(self.string(name)?).ok_or(MISSING)
    }

    /// Returns a member as written in the body. A string includes its quotes.
    pub(super) fn string(&self, name: &str) -> Result<&'b str, ClaimError> {
        let mut found = None;
        let _ = json_members::visit(self.0, |member, value| {
            if !characters(member).eq(name.chars().map(Some)) {
                return Ok(());
            }
            found = Some(value);
            // No other member has this name.
            Err(Fault)
        });
        found.filter(|value| value.starts_with('"')).ok_or(MISSING)
    }
}

const MISSING: ClaimError =
    ClaimError::malformed("a signed member of the JSON body is missing, or not a string");

impl fmt::Debug for JsonStrings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonStrings(..)")
    }
}

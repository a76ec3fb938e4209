use std::borrow::Cow;

use crate::error::ConfigError;
use crate::scheme::json::json_members::characters;
use crate::scheme::{ClaimError, JsonStrings};

/// Text made of string members of a JSON body with literals between them, such as
/// `{mac_address}:{timestamp}`. Used with
/// [`dangerous_derived_text`](crate::HeaderScheme::dangerous_derived_text).
///
/// ```
/// use tower_hmac::HeaderScheme;
/// use tower_hmac::scheme::JsonText;
///
/// let text = JsonText::new("mac_address").then(":", "timestamp")?;
/// let scheme = HeaderScheme::new("X-HMAC-Signature")?
///     .dangerous_derived_text(move |_, body| text.of(body))?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// Two bodies that differ in a member never have the same text. The first member may contain
/// anything. Each later member is found from the end, and must not contain the last character of
/// the literal before it. So the address above may contain colons, and the time may not.
#[derive(Clone, Debug)]
pub struct JsonText {
    first: Cow<'static, str>,
    rest: Vec<(char, Cow<'static, str>, Cow<'static, str>)>,
}

impl JsonText {
    /// Makes a text that starts with a member.
    #[must_use]
    pub fn new(member: impl Into<Cow<'static, str>>) -> Self {
        Self { first: member.into(), rest: Vec::new() }
    }

    /// Adds a literal and another member.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the literal is empty: adjacent members would be ambiguous.
    pub fn then(
        mut self,
        literal: impl Into<Cow<'static, str>>,
        member: impl Into<Cow<'static, str>>,
    ) -> Result<Self, ConfigError> {
        let literal = literal.into();
        let end = literal.chars().last().ok_or_else(|| {
            ConfigError::invalid("derived_text", "two members could run into each other")
        })?;
        self.rest.push((end, literal, member.into()));
        Ok(self)
    }

    /// Returns the text of a body.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Malformed`] if [`JsonStrings`] would, or if a member contains the
    /// delimiter before it.
    pub fn of(&self, body: &[u8]) -> Result<String, ClaimError> {
        let json = JsonStrings::read(body)?;
        let first = json.string(&self.first)?;
        let mut rest = Vec::with_capacity(self.rest.len());
        let mut room = first.len();
        for (end, literal, member) in &self.rest {
            let value = json.string(member)?;
            if characters(value).any(|c| c == Some(*end)) {
                return Err(ClaimError::malformed(
                    "a signed member contains the delimiter before it",
                ));
            }
            room = room.saturating_add(literal.len()).saturating_add(value.len());
            rest.push((literal, value));
        }
        // A member may be as long as the body, so it is written once and never moved.
        let mut text = String::with_capacity(room);
        text.extend(characters(first).flatten());
        for (literal, value) in rest {
            text.push_str(literal);
            text.extend(characters(value).flatten());
        }
        Ok(text)
    }
}

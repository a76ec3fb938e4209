//! What travels: how a [`HeaderScheme`] reads and writes a head.

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::key::KeyId;
use crate::mac::{Algorithm, Tag};
use crate::scheme::header;
use crate::scheme::parts::HeaderScheme;
use crate::scheme::{Claim, ClaimError, Coverage, Scheme, SignedText, Stamp, Window};
use crate::sign::SignError;

impl HeaderScheme {
    /// Whether it is an `Authorization` of another kind, which others may want.
    fn is_other_kind(&self, value: &HeaderValue) -> bool {
        self.header() == AUTHORIZATION && !value.as_bytes().starts_with(self.prefix.as_bytes())
    }

    /// The tags of the header's value.
    fn tags(&self, value: &HeaderValue) -> Result<Claim, ClaimError> {
        let tag = |text: &str| {
            text.strip_prefix(&*self.prefix)
                .and_then(|text| self.encoding.decode_tag(text, self.algorithm))
                .ok_or_else(|| ClaimError::in_header(self.header(), "is no tag of this format"))
        };
        let text = header::text(self.header(), value)?;
        match &self.separator {
            None => tag(text).map(Claim::signed),
            Some(separator) => text
                .split(&**separator)
                .try_fold(Claim::new(), |claim, text| claim.add_signature(tag(text)?)),
        }
    }

    /// What the other headers say: key id, time, and the values that are covered.
    fn read(&self, head: &Parts, mut claim: Claim) -> Result<Claim, ClaimError> {
        if let Some(name) = &self.key_id_header {
            let text = header::text(name, header::required(head, name)?)?;
            let key_id = KeyId::new(text).map_err(|_| ClaimError::in_header(name, "is empty"))?;
            claim = claim.with_key_id(key_id);
        }
        if let Some((name, format)) = self.layout.time() {
            let text = header::text(name, header::required(head, name)?)?;
            let created = format.read(text);
            claim = claim.with_created(
                created.ok_or_else(|| ClaimError::in_header(name, "is no time of this format"))?,
            );
        }
        let covered = self
            .layout
            .headers()
            .map(|name| Ok((name.clone(), header::required(head, name)?.clone())))
            .collect::<Result<Vec<_>, ClaimError>>()?;
        Ok(if covered.is_empty() { claim } else { claim.with_signed_headers(covered) })
    }
}

impl Scheme for HeaderScheme {
    fn name(&self) -> &'static str {
        self.name
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn window(&self) -> Window {
        if self.layout.time().is_some() { Window::timed() } else { Window::untimed() }
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let value = header::single(head, self.header())?;
        if self.is_other_kind(value) {
            return Err(ClaimError::Missing);
        }
        self.read(head, self.tags(value)?)
    }

    fn coverage(&self, _: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        Ok(match (self.layout.has_body(), &self.derive) {
            (true, None) => Coverage::Signed,
            (true, Some(_)) => Coverage::Derived,
            (false, _) if self.unsigned_body => Coverage::Unsigned,
            (false, _) => Coverage::Empty,
        })
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.layout.before_body(head, text)
    }

    fn after_body(&self, head: &Parts, _: &Claim, text: &mut SignedText) -> Result<(), ClaimError> {
        self.layout.after_body(head, text)
    }

    fn derive(
        &self,
        head: &Parts,
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        match &self.derive {
            Some(derive) => text.update(&derive(head, body)?),
            None => text.update(body),
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        // What is there now is of another kind, and would get lost.
        if head.headers.contains_key(self.header()) {
            return Err(SignError::AlreadySigned);
        }
        match (&self.key_id_header, stamp.key_id()) {
            (None, None) => {}
            (None, Some(_)) => return Err(SignError::KeyId("this format has no place for one")),
            (Some(_), None) => return Err(SignError::KeyId("this format asks for one")),
            (Some(name), Some(key_id)) => {
                let value = key_id_value(key_id).ok_or(SignError::Header(name.clone()))?;
                head.headers.insert(name.clone(), value);
            }
        }
        if let Some((name, format)) = self.layout.time() {
            let value = format.write(stamp.now()).and_then(|text| text.try_into().ok());
            let value = value.ok_or(SignError::Request("the clock stands where no time can be"))?;
            head.headers.insert(name.clone(), value);
        }
        Ok(self.read(head, Claim::new().with_key_id(stamp.key_id().cloned()))?)
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tag: &Tag) -> Result<(), SignError> {
        let text = format!("{}{}", self.prefix, self.encoding.encode(tag.as_bytes()));
        let value = header::sensitive(self.header(), &text)?;
        head.headers.insert(self.header().clone(), value);
        Ok(())
    }

    fn strip(&self, head: &mut Parts) {
        if head.headers.get(self.header()).is_some_and(|value| !self.is_other_kind(value)) {
            head.headers.remove(self.header());
        }
    }
}

/// A name that a server reads as it is: white space around a value gets lost on the way.
fn key_id_value(key_id: &KeyId) -> Option<HeaderValue> {
    let text = key_id.as_str();
    if text.trim() == text { HeaderValue::from_str(text).ok() } else { None }
}

use std::fmt::Write as _;

use http::request::Parts;
use sfv::{ItemSerializer, StringRef};

use super::component::Component;
use super::input::Input;
use super::{ALG, MessageSignatures, SIGNATURE, SIGNATURE_INPUT, dictionary, digest};
use crate::crypto::Tag;
use crate::scheme::SignError;
use crate::scheme::{Claim, Encoding, Stamp};

impl MessageSignatures {
    /// Writes `Signature-Input`, and `Content-Digest` if it is covered, then reads them as a server
    /// would.
    pub(super) fn stamped(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let components = self.covered(!stamp.body().is_empty())?;
        if components.iter().any(Component::is_of_content_digest) {
            digest::write(head, &components, self.digest, stamp.body())?;
        }
        let raw = self.input(&components, stamp)?;
        dictionary::add(head, &SIGNATURE_INPUT, self.signing_label(), &raw)?;
        let input = Input::parse(&raw).map_err(SignError::Request)?;
        Ok(self.claim_of(head, input, Claim::new(), true)?)
    }

    /// Writes the tag.
    pub(super) fn attached(&self, head: &mut Parts, tag: &Tag) -> Result<(), SignError> {
        let value = format!(":{}:", Encoding::Base64.encode(tag.as_bytes()));
        dictionary::add(head, &SIGNATURE, self.signing_label(), &value)
    }

    fn covered(&self, body: bool) -> Result<Vec<Component>, SignError> {
        let components = match &self.components {
            None => self.policy.components(body),
            Some(set) => {
                let mut components = set.clone();
                self.policy.cover_body(&mut components, body);
                components
            }
        };
        if self.policy.is_met_by(&components) {
            Ok(components)
        } else {
            Err(SignError::Request("the signature covers less than the policy requires"))
        }
    }

    /// Returns the member of `Signature-Input`.
    fn input(&self, components: &[Component], stamp: &Stamp<'_>) -> Result<String, SignError> {
        let mut input = String::from("(");
        for (place, component) in components.iter().enumerate() {
            input.push_str(if place > 0 { " " } else { "" });
            input.push_str(component.identifier());
        }
        let _ = write!(input, ");created={}", stamp.now());
        match stamp.key_id() {
            Some(key_id) => {
                let text = quoted(key_id.as_str());
                let text =
                    text.ok_or(SignError::KeyId("`keyid` takes visible ASCII and spaces"))?;
                let _ = write!(input, ";keyid={text}");
            }
            None if self.policy.asks_for_keyid() => {
                return Err(SignError::KeyId("the policy requires a key ID, but none is set"));
            }
            None => {}
        }
        let nonce = Encoding::Base64UrlNoPad.encode(stamp.nonce());
        let _ = write!(input, ";alg=\"{ALG}\";nonce=\"{nonce}\"");
        if let Some(expires) = stamp.expires() {
            let _ = write!(input, ";expires={expires}");
        }
        if let Some(tag) = self.tag.as_deref().and_then(quoted) {
            let _ = write!(input, ";tag={tag}");
        }
        Ok(input)
    }
}

/// Serializes a string of a structured field. Returns `None` if it cannot contain this text.
fn quoted(text: &str) -> Option<String> {
    Some(ItemSerializer::new().bare_item(StringRef::from_str(text).ok()?).finish())
}

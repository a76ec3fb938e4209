//! Reads and writes the head for a [`HeaderScheme`].

use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::crypto::Tag;
use crate::key::KeyId;
use crate::scheme::SignError;
use crate::scheme::parts::HeaderScheme;
use crate::scheme::parts::source::PartSource;
use crate::scheme::tag_header::tag_scheme;
use crate::scheme::{
    Claim, ClaimError, Coverage, Scheme, Selector, SentHead, SignedText, Stamp, Window,
};
use crate::scheme::{shape, target, wire};

/// The maximum number of entries in a list.
const MAX_ENTRIES: usize = 16;

impl HeaderScheme {
    /// Returns whether an `Authorization` is meant for another scheme. If the prefix begins with an
    /// authentication scheme, that alone decides: `HMAC` without a tag belongs to this scheme.
    fn is_other_kind(&self, value: &HeaderValue) -> bool {
        if self.header() != AUTHORIZATION {
            return false;
        }
        let Some((own_scheme, _)) = self.prefix.split_once(' ') else {
            return !value.as_bytes().starts_with(self.prefix.as_bytes());
        };
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next().unwrap_or_default();
        !scheme.eq_ignore_ascii_case(own_scheme.as_bytes())
    }

    /// Returns what follows the prefix. The scheme of an `Authorization` is matched in any case
    /// (RFC 9110 section 11.1), everything else byte for byte.
    fn without_prefix<'t>(&self, text: &'t str) -> Option<&'t str> {
        // Comparing it would cost 40 ns: with AVX-512, glibc reads even nothing, and an empty string
        // has no valid address.
        if self.prefix.is_empty() {
            return Some(text);
        }
        let exact = match self.prefix.split_once(' ') {
            Some((scheme, _)) if self.header() == AUTHORIZATION => scheme.len(),
            _ => 0,
        };
        let (scheme, rest) = text.split_at_checked(exact)?;
        let (own_scheme, own_rest) = self.prefix.split_at_checked(exact)?;
        if scheme.eq_ignore_ascii_case(own_scheme) { rest.strip_prefix(own_rest) } else { None }
    }

    /// Reads the tags from the header's value. In a list, entries with another prefix belong to
    /// other versions, and are skipped.
    fn tags(&self, value: &HeaderValue) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(self.header(), why);
        let tag = |text: &str| {
            let tag = self.tags.decode(text);
            tag.ok_or_else(|| self.unexpected_tag(Some(text), text))
        };
        let text = wire::text(self.header(), value)?;
        let Some(separator) = &self.separator else {
            let tag_text = self.without_prefix(text);
            return tag(tag_text.ok_or_else(|| self.unexpected_tag(None, text))?)
                .map(Claim::signed);
        };
        let mut claim = Claim::new();
        for (place, entry) in text.split(&**separator).enumerate() {
            if place >= MAX_ENTRIES {
                return Err(malformed("has more than 16 entries"));
            }
            match self.without_prefix(entry) {
                Some(text) => claim = claim.add_tag(tag(text)?)?,
                None if is_entry_of_another_version(entry) => {}
                None => return Err(malformed("has an entry that is not a signature")),
            }
        }
        if claim.tags().next().is_none() {
            return Err(malformed("has no signature with this prefix"));
        }
        Ok(claim)
    }

    /// Returns the error for a value that is not a tag after the prefix, or does not have the
    /// prefix at all.
    fn unexpected_tag(&self, behind: Option<&str>, whole: &str) -> ClaimError {
        let tags = self.tags.expected();
        let with_prefix = |tag: &str| match &*self.prefix {
            "" => tag.to_owned(),
            prefix => format!("`{prefix}` and {tag}"),
        };
        let found = match behind {
            Some(text) => with_prefix(&shape::of_other_than(&tags, text)),
            None => shape::of(whole),
        };
        ClaimError::unexpected(self.header(), with_prefix(&tags), found)
    }

    /// Reads the other headers: key ID, time, and the covered values.
    fn read(&self, head: &Parts, claim: &mut Claim) -> Result<(), ClaimError> {
        if let Some(name) = &self.key_id_header {
            let text = wire::text(name, wire::required(head, name)?)?;
            let key_id = KeyId::new(text).map_err(|_| ClaimError::in_header(name, "is empty"))?;
            claim.set_key_id(key_id);
        }
        if let Some((name, format)) = self.layout.time() {
            claim.set_created(format.read_header(head, name)?.1);
        }
        let sent = self.sent(head, claim);
        if let Some(name) = &self.message_id_header {
            claim.set_message_id(wire::text(name, wire::required(head, name)?)?);
        }
        self.layout.cover(claim, sent)
    }

    fn sent<'h>(&'h self, head: &'h Parts, claim: &Claim) -> SentHead<'h> {
        SentHead::new(head, self.origin.as_ref(), claim)
    }
}

/// Returns whether an entry begins with another version. Any other entry could be a mangled tag.
fn is_entry_of_another_version(entry: &str) -> bool {
    let end = entry.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    end.is_some_and(|end| end > 0 && entry.get(end..).is_some_and(|rest| rest.len() > 1))
}

impl Scheme for HeaderScheme {
    tag_scheme!();

    fn requires_key_id(&self) -> bool {
        self.key_id_header.is_some()
    }

    fn carries_key_id(&self) -> bool {
        self.key_id_header.is_some()
    }

    fn selector(&self) -> Option<Selector<'_>> {
        let tag = self.tags.encoding.tag_text_len(self.tags.algorithm);
        let len = self.prefix.len().saturating_add(tag);
        Some(Selector::Entry { prefix: &self.prefix, len })
    }

    fn window(&self) -> Window {
        self.tags.window(self.layout.time().is_some())
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let value = wire::single(head, self.header())?;
        if self.is_other_kind(value) {
            return Err(ClaimError::Missing);
        }
        let mut claim = self.tags(value)?;
        self.read(head, &mut claim)?;
        Ok(claim)
    }

    fn max_tags(&self) -> usize {
        if self.separator.is_some() { MAX_ENTRIES } else { 1 }
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
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.layout.before_body(&PartSource::of(self.sent(head, claim)), text)
    }

    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.layout.after_body(&PartSource::of(self.sent(head, claim)), text)
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
        // Overwriting a header that has another use would lose its value.
        if head.headers.contains_key(self.header()) {
            return Err(SignError::AlreadySigned);
        }
        if self.layout.covers_host() {
            target::drop_usual_port(head);
        }
        match &self.key_id_header {
            None => stamp.without_key_id()?,
            Some(name) => {
                let key_id = stamp.required_key_id("this scheme needs one")?;
                head.headers.insert(name, wire::value(name, key_id.as_str())?);
            }
        }
        if let Some((name, format)) = self.layout.time() {
            format.write_header(head, name, stamp.now())?;
        }
        let mut claim = Claim::new().with_key_id(stamp.key_id().cloned());
        self.read(head, &mut claim)?;
        Ok(claim)
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let entry = |tag: &Tag| format!("{}{}", self.prefix, self.tags.encode(tag));
        let text = match &self.separator {
            None => entry(wire::only_tag(tags)?),
            Some(separator) => tags.iter().map(entry).collect::<Vec<_>>().join(separator),
        };
        self.tags.write(head, &text)
    }

    fn strip(&self, head: &mut Parts) {
        if head.headers.get(self.header()).is_some_and(|value| !self.is_other_kind(value)) {
            head.headers.remove(self.header());
        }
    }
}

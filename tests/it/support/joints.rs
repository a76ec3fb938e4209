//! A test scheme that uses every method of the `Scheme` trait, each optionally.
//!
//! Headers after a prefix: `-tag` (hex, several joined by commas), and, if present, `-key`,
//! `-created`, `-expires`, `-nonce`, `-digest` (SHA-256 in hex), `-id`, `-start`. The signing
//! string is a line for the method, the target and each of these headers, then the body's part,
//! then `end`.

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use tower_hmac::crypto::{Digest, Mac, Tag};
use tower_hmac::scheme::Claim;
use tower_hmac::scheme::{ClaimError, Coverage, Encoding, Selector, SignedText, Stamp, Window};
use tower_hmac::{Algorithm, KeyId, Scheme, SecretKey, SignError};

use super::script::Log;

/// The coverage of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    Body,
    Digest,
    /// The first line of the body.
    Line,
    /// A hash of the body.
    Hash,
    Nothing,
    Whatever,
    /// The head does not state the coverage, which this scheme treats as missing.
    Missing,
}

#[derive(Clone)]
pub struct Joints {
    name: &'static str,
    headers: Vec<HeaderName>,
    algorithm: Algorithm,
    covers: Covers,
    window: Window,
    with_nonce: bool,
    derives_key: bool,
    max_tags: usize,
    log: Log,
}

const FIELDS: [&str; 8] = ["tag", "key", "created", "expires", "nonce", "digest", "id", "start"];

impl Joints {
    /// Covers the body, without times; headers `x-tag`, `x-key` and so on.
    pub fn new(covers: Covers) -> Self {
        Self::named("joints", "x", covers)
    }

    pub fn named(name: &'static str, prefix: &str, covers: Covers) -> Self {
        let headers =
            FIELDS.map(|field| HeaderName::try_from(format!("{prefix}-{field}")).unwrap()).to_vec();
        Self {
            name,
            headers,
            algorithm: Algorithm::Sha256,
            covers,
            window: Window::untimed(),
            with_nonce: false,
            derives_key: false,
            max_tags: 16,
            log: Log::default(),
        }
    }

    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    pub fn with_nonce(mut self) -> Self {
        self.with_nonce = true;
        self
    }

    /// The HMAC key is itself an HMAC over the claimed time.
    pub fn with_derived_keys(mut self) -> Self {
        self.derives_key = true;
        self
    }

    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    pub fn with_max_tags(mut self, max_tags: usize) -> Self {
        self.max_tags = max_tags;
        self
    }

    pub fn with_log(mut self, log: &Log) -> Self {
        self.log = log.clone();
        self
    }

    fn value<'h>(&self, head: &'h Parts, field: &str) -> Result<Option<&'h str>, ClaimError> {
        let name = self.header(field);
        let mut values = head.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                value.to_str().map(Some).map_err(|_| ClaimError::in_header(name, "is not text"))
            }
            _ => Err(ClaimError::in_header(name, "occurs more than once")),
        }
    }

    fn header(&self, field: &str) -> &HeaderName {
        &self.headers[FIELDS.iter().position(|known| *known == field).unwrap()]
    }

    fn number(&self, head: &Parts, field: &str) -> Result<Option<i64>, ClaimError> {
        self.value(head, field)?
            .map(|text| text.parse().map_err(|_| ClaimError::malformed("is no number")))
            .transpose()
    }

    fn set(&self, head: &mut Parts, field: &str, value: &str) {
        let value = HeaderValue::from_str(value).unwrap();
        head.headers.insert(self.header(field).clone(), value);
    }
}

impl Scheme for Joints {
    fn name(&self) -> &str {
        self.name
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &self.headers
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(self.algorithm.tag_len()))
    }

    fn max_tags(&self) -> usize {
        self.max_tags
    }

    fn window(&self) -> Window {
        self.window
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.log.note("claim");
        let mut claim = Claim::new();
        for tag in self.value(head, "tag")?.ok_or(ClaimError::Missing)?.split(',') {
            let tag = Encoding::Hex.decode_tag(tag, self.algorithm);
            claim = claim.add_tag(tag.ok_or(ClaimError::malformed("is no tag"))?)?;
        }
        if let Some(id) = self.value(head, "key")? {
            claim = claim.with_key_id(KeyId::new(id).map_err(|_| ClaimError::malformed("empty"))?);
        }
        if let Some(created) = self.number(head, "created")? {
            claim = claim.with_created(created);
        }
        if let Some(expires) = self.number(head, "expires")? {
            claim = claim.with_expires(expires);
        }
        if let Some(nonce) = self.value(head, "nonce")? {
            claim = claim.with_nonce(nonce.as_bytes());
        }
        if let Some(id) = self.value(head, "id")? {
            claim = claim.with_message_id(id);
        }
        if let Some(start) = self.number(head, "start")? {
            claim = claim.with_not_before(start);
        }
        Ok(claim)
    }

    fn coverage(&self, head: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        self.log.note("coverage");
        Ok(match self.covers {
            Covers::Body => Coverage::Signed,
            Covers::Line => Coverage::Derived,
            Covers::Hash => Coverage::Hashed(self.algorithm),
            Covers::Nothing => Coverage::Empty,
            Covers::Whatever => Coverage::Unsigned,
            Covers::Missing => return Err(ClaimError::Missing),
            Covers::Digest => {
                let text = self.value(head, "digest")?.unwrap_or_default();
                // The engine must reject a claim without a digest.
                let digests = text.split(',').filter(|text| !text.is_empty()).map(|text| {
                    let bytes: Vec<u8> = (0..text.len() / 2)
                        .filter_map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
                        .collect();
                    Digest::received(Algorithm::Sha256, &bytes)
                        .map(Into::into)
                        .ok_or(ClaimError::malformed("is no digest"))
                });
                Coverage::Digest(digests.collect::<Result<_, _>>()?)
            }
        })
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.log.note("before body");
        text.update(format!("{} {}\n", head.method, head.uri).as_bytes());
        for field in &FIELDS[1..] {
            text.update(self.value(head, field)?.unwrap_or("-").as_bytes());
            text.update(b"\n");
        }
        Ok(())
    }

    fn derive(
        &self,
        _: &Parts,
        _: &Claim,
        body: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.log.note("derive");
        let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.is_empty() {
            return Err(ClaimError::malformed("the first line is empty"));
        }
        text.update(line);
        Ok(())
    }

    fn derive_from_hash(
        &self,
        _: &Parts,
        _: &Claim,
        hash: &Digest,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.log.note("derive from hash");
        text.update(Encoding::Hex.encode(hash.as_bytes()).as_bytes());
        Ok(())
    }

    fn after_body(&self, _: &Parts, _: &Claim, text: &mut SignedText) -> Result<(), ClaimError> {
        self.log.note("after body");
        text.update(b"\nend");
        Ok(())
    }

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        if !self.derives_key {
            return Mac::new(self.algorithm, key);
        }
        let mut mac = Mac::new(self.algorithm, key);
        mac.update(claim.created().unwrap_or_default().to_string().as_bytes());
        Mac::new(self.algorithm, &mac.into_key())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        if let Some(id) = stamp.key_id() {
            self.set(head, "key", id.as_str());
        }
        if self.window.is_timed() {
            self.set(head, "created", &stamp.now().to_string());
        }
        if let Some(expires) = stamp.expires() {
            self.set(head, "expires", &expires.to_string());
        }
        if self.with_nonce {
            self.set(head, "nonce", &Encoding::Hex.encode(stamp.nonce()));
        }
        if self.covers == Covers::Digest {
            let digest = Digest::of(Algorithm::Sha256, stamp.body());
            self.set(head, "digest", &Encoding::Hex.encode(digest.as_bytes()));
        }
        let claim = Claim::new().with_key_id(stamp.key_id().cloned());
        Ok(if self.window.is_timed() { claim.with_created(stamp.now()) } else { claim })
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let tags: Vec<_> = tags.iter().map(|tag| Encoding::Hex.encode(tag.as_bytes())).collect();
        self.set(head, "tag", &tags.join(","));
        Ok(())
    }
}

//! Formats with the time and the tags in one header, as Stripe has it.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::{ConfigError, header_name};
use crate::scheme::parts::{Layout, Values};
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, Part, Scheme, SentHead, SignError, SignedText, Stamp,
    TimeFormat, Window, shape, wire,
};

/// The most tags of one header.
const MAX_TAGS: usize = 16;

/// A scheme with a list in one header, `name=value` items with the time and the tags: Stripe's
/// `t=1492774577,v1=5257a8…` and its relatives.
///
/// ```
/// use tower_hmac::webhooks::ListScheme;
/// use tower_hmac::scheme::{Part, TimeFormat};
///
/// let stripe = ListScheme::new("Stripe-Signature", "v1")?
///     .with_time("t", TimeFormat::UnixSeconds)?
///     .with_parts([Part::Time, Part::literal("."), Part::Body])?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// **Covered:** the parts, as in [`HeaderScheme`](crate::HeaderScheme). **Not covered:** everything
/// else.
///
/// # What is read
///
/// One header, ASCII, at most 8 KiB. Items are divided at the separator, and spaces after it are
/// skipped. Each is `name=value`, divided at the first `=`. The time stands there exactly once,
/// between 1 and 16 items are tags, and items of other names are skipped (Stripe's `v0`). What is
/// signed is the time as it was sent.
#[derive(Clone, Debug)]
pub struct ListScheme {
    name: Cow<'static, str>,
    header: [HeaderName; 1],
    separator: char,
    tag: Cow<'static, str>,
    time: Option<(Cow<'static, str>, TimeFormat)>,
    encoding: Encoding,
    algorithm: Algorithm,
    tolerance: Option<(u64, u64)>,
    layout: Layout,
}

impl ListScheme {
    /// Reads the items with this name in this header as tags: in hex, HMAC-SHA-256 over the body.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no header name, or no name of an item.
    pub fn new<N>(header: N, tag: impl Into<Cow<'static, str>>) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        Ok(Self {
            name: "list".into(),
            header: [header_name(header, "header")?],
            separator: ',',
            tag: item_name(tag)?,
            time: None,
            encoding: Encoding::Hex,
            algorithm: Algorithm::default(),
            tolerance: None,
            layout: Layout::new([Part::Body])?,
        })
    }

    /// Sets what [`Verified::scheme`](crate::Verified::scheme) says; `list` by default.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the name of the item with the time, which is checked against the clock and stands in
    /// the signed text as [`Part::Time`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no name of an item, or that of the tags.
    pub fn with_time(
        mut self,
        name: impl Into<Cow<'static, str>>,
        format: TimeFormat,
    ) -> Result<Self, ConfigError> {
        let name = item_name(name)?;
        if name == self.tag {
            return Err(ConfigError::invalid("time", "has the name of the tags"));
        }
        self.time = Some((name, format));
        Ok(self)
    }

    /// Sets what divides the items; `,` by default.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it could be part of a name or a tag, or is not visible ASCII.
    pub fn with_separator(mut self, separator: char) -> Result<Self, ConfigError> {
        let is_divider = separator.is_ascii_punctuation() && !"+/-_=.".contains(separator);
        if !is_divider {
            return Err(ConfigError::invalid("separator", "must be punctuation, none of `+/-_=.`"));
        }
        self.separator = separator;
        Ok(self)
    }

    /// Sets how the tags are written; [`Encoding::Hex`] by default.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sets the hash; SHA-256 by default.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets how old a signature can be and how far ahead its clock, in whole seconds, for a
    /// verifier without a tolerance of its own.
    #[must_use]
    pub fn with_tolerance(mut self, past: Duration, future: Duration) -> Self {
        self.tolerance = Some((past.as_secs(), future.as_secs()));
        self
    }

    /// Sets what is signed, in this order; the body alone by default.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if two parts could run into each other, a part occurs twice, nothing of the
    /// request is signed, the header itself is a part, or [`Part::Time`] is one without
    /// [`with_time`](Self::with_time), or the other way round.
    pub fn with_parts(
        mut self,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<Self, ConfigError> {
        let format = self.time.as_ref().map(|(_, format)| *format);
        self.layout = Layout::with_time(parts, format)?;
        if self.layout.headers().any(|name| name == self.header()) {
            return Err(ConfigError::invalid("parts", "a signature cannot sign its own header"));
        }
        Ok(self)
    }

    fn header(&self) -> &HeaderName {
        let [name] = &self.header;
        name
    }

    fn items<'h>(
        &self,
        text: &'h str,
    ) -> impl Iterator<Item = Result<(&'h str, &'h str), ClaimError>> {
        text.split(self.separator).map(|item| {
            item.trim_start_matches(' ')
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| ClaimError::in_header(self.header(), "has an item without a name"))
        })
    }

    /// The time as it was sent.
    fn time_text<'h>(&self, head: &'h Parts) -> Result<Option<&'h str>, ClaimError> {
        let (Some((name, _)), Some(value)) = (&self.time, head.headers.get(self.header())) else {
            return Ok(None);
        };
        let text = wire::text(self.header(), value)?;
        Ok(self.items(text).flatten().find(|(item, _)| item == name).map(|(_, time)| time))
    }

    /// The values that the signed text is made of.
    fn values<'v>(&self, head: &'v Parts, claim: &Claim) -> Result<Values<'v>, ClaimError> {
        let time = match (self.time_text(head)?, &self.time) {
            (Some(sent), _) => Cow::Borrowed(sent),
            // Not sent yet: this is what will be.
            (None, Some((_, format))) => claim
                .created()
                .and_then(|created| format.write(created))
                .ok_or(ClaimError::malformed("the signature carries no time"))?
                .into(),
            (None, None) => Cow::Borrowed(""),
        };
        let sent = SentHead::new(head, None, claim);
        Ok(Values { sent, time })
    }

    fn covered(&self, head: &Parts, claim: Claim) -> Result<Claim, ClaimError> {
        let covered = self
            .layout
            .headers()
            .map(|name| Ok((name.clone(), wire::required(head, name)?.clone())))
            .collect::<Result<Vec<_>, ClaimError>>()?;
        Ok(if covered.is_empty() { claim } else { claim.with_signed_headers(covered) })
    }
}

fn item_name(name: impl Into<Cow<'static, str>>) -> Result<Cow<'static, str>, ConfigError> {
    let name = name.into();
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Ok(name)
    } else {
        Err(ConfigError::invalid("item", "is not a name of letters, digits and `_`"))
    }
}

impl Scheme for ListScheme {
    fn name(&self) -> &str {
        &self.name
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn headers(&self) -> &[HeaderName] {
        &self.header
    }

    fn window(&self) -> Window {
        let window = if self.time.is_some() { Window::timed() } else { Window::untimed() };
        match self.tolerance {
            Some((past, future)) => window.with_tolerance(past, future),
            None => window,
        }
    }

    fn max_tags(&self) -> usize {
        MAX_TAGS
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(self.header(), why);
        let text = wire::text(self.header(), wire::single(head, self.header())?)?;
        let mut claim = Claim::new();
        let mut time = None;
        for item in self.items(text) {
            let (name, value) = item?;
            if name == self.tag {
                let tag = self.encoding.decode_tag(value, self.algorithm);
                let tag = tag.ok_or_else(|| {
                    shape::no_tag(Some(self.header()), self.encoding, self.algorithm, value)
                })?;
                claim = claim.add_tag(tag)?;
            } else if self.time.as_ref().is_some_and(|(wanted, _)| wanted == name)
                && time.replace(value).is_some()
            {
                return Err(malformed("has its time twice"));
            }
        }
        if claim.tags().next().is_none() {
            return Err(malformed("holds no signature of this scheme"));
        }
        if let Some((_, format)) = &self.time {
            let time = time.ok_or_else(|| malformed("has no time"))?;
            let created = format
                .read(time)
                .ok_or_else(|| shape::no_time(Some(self.header()), format.expected(), time));
            claim = claim.with_created(created?);
        }
        self.covered(head, claim)
    }

    fn coverage(&self, _: &Parts, _: &Claim) -> Result<Coverage, ClaimError> {
        Ok(if self.layout.has_body() { Coverage::Signed } else { Coverage::Empty })
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.layout.before_body(&self.values(head, claim)?, text)
    }

    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.layout.after_body(&self.values(head, claim)?, text)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        if stamp.key_id().is_some() {
            return Err(SignError::KeyId("this scheme has no place for one"));
        }
        let claim = Claim::new();
        let claim = if self.time.is_some() { claim.with_created(stamp.now()) } else { claim };
        Ok(self.covered(head, claim)?)
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let time = match (&self.time, claim.created()) {
            (Some((name, format)), Some(created)) => {
                let time = format.write(created);
                let time = time.ok_or(SignError::Request("the time is out of range"))?;
                Some(format!("{name}={time}"))
            }
            _ => None,
        };
        let tag = |tag: &Tag| format!("{}={}", self.tag, self.encoding.encode(tag.as_bytes()));
        let items: Vec<String> = time.into_iter().chain(tags.iter().map(tag)).collect();
        let text = items.join(self.separator.encode_utf8(&mut [0; 4]));
        head.headers.insert(self.header(), wire::sensitive(self.header(), &text)?);
        Ok(())
    }
}

//! Schemes with the time and the tags in one header, like Stripe's.

use std::borrow::Cow;

use http::HeaderName;
use http::request::Parts;

use crate::crypto::Tag;
use crate::error::ConfigError;
use crate::scheme::parts::{Layout, PartSource};
use crate::scheme::tag_header::{TagHeader, tag_scheme, tag_settings};
use crate::scheme::{
    Claim, ClaimError, Coverage, Part, Scheme, SentHead, SignError, SignedText, Stamp, TimeFormat,
    Window, shape, target, wire,
};

/// The maximum number of tags in one header.
const MAX_TAGS: usize = 16;

/// A scheme with the time and the tags in one header, as a list of `name=value` items: Stripe's
/// `t=1492774577,v1=5257a8…` and similar ones.
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
/// One header, ASCII, at most 8 KiB. Items are split at the separator, and spaces after it are
/// skipped. Each is `name=value`, split at the first `=`. The time occurs exactly once, 1 to 16
/// items are tags, and items with other names are skipped (Stripe's `v0`). The time is signed as it
/// was sent.
#[derive(Clone, Debug)]
pub struct ListScheme {
    tags: TagHeader,
    separator: char,
    tag: Cow<'static, str>,
    time: Option<(Cow<'static, str>, TimeFormat)>,
    /// `None` for the default.
    parts: Option<Vec<Part>>,
    layout: Layout,
}

impl ListScheme {
    /// Makes a scheme whose tags are the items with this name in this header: in hex, HMAC-SHA-256
    /// over the body.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `header` is not a valid header name, or `tag` is not a valid item
    /// name.
    pub fn new<N>(header: N, tag: impl Into<Cow<'static, str>>) -> Result<Self, ConfigError>
    where
        N: TryInto<HeaderName>,
    {
        Ok(Self {
            tags: TagHeader::new("list", header)?,
            separator: ',',
            tag: item_name(tag)?,
            time: None,
            parts: None,
            layout: Layout::new([Part::Body])?,
        })
    }

    tag_settings!("list");

    /// Sets the name of the item with the time, which is checked against the clock. In the signing
    /// string, it is [`Part::Time`]: `<time>.<body>` by default.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid item name, or is the name of the tags. Also
    /// returns it if the [parts](Self::with_parts) were set before and do not fit: a time that is
    /// not signed could be changed by anybody.
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
        self.checked()
    }

    /// Sets the separator of the items. `,` by default.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the separator could be part of a name or a tag, or is not visible
    /// ASCII.
    pub fn with_separator(mut self, separator: char) -> Result<Self, ConfigError> {
        let is_divider = separator.is_ascii_punctuation() && !"+/-_=.".contains(separator);
        if !is_divider {
            return Err(ConfigError::invalid("separator", "must be punctuation, none of `+/-_=.`"));
        }
        self.separator = separator;
        Ok(self)
    }

    /// Sets what is signed, in this order. By default, only the body, and the time if there is one.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if two parts could run into each other, a part occurs twice, nothing
    /// of the request is signed, or the header itself is a part. Also returns it if [`Part::Time`]
    /// is used without [`with_time`](Self::with_time), or vice versa.
    pub fn with_parts(
        mut self,
        parts: impl IntoIterator<Item = Part>,
    ) -> Result<Self, ConfigError> {
        self.parts = Some(parts.into_iter().collect());
        self.checked()
    }

    /// Checks that the settings fit together.
    fn checked(mut self) -> Result<Self, ConfigError> {
        let format = self.time.as_ref().map(|(_, format)| *format);
        self.layout = match (&self.parts, format) {
            (Some(parts), _) => Layout::with_time(parts.iter().cloned(), format)?,
            (None, None) => Layout::new([Part::Body])?,
            (None, Some(_)) => {
                Layout::with_time([Part::Time, Part::literal("."), Part::Body], format)?
            }
        };
        if self.layout.headers().any(|name| name == self.header()) {
            return Err(ConfigError::invalid("parts", "a signature cannot sign its own header"));
        }
        Ok(self)
    }

    fn header(&self) -> &HeaderName {
        self.tags.name()
    }

    /// Returns the error for a header that is not such a list.
    fn unexpected(&self, found: impl Into<String>) -> ClaimError {
        let tag = format!("`{}=` and {}", self.tag, self.tags.expected());
        let expected = match &self.time {
            Some((name, format)) => {
                let time = format.expected();
                format!("`{name}=` and {time}, then {tag}, divided by `{}`", self.separator)
            }
            None => tag,
        };
        ClaimError::unexpected(self.header(), expected, found.into())
    }

    fn items<'h>(
        &self,
        text: &'h str,
    ) -> impl Iterator<Item = Result<(&'h str, &'h str), ClaimError>> {
        text.split(self.separator).map(|item| {
            item.trim_start_matches(' ')
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| self.unexpected(format!("an item of {}", shape::of(item))))
        })
    }

    /// Returns the time as it was sent.
    fn time_text<'h>(&self, head: &'h Parts) -> Result<Option<&'h str>, ClaimError> {
        let (Some((name, _)), Some(value)) = (&self.time, head.headers.get(self.header())) else {
            return Ok(None);
        };
        let text = wire::text(self.header(), value)?;
        Ok(self.items(text).flatten().find(|(item, _)| item == name).map(|(_, time)| time))
    }

    /// Returns the source of the parts of the signing string.
    fn source<'v>(&self, head: &'v Parts, claim: &Claim) -> Result<PartSource<'v>, ClaimError> {
        let time = match (self.time_text(head)?, &self.time) {
            (Some(sent), _) => Cow::Borrowed(sent),
            // The time is not in the header yet: use the value that will be sent.
            (None, Some((_, format))) => claim
                .created()
                .and_then(|created| format.write(created))
                .ok_or(ClaimError::malformed("the signature carries no time"))?
                .into(),
            (None, None) => Cow::Borrowed(""),
        };
        let sent = SentHead::new(head, None, claim);
        Ok(PartSource { sent, time })
    }

    fn covered(&self, head: &Parts, mut claim: Claim) -> Result<Claim, ClaimError> {
        let sent = SentHead::new(head, None, &claim);
        self.layout.cover(&mut claim, sent)?;
        Ok(claim)
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
    tag_scheme!();

    fn window(&self) -> Window {
        self.tags.window(self.time.is_some())
    }

    fn max_tags(&self) -> usize {
        MAX_TAGS
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let text = wire::text(self.header(), wire::single(head, self.header())?)?;
        let mut claim = Claim::new();
        let mut time = None;
        for item in self.items(text) {
            let (name, value) = item?;
            if name == self.tag {
                claim = claim.add_tag(self.tags.tag(value)?)?;
            } else if self.time.as_ref().is_some_and(|(wanted, _)| wanted == name)
                && time.replace(value).is_some()
            {
                return Err(ClaimError::in_header(self.header(), "has its time twice"));
            }
        }
        if claim.tags().next().is_none() {
            return Err(self.unexpected(format!("no `{}=`", self.tag)));
        }
        if let Some((_, format)) = &self.time {
            let time = time.ok_or_else(|| self.unexpected("no time"))?;
            claim = claim.with_created(format.read_text(self.header(), time)?);
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
        self.layout.before_body(&self.source(head, claim)?, text)
    }

    fn after_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.layout.after_body(&self.source(head, claim)?, text)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        stamp.without_key_id()?;
        if self.layout.covers_host() {
            target::drop_usual_port(head);
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
        let tag = |tag: &Tag| format!("{}={}", self.tag, self.tags.encode(tag));
        let items: Vec<String> = time.into_iter().chain(tags.iter().map(tag)).collect();
        let text = items.join(self.separator.encode_utf8(&mut [0; 4]));
        self.tags.write(head, &text)
    }
}

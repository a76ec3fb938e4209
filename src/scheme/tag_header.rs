//! The header with the tags, shared by schemes that are made from settings.

use std::borrow::Cow;

use http::HeaderName;
use http::request::Parts;

use crate::crypto::{Algorithm, Tag};
use crate::error::{ConfigError, header_name};
use crate::scheme::{ClaimError, Encoding, OfferedTag, SignError, Window, shape, wire};

/// One header with tags, and the form of the tags.
#[derive(Clone, Debug)]
pub(crate) struct TagHeader {
    pub(crate) scheme: Cow<'static, str>,
    pub(crate) names: [HeaderName; 1],
    pub(crate) encoding: Encoding,
    pub(crate) algorithm: Algorithm,
    pub(crate) tolerance: Option<(u64, u64)>,
}

impl TagHeader {
    /// Makes a header with HMAC-SHA-256 in hex.
    pub(crate) fn new<N: TryInto<HeaderName>>(
        scheme: &'static str,
        header: N,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            scheme: scheme.into(),
            names: [header_name(header, "header")?],
            encoding: Encoding::Hex,
            algorithm: Algorithm::default(),
            tolerance: None,
        })
    }

    /// Makes a header with HMAC-SHA-256. The header's name must be a lower-case constant.
    pub(crate) fn of_constants(
        scheme: &'static str,
        header: &'static str,
        encoding: Encoding,
    ) -> Self {
        Self {
            scheme: scheme.into(),
            names: [HeaderName::from_static(header)],
            encoding,
            algorithm: Algorithm::default(),
            tolerance: None,
        }
    }

    pub(crate) fn rename<N: TryInto<HeaderName>>(&mut self, header: N) -> Result<(), ConfigError> {
        self.names = [header_name(header, "header")?];
        Ok(())
    }

    pub(crate) fn name(&self) -> &HeaderName {
        let [name] = &self.names;
        name
    }

    pub(crate) fn window(&self, is_timed: bool) -> Window {
        let window = if is_timed { Window::timed() } else { Window::untimed() };
        match self.tolerance {
            Some((past, future)) => window.with_tolerance(past, future),
            None => window,
        }
    }

    /// Returns the shape of a tag, for errors.
    pub(crate) fn expected(&self) -> String {
        shape::of_tags(self.encoding, self.algorithm)
    }

    pub(crate) fn decode(&self, text: impl AsRef<[u8]>) -> Option<OfferedTag> {
        self.encoding.decode_tag(text, self.algorithm)
    }

    /// Reads a tag, or returns an error with the shape of what was found.
    pub(crate) fn tag(&self, text: &str) -> Result<OfferedTag, ClaimError> {
        shape::read_tag(self.name(), self.encoding, self.algorithm, text)
    }

    pub(crate) fn encode(&self, tag: &Tag) -> String {
        self.encoding.encode(tag.as_bytes())
    }

    pub(crate) fn write(&self, head: &mut Parts, text: &str) -> Result<(), SignError> {
        head.headers.insert(self.name(), wire::sensitive(self.name(), text)?);
        Ok(())
    }
}

/// The settings of a [`TagHeader`] in the field `tags`.
macro_rules! tag_settings {
    ($name:literal) => {
        #[doc = concat!(
            "Sets the name that [`Verified::scheme`](crate::Verified::scheme) returns, to distinguish several \
             schemes. `", $name, "` by default."
        )]
        #[must_use]
        pub fn with_name(mut self, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
            self.tags.scheme = name.into();
            self
        }

        /// Sets the encoding of a tag. [`Encoding::Hex`](crate::scheme::Encoding::Hex) by default.
        #[must_use]
        pub fn with_encoding(mut self, encoding: crate::scheme::Encoding) -> Self {
            self.tags.encoding = encoding;
            self
        }

        /// Sets the hash. SHA-256 by default.
        #[must_use]
        pub fn with_algorithm(mut self, algorithm: crate::Algorithm) -> Self {
            self.tags.algorithm = algorithm;
            self
        }

        /// Sets how old a signature may be and how far in the future its time may be, in whole
        /// seconds, for a verifier without its own tolerance.
        #[must_use]
        pub fn with_tolerance(
            mut self,
            past: std::time::Duration,
            future: std::time::Duration,
        ) -> Self {
            self.tags.tolerance = Some((past.as_secs(), future.as_secs()));
            self
        }
    };
}
pub(crate) use tag_settings;

/// The methods of a [`Scheme`](crate::Scheme) with a [`TagHeader`] in the field `tags`.
macro_rules! tag_scheme {
    () => {
        fn name(&self) -> &str {
            &self.tags.scheme
        }

        fn algorithm(&self) -> crate::Algorithm {
            self.tags.algorithm
        }

        fn headers(&self) -> &[http::HeaderName] {
            &self.tags.names
        }
    };
}
pub(crate) use tag_scheme;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::request::Parts;

use crate::clock::{Clock, SystemClock};
use crate::crypto::Tag;
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};
use crate::scheme::{
    Claim, ClaimError, FlaskHmac, MAX_SIGNING_KEYS, Scheme, SignError, SignedText, Stamp,
    write_text,
};
use crate::sign::{NonceSource, SystemNonce, WholeBody};

/// Signs requests so that a [`Verifier`](crate::Verifier) of the same scheme accepts them.
///
/// ```
/// use http::Request;
/// use tower_hmac::{FlaskHmac, SecretKey, Signer};
///
/// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
/// let request = signer.sign(Request::post("/plain").body(r#"{"foo": "boo"}"#)?)?;
/// assert_eq!(
///     request.headers()["signature"],
///     "nm3ezDgSuwx2dN51HHuq8CK/R7G8J+tulFgYFFArj8U=",
/// );
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
#[derive(Clone)]
pub struct Signer<S> {
    scheme: S,
    keys: Arc<[SecretKey]>,
    key_id: Option<KeyId>,
    clock: Arc<dyn Clock>,
    nonces: Arc<dyn NonceSource>,
    lifetime: Option<u64>,
    replaces: bool,
}

impl<S: Scheme> Signer<S> {
    /// Makes a signer for the anonymous key.
    #[must_use]
    pub fn new(scheme: S, key: SecretKey) -> Self {
        Self {
            scheme,
            keys: Arc::new([key]),
            key_id: None,
            clock: Arc::new(SystemClock),
            nonces: Arc::new(SystemNonce),
            lifetime: None,
            replaces: false,
        }
    }

    /// Sets the key ID that the server will see.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::EmptyName`] if the key ID is empty, and another [`ConfigError`] if the
    /// scheme cannot carry it ([`Scheme::check_key_id`]).
    pub fn with_key_id<I>(mut self, key_id: I) -> Result<Self, ConfigError>
    where
        I: TryInto<KeyId, Error: Into<ConfigError>>,
    {
        let key_id = key_id.try_into().map_err(Into::into)?;
        self.scheme.check_key_id(&key_id)?;
        self.key_id = Some(key_id);
        Ok(self)
    }

    /// Adds an older key to sign with, at most [`MAX_SIGNING_KEYS`] in all. The first key is the
    /// newest. During a rotation, each receiver finds the tag made with the key that it knows.
    ///
    /// ```
    /// use http::Request;
    /// use tower_hmac::{HeaderScheme, SecretKey, Signer};
    ///
    /// let scheme = HeaderScheme::new("X-Signature")?.with_prefix("v1=")?.with_list_separator(" ")?;
    /// let signer = Signer::new(scheme, SecretKey::new("new")?).add_key(SecretKey::new("old")?)?;
    /// let signed = signer.sign(Request::post("/").body("{}")?)?;
    /// assert_eq!(signed.headers()["x-signature"].to_str()?.matches("v1=").count(), 2);
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the scheme cannot carry another tag
    /// ([`Scheme::max_tags`](crate::Scheme::max_tags)).
    pub fn add_key(mut self, key: SecretKey) -> Result<Self, ConfigError> {
        if self.keys.len() >= self.scheme.max_tags().min(MAX_SIGNING_KEYS) {
            return Err(ConfigError::invalid(
                "signer",
                "the scheme cannot carry the tag of another key",
            ));
        }
        self.keys = self.keys.iter().cloned().chain([key]).collect();
        Ok(self)
    }

    /// Sets where the time comes from. The system's clock by default.
    ///
    /// ```
    /// use http::Request;
    /// use tower_hmac::clock::ManualClock;
    /// use tower_hmac::scheme::Fost;
    /// use tower_hmac::{SecretKey, Signer};
    ///
    /// let signer = Signer::new(Fost::new(), SecretKey::new("k7Qz-b3Wn")?)
    ///     .with_key_id("aservice")?
    ///     .with_clock(ManualClock::new(1_790_000_000));
    /// let request = Request::get("/plain").header("host", "a.example").body("")?;
    /// let signed = signer.sign(request)?;
    /// assert_eq!(signed.headers()["x-fost-timestamp"], "2026-09-21 14:13:20");
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where nonces come from. The system's random source by default.
    #[must_use]
    pub fn with_nonce_source(mut self, nonces: impl NonceSource + 'static) -> Self {
        self.nonces = Arc::new(nonces);
        self
    }

    /// Sets how long a signature is valid, in whole seconds. Only used by schemes that carry an
    /// expiry.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime.as_secs());
        self
    }

    /// Replaces an existing signature. Without this call, signing a request twice is an error.
    ///
    /// ```
    /// use http::Request;
    /// use tower_hmac::{FlaskHmac, SecretKey, SignError, Signer};
    ///
    /// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    /// let signed = signer.sign(Request::post("/plain").body("first")?)?;
    /// assert_eq!(signer.sign(signed.clone()).unwrap_err(), SignError::AlreadySigned);
    /// assert!(signer.replace_signature().sign(signed).is_ok());
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    #[must_use]
    pub fn replace_signature(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Returns the scheme of the signer.
    #[must_use]
    pub fn scheme(&self) -> &S {
        &self.scheme
    }

    /// Signs a request whose body is in memory. Use [`sign_mut`](Self::sign_mut) to keep the
    /// request if it cannot be signed.
    ///
    /// # Errors
    ///
    /// Returns [`SignError::Streaming`] if the body is not in memory, and any other [`SignError`]
    /// if the scheme cannot sign this request.
    pub fn sign<B: WholeBody>(&self, mut request: Request<B>) -> Result<Request<B>, SignError> {
        self.sign_mut(&mut request)?;
        Ok(request)
    }

    /// Signs a request in place. On an error, the request is unchanged.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`sign`](Self::sign).
    pub fn sign_mut<B: WholeBody>(&self, request: &mut Request<B>) -> Result<(), SignError> {
        let body = request.body().whole().ok_or(SignError::Streaming)?;
        let (mut head, ()) = Request::new(()).into_parts();
        head.method.clone_from(request.method());
        head.uri.clone_from(request.uri());
        head.version = request.version();
        head.headers.clone_from(request.headers());
        head.extensions.clone_from(request.extensions());
        let signed = self.signed(head, body, self.replaces)?;
        *request.uri_mut() = signed.uri;
        *request.headers_mut() = signed.headers;
        Ok(())
    }

    /// Signs a head for a body that is sent separately. On an error, the head is unchanged.
    ///
    /// # Errors
    ///
    /// Returns [`SignError`] if the scheme cannot sign this request.
    pub fn sign_head(&self, head: &mut Parts, body: &[u8]) -> Result<(), SignError> {
        *head = self.signed(head.clone(), body, self.replaces)?;
        Ok(())
    }

    /// Signs a head like [`sign_head`](Self::sign_head), and replaces an existing signature.
    #[cfg(feature = "reqwest-middleware")]
    pub(crate) fn sign_head_again(&self, head: &mut Parts, body: &[u8]) -> Result<(), SignError> {
        *head = self.signed(head.clone(), body, true)?;
        Ok(())
    }

    /// Signs a copy of a head, which is discarded on an error.
    fn signed(&self, mut signed: Parts, body: &[u8], replaces: bool) -> Result<Parts, SignError> {
        if replaces {
            self.scheme.strip(&mut signed);
        } else if self.is_signed(&signed, body) {
            return Err(SignError::AlreadySigned);
        }
        let nonce = self.nonces.nonce();
        let stamp = Stamp {
            body,
            key_id: self.key_id.as_ref(),
            now: self.clock.unix_now(),
            nonce: &nonce,
            lifetime: self.lifetime,
        };
        let claim = self.scheme.stamp(&mut signed, &stamp)?;
        let tags = self.tags(&signed, &claim, body)?;
        self.scheme.attach(&mut signed, &claim, &tags)?;
        for name in self.scheme.headers() {
            if let Some(value) = signed.headers.get_mut(name) {
                value.set_sensitive(true);
            }
        }
        Ok(signed)
    }

    /// Returns whether the request already carries a signature of this scheme.
    fn is_signed(&self, head: &Parts, body: &[u8]) -> bool {
        if self.scheme.is_in_body() {
            !matches!(self.scheme.claim_from_body(head, body), Err(ClaimError::Missing))
        } else {
            self.scheme.is_signed(head)
        }
    }

    fn tags(&self, head: &Parts, claim: &Claim, body: &[u8]) -> Result<Vec<Tag>, SignError> {
        let mut macs = self.keys.iter().map(|key| self.scheme.key_mac(key, claim));
        let first = macs.next().ok_or(SignError::Request("the signer has no key"))?;
        let mut text = SignedText::new(first, macs.collect());
        write_text(&self.scheme, head, claim, body, &mut text)?;
        let mut tags = Vec::with_capacity(text.len());
        text.finalize(|tag| tags.push(tag));
        Ok(tags)
    }
}

impl Signer<FlaskHmac> {
    /// Returns the header's value for this body: `make_hmac` of Flask-HMAC, or `make_hmac_for` with
    /// a [key ID](Self::with_key_id). For another application's key, make a signer with that key.
    ///
    /// ```
    /// use tower_hmac::{FlaskHmac, SecretKey, Signer};
    ///
    /// let single = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    /// assert_eq!(single.signature(b""), "LSXp2AnBSNGHEcjN2CIBCD0n+HMR4DPunreKdyp6u8w=");
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    #[must_use]
    pub fn signature(&self, body: &[u8]) -> String {
        // There is exactly one key, since the scheme carries one tag.
        let tag = |key| {
            let mut mac = crate::crypto::Mac::new(self.scheme.algorithm(), key);
            mac.update(body);
            mac.finalize()
        };
        let tag = self.keys.first().map(tag);
        tag.map(|tag| FlaskHmac::value(self.key_id.as_ref(), &tag)).unwrap_or_default()
    }
}

impl<S: Scheme> fmt::Debug for Signer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("scheme", &self.scheme.name())
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

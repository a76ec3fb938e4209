use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::request::Parts;
use sfv::{KeyRef, StringRef};

use super::component::Component;
use super::field::{StructuredType, Types};
use super::input::Input;
use super::known::Known;
use super::policy::{self, Policy};
use super::target::{Origin, Target};
use super::{SIGNATURE, SIGNATURE_INPUT, base, digest};
use crate::crypto::Algorithm;
use crate::error::{ConfigError, header_name};
use crate::scheme::{ClaimError, SignedText};

/// The default label of a signature.
const DEFAULT_LABEL: &str = "sig1";

/// HTTP Message Signatures ([RFC 9421]) with `hmac-sha256` and a signed `Content-Digest` ([RFC
/// 9530]). Use it unless a peer needs another scheme.
///
/// **Covered** under the strict [`Policy`], the default: method, authority, path, query, body,
/// time, nonce and key ID. **Not covered:** other headers, unless they are
/// [required](Policy::add_component), and trailers.
///
/// ```
/// use http::Request;
/// use tower_hmac::{KeyMap, MessageSignatures, SecretKey, Signer, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let key = || SecretKey::new("a key of 32 bytes: it is random!");
/// let signer = Signer::new(MessageSignatures::new(), key()?).with_key_id("billing")?;
/// let request = Request::post("https://api.example.com/invoices?draft=1").body(r#"{"sum": 7}"#)?;
/// let (head, body) = signer.sign(request)?.into_parts();
///
/// let verifier = Verifier::new(MessageSignatures::new(), KeyMap::named([("billing", key()?)])?)?;
/// let verified = verifier.verify(&head, body.as_bytes()).await?;
/// assert_eq!(
///     verified.covered().collect::<Vec<_>>(),
///     [r#""@method""#, r#""@authority""#, r#""@path""#, r#""@query""#, r#""content-digest""#],
/// );
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
///
/// # What is read
///
/// All lines of `Signature-Input`, `Signature` and `Content-Digest` are read. The signature covers
/// their meaning, not their spelling, such as spaces in `Signature-Input` (RFC 9421 section 3.2).
///
/// If there are several signatures, only one is verified: the one with the configured
/// [label](Self::with_label) and [tag](Self::with_tag), or the only one if neither is set. The
/// caller and the covered components come from it alone. If every signature has another label or
/// tag, the request counts as unsigned: an [optional](crate::Verifier::optional) verifier lets it
/// through. Other parties' signatures stay in the head when ours is added or
/// [stripped](crate::Verifier::strip_signature).
///
/// The parameters are `created`, `expires`, `nonce`, `alg`, `keyid` and `tag`. Others are rejected,
/// and so are components that requests do not have (`@status`, `req`, `tr`).
///
/// # Behind a proxy
///
/// A signature covers the authority that clients see. Behind a proxy that ends TLS or rewrites
/// `Host`, set [`with_public_origin`](Self::with_public_origin): forwarded headers are never read.
///
/// [RFC 9421]: https://www.rfc-editor.org/rfc/rfc9421
/// [RFC 9530]: https://www.rfc-editor.org/rfc/rfc9530
#[derive(Clone, Debug)]
pub struct MessageSignatures {
    pub(super) headers: [HeaderName; 2],
    pub(super) policy: Policy,
    pub(super) label: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) components: Option<Vec<Component>>,
    /// The lists whose text is compared instead of parsed. Derived from the settings.
    pub(super) known: Vec<Arc<Known>>,
    pub(super) digest: Algorithm,
    pub(super) max_lifetime: Option<u64>,
    origin: Option<Origin>,
    types: Types,
}

impl MessageSignatures {
    /// Makes the scheme with the strict policy and the request's own authority.
    #[must_use]
    pub fn new() -> Self {
        Self {
            headers: [SIGNATURE, SIGNATURE_INPUT],
            known: Known::lists(&Policy::strict(), None),
            policy: Policy::strict(),
            label: None,
            tag: None,
            components: None,
            digest: Algorithm::Sha256,
            max_lifetime: None,
            origin: None,
            types: Types::default(),
        }
    }

    /// Sets what must be covered. [`Policy::strict`] by default.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self.with_known_lists()
    }

    /// Sets the label of the signature to verify. A signer writes it, too; `sig1` by default.
    ///
    /// The signature does not cover its label: anyone can rename it. To distinguish applications,
    /// set a [tag](Self::with_tag).
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `label` is not a key of a structured dictionary (RFC 9651 section
    /// 3.1.2).
    pub fn with_label(mut self, label: impl Into<String>) -> Result<Self, ConfigError> {
        let label = label.into();
        KeyRef::from_str(&label).map_err(|_| {
            ConfigError::invalid("label", "is not a key of a structured dictionary")
        })?;
        self.label = Some(label);
        Ok(self)
    }

    /// Sets the `tag` that the signature must carry: the application that it is meant for. A signer
    /// writes it, too.
    ///
    /// ```
    /// use tower_hmac::{ErrorKind, KeyMap, MessageSignatures, SecretKey, Signer, Verifier};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let key = || SecretKey::new("k7Qz-b3Wn");
    /// let orders = MessageSignatures::new().with_tag("orders")?;
    /// let invoices = MessageSignatures::new().with_tag("invoices")?;
    ///
    /// let signer = Signer::new(invoices, key()?).with_key_id("billing")?;
    /// let request = http::Request::get("https://api.example.com/").body(())?;
    /// let (head, ()) = signer.sign(request)?.into_parts();
    /// let verifier = Verifier::new(orders, KeyMap::named([("billing", key()?)])?)?;
    /// assert_eq!(verifier.verify(&head, b"").await.unwrap_err().kind(), ErrorKind::Missing);
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `tag` is not valid text in a structured field: visible ASCII and
    /// spaces (RFC 9651 section 3.3.3).
    pub fn with_tag(mut self, tag: impl Into<String>) -> Result<Self, ConfigError> {
        let tag = tag.into();
        if tag.is_empty() {
            return Err(ConfigError::EmptyName("tag".into()));
        }
        StringRef::from_str(&tag)
            .map_err(|_| ConfigError::invalid("tag", "is not visible ASCII and spaces"))?;
        self.tag = Some(tag);
        Ok(self)
    }

    /// Sets what a signer covers, in this order. By default, what the policy requires.
    /// `content-digest` is added if the strict policy requires it. A request that the policy would
    /// reject is not signed.
    ///
    /// ```
    /// use tower_hmac::MessageSignatures;
    ///
    /// let scheme = MessageSignatures::new()
    ///     .with_components(["@method", "@authority", "@path", "@query", "content-type"])?;
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the list is empty, contains a component that requests do not
    /// have, or contains one twice.
    pub fn with_components<I>(mut self, components: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut covered = Vec::new();
        for component in components {
            policy::push(&mut covered, component.as_ref(), "components")?;
        }
        if covered.is_empty() {
            return Err(ConfigError::invalid("components", "is an empty list"));
        }
        self.components = Some(covered);
        Ok(self.with_known_lists())
    }

    /// Sets the hash of `Content-Digest` that a signer writes: SHA-256 (the default) or SHA-512. A
    /// server accepts both.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] for any other hash.
    pub fn with_digest(mut self, algorithm: Algorithm) -> Result<Self, ConfigError> {
        self.digest = digest::known(algorithm)?;
        Ok(self)
    }

    /// Accepts a signature with `expires` for its whole lifetime, up to this limit, in whole
    /// seconds. By default, the verifier's tolerance limits the age of every signature, and
    /// `expires` can only shorten it.
    ///
    /// A signature is rejected if it expires later than this after it was created, or from now. A
    /// signature without `expires` is still limited by the tolerance. A replay guard remembers a
    /// request until it expires.
    ///
    /// A [`Signer`](crate::Signer) writes `expires` if it [has a
    /// lifetime](crate::Signer::with_lifetime).
    #[must_use]
    pub fn with_max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime.as_secs());
        self
    }

    /// Sets the origin that clients see, such as `https://api.example.com`, for `@authority`,
    /// `@scheme` and `@target-uri`. A path after it, such as `/v1`, is a prefix that a proxy
    /// strips: it is restored in `@path`, `@target-uri` and `@request-target`.
    ///
    /// This is needed if a proxy rewrites `Host` or the path, and if `@scheme` or `@target-uri` is
    /// covered on a server that does not see the scheme. `Host` is then ignored.
    ///
    /// A [`Signer`](crate::Signer) with this setting signs what this server reads. A request to
    /// another authority, past the proxy, is signed with the prefix before its own path. A request
    /// to the public origin already has it.
    ///
    /// ```
    /// use tower_hmac::MessageSignatures;
    ///
    /// // The proxy ends TLS, and sends `/v1/orders` on as `/orders`.
    /// let scheme = MessageSignatures::new().with_public_origin("https://api.example.com/v1")?;
    /// # let _ = scheme;
    /// assert!(MessageSignatures::new().with_public_origin("api.example.com").is_err());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `origin` is not a URI with `http` or `https`, an authority, and
    /// at most a path.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(Origin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Sets the type of a structured field, for components with `sf`. The types of registered
    /// request fields are known. For any other field, a component with `sf` is rejected.
    ///
    /// ```
    /// use tower_hmac::MessageSignatures;
    /// use tower_hmac::scheme::StructuredType;
    ///
    /// // A signature may cover `"x-options";sf`.
    /// let scheme = MessageSignatures::new()
    ///     .with_structured_field("x-options", StructuredType::Dictionary)?;
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `name` is not a valid header name.
    pub fn with_structured_field<N: TryInto<HeaderName>>(
        mut self,
        name: N,
        kind: StructuredType,
    ) -> Result<Self, ConfigError> {
        self.types.set(header_name(name, "structured_field")?, kind);
        Ok(self)
    }

    /// Returns the signature base (section 2.5) of a request for a value of `Signature-Input`, such
    /// as `("@method" "@path");created=1618884473`. Use it to compare the bases of client and
    /// server. The value is serialized again, as both sides must do. This checks no policy and
    /// proves nothing.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if the value is not a list of components, or the request lacks one of
    /// them.
    pub fn signature_base(&self, head: &Parts, input: &str) -> Result<String, ClaimError> {
        let parsed =
            Input::parse(input).map_err(|why| ClaimError::in_header(&SIGNATURE_INPUT, why))?;
        let mut base = SignedText::record();
        self.base(
            self.target(head),
            &parsed.components,
            parsed.serialized().as_bytes(),
            &mut base,
        )?;
        String::from_utf8(base.into_recorded().bytes)
            .map_err(|_| ClaimError::malformed("the base is not ASCII"))
    }

    /// Returns the target of a received request.
    pub(super) fn target<'h>(&'h self, head: &'h Parts) -> Target<'h> {
        Target { head, origin: self.origin.as_ref(), outgoing: false, lines: None }
    }

    pub(super) fn base(
        &self,
        target: Target<'_>,
        components: &[Component],
        parameters: &[u8],
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        base::write(components, parameters, target, &self.types, text)
    }

    /// Derives the known lists again. Call this after every change of a setting.
    fn with_known_lists(mut self) -> Self {
        self.known = Known::lists(&self.policy, self.components.as_deref());
        self
    }

    pub(super) fn signing_label(&self) -> &str {
        self.label.as_deref().unwrap_or(DEFAULT_LABEL)
    }
}

impl Default for MessageSignatures {
    fn default() -> Self {
        Self::new()
    }
}

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

/// The label of a signature where none is set.
const DEFAULT_LABEL: &str = "sig1";

/// HTTP Message Signatures ([RFC 9421]) with `hmac-sha256` and a signed `Content-Digest`
/// ([RFC 9530]): the format to take where nothing else is asked for.
///
/// **Covered** under the strict [`Policy`], the default: method, authority, path, query, body,
/// time, nonce and the key's name. **Not covered:** other headers, unless they are
/// [asked for](Policy::add_component), and trailers.
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
/// All lines of `Signature-Input`, `Signature` and `Content-Digest`. What is signed is their meaning
/// and not their spelling: spaces in `Signature-Input` are free (RFC 9421 section 3.2).
///
/// Of several signatures one decides: the one with the [label](Self::with_label) and the
/// [tag](Self::with_tag) that are set, or the only one if neither is set. Caller and covered list
/// come from it alone. If every signature has another label or tag, the request is as good as
/// unsigned: an [optional](crate::Verifier::optional) verifier lets it through. Other parties'
/// signatures stay in the head when ours is added or
/// [stripped](crate::Verifier::strip_signature).
///
/// The parameters are `created`, `expires`, `nonce`, `alg`, `keyid` and `tag`; others are refused,
/// and so are components that no request has (`@status`, `req`, `tr`).
///
/// # Behind a proxy
///
/// A server signs for the authority that its clients see. Behind a proxy that ends TLS or rewrites
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
    /// Made from the settings: the lists that are compared instead of parsed.
    pub(super) known: Vec<Arc<Known>>,
    pub(super) digest: Algorithm,
    pub(super) max_lifetime: Option<u64>,
    origin: Option<Origin>,
    types: Types,
}

impl MessageSignatures {
    /// The strict policy, and the request's own authority.
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

    /// Sets what must be covered; [`Policy::strict`] if it is not set.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self.with_known_lists()
    }

    /// Sets the label of the signature that decides. A signer writes it too, and `sig1` if it is
    /// not set.
    ///
    /// The signature does not cover its label: anyone can rename it. To tell applications apart,
    /// set a [tag](Self::with_tag).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no key of a structured dictionary (RFC 9651 section 3.1.2).
    pub fn with_label(mut self, label: impl Into<String>) -> Result<Self, ConfigError> {
        let label = label.into();
        KeyRef::from_str(&label)
            .map_err(|_| ConfigError::invalid("label", "is no key of a structured dictionary"))?;
        self.label = Some(label);
        Ok(self)
    }

    /// Sets the `tag` that the signature must carry: the application that it is meant for. A
    /// signer writes it too.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no text of a structured field: visible ASCII and spaces
    /// (RFC 9651 section 3.3.3).
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

    /// Sets what a signer covers, in this order; what the policy asks for if it is not set.
    /// `content-digest` is added where the strict policy wants it. A request that the policy
    /// would refuse is not signed.
    ///
    /// A verifier accepts what its policy accepts, whatever is set here. It reads a signature over
    /// exactly this list fastest: it compares the list instead of parsing it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the list is empty, or names what no request has, or something twice.
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

    /// Sets the hash of `Content-Digest` that a signer writes: SHA-256, the default, or SHA-512.
    /// A server takes both.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is another one.
    pub fn with_digest(mut self, algorithm: Algorithm) -> Result<Self, ConfigError> {
        self.digest = digest::known(algorithm)?;
        Ok(self)
    }

    /// Accepts a signature with `expires` for its whole lifetime, up to this one, in whole seconds.
    /// By default the verifier's tolerance bounds the age of every signature, and `expires` can
    /// only shorten it.
    ///
    /// A signature is rejected if it expires later than this after it was created, or from now.
    /// One without `expires` still ages by the tolerance. A replay guard remembers a request until
    /// it expires.
    ///
    /// A [`Signer`](crate::Signer) writes `expires` if it
    /// [has a lifetime](crate::Signer::with_lifetime).
    #[must_use]
    pub fn with_max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = Some(lifetime.as_secs());
        self
    }

    /// Sets the origin as clients see it, such as `https://api.example.com`, for `@authority`,
    /// `@scheme` and `@target-uri`. A path after it, such as `/v1`, is one that a proxy cuts off: it is
    /// put before the path again in `@path`, `@target-uri` and `@request-target`.
    ///
    /// Needed where a proxy rewrites `Host` or the path, and wherever `@scheme` or `@target-uri` is
    /// covered on a server that does not see the scheme. `Host` counts for nothing then.
    ///
    /// A [`Signer`](crate::Signer) with this setting signs as this server reads: a request to
    /// another authority, past the proxy, is signed with the path before its own; one to the public
    /// origin has it already.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not a URI with `http` or `https`, an authority, and at most a path.
    pub fn with_public_origin(mut self, origin: impl AsRef<str>) -> Result<Self, ConfigError> {
        self.origin = Some(Origin::parse(origin.as_ref())?);
        Ok(self)
    }

    /// Sets the type of a structured field, for components with `sf`. Those of the registered
    /// fields that requests carry are known. A component with `sf` of another field is refused.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is no header name.
    pub fn with_structured_field<N: TryInto<HeaderName>>(
        mut self,
        name: N,
        kind: StructuredType,
    ) -> Result<Self, ConfigError> {
        self.types.set(header_name(name, "structured_field")?, kind);
        Ok(self)
    }

    /// The signature base (section 2.5) of a request for a value of `Signature-Input`, such as
    /// `("@method" "@path");created=1618884473`: to see why two sides differ. The value is
    /// serialized again, as both sides have to do. It asks for no policy and proves nothing.
    ///
    /// # Errors
    ///
    /// [`ClaimError`] if the value is no list of components, or the request lacks one of them.
    pub fn signature_base(&self, head: &Parts, input: &str) -> Result<String, ClaimError> {
        let parsed =
            Input::parse(input).map_err(|why| ClaimError::in_header(&SIGNATURE_INPUT, why))?;
        let mut base = SignedText::record();
        self.base(head, &parsed.components, &parsed.serialized(), false, &mut base)?;
        String::from_utf8(base.into_recorded().bytes)
            .map_err(|_| ClaimError::malformed("the base is not ASCII"))
    }

    pub(super) fn base(
        &self,
        head: &Parts,
        components: &[Component],
        parameters: &str,
        outgoing: bool,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let target = Target { head, origin: self.origin.as_ref(), outgoing };
        base::write(components, parameters, target, &self.types, text)
    }

    /// To be called after a change of the settings that the lists are made from.
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

use super::component::{Component, Fault, Kind};
use super::input::{self, Parameters};
use crate::error::ConfigError;

/// The shortest nonce that the strict policy accepts, in bytes of its text.
const MIN_NONCE_LEN: usize = 16;

/// The components and parameters that a signature must have to be accepted. A signer writes them.
///
/// The signer chooses what its signature covers, and RFC 9421 section 3.2.1 leaves it to the
/// application to require enough. Without a policy, a signature that covers nothing would be
/// accepted. [`strict`](Self::strict) is the default. The docs of each method that relaxes the
/// policy describe the resulting risk.
///
/// ```
/// use tower_hmac::MessageSignatures;
/// use tower_hmac::scheme::Policy;
///
/// let policy = Policy::strict().add_component("content-type")?;
/// let scheme = MessageSignatures::new().with_policy(policy);
/// # let _ = scheme;
/// // There is no such component in a request.
/// assert!(Policy::strict().add_component("@status").is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // Each is a separate setting.
pub struct Policy {
    required: Required,
    also: Vec<Component>,
    created: bool,
    keyid: bool,
    nonce: bool,
    unsigned_body: bool,
}

#[derive(Clone, Debug)]
enum Required {
    /// The method and the whole target, and a digest of the body if there is one.
    Request,
    /// Only these components.
    Only(Vec<Component>),
}

impl Policy {
    /// Requires a signature to cover at least `@method`, `@authority`, `@path` and `@query`, or
    /// `@target-uri` instead of the last three. If there is a body, it must cover `content-digest`,
    /// too: plain, with `sf`, with `bs`, or its member `sha-256` or `sha-512`. The parameters
    /// `created`, `keyid` and `nonce` (16 bytes or more) are required.
    #[must_use]
    pub fn strict() -> Self {
        Self {
            required: Required::Request,
            also: Vec::new(),
            created: true,
            keyid: true,
            nonce: true,
            unsigned_body: false,
        }
    }

    /// Requires one more component: a bare name such as `content-type`, or an identifier with
    /// parameters such as `"@query-param";name="a"`. Once added, `content-digest` is required even
    /// without a body.
    ///
    /// See [`Policy`] for an example.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if requests have no such component, or it is already required. Also
    /// returns it if the component is a digest and unsigned bodies are accepted.
    pub fn add_component(mut self, component: impl AsRef<str>) -> Result<Self, ConfigError> {
        push(&mut self.also, component.as_ref(), "components")?;
        self.consistent()
    }

    /// Leaves everything outside this list unprotected: anybody who sees a signed request can
    /// change it.
    ///
    /// Requires only these components, written as in [`add_component`](Self::add_component). A
    /// request whose signature does not cover `content-digest` must not have a body.
    ///
    /// ```
    /// use tower_hmac::MessageSignatures;
    /// use tower_hmac::scheme::Policy;
    ///
    /// // For a client that signs the method and a path, and sends no bodies.
    /// let policy = Policy::strict().dangerous_require_only(["@method", "@path"])?;
    /// let scheme = MessageSignatures::new().with_policy(policy);
    /// # let _ = scheme;
    /// assert!(Policy::strict().dangerous_require_only([""; 0]).is_err());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`add_component`](Self::add_component), and [`ConfigError`] if the
    /// list is empty.
    pub fn dangerous_require_only<I>(mut self, components: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut only = Vec::new();
        for component in components {
            push(&mut only, component.as_ref(), "components")?;
        }
        if only.is_empty() {
            let why = "a signature that covers nothing protects nothing";
            return Err(ConfigError::invalid("components", why));
        }
        self.required = Required::Only(only);
        self.also.clear();
        self.consistent()
    }

    /// Accepts signatures of any age: one without `created` is valid forever, or until its
    /// `expires`.
    #[must_use]
    pub fn dangerous_without_created(mut self) -> Self {
        self.created = false;
        self
    }

    /// Accepts signatures without a key ID: one without `keyid` belongs to the anonymous key.
    #[must_use]
    pub fn dangerous_without_keyid(mut self) -> Self {
        self.keyid = false;
        self
    }

    /// Accepts signatures without a nonce, so identical requests of the same second cannot be
    /// distinguished. A replay guard remembers the tag instead, and rejects the second of two
    /// legitimate requests.
    #[must_use]
    pub fn dangerous_without_nonce(mut self) -> Self {
        self.nonce = false;
        self
    }

    /// Leaves the body unprotected: anybody who sees a signed head can send any body with it. If
    /// `content-digest` is covered, it is still verified.
    ///
    /// ```
    /// use tower_hmac::scheme::Policy;
    ///
    /// // For uploads whose digest no client can make beforehand.
    /// let policy = Policy::strict().dangerous_unsigned_body()?;
    /// assert!(policy.add_component("content-digest").is_err());
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if `content-digest` is a required component.
    pub fn dangerous_unsigned_body(mut self) -> Result<Self, ConfigError> {
        self.unsigned_body = true;
        self.consistent()
    }

    /// Rejects a policy that requires a digest of the body and also accepts unsigned bodies.
    fn consistent(self) -> Result<Self, ConfigError> {
        if self.unsigned_body && self.named().any(Component::covers_body) {
            let why = "`content-digest` is required, but unsigned bodies are accepted";
            return Err(ConfigError::invalid("components", why));
        }
        Ok(self)
    }

    fn named(&self) -> impl Iterator<Item = &Component> {
        let only = match &self.required {
            Required::Request => [].as_slice(),
            Required::Only(only) => only,
        };
        only.iter().chain(&self.also)
    }

    /// Returns the components that a signer covers by default.
    pub(super) fn components(&self, body: bool) -> Vec<Component> {
        let mut components: Vec<_> = match self.required {
            Required::Request => ["@method", "@authority", "@path", "@query"]
                .into_iter()
                .filter_map(Component::named)
                .collect(),
            Required::Only(_) => Vec::new(),
        };
        for component in self.named() {
            if components.iter().all(|known| known.kind() != component.kind()) {
                components.push(component.clone());
            }
        }
        self.cover_body(&mut components, body);
        components
    }

    /// Adds the digest if there is a body and the strict policy requires it to be covered.
    pub(super) fn cover_body(&self, components: &mut Vec<Component>, body: bool) {
        let strict = matches!(self.required, Required::Request) && !self.unsigned_body;
        if body && strict && !components.iter().any(Component::covers_body) {
            components.extend(Component::named("content-digest"));
        }
    }

    /// Returns whether these components are enough, apart from the body.
    pub(super) fn is_met_by(&self, components: &[Component]) -> bool {
        let has = |kind: &Kind| components.iter().any(|component| component.kind() == kind);
        let request = match self.required {
            Required::Request => {
                has(&Kind::Method)
                    && (has(&Kind::TargetUri)
                        || (has(&Kind::Authority) && has(&Kind::Path) && has(&Kind::Query)))
            }
            Required::Only(_) => true,
        };
        // A digest in another form, or of only one hash, covers the body as well.
        let covers = |wanted: &Component| {
            has(wanted.kind())
                || (wanted.is_content_digest() && components.iter().any(Component::covers_body))
        };
        request && self.named().all(covers)
    }

    /// Checks what a signature covers.
    pub(super) fn check_components(&self, components: &[Component]) -> Result<(), Fault> {
        if self.is_met_by(components) {
            Ok(())
        } else {
            Err("covers less than the policy requires")
        }
    }

    /// Checks the parameters of a signature.
    pub(super) fn check_parameters<T: AsRef<[u8]>>(
        &self,
        parameters: &Parameters<T>,
    ) -> Result<(), Fault> {
        if self.created && parameters.created.is_none() {
            return Err("has no `created`");
        }
        if self.keyid && parameters.keyid.is_none() {
            return Err("has no `keyid`");
        }
        let nonce_len = parameters.nonce.as_ref().map_or(0, |nonce| nonce.as_ref().len());
        if self.nonce && nonce_len < MIN_NONCE_LEN {
            return Err("has no `nonce` of 16 bytes or more");
        }
        // The server picks the algorithm, never the message (section 7.3.6).
        match &parameters.alg {
            Some(alg) if alg.as_ref() != super::ALG.as_bytes() => {
                Err("has an `alg` other than `hmac-sha256`")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn asks_for_created(&self) -> bool {
        self.created
    }

    pub(super) fn asks_for_keyid(&self) -> bool {
        self.keyid
    }

    pub(super) fn takes_unsigned_body(&self) -> bool {
        self.unsigned_body
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::strict()
    }
}

/// Adds a component, or rejects a duplicate.
pub(super) fn push(
    components: &mut Vec<Component>,
    text: &str,
    setting: &'static str,
) -> Result<(), ConfigError> {
    let component = input::component(text, setting)?;
    if components.iter().any(|known| known.kind() == component.kind()) {
        return Err(ConfigError::invalid(setting, "names a component twice"));
    }
    components.push(component);
    Ok(())
}

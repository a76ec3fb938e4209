use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, Method};

use super::canonical::TargetForm;
use super::config::Config;
use super::credential::{self, Credential};
use super::fields::Listed;
use super::parameters::{self, Parameters};
use super::payload::{self, Payload, PayloadKind};
use super::reading::{Reading, text_of_reading};
use super::{ALGORITHM, UNSIGNED_PAYLOAD, X_AMZ_CONTENT_SHA256, authorization, date, fields};
use crate::crypto::Digest;
use crate::crypto::{Algorithm, Mac, Tag};
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, KeyDerivation, Scheme, SignError, SignedText, Stamp,
    Window, compat_axum, target, wire,
};

/// The longest lifetime of a URL, in seconds: seven days.
const MAX_EXPIRES: u64 = 604_800;

/// The presigned URLs of AWS Signature Version 4: links with an expiry, for clients without a key.
/// Made by [`AwsSigV4::presigned`](crate::scheme::AwsSigV4::presigned). Needs feature `sigv4`.
///
/// The signature is in the query, in six parameters: `X-Amz-Algorithm`, `X-Amz-Credential`,
/// `X-Amz-Date`, `X-Amz-Expires` (1 to 604,800 seconds), `X-Amz-SignedHeaders` and
/// `X-Amz-Signature`. [`Signer::sign_url`](crate::Signer::sign_url) makes such links; its docs have
/// an example.
///
/// A link is valid from its date minus the tolerance until its date plus its expiry. It works for
/// GET and HEAD unless [`with_methods`](Self::with_methods) sets others. With a replay guard it
/// works once, and a link made before the guard's memory began gets 503, whether it was used or
/// not.
///
/// **Covered:** what [`AwsSigV4`](crate::scheme::AwsSigV4) covers, except the body. For S3, the
/// body is not signed, and a request with one is rejected without
/// [`dangerous_unsigned_payload`](crate::scheme::AwsSigV4::dangerous_unsigned_payload). For other
/// services, a GET or HEAD has no body, and the body of another method is covered by its hash.
///
/// Anybody with the link can use it until it expires: keep it out of logs. The signature is in the
/// target of the request, so `strip_signature` removes the six parameters from it.
#[derive(Clone, Debug)]
pub struct AwsPresigned {
    config: Config,
    methods: Vec<Method>,
}

impl AwsPresigned {
    pub(super) fn new(config: Config) -> Self {
        Self { config, methods: vec![Method::GET, Method::HEAD] }
    }

    /// Sets the methods that links may have. Each link is valid for one of them, because the
    /// signature covers it.
    #[must_use]
    pub fn with_methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// Returns the canonical request as this side builds it. If a signature does not match, compare
    /// it with the client's. The canonical request contains no key and no signature.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if the request is not signed with this scheme.
    pub fn canonical_request(&self, head: &Parts, body: &[u8]) -> Result<String, ClaimError> {
        Ok(Reading::of(&self.claim(head)?)?.shown(body))
    }

    fn check_method(&self, method: &Method) -> Result<(), ClaimError> {
        if self.methods.contains(method) {
            Ok(())
        } else {
            Err(ClaimError::malformed("links are not for this method (rule 16)"))
        }
    }

    fn payload(&self, head: &Parts) -> Result<Payload<'static>, ClaimError> {
        if head.headers.contains_key(X_AMZ_CONTENT_SHA256) {
            let why = "is present, but a link does not cover the body (rule 16)";
            return Err(ClaimError::in_header(&X_AMZ_CONTENT_SHA256, why));
        }
        Ok(match head.method {
            _ if self.config.has_s3_payloads => {
                let takes_any = self.config.unsigned_payload;
                let kind = if takes_any { PayloadKind::Unsigned } else { PayloadKind::Empty };
                Payload { kind, line: UNSIGNED_PAYLOAD }
            }
            Method::GET | Method::HEAD => {
                Payload { kind: PayloadKind::Empty, line: payload::EMPTY }
            }
            _ => Payload::hashed(),
        })
    }

    fn form(&self) -> TargetForm {
        TargetForm::Canonical(self.config.path)
    }
}

impl Scheme for AwsPresigned {
    fn name(&self) -> &'static str {
        "sigv4-presigned"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &[]
    }

    fn requires_key_id(&self) -> bool {
        true
    }

    fn check_key_id(&self, key_id: &KeyId) -> Result<(), ConfigError> {
        credential::check_key_id(key_id)
    }

    fn window(&self) -> Window {
        Window::timed()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let sent = Parameters::read(&head.uri)?;
        if authorization::is_there(head) {
            let why = "is present, but the query is signed, too (rule 1)";
            return Err(ClaimError::in_header(&AUTHORIZATION, why));
        }
        let malformed = |why| Err(ClaimError::malformed(why));
        if sent.algorithm != ALGORITHM {
            return malformed("`X-Amz-Algorithm` is not `AWS4-HMAC-SHA256` (rule 14)");
        }
        let signature = Encoding::Hex.decode_tag(&sent.signature, Algorithm::Sha256);
        let Some(signature) = signature else {
            return malformed("`X-Amz-Signature` is not 64 lower-case hex digits (rule 14)");
        };
        let Some(credential) = Credential::parse(&sent.credential) else {
            return malformed("`X-Amz-Credential` does not have five parts (rule 3)");
        };
        let Some(created) = date::read(&sent.date) else {
            return malformed("`X-Amz-Date` is not a date and time (rule 4)");
        };
        if date::day(&sent.date) != credential.day {
            return malformed("`X-Amz-Date` has another day than the credential (rule 4)");
        }
        let Some(expires) = read_expires(&sent.expires) else {
            return malformed("`X-Amz-Expires` is not from 1 to 604800 (rule 15)");
        };
        self.check_method(&head.method)?;
        let listed = Listed::read(&sent.signed_headers, &head.headers, &self.config.required)?;
        let (form, payload) = (self.form(), self.payload(head)?);
        let reading = self.config.reading(head, form, &listed, payload, &sent.date, &credential)?;
        let mut claim = Claim::signed(signature)
            .with_key_id(KeyId::new(credential.key_id).ok())
            .with_not_before(created)
            .with_expires(created.saturating_add_unsigned(expires));
        claim.cover(listed.covered());
        claim.keep_shared(Arc::new(reading));
        Ok(claim)
    }

    text_of_reading!();

    fn derivation(&self) -> Option<&dyn KeyDerivation> {
        Some(&self.config)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        let key_id = credential::signing_key_id(stamp)?;
        let expires = stamp.lifetime().ok_or(SignError::Request("a link needs a lifetime"))?;
        if !(1..=MAX_EXPIRES).contains(&expires) {
            return Err(SignError::Request("the lifetime is not from 1 second to 7 days"));
        }
        if parameters::are_misspelled(&head.uri) {
            let why = "the query has a parameter of the signature in another spelling";
            return Err(SignError::Request(why));
        }
        target::drop_usual_port(head);
        let date = date::write(stamp.now())?;
        let credential = self.config.credential(key_id.as_str(), date::day(&date));
        let list = fields::list(head);
        for (name, value) in [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &format!("{key_id}/{}", credential.scope())),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", &expires.to_string()),
            ("X-Amz-SignedHeaders", &list),
        ] {
            add(head, name, value)?;
        }
        self.check_method(&head.method)?;
        let listed = Listed::read(&list, &head.headers, &self.config.required)?;
        let (form, payload) = (self.form(), self.payload(head)?);
        let reading = self.config.reading(head, form, &listed, payload, &date, &credential)?;
        Ok(Claim::new().with_key_id(key_id.clone()).with_not_before(stamp.now()).with_memo(reading))
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let signature = Encoding::Hex.encode(wire::only_tag(tags)?.as_bytes());
        add(head, parameters::SIGNATURE, &signature)
    }

    fn strip(&self, head: &mut Parts) {
        compat_axum::change_target(head, parameters::strip);
    }
}

/// Parses the lifetime of a link, in seconds.
fn read_expires(text: &str) -> Option<u64> {
    let seconds = u64::try_from(wire::unix_seconds(text)?).ok()?;
    (1..=MAX_EXPIRES).contains(&seconds).then_some(seconds)
}

fn add(head: &mut Parts, name: &str, value: &str) -> Result<(), SignError> {
    head.uri = parameters::add(&head.uri, name, value)
        .ok_or(SignError::Request("the signature cannot be added to the target"))?;
    Ok(())
}

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::authorization::{self, Authorization};
use super::canonical::TargetForm;
use super::config::Config;
use super::credential::{self, Credential};
use super::fields::Listed;
use super::path::PathStyle;
use super::payload::{self, Payload};
use super::reading::{Reading, text_of_reading};
use super::{
    AwsPresigned, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN, date, fields, parameters,
};
use crate::crypto::Digest;
use crate::crypto::{Algorithm, Mac, Tag};
use crate::error::ConfigError;
use crate::key::{KeyId, SecretKey};
use crate::scheme::{
    Claim, ClaimError, Coverage, Encoding, KeyDerivation, Scheme, Selector, SignError, SignedText,
    Stamp, Window, target, wire,
};

static OWNED: [HeaderName; 4] =
    [AUTHORIZATION, X_AMZ_DATE, X_AMZ_CONTENT_SHA256, X_AMZ_SECURITY_TOKEN];

/// AWS Signature Version 4 in the `Authorization` header, with your own keys. Needs feature
/// `sigv4`.
///
/// Every AWS SDK signs this way, and so do `curl --aws-sigv4` and awscli. So clients need no extra
/// library. The access key ID is the key ID. The keys are your service's own, since AWS does not
/// disclose the secrets of its users. Sources: [Signature Version 4] in the IAM user guide and in
/// the [S3 API reference][S3].
///
/// ```text
/// Authorization: AWS4-HMAC-SHA256 Credential=<key ID>/<yyyymmdd>/<region>/<service>/aws4_request,
///                SignedHeaders=host;x-amz-date, Signature=<64 hex digits>
/// X-Amz-Date: 20150830T123600Z
/// ```
///
/// **Covered:** method, host, path, query, time, region and service, the body, `Content-Type`,
/// every `X-Amz-*` header, and the other headers that the client lists.
/// [`Verified::signed_headers`] returns them. **Not covered:** the access key ID. Two key IDs with
/// one secret can impersonate each other.
///
/// With `X-Amz-Content-Sha256`, the MAC is checked before the body is read. Without it, as outside
/// of S3, the MAC can only be checked once the body is complete. The body is hashed as it arrives.
///
/// Two requests have the same signature if they differ only in:
///
/// * the order of names in the query, or which characters of the query are escaped;
/// * for S3, escapes in the path: `/a` and `/%61`;
/// * runs of spaces in a header, or whether its values are sent separately or joined by commas.
///
/// The guide `docs/sigv4.md` has the rules, numbered as in the error messages, and the clients. Not
/// supported: signed chunks (`STREAMING-*`), `SigV4a`, POST policies, Signature Version 2.
///
/// ```
/// use http::Request;
/// use tower_hmac::{KeyMap, SecretKey, Signer, Verifier};
/// use tower_hmac::scheme::AwsSigV4;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let scheme = AwsSigV4::new("eu-central-1", "orders")?;
/// let keys = KeyMap::named([("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")])?;
/// let verifier = Verifier::new(scheme.clone(), keys)?;
///
/// let signer = Signer::new(scheme, SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?)
///     .with_key_id("AKIDEXAMPLE")?;
/// let request = signer.sign(Request::post("http://localhost/orders?id=7").body("{}")?)?;
/// let (head, body) = request.into_parts();
/// assert!(verifier.verify(&head, body.as_bytes()).await.is_ok());
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
///
/// [`Verified::signed_headers`]: crate::Verified::signed_headers
/// [Signature Version 4]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
/// [S3]: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
#[derive(Clone, Debug)]
pub struct AwsSigV4 {
    config: Config,
    raw_target: bool,
    sends_hash: bool,
}

impl AwsSigV4 {
    /// Makes a scheme for the region and the service that clients are configured with. Both can be
    /// any text. For the service `s3`, paths and payloads follow S3's rules.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if the region or the service is empty, or contains a character that
    /// a credential cannot contain.
    pub fn new(region: impl Into<String>, service: impl Into<String>) -> Result<Self, ConfigError> {
        let config = Config::new(region.into(), service.into())?;
        let sends_hash = config.has_s3_payloads;
        Ok(Self { config, raw_target: false, sends_hash })
    }

    /// Sets the accepted regions. A signer signs for the first.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if there is no region, or one cannot be part of a credential.
    pub fn with_regions<R>(
        mut self,
        regions: impl IntoIterator<Item = R>,
    ) -> Result<Self, ConfigError>
    where
        R: Into<String>,
    {
        self.config.set_regions(regions)?;
        Ok(self)
    }

    /// Sets headers that must be signed in addition to `Host`, `Content-Type` and `X-Amz-*`. A
    /// request without one of them is rejected.
    ///
    /// ```
    /// use tower_hmac::scheme::AwsSigV4;
    ///
    /// let scheme = AwsSigV4::new("us-east-1", "orders")?.with_required_headers(["x-tenant"])?;
    /// # let _ = scheme;
    /// # Ok::<(), tower_hmac::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if one is not a header name.
    pub fn with_required_headers<N>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self, ConfigError>
    where
        N: Into<String>,
    {
        self.config.set_required(names)?;
        Ok(self)
    }

    /// Encodes paths once without normalizing them, as S3's clients do, even if the service is not
    /// `s3`.
    #[must_use]
    pub fn with_s3_paths(mut self) -> Self {
        self.config.path = PathStyle::S3;
        self
    }

    /// Makes a signer send `X-Amz-Content-Sha256`, so that the server checks the MAC before it
    /// reads the body. Always on for S3.
    #[must_use]
    pub fn with_payload_header(mut self) -> Self {
        self.sends_hash = true;
        self
    }

    /// Returns the scheme of presigned URLs with the same settings.
    ///
    /// A verifier can accept both with the same keys: `VerifyLayer::new(scheme.clone(),
    /// keys.clone())?.or(scheme.presigned(), keys)?`.
    #[must_use]
    pub fn presigned(&self) -> AwsPresigned {
        AwsPresigned::new(self.config.clone())
    }

    /// Leaves the body unprotected if a request carries `X-Amz-Content-Sha256: UNSIGNED-PAYLOAD`:
    /// anybody who sees such a request can send any body with its head. S3 links never sign the
    /// payload, so without this call, [`presigned`](Self::presigned) rejects a body for S3.
    #[must_use]
    pub fn dangerous_unsigned_payload(mut self) -> Self {
        self.config.unsigned_payload = true;
        self
    }

    /// Accepts paths that are not in normal form: `/a/../b` and `//b` have the signature of `/b`,
    /// but the handler sees the path as sent. Has no effect for S3, which never normalizes paths.
    #[must_use]
    pub fn dangerous_normalized_path(mut self) -> Self {
        if self.config.path == PathStyle::Standard {
            self.config.path = PathStyle::Normalized;
        }
        self
    }

    /// Accepts only curl before version 8, and rejects all other clients: path and query are signed
    /// as sent, *instead of* in canonical form. Both cannot be accepted, because the sent form of
    /// one path is the canonical form of another. Presigned URLs stay canonical.
    #[must_use]
    pub fn dangerous_raw_target(mut self) -> Self {
        self.raw_target = true;
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

    fn form(&self) -> TargetForm {
        if self.raw_target { TargetForm::Raw } else { TargetForm::Canonical(self.config.path) }
    }
}

impl Scheme for AwsSigV4 {
    fn name(&self) -> &'static str {
        "sigv4"
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &OWNED
    }

    fn selector(&self) -> Option<Selector<'_>> {
        Some(Selector::TagLen(Algorithm::Sha256.tag_len()))
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
        let authorization = Authorization::read(head)?;
        let malformed = |why| Err(ClaimError::in_header(&AUTHORIZATION, why));
        if parameters::are_there(&head.uri) {
            return malformed("is present, but the query is signed, too (rule 1)");
        }
        let Some(credential) = Credential::parse(authorization.credential) else {
            return malformed("has no credential of five parts (rule 3)");
        };
        let signature = Encoding::Hex.decode_tag(authorization.signature, Algorithm::Sha256);
        let Some(signature) = signature else {
            return malformed("has no signature of 64 lower-case hex digits (rule 2)");
        };
        let date = wire::text(&X_AMZ_DATE, wire::required(head, &X_AMZ_DATE)?)?;
        let Some(created) = date::read(date) else {
            return Err(ClaimError::in_header(&X_AMZ_DATE, "is not a date and time (rule 4)"));
        };
        if date::day(date) != credential.day {
            let why = "has another day than the credential (rule 4)";
            return Err(ClaimError::in_header(&X_AMZ_DATE, why));
        }
        let list = authorization.signed_headers;
        let listed = Listed::read(list, &head.headers, &self.config.required)?;
        let payload = Payload::read(head, self.config.unsigned_payload)?;
        let reading =
            self.config.reading(head, self.form(), &listed, payload, date, &credential)?;
        let mut claim = Claim::signed(signature)
            .with_key_id(KeyId::new(credential.key_id).ok())
            .with_created(created);
        claim.cover(listed.covered());
        claim.keep_shared(Arc::new(reading));
        Ok(claim)
    }

    text_of_reading!();

    fn derivation(&self) -> Option<&dyn KeyDerivation> {
        Some(&self.config)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        if head.headers.contains_key(AUTHORIZATION) {
            return Err(SignError::in_header(&AUTHORIZATION, "is already present"));
        }
        if parameters::are_there(&head.uri) {
            return Err(SignError::Request("the query is already signed"));
        }
        let key_id = credential::signing_key_id(stamp)?;
        target::drop_usual_port(head);
        let date = date::write(stamp.now())?;
        head.headers.insert(X_AMZ_DATE, wire::value(&X_AMZ_DATE, &date)?);
        let is_there = head.headers.contains_key(X_AMZ_CONTENT_SHA256);
        if (self.sends_hash || is_there) && !payload::is_unsigned(head) {
            payload::write(head, stamp.body())?;
        }
        let list = fields::list(head);
        let listed = Listed::read(&list, &head.headers, &self.config.required)?;
        let payload = Payload::read(head, self.config.unsigned_payload)?;
        let credential = self.config.credential(key_id.as_str(), date::day(&date));
        let reading =
            self.config.reading(head, self.form(), &listed, payload, &date, &credential)?;
        Ok(Claim::new().with_key_id(key_id.clone()).with_created(stamp.now()).with_memo(reading))
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let key_id = claim.key_id().map_or("", KeyId::as_str);
        let authorization = Authorization {
            credential: &format!("{key_id}/{}", Reading::of(claim)?.scope()),
            signed_headers: &fields::list(head),
            signature: &Encoding::Hex.encode(wire::only_tag(tags)?.as_bytes()),
        };
        let value = wire::sensitive(&AUTHORIZATION, &authorization.text())?;
        head.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Keeps the session token, which is not part of the signature, and marks it sensitive.
    fn strip(&self, head: &mut Parts) {
        if authorization::is_there(head) {
            head.headers.remove(AUTHORIZATION);
            head.headers.remove(X_AMZ_DATE);
            head.headers.remove(X_AMZ_CONTENT_SHA256);
        }
        for (name, value) in &mut head.headers {
            if *name == X_AMZ_SECURITY_TOKEN {
                value.set_sensitive(true);
            }
        }
    }
}

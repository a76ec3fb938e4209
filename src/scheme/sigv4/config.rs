//! The settings that both forms share, and the canonical request that both build from a head.

use http::HeaderName;
use http::request::Parts;

use super::canonical::{self, TargetForm};
use super::credential::{self, Credential};
use super::date;
use super::fields::Listed;
use super::path::PathStyle;
use super::payload::Payload;
use super::reading::Reading;
use crate::error::{ConfigError, header_name};
use crate::key::SecretKey;
use crate::scheme::{Claim, ClaimError, KeyDerivation, KeyScope};

/// The scope of the keys, and the headers that must be signed.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// The accepted regions. A signer signs for the first one.
    regions: Vec<String>,
    service: String,
    pub(super) path: PathStyle,
    /// Whether presigned URLs leave the payload unsigned and signers send its hash, as for S3.
    pub(super) has_s3_payloads: bool,
    pub(super) required: Vec<HeaderName>,
    pub(super) unsigned_payload: bool,
}

impl Config {
    pub(super) fn new(region: String, service: String) -> Result<Self, ConfigError> {
        let service = credential::scope_part(service, "service")?;
        let is_s3 = service == "s3";
        let path = if is_s3 { PathStyle::S3 } else { PathStyle::Standard };
        let regions = vec![credential::scope_part(region, "region")?];
        Ok(Self {
            regions,
            service,
            path,
            has_s3_payloads: is_s3,
            required: Vec::new(),
            unsigned_payload: false,
        })
    }

    pub(super) fn set_regions<R>(
        &mut self,
        regions: impl IntoIterator<Item = R>,
    ) -> Result<(), ConfigError>
    where
        R: Into<String>,
    {
        let regions =
            regions.into_iter().map(|region| credential::scope_part(region.into(), "regions"));
        let regions = regions.collect::<Result<Vec<_>, _>>()?;
        if regions.is_empty() {
            return Err(ConfigError::invalid(
                "regions",
                "is empty, so every request would be rejected",
            ));
        }
        self.regions = regions;
        Ok(())
    }

    pub(super) fn set_required<N>(
        &mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<(), ConfigError>
    where
        N: Into<String>,
    {
        let names = names.into_iter().map(|name| header_name(name.into(), "required headers"));
        self.required = names.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Writes the canonical form of a request that is signed, or about to be signed.
    pub(super) fn reading(
        &self,
        head: &Parts,
        form: TargetForm,
        listed: &Listed<'_>,
        payload: Payload<'_>,
        date: &str,
        credential: &Credential<'_>,
    ) -> Result<Reading, ClaimError> {
        let mut text = Reading::lead(date, credential);
        let lead_len = text.len();
        canonical::write(&mut text, head, listed, form)?;
        text.extend_from_slice(payload.line.as_bytes());
        Ok(Reading::new(text, lead_len, payload.kind, self.place(credential)))
    }

    /// Returns the index of the region. `None` if this side has no keys for the scope.
    fn place(&self, credential: &Credential<'_>) -> Option<usize> {
        let place = self.regions.iter().position(|region| region == credential.region);
        place.filter(|_| credential.service == self.service)
    }

    /// Returns the credential that a signer signs with.
    pub(super) fn credential<'t>(&'t self, key_id: &'t str, day: &'t str) -> Credential<'t> {
        let region = self.regions.first().map_or("", String::as_str);
        Credential { key_id, day, region, service: &self.service }
    }
}

impl KeyDerivation for Config {
    fn scope_of<'c>(&self, claim: &'c Claim) -> Option<KeyScope<'c>> {
        Reading::of(claim).ok().map(Reading::key_scope)
    }

    fn day_of(&self, unix_seconds: i64) -> Option<String> {
        date::write(unix_seconds).ok().map(|date| date::day(&date).to_owned())
    }

    fn scope_count(&self) -> usize {
        self.regions.len()
    }

    fn scopes_on(&self, day: &str) -> Vec<String> {
        let scope = |region| Credential { key_id: "", day, region, service: &self.service }.scope();
        self.regions.iter().map(|region| scope(region)).collect()
    }

    fn derive(&self, secret: &SecretKey, scope: &str) -> SecretKey {
        credential::scoped_key(secret, scope)
    }
}

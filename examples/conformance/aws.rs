//! AWS Signature Version 4.

use tower_hmac::BoxError;
use tower_hmac::scheme::AwsSigV4;

/// The dangerous settings of `SigV4`, by their names in the configuration.
pub(crate) const DANGERS: [&str; 3] = ["unsigned_payload", "raw_target", "normalized_path"];

pub(crate) fn scheme(
    region: Option<&str>,
    service: Option<&str>,
    allows: impl Fn(&str) -> bool,
) -> Result<AwsSigV4, BoxError> {
    let region = region.ok_or("region: is missing")?;
    let mut scheme = AwsSigV4::new(region, service.ok_or("service: is missing")?)?;
    if allows("unsigned_payload") {
        scheme = scheme.dangerous_unsigned_payload();
    }
    if allows("raw_target") {
        scheme = scheme.dangerous_raw_target();
    }
    if allows("normalized_path") {
        scheme = scheme.dangerous_normalized_path();
    }
    Ok(scheme)
}

//! AWS Signature Version 4.

mod answers;
mod docs;
mod draft;
mod live;
mod properties;
mod rejections;
mod settings;
mod vectors;

use std::time::Duration;

use http::Request;
use tower_hmac::clock::ManualClock;
use tower_hmac::scheme::{AwsPresigned, AwsSigV4};
use tower_hmac::{ErrorKind, KeyMap, Scheme, SecretKey, Signer, Verified, Verifier};

use crate::support::twice::checked;

/// The time of the suite, 2015-08-30T12:36:00Z.
const NOW: i64 = 1_440_938_160;
const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const HOST: &str = "example.amazonaws.com";

fn scheme() -> AwsSigV4 {
    AwsSigV4::new("us-east-1", "service").unwrap()
}

fn keys() -> KeyMap {
    KeyMap::named([(KEY_ID, SECRET), ("other/key", "another secret")]).unwrap()
}

fn verifier(scheme: impl Scheme + 'static) -> Verifier {
    Verifier::new(scheme, keys()).unwrap().with_clock(ManualClock::new(NOW))
}

fn signer<S: Scheme>(scheme: S) -> Signer<S> {
    Signer::new(scheme, SecretKey::new(SECRET).unwrap())
        .with_key_id(KEY_ID)
        .unwrap()
        .with_clock(ManualClock::new(NOW))
}

fn link_signer(scheme: AwsPresigned) -> Signer<AwsPresigned> {
    signer(scheme).with_lifetime(Duration::from_secs(3600))
}

fn verify(
    scheme: impl Scheme + 'static,
    request: &Request<Vec<u8>>,
) -> Result<Verified, ErrorKind> {
    checked(verifier(scheme), request).map_err(|error| error.kind())
}

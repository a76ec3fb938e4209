//! Links: URLs that carry their signature in the query.

use http::{Request, Uri};

#[cfg(feature = "sigv4")]
use crate::scheme::AwsPresigned;
#[cfg(feature = "sha1")]
use crate::scheme::FostUrl;
use crate::scheme::Scheme;
use crate::scheme::SignError;
use crate::sign::Signer;

#[cfg(feature = "sha1")]
impl Signer<FostUrl> {
    /// Makes a link for GET and HEAD that is valid for the signer's
    /// [lifetime](Self::with_lifetime).
    ///
    /// The default port and a fragment are dropped, since clients do not send them. Give the host
    /// as a client sends it: in lower case.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_hmac::{SecretKey, Signer};
    /// use tower_hmac::clock::ManualClock;
    /// use tower_hmac::scheme::FostUrl;
    ///
    /// let signer = Signer::new(FostUrl::new(), SecretKey::new("secret-value")?)
    ///     .with_key_id("test-user2")?
    ///     .with_lifetime(Duration::from_secs(3600))
    ///     .with_clock(ManualClock::new(1_590_375_649));
    /// assert_eq!(
    ///     signer.sign_url("http://www.example.com/debug/signed/")?,
    ///     "http://www.example.com/debug/signed/\
    ///      ?_k=test-user2&_e=1590379249&_s=RGemZfy39Wshz%2BiQnHR2%2F0Rtfq8%3D",
    /// );
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`SignError`] if `url` is not a URL, has no host, or cannot be turned into such a
    /// link.
    pub fn sign_url<U: TryInto<Uri>>(&self, url: U) -> Result<Uri, SignError> {
        sign_link(self, url)
    }
}

#[cfg(feature = "sigv4")]
impl Signer<AwsPresigned> {
    /// Makes a link for GET that is valid for the signer's [lifetime](Self::with_lifetime). For
    /// another method, or with headers, sign a request and use its target.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_hmac::{SecretKey, Signer};
    /// use tower_hmac::clock::ManualClock;
    /// use tower_hmac::scheme::AwsSigV4;
    ///
    /// // The example of the S3 API reference.
    /// let key = SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?;
    /// let signer = Signer::new(AwsSigV4::new("us-east-1", "s3")?.presigned(), key)
    ///     .with_key_id("AKIAIOSFODNN7EXAMPLE")?
    ///     .with_lifetime(Duration::from_secs(86_400))
    ///     .with_clock(ManualClock::new(1_369_353_600));
    /// let link = signer.sign_url("https://examplebucket.s3.amazonaws.com/test.txt")?.to_string();
    /// assert!(link.ends_with(
    ///     "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    /// ));
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`SignError`] if `url` is not a URL, has no host, or cannot be turned into such a
    /// link.
    pub fn sign_url<U: TryInto<Uri>>(&self, url: U) -> Result<Uri, SignError> {
        sign_link(self, url)
    }
}

fn sign_link<S: Scheme>(signer: &Signer<S>, url: impl TryInto<Uri>) -> Result<Uri, SignError> {
    let url = url.try_into().map_err(|_| SignError::Request("it is not a URL"))?;
    let (mut head, ()) = Request::new(()).into_parts();
    head.uri = url;
    signer.sign_head(&mut head, b"")?;
    Ok(head.uri)
}

#[cfg(feature = "reqwest-middleware")]
use http::Method;
#[cfg(feature = "reqwest-middleware")]
use http::header::LOCATION;
use http::request::Parts;
use http::{Request, StatusCode, Uri};
use reqwest::Url;
use reqwest::redirect::Policy;

use crate::scheme::Scheme;
use crate::sign::{SignError, Signer};

impl<S: Scheme> Signer<S> {
    /// Signs a `reqwest` request whose body is in memory. Leaves the request unchanged on an error.
    ///
    /// Build the client with [`same_origin_redirects`], or with no redirects at all. Otherwise,
    /// `reqwest` forwards a header such as `Signature` to another host, with a request that the
    /// signature does not match.
    ///
    /// ```
    /// use tower_hmac::{FlaskHmac, SecretKey, Signer};
    ///
    /// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    /// let client = reqwest::Client::new();
    /// let mut request = client.post("http://localhost/plain").body(r#"{"foo": "boo"}"#).build()?;
    /// signer.sign_reqwest(&mut request)?;
    /// assert_eq!(
    ///     request.headers()["signature"],
    ///     "nm3ezDgSuwx2dN51HHuq8CK/R7G8J+tulFgYFFArj8U=",
    /// );
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    ///
    /// This works with requests of `reqwest` 0.13. With another version, sign an `http::Request`
    /// and convert it, without this feature:
    ///
    /// ```
    /// # use tower_hmac::{FlaskHmac, SecretKey, Signer};
    /// # let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    /// let request = http::Request::post("http://localhost/plain").body(r#"{"foo": "boo"}"#)?;
    /// let request = reqwest::Request::try_from(signer.sign(request)?)?;
    /// assert!(request.headers().contains_key("signature"));
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`SignError::Streaming`] if the body streams, and any other [`SignError`] if the
    /// scheme cannot sign this request.
    ///
    /// A multipart form of `reqwest` streams even if all its parts are in memory. Collect it first:
    ///
    /// ```
    /// use http_body_util::BodyExt as _;
    /// # use tower_hmac::{FlaskHmac, SecretKey, Signer};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
    /// let form = reqwest::multipart::Form::new().text("name", "value");
    /// let client = reqwest::Client::new();
    /// let mut request = client.post("http://localhost/form").multipart(form).build()?;
    /// if let Some(body) = request.body_mut().take() {
    ///     *request.body_mut() = Some(body.collect().await?.to_bytes().into());
    /// }
    /// signer.sign_reqwest(&mut request)?;
    /// # Ok::<(), tower_hmac::BoxError>(())
    /// # }).unwrap();
    /// ```
    pub fn sign_reqwest(&self, request: &mut reqwest::Request) -> Result<(), SignError> {
        sign_by(request, |head, body| self.sign_head(head, body))
    }
}

/// Signs a request by a function that signs its head.
pub(super) fn sign_by(
    request: &mut reqwest::Request,
    sign: impl FnOnce(&mut Parts, &[u8]) -> Result<(), SignError>,
) -> Result<(), SignError> {
    let body = match request.body() {
        None => &[],
        Some(body) => body.as_bytes().ok_or(SignError::Streaming)?,
    };
    let (mut head, ()) = Request::new(()).into_parts();
    head.method.clone_from(request.method());
    head.uri = target(request.url())?;
    head.version = request.version();
    head.headers.clone_from(request.headers());
    let unsigned_uri = head.uri.clone();
    sign(&mut head, body)?;
    if head.uri != unsigned_uri {
        *request.url_mut() = rewritten(request.url(), &head.uri)?;
    }
    *request.headers_mut() = head.headers;
    Ok(())
}

/// Returns the target that `reqwest` sends: without user, password and fragment.
fn target(url: &Url) -> Result<Uri, SignError> {
    let unsendable = SignError::Request("the URL is not a valid target of an HTTP request");
    let mut url = url.clone();
    url.set_fragment(None);
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
        return Err(unsendable);
    }
    url.as_str().parse().map_err(|_| unsendable)
}

/// Returns the URL for a target whose query now carries the signature.
fn rewritten(url: &Url, signed: &Uri) -> Result<Url, SignError> {
    let mut url = url.clone();
    url.set_query(signed.query());
    // The sent request must be exactly the signed one.
    if target(&url)? == *signed {
        Ok(url)
    } else {
        Err(SignError::Request("the signed URL cannot be sent as it is"))
    }
}

/// Returns a redirect policy for clients that sign.
///
/// Redirects are followed if they keep method and body (307 and 308) and stay within one origin
/// (scheme, host and port). The maximum number is `reqwest`'s default. The response to any other
/// redirect is returned to the caller.
///
/// ```
/// let client = reqwest::Client::builder()
///     .redirect(tower_hmac::client::same_origin_redirects())
///     .build()?;
/// # Ok::<(), reqwest::Error>(())
/// ```
///
/// The signature is sent on unchanged. After 301, 302 or 303, a POST would become a GET without its
/// body, and the signature of the POST would not match. If the scheme covers the path, the
/// signature does not match the new path either, and the server rejects it. For such a scheme, use
/// [`Policy::none`](reqwest::redirect::Policy::none) and sign the next request yourself, or use
/// `SignMiddleware`, which signs each hop.
#[must_use]
pub fn same_origin_redirects() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt.previous().iter().all(|url| url.origin() == attempt.url().origin());
        if stays && keeps_body(attempt.status()) {
            Policy::default().redirect(attempt)
        } else {
            attempt.stop()
        }
    })
}

/// Returns whether a redirect asks for the same method and body again (RFC 9110 section 15.4).
fn keeps_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
}

/// Returns the request that follows a redirect, not signed yet. `None` if there is no redirect, or
/// if it leads to another origin or changes the method.
#[cfg(feature = "reqwest-middleware")]
pub(super) fn redirected(
    mut request: reqwest::Request,
    response: &reqwest::Response,
) -> Option<reqwest::Request> {
    let status = response.status();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let changes_no_read =
        matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER);
    if !(keeps_body(status) || changes_no_read && is_read) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let url = request.url().join(location).ok()?;
    if url.origin() != request.url().origin() {
        return None;
    }
    *request.url_mut() = url;
    Some(request)
}

use http::{Request, Uri};
use reqwest::Url;
use reqwest::redirect::Policy;

use crate::scheme::Scheme;
use crate::sign::{SignError, Signer};

impl<S: Scheme> Signer<S> {
    /// Signs a request of `reqwest` whose body is in memory. It is left as it was unless all of it
    /// succeeds.
    ///
    /// Build the client with [`same_origin_redirects`], or with no redirects at all: `reqwest`
    /// carries a header such as `Signature` along to another host.
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
    /// It takes requests of `reqwest` 0.13. With another version, sign an `http::Request` and convert
    /// it, without this feature:
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
    /// [`SignError::Streaming`] if the body streams, as multipart forms do; any other
    /// [`SignError`] if the format cannot sign this request.
    pub fn sign_reqwest(&self, request: &mut reqwest::Request) -> Result<(), SignError> {
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
        self.sign_head(&mut head, body)?;
        if head.uri != unsigned_uri {
            *request.url_mut() = rewritten(request.url(), &head.uri)?;
        }
        *request.headers_mut() = head.headers;
        Ok(())
    }
}

/// The target as `reqwest` sends it: user, password and fragment stay behind.
fn target(url: &Url) -> Result<Uri, SignError> {
    let unsendable = SignError::Request("the URL is no target of an HTTP request");
    let mut url = url.clone();
    url.set_fragment(None);
    if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
        return Err(unsendable);
    }
    url.as_str().parse().map_err(|_| unsendable)
}

/// The URL for a target whose query carries the signature now.
fn rewritten(url: &Url, signed: &Uri) -> Result<Url, SignError> {
    let mut url = url.clone();
    url.set_query(signed.query());
    // What is sent must be what was signed, to the letter.
    if target(&url)? == *signed {
        Ok(url)
    } else {
        Err(SignError::Request("the signed URL cannot be sent as it is"))
    }
}

/// Redirects for clients that sign: followed within one origin (scheme, host and port) as `reqwest`
/// does by default. One that leads elsewhere is not followed, and its answer is the caller's.
///
/// ```
/// let client = reqwest::Client::builder()
///     .redirect(tower_hmac::sign::same_origin_redirects())
///     .build()?;
/// # Ok::<(), reqwest::Error>(())
/// ```
///
/// Within the origin the signature goes along unchanged. In a format that covers the path it does
/// not fit the new one: such a redirect is followed, and refused by the server.
#[must_use]
pub fn same_origin_redirects() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt.previous().iter().all(|url| url.origin() == attempt.url().origin());
        if stays { Policy::default().redirect(attempt) } else { attempt.stop() }
    })
}

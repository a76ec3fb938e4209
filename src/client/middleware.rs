use std::fmt;
use std::sync::Arc;

use http::Extensions;
use http::request::Parts;
use reqwest::redirect::Policy;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};

use crate::client::reqwest::{redirected, sign_by};
use crate::scheme::Scheme;
use crate::sign::Signer;

/// Signs each attempt of a `reqwest-middleware` client.
///
/// ```no_run
/// use tower_hmac::client::SignMiddleware;
/// use tower_hmac::{FlaskHmac, SecretKey, Signer};
///
/// # async fn post() -> Result<(), tower_hmac::BoxError> {
/// let signer = Signer::new(FlaskHmac::new(), SecretKey::new("s3cr3tk3y")?);
/// let client = SignMiddleware::new(signer).into_client(reqwest::Client::builder())?;
/// client.post("http://localhost/plain").body("{}").send().await?;
/// # Ok(())
/// # }
/// ```
///
/// Add `SignMiddleware` after all other middleware. If one of them retries, each attempt is then
/// signed again, with a new time and a new nonce. A request that cannot be signed, such as one with
/// a streaming body, fails before anything is sent, with an [`Error::Middleware`] around a
/// [`SignError`].
///
/// No middleware sees the redirects that `reqwest` follows. [`into_client`](Self::into_client)
/// takes care of them. If you build the inner client yourself, give it
/// [`Policy::none`](reqwest::redirect::Policy::none) or [`same_origin_redirects`], so that no
/// signature goes to another host.
///
/// [`SignError`]: crate::SignError
/// [`same_origin_redirects`]: crate::client::same_origin_redirects
pub struct SignMiddleware<S> {
    signer: Arc<Signer<S>>,
    follows: bool,
}

/// The maximum number of redirects that are followed, as in `reqwest` by default.
const MAX_REDIRECTS: usize = 10;

impl<S: Scheme + 'static> SignMiddleware<S> {
    /// Makes a middleware that signs with this signer.
    #[must_use]
    pub fn new(signer: impl Into<Arc<Signer<S>>>) -> Self {
        Self { signer: signer.into(), follows: false }
    }

    /// Builds a client that signs and follows redirects. The builder's own redirect policy is
    /// replaced.
    ///
    /// Follows at most 10 redirects, within one origin (scheme, host and port), if they keep the
    /// method and the body. These are 307 and 308, and for GET and HEAD also 301, 302 and 303. Each
    /// hop is signed again. The response to any other redirect is returned to the caller.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`reqwest::ClientBuilder::build`].
    pub fn into_client(self, builder: reqwest::ClientBuilder) -> Result<ClientWithMiddleware> {
        let client = builder.redirect(Policy::none()).build()?;
        let signing = Self { follows: true, ..self };
        Ok(ClientBuilder::new(client).with(signing).build())
    }
}

#[async_trait::async_trait]
impl<S: Scheme + 'static> Middleware for SignMiddleware<S> {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let most = if self.follows { MAX_REDIRECTS } else { 0 };
        let mut redirects = most;
        loop {
            let unsigned = if redirects > 0 { request.try_clone() } else { None };
            let sign = |head: &mut Parts, body: &[u8]| {
                // The target of a redirect may have kept the signature of a link.
                if redirects == most {
                    self.signer.sign_head(head, body)
                } else {
                    self.signer.sign_head_again(head, body)
                }
            };
            sign_by(&mut request, sign).map_err(Error::middleware)?;
            let response = next.clone().run(request, extensions).await?;
            match unsigned.and_then(|unsigned| redirected(unsigned, &response)) {
                Some(following) => request = following,
                None => return Ok(response),
            }
            redirects = redirects.saturating_sub(1);
        }
    }
}

impl<S> Clone for SignMiddleware<S> {
    fn clone(&self) -> Self {
        Self { signer: self.signer.clone(), follows: self.follows }
    }
}

impl<S: Scheme> fmt::Debug for SignMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignMiddleware").field("signer", &self.signer).finish_non_exhaustive()
    }
}

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next, Result};

use crate::scheme::Scheme;
use crate::sign::{Signer, same_origin_redirects};

/// Signs each attempt of a `reqwest-middleware` client.
///
/// ```no_run
/// use tower_hmac::sign::SignMiddleware;
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
/// Beside other middlewares, add it last: after one that retries, each attempt is signed afresh,
/// with a new time and a new nonce. A request that cannot be signed, such as one whose body
/// streams, is an [`Error::Middleware`] around a [`SignError`] before anything is sent.
///
/// No middleware sees the redirects that `reqwest` follows. [`into_client`](Self::into_client)
/// takes care of them; where you build the inner client yourself, give it
/// [`same_origin_redirects`], so that no signature goes to another host.
///
/// [`SignError`]: crate::SignError
pub struct SignMiddleware<S> {
    signer: Arc<Signer<S>>,
}

impl<S: Scheme + 'static> SignMiddleware<S> {
    /// Signs with this signer.
    #[must_use]
    pub fn new(signer: impl Into<Arc<Signer<S>>>) -> Self {
        Self { signer: signer.into() }
    }

    /// Builds a client that signs and does nothing else, with [`same_origin_redirects`] in the
    /// place of the builder's own.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::ClientBuilder::build`].
    pub fn into_client(self, builder: reqwest::ClientBuilder) -> Result<ClientWithMiddleware> {
        let client = builder.redirect(same_origin_redirects()).build()?;
        Ok(ClientBuilder::new(client).with(self).build())
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
        self.signer.sign_reqwest(&mut request).map_err(Error::middleware)?;
        next.run(request, extensions).await
    }
}

impl<S> Clone for SignMiddleware<S> {
    fn clone(&self) -> Self {
        Self { signer: self.signer.clone() }
    }
}

impl<S: Scheme> fmt::Debug for SignMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignMiddleware").field("signer", &self.signer).finish()
    }
}

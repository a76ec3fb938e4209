use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::Response;
use http::request::Parts;

use crate::extract::verified::{found, missing, reject};
use crate::key::KeyId;
use crate::verify::{Verified, VerifyError};

/// An allow-list of key IDs, as a type. Use [`allow_list!`](crate::allow_list) to define one.
///
/// ```
/// use tower_hmac::extract::Only;
///
/// tower_hmac::allow_list!(Billing = ["billing", "billing-staging"]);
///
/// async fn invoice(caller: Only<Billing>) -> String {
///     format!("an invoice for {:?}", caller.key_id())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of callers",
    label = "expected a type defined by `allow_list!`",
    note = "`tower_hmac::allow_list!({Self} = [\"aservice\"]);` defines it"
)]
pub trait AllowList: 'static {
    /// Returns whether this caller is on the list. `None` is the anonymous key.
    fn allows(key_id: Option<&KeyId>) -> bool;
}

/// A list that allows every caller with a key.
///
/// See [`Signed`](crate::extract::Signed) for an example.
#[derive(Clone, Copy, Debug)]
pub enum Anyone {}

impl AllowList for Anyone {
    fn allows(_: Option<&KeyId>) -> bool {
        true
    }
}

/// Defines an allow-list of key IDs as a type, for [`Only`] and [`Signed`](crate::extract::Signed).
///
/// ```
/// tower_hmac::allow_list! {
///     /// The callers who may write invoices.
///     pub Billing = ["aservice", "bservice"];
/// }
/// ```
///
/// A key ID is never empty. Write `[]` to allow nobody:
///
/// ```compile_fail,E0080
/// tower_hmac::allow_list!(pub Billing = ["aservice", ""]);
/// ```
#[macro_export]
macro_rules! allow_list {
    ($(#[$meta:meta])* $visibility:vis $name:ident = [$($key_id:expr),* $(,)?] $(;)?) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $visibility enum $name {}

        impl $crate::extract::AllowList for $name {
            fn allows(key_id: ::core::option::Option<&$crate::KeyId>) -> bool {
                const NAMES: &[&str] = &[$($key_id),*];
                const { $( ::core::assert!(!$key_id.is_empty(), "a key ID is empty"); )* }
                key_id.is_some_and(|key_id| NAMES.contains(&key_id.as_str()))
            }
        }
    };
}

/// A caller on the allow-list `L`. All other callers get the layer's own rejection.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_hmac::extract::Only;
/// use tower_hmac::{FlaskHmac, KeyMap, VerifyLayer};
///
/// tower_hmac::allow_list!(Billing = ["aservice", "bservice"]);
///
/// async fn invoice(caller: Only<Billing>) -> String {
///     format!("for {}", caller.key_id().unwrap())
/// }
///
/// let keys = KeyMap::named([("aservice", "akey"), ("cservice", "ckey")])?;
/// let app: Router = Router::new()
///     .route("/invoice", get(invoice))
///     .layer(VerifyLayer::new(FlaskHmac::new(), keys)?);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// `Option<Only<L>>` is `None` for an unsigned request behind an optional layer. A signed request
/// from a caller who is not on the list is still rejected.
///
/// If the layer is disarmed, every request passes this extractor, too.
pub struct Only<L: AllowList> {
    verified: Verified,
    list: PhantomData<fn() -> L>,
}

impl<L: AllowList> Only<L> {
    /// Wraps a caller that was already checked against the list.
    pub(super) fn admitted(verified: Verified) -> Self {
        Self { verified, list: PhantomData }
    }

    /// Checks a caller against the list.
    fn admit(verified: Verified) -> Result<Self, VerifyError> {
        if verified.is_disarmed() || L::allows(verified.key_id()) {
            Ok(Self::admitted(verified))
        } else {
            Err(VerifyError::not_allowed(verified.shared_scheme(), verified.key_id()))
        }
    }

    /// Returns the caller, without the list.
    #[must_use]
    pub fn into_verified(self) -> Verified {
        self.verified
    }
}

impl<L: AllowList> Deref for Only<L> {
    type Target = Verified;

    fn deref(&self) -> &Verified {
        &self.verified
    }
}

impl<L: AllowList> Clone for Only<L> {
    fn clone(&self) -> Self {
        Self { verified: self.verified.clone(), list: PhantomData }
    }
}

impl<L: AllowList> fmt::Debug for Only<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Only").field(&self.verified).finish()
    }
}

impl<S: Send + Sync, L: AllowList> FromRequestParts<S> for Only<L> {
    /// The layer's own response.
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        match found(parts)? {
            None => Err(missing(parts).await),
            Some(verified) => admit(verified.clone(), parts).await,
        }
    }
}

impl<S: Send + Sync, L: AllowList> OptionalFromRequestParts<S> for Only<L> {
    type Rejection = Response;

    /// Returns `None` if the request is unsigned. A caller who is not on the list is rejected.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Response> {
        match found(parts)? {
            None => Ok(None),
            Some(verified) => admit(verified.clone(), parts).await.map(Some),
        }
    }
}

/// Returns a caller on the list, or the layer's own response.
async fn admit<L: AllowList>(verified: Verified, parts: &Parts) -> Result<Only<L>, Response> {
    match Only::admit(verified) {
        Ok(caller) => Ok(caller),
        Err(error) => Err(reject(parts, &error).await),
    }
}

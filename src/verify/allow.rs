//! Step 7: the allow-list, on the proven key ID.

use crate::key::KeyId;
use crate::verify::context::VerifyContext;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::step::Step;

/// The allow-list of one route, in addition to the verifier's.
pub(crate) type AllowFn = fn(Option<&KeyId>) -> bool;

/// Allows every caller.
pub(crate) fn anyone(_: Option<&KeyId>) -> bool {
    true
}

impl VerifyContext<'_> {
    /// Checks the key ID against the verifier's list and the route's own list.
    #[inline]
    pub(super) fn allow(self, allows: AllowFn) -> Result<(), VerifyError> {
        let key_id = self.claim().key_id();
        let is_listed = match (&self.verifier.only, key_id) {
            (None, _) => true,
            (Some(only), Some(key_id)) => only.contains(key_id),
            (Some(_), None) => false,
        };
        if is_listed && allows(key_id) {
            Ok(())
        } else {
            Err(self.error(Step::AllowList, ErrorKind::NotAllowed))
        }
    }
}

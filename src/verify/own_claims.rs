//! What a request has claimed already, for a layer that stands inside another one with the same
//! replay guard.

use http::Extensions;

use crate::replay::{GuardId, ReplayKey};

/// The replay keys that this request has claimed, and with which guard. It stands in the request's
/// extensions.
#[derive(Clone, Default)]
struct OwnClaims(Vec<(GuardId, ReplayKey)>);

/// Whether the request has claimed these keys itself.
pub(crate) fn contains(extensions: &Extensions, guard: GuardId, keys: &[ReplayKey]) -> bool {
    extensions
        .get::<OwnClaims>()
        .is_some_and(|own| keys.iter().all(|key| own.0.contains(&(guard, *key))))
}

/// Remembers that the request has claimed these keys.
pub(crate) fn add(extensions: &mut Extensions, guard: GuardId, keys: &[ReplayKey]) {
    let own = extensions.get_or_insert_default::<OwnClaims>();
    own.0.extend(keys.iter().map(|key| (guard, *key)));
}

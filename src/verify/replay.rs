//! Step 8: the replay guard, and the replay keys that a request has already claimed.

use std::sync::Arc;

use http::Extensions;
use http::request::Parts;

use crate::error::BoxError;
use crate::replay::{GuardId, Replay, ReplayClaim, ReplayGuard, ReplayKey, ReplayRequest};
use crate::verify::context::VerifyContext;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::keys::MatchedKey;
use crate::verify::step::Step;
use crate::verify::verifier::Verifier;

impl VerifyContext<'_> {
    /// Asks the guard, if there is one. The request is remembered for as long as it could be accepted
    /// again.
    #[inline]
    pub(super) fn claim_once(self, matched: &MatchedKey, now: Option<i64>) -> Option<ReplayClaim> {
        let (guard, now) = self.verifier.replay.as_ref().zip(now)?;
        // An outer layer with the same guard has already claimed the request.
        if has_claimed(&self.head.extensions, guard.id(), &matched.replay_keys) {
            return None;
        }
        let claim = self.claim();
        let window = self.entry().window;
        let past = self.verifier.tolerance(window).past;
        let by_age = claim.created().map(|created| created.saturating_add_unsigned(past));
        let by_tag =
            || now.saturating_add_unsigned(self.verifier.tag_retention.unwrap_or(u64::MAX));
        let keep_until = claim
            .expires()
            .filter(|_| window.is_aged_by_expiry() || by_age.is_none())
            .or(by_age)
            .unwrap_or_else(by_tag);
        Some(self.ask(guard, &matched.replay_keys, keep_until, now))
    }

    /// Claims the request under each of its replay keys.
    fn ask(
        self,
        guard: &Arc<dyn ReplayGuard>,
        keys: &[ReplayKey],
        keep_until: i64,
        now: i64,
    ) -> ReplayClaim {
        // Before either time, the signature was not accepted.
        let created = self.claim().created().or(self.claim().not_before());
        if let [only] = *keys {
            let request = ReplayRequest::new(only, keep_until, now)
                .with_key_id(self.claim().key_id())
                .with_scheme(&self.entry().name)
                .with_created(created);
            return guard.claim(&request);
        }
        let (guard, keys) = (guard.clone(), keys.to_vec());
        let (key_id, scheme) = (self.claim().key_id().cloned(), self.entry().name.clone());
        ReplayClaim::later(async move {
            for key in keys {
                let request = ReplayRequest::new(key, keep_until, now)
                    .with_key_id(key_id.as_ref())
                    .with_scheme(&scheme)
                    .with_created(created);
                match guard.claim(&request).await? {
                    Replay::Claimed => {}
                    rejected => return Ok(rejected),
                }
            }
            Ok(Replay::Claimed)
        })
    }

    /// Rejects a request that the guard does not accept.
    pub(super) fn check_replay(self, answer: Result<Replay, BoxError>) -> Result<(), VerifyError> {
        let kind = match answer {
            Ok(Replay::Claimed) => return Ok(()),
            Ok(Replay::Seen) => ErrorKind::Replayed,
            Ok(Replay::Full) => ErrorKind::ReplayFull,
            Ok(Replay::Forgotten) => ErrorKind::ReplayUnknown,
            Err(source) => return Err(self.store_failed(Step::Replay, source)),
        };
        Err(self.error(Step::Replay, kind))
    }
}

impl Verifier {
    /// Marks a claimed request, for an inner layer with the same guard.
    pub(crate) fn mark_claimed(&self, head: &mut Parts, matched: &MatchedKey) {
        if let Some(guard) = &self.replay {
            remember(&mut head.extensions, guard.id(), &matched.replay_keys);
        }
    }
}

/// The replay keys that this request has claimed, and the guard. Stored in the request's
/// extensions.
#[derive(Clone, Default)]
struct OwnClaims(Vec<(GuardId, ReplayKey)>);

/// Returns whether the request has claimed these keys itself.
fn has_claimed(extensions: &Extensions, guard: GuardId, keys: &[ReplayKey]) -> bool {
    extensions
        .get::<OwnClaims>()
        .is_some_and(|own| keys.iter().all(|key| own.0.contains(&(guard, *key))))
}

/// Remembers that the request has claimed these keys.
fn remember(extensions: &mut Extensions, guard: GuardId, keys: &[ReplayKey]) {
    let own = extensions.get_or_insert_default::<OwnClaims>();
    own.0.extend(keys.iter().map(|key| (guard, *key)));
}

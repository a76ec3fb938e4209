use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http_body::Body;
use subtle::Choice;

use crate::error::BoxError;
use crate::key::{KeySet, Lookup, MAX_KEYS};
use crate::mac::{Digest, Hasher, Tag};
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, Unique};
use crate::scheme::{Claim, ClaimError, Coverage, SignedText};
use crate::verify::body::Gather;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::handle::Unsigned;
use crate::verify::verified::Facts;
use crate::verify::verifier::{Format, Verifier};
use crate::verify::{Verified, observe};

/// After so many bytes of a body that are all there, other tasks get their turn.
const BYTES_A_POLL: usize = 256 * 1024;
/// What the shortest frame counts for: frames without data are work, too.
const BYTES_A_FRAME: usize = 256;

/// What the head says, in the format that was decided on.
pub(crate) struct Claimed {
    pub(super) place: usize,
    pub(super) claim: Claim,
    pub(super) coverage: Coverage,
}

/// A request and what it claims, before the verifier. The claim stays where it is from here on:
/// it is large, and each move of it costs.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) head: &'a Parts,
    pub(super) claimed: &'a Claimed,
}

impl<'a> Case<'a> {
    #[inline]
    pub(super) fn format(&self) -> &'a Format {
        self.verifier.format(self.claimed.place)
    }

    #[inline]
    pub(super) fn claim(&self) -> &'a Claim {
        &self.claimed.claim
    }

    pub(super) fn error(&self, error: impl Into<VerifyError>) -> VerifyError {
        error.into().in_scheme(self.format().scheme.name(), Some(self.claim()))
    }

    fn store_failed(&self, source: BoxError) -> VerifyError {
        self.error(VerifyError::caused(ErrorKind::StoreUnavailable, source))
    }

    /// What the guard said.
    pub(super) fn replied(&self, answer: Result<Replay, BoxError>) -> Result<(), VerifyError> {
        match answer {
            Ok(Replay::Claimed) => Ok(()),
            Ok(Replay::Seen) => Err(self.error(ErrorKind::Replayed)),
            Ok(Replay::Full) => Err(self.error(ErrorKind::ReplayFull)),
            Err(source) => Err(self.store_failed(source)),
        }
    }
}

/// A request under check: its candidate keys, and how far its text has got.
pub(super) struct Check {
    candidates: Candidates,
    stage: Stage,
}

enum Stage {
    Signed(SignedText),
    Derived(SignedText),
    /// The MAC does not cover the raw body, and has matched before it is read.
    Proven(Option<Proof>, Rest),
}

/// What a body must be that no MAC covers.
enum Rest {
    Digests(Vec<Hasher>),
    Empty,
    Unsigned,
}

impl Check {
    /// Step 4, its second half, and step 6 where the MAC does not cover the raw body.
    pub(super) fn begin(
        case: Case<'_>,
        found: Result<Option<KeySet>, BoxError>,
    ) -> Result<Self, VerifyError> {
        let keys = found.map_err(|source| case.store_failed(source))?;
        let (candidates, mut text) = Candidates::start(case, keys);
        let before = case.format().scheme.before_body(case.head, case.claim(), &mut text);
        before.map_err(|error| case.error(error))?;
        let hasher = |digest: &Digest| Hasher::new(digest.algorithm());
        let mut prove =
            |rest| candidates.prove(case, &mut text).map(|proof| Stage::Proven(Some(proof), rest));
        let stage = match &case.claimed.coverage {
            Coverage::Signed => Stage::Signed(text),
            Coverage::Derived => Stage::Derived(text),
            Coverage::Digest(digests) => {
                prove(Rest::Digests(digests.iter().map(hasher).collect()))?
            }
            Coverage::Empty => prove(Rest::Empty)?,
            Coverage::Unsigned => prove(Rest::Unsigned)?,
        };
        Ok(Self { candidates, stage })
    }

    /// Step 5, for each frame.
    pub(super) fn update(&mut self, case: Case<'_>, data: &[u8]) -> Result<(), VerifyError> {
        match &mut self.stage {
            Stage::Signed(text) => text.update(data),
            Stage::Proven(_, Rest::Digests(hashers)) => {
                for hasher in hashers {
                    hasher.update(data);
                }
            }
            Stage::Proven(_, Rest::Empty) if !data.is_empty() => {
                let why = "the format signs no body, and there is one";
                return Err(case.error(ClaimError::malformed(why)));
            }
            Stage::Derived(_) | Stage::Proven(..) => {}
        }
        Ok(())
    }

    /// Step 6, once the whole body is there.
    pub(super) fn finish(&mut self, case: Case<'_>, body: &[u8]) -> Result<Proof, VerifyError> {
        match &mut self.stage {
            Stage::Signed(text) => self.candidates.prove(case, text),
            Stage::Derived(text) => {
                let derived = case.format().scheme.derive(case.head, case.claim(), body, text);
                derived.map_err(|error| case.error(error))?;
                self.candidates.prove(case, text)
            }
            Stage::Proven(proof, rest) => {
                let matched = match (rest, &case.claimed.coverage) {
                    (Rest::Digests(hashers), Coverage::Digest(digests)) => {
                        hashers.drain(..).zip(digests).fold(true, |all, (hasher, digest)| {
                            all & hasher.finalize().matches(digest)
                        })
                    }
                    (Rest::Digests(_), _) => false,
                    (Rest::Empty | Rest::Unsigned, _) => true,
                };
                proof.take().filter(|_| matched).ok_or_else(|| case.error(ErrorKind::Mismatch))
            }
        }
    }
}

/// The keys that a request is held against.
struct Candidates {
    /// Dummies where the name is unknown, so that it takes the path of a known one.
    keys: KeySet,
    is_known: bool,
    /// The place of each candidate in the set; `None` for a dummy.
    places: [Option<u8>; MAX_KEYS],
}

impl Candidates {
    /// Starts one MAC a candidate: the keys that count now, then dummies up to the size of the
    /// store's largest set, so that all names cost the same.
    #[inline]
    fn start(case: Case<'_>, found: Option<KeySet>) -> (Self, SignedText) {
        let Format { scheme, keys: store } = case.format();
        let most = store.max_keys().clamp(1, MAX_KEYS);
        let is_known = found.is_some();
        let keys = found.unwrap_or_else(|| KeySet::dummies(most).clone());
        let now = if keys.has_limits() { case.verifier.now() } else { 0 };
        let mut places = [None; MAX_KEYS];
        let valid = keys.valid_at(now);
        let dummies = KeySet::dummies(MAX_KEYS).iter().map(|dummy| (None, dummy));
        let valid_count = valid.clone().count();
        let mut macs = valid
            .map(|(place, entry)| (u8::try_from(place).ok(), entry))
            .chain(dummies)
            .take(valid_count.max(most))
            .zip(&mut places)
            .map(|((place, entry), candidate)| {
                *candidate = place;
                scheme.key_mac(entry.key(), case.claim())
            });
        // There is at least one dummy; a key made here matches as little as it.
        let first = macs.next();
        let more = macs.collect();
        let first = first.unwrap_or_else(|| {
            scheme.key_mac(&crate::SecretKey::generate(scheme.algorithm()), case.claim())
        });
        (Self { keys, is_known, places }, SignedText::new(first, more))
    }

    /// Writes what comes after the body and compares every candidate with every offered tag.
    #[inline]
    fn prove(&self, case: Case<'_>, text: &mut SignedText) -> Result<Proof, VerifyError> {
        let claim = case.claim();
        let after = case.format().scheme.after_body(case.head, claim, text);
        after.map_err(|error| case.error(error))?;
        let mut matched = None;
        let mut others = Vec::new();
        for (place, tag) in self.places.iter().zip(text.finalize()) {
            let equal = claim
                .signatures()
                .fold(Choice::from(0), |equal, offered| equal | tag.matches(offered.bytes()));
            match place {
                Some(place) if bool::from(equal) && matched.is_none() => {
                    matched = Some((*place, tag));
                }
                // Dummies too, so that all names cost the same.
                _ if claim.nonce().is_none() => others.push((*place, tag)),
                _ => {}
            }
        }
        let known = self.is_known && self.places.iter().any(Option::is_some);
        let Some((key_index, tag)) = matched.filter(|_| known) else {
            let kind = if known { ErrorKind::Mismatch } else { ErrorKind::UnknownKey };
            return Err(case.error(kind));
        };
        let entry = self.keys.iter().nth(key_index.into());
        let key_label = entry.and_then(|entry| entry.shared_label()).cloned();
        let others = others.into_iter().filter_map(|(place, tag)| place.map(|_| tag)).collect();
        Ok(Proof { key_index, key_label, tag, others })
    }
}

/// A MAC has matched: the claim that it was made for is true.
pub(crate) struct Proof {
    key_index: u8,
    key_label: Option<Arc<str>>,
    tag: Tag,
    /// The tags under the other keys that count now, where there is no nonce.
    others: Vec<Tag>,
}

impl Proof {
    pub(super) fn verified(self, case: Case<'_>) -> Verified {
        let (scheme, claim) = (&case.format().scheme, case.claim());
        Verified::new(Facts {
            key_id: claim.key_id().cloned(),
            scheme: scheme.name(),
            algorithm: scheme.algorithm(),
            key_index: self.key_index,
            key_label: self.key_label,
            created: claim.created(),
            covered: claim.covered().cloned(),
        })
    }

    /// Claims the request under its nonce, or else under its tag with each key that counts now: a
    /// request that carries the tags of two keys would come again with one of them alone.
    pub(super) fn claim_once(
        &self,
        guard: &Arc<dyn ReplayGuard>,
        case: Case<'_>,
        keep_until: i64,
        now: i64,
    ) -> ReplayClaim {
        let nonce = case.claim().nonce();
        let unique = nonce.map_or(Unique::Tag(self.tag.as_bytes()), Unique::Nonce);
        let matched = replay_key(case, &unique);
        if self.others.is_empty() {
            return guard.claim(matched, keep_until, now);
        }
        let others = self.others.iter().map(|tag| replay_key(case, &Unique::Tag(tag.as_bytes())));
        // In an order that does not depend on which of the tags was sent, so that the first claim
        // decides; and a set, since a secret may be in the key set twice.
        let keys: BTreeSet<_> = others.chain([matched]).collect();
        let guard = guard.clone();
        ReplayClaim::later(async move {
            for key in keys {
                match guard.claim(key, keep_until, now).await? {
                    Replay::Claimed => {}
                    refused => return Ok(refused),
                }
            }
            Ok(Replay::Claimed)
        })
    }
}

fn replay_key(case: Case<'_>, unique: &Unique<'_>) -> ReplayKey {
    let key_id = match unique {
        Unique::Nonce(_) => case.claim().key_id(),
        // The tag is the key's own, and covers the name or does not: where two names share a
        // key, a request must not come again under the other one.
        Unique::Tag(_) => None,
    };
    ReplayKey::new(case.format().scheme.name(), key_id, unique)
}

/// A request's target as a router has left it, while the head has it as first received.
#[derive(Default)]
struct Routed {
    // A box: few requests are under a router that cuts, and all carry its room.
    #[cfg(feature = "axum")]
    uri: Option<Box<http::Uri>>,
}

#[cfg_attr(not(feature = "axum"), allow(clippy::unused_self))]
impl Routed {
    fn swap(&mut self, head: &mut Parts) {
        #[cfg(feature = "axum")]
        if let Some(original) = original_uri(head).cloned() {
            self.uri = Some(Box::new(std::mem::replace(&mut head.uri, original)));
        }
        #[cfg(not(feature = "axum"))]
        let _ = head;
    }

    fn restore(&mut self, head: &mut Parts) {
        #[cfg(feature = "axum")]
        if let Some(uri) = self.uri.take() {
            head.uri = *uri;
        }
        #[cfg(not(feature = "axum"))]
        let _ = head;
    }
}

/// A head with its target as first received, for those who verify by hand under a router that
/// has cut it.
pub(super) fn as_received(head: &Parts) -> Cow<'_, Parts> {
    #[cfg(feature = "axum")]
    if let Some(original) = original_uri(head) {
        let mut received = head.clone();
        received.uri = original.clone();
        return Cow::Owned(received);
    }
    Cow::Borrowed(head)
}

/// The target as first received, where a router has cut it.
#[cfg(feature = "axum")]
fn original_uri(head: &Parts) -> Option<&http::Uri> {
    let original = &head.extensions.get::<axum::extract::OriginalUri>()?.0;
    (*original != head.uri).then_some(original)
}

/// Steps 0 to 8. It holds neither the request nor the verifier, which those who poll it have: what
/// is large is not moved.
pub(crate) struct Checking {
    claimed: Option<Claimed>,
    step: Step,
    gather: Gather,
    routed: Routed,
    watch: observe::Watch,
}

// Boxing the large variants would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
enum Step {
    Refused(VerifyError),
    Lookup(Lookup),
    Body(Check),
    Replay(ReplayClaim, Option<Proof>),
    Disarmed,
    Done,
}

impl Checking {
    pub(crate) fn new() -> Self {
        Self {
            claimed: None,
            step: Step::Done,
            gather: Gather::default(),
            routed: Routed::default(),
            watch: observe::Watch::start(),
        }
    }

    /// Steps 0 to 3, and the first half of step 4.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] of the claim. The head is as it came, but for step 0.
    pub(crate) fn begin(
        &mut self,
        verifier: &Verifier,
        head: &mut Parts,
        body: &impl Body,
    ) -> Result<(), VerifyError> {
        head.extensions.remove::<Verified>();
        head.extensions.remove::<Unsigned>();
        self.routed.swap(head);
        self.claimed = verifier.claim_if_armed(head).inspect_err(|_| self.routed.restore(head))?;
        self.gather = Gather::new(head, body);
        self.step = match (verifier.check_length(self.gather.declared()), &self.claimed) {
            (Err(error), None) => Step::Refused(error),
            (Err(error), Some(claimed)) => {
                Step::Refused(Case { verifier, head, claimed }.error(error))
            }
            (Ok(()), None) => Step::Disarmed,
            (Ok(()), Some(claimed)) => Step::Lookup(verifier.lookup(claimed, head)),
        };
        Ok(())
    }

    /// Comes to what was proven. The head is then as a handler may see it.
    pub(crate) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &mut Parts,
        body: Pin<&mut B>,
    ) -> Poll<Result<Verified, VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let outcome = ready!(self.poll_outcome(cx, verifier, head, body));
        self.step = Step::Done;
        self.watch.done(outcome.as_ref(), self.gather.len());
        self.routed.restore(head);
        verifier.cover_up(head);
        Poll::Ready(outcome)
    }

    /// The body, as far as it was read.
    pub(crate) fn take_body(&mut self) -> Bytes {
        self.gather.take()
    }

    fn poll_outcome<B>(
        &mut self,
        cx: &mut Context<'_>,
        verifier: &Verifier,
        head: &Parts,
        mut body: Pin<&mut B>,
    ) -> Poll<Result<Verified, VerifyError>>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let case = self.claimed.as_ref().map(|claimed| Case { verifier, head, claimed });
        loop {
            match (&mut self.step, case) {
                (Step::Refused(error), _) => return Poll::Ready(Err(error.clone())),
                (Step::Lookup(lookup), Some(case)) => {
                    let found = ready!(Pin::new(lookup).poll(cx));
                    self.step = Step::Body(Check::begin(case, found)?);
                }
                (Step::Body(check), Some(case)) => {
                    let update = |data: &[u8]| check.update(case, data);
                    ready!(poll_body(body.as_mut(), cx, &mut self.gather, verifier, update))?;
                    let proof = check.finish(case, self.gather.bytes())?;
                    verifier.allow(case)?;
                    match verifier.claim_once(case, &proof)? {
                        None => return Poll::Ready(Ok(proof.verified(case))),
                        Some(claim) => self.step = Step::Replay(claim, Some(proof)),
                    }
                }
                (Step::Replay(claim, proof), Some(case)) => {
                    case.replied(ready!(Pin::new(claim).poll(cx)))?;
                    let Some(proof) = proof.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(proof.verified(case)));
                }
                // The body is read up to its limit, and nothing else is checked.
                (Step::Disarmed, _) => {
                    let update = |_: &[u8]| Ok(());
                    ready!(poll_body(body.as_mut(), cx, &mut self.gather, verifier, update))?;
                    return Poll::Ready(Ok(verifier.disarmed_verified()));
                }
                (Step::Done, _) | (_, None) => return Poll::Pending,
            }
        }
    }
}

/// Step 5: hashes and gathers frames as they come.
fn poll_body<B>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
    gather: &mut Gather,
    verifier: &Verifier,
    mut update: impl FnMut(&[u8]) -> Result<(), VerifyError>,
) -> Poll<Result<(), VerifyError>>
where
    B: Body<Error: Into<BoxError>>,
{
    let mut budget = BYTES_A_POLL;
    loop {
        if body.is_end_stream() {
            return Poll::Ready(gather.finish());
        }
        let frame = match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(gather.finish()),
            Some(Err(error)) => return Poll::Ready(Err(Gather::broken(error.into()))),
            Some(Ok(frame)) => frame,
        };
        // What is no data is trailers: no format covers them.
        let mut len = 0;
        if let Ok(mut data) = frame.into_data() {
            len = data.remaining();
            verifier.check_length(gather.len().saturating_add(len))?;
            let data = data.copy_to_bytes(len);
            update(&data)?;
            gather.push(data, verifier.body_limit());
        }
        budget = budget.saturating_sub(len.max(BYTES_A_FRAME));
        if budget == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}

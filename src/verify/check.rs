use std::borrow::Cow;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http_body::Body;
use pin_project_lite::pin_project;
use subtle::Choice;

use crate::error::BoxError;
use crate::key::{KeySet, Lookup, MAX_KEYS};
use crate::mac::{Hasher, Tag};
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, Unique};
use crate::scheme::{Claim, ClaimError, Coverage, SignedText};
use crate::verify::body::Gather;
use crate::verify::error::{ErrorKind, VerifyError};
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
    pub(super) fn format(&self) -> &'a Format {
        self.verifier.format(self.claimed.place)
    }

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
    Digest(Proof, Vec<Hasher>),
    Empty(Proof),
    Unsigned(Proof),
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
        let stage = match &case.claimed.coverage {
            Coverage::Signed => Stage::Signed(text),
            Coverage::Derived => Stage::Derived(text),
            Coverage::Digest(digests) => {
                let proof = candidates.prove(case, text)?;
                let hashers = digests.iter().map(|digest| Hasher::new(digest.algorithm()));
                Stage::Digest(proof, hashers.collect())
            }
            Coverage::Empty => Stage::Empty(candidates.prove(case, text)?),
            Coverage::Unsigned => Stage::Unsigned(candidates.prove(case, text)?),
        };
        Ok(Self { candidates, stage })
    }

    /// Step 5, for each frame.
    pub(super) fn update(&mut self, case: Case<'_>, data: &[u8]) -> Result<(), VerifyError> {
        match &mut self.stage {
            Stage::Signed(text) => text.update(data),
            Stage::Digest(_, hashers) => {
                for hasher in hashers {
                    hasher.update(data);
                }
            }
            Stage::Empty(_) if !data.is_empty() => {
                let why = "the format signs no body, and there is one";
                return Err(case.error(ClaimError::malformed(why)));
            }
            Stage::Derived(_) | Stage::Empty(_) | Stage::Unsigned(_) => {}
        }
        Ok(())
    }

    /// Step 6, once the whole body is there.
    pub(super) fn finish(self, case: Case<'_>, body: &[u8]) -> Result<Proof, VerifyError> {
        match self.stage {
            Stage::Signed(text) => self.candidates.prove(case, text),
            Stage::Derived(mut text) => {
                let derived = case.format().scheme.derive(case.head, case.claim(), body, &mut text);
                derived.map_err(|error| case.error(error))?;
                self.candidates.prove(case, text)
            }
            Stage::Digest(proof, hashers) => {
                let Coverage::Digest(digests) = &case.claimed.coverage else {
                    return Err(case.error(ErrorKind::Mismatch));
                };
                let matched = hashers
                    .into_iter()
                    .zip(digests)
                    .fold(true, |all, (hasher, digest)| all & hasher.finalize().matches(digest));
                if matched { Ok(proof) } else { Err(case.error(ErrorKind::Mismatch)) }
            }
            Stage::Empty(proof) | Stage::Unsigned(proof) => Ok(proof),
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
    fn prove(&self, case: Case<'_>, mut text: SignedText) -> Result<Proof, VerifyError> {
        let (scheme, claim) = (&case.format().scheme, case.claim());
        let after = scheme.after_body(case.head, claim, &mut text);
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
        let verified = Verified::new(Facts {
            key_id: claim.key_id().cloned(),
            scheme: scheme.name(),
            algorithm: scheme.algorithm(),
            key_index,
            key_label: entry.and_then(|entry| entry.shared_label()).cloned(),
            created: claim.created(),
            covered: claim.covered().cloned(),
        });
        let others = others.into_iter().filter_map(|(place, tag)| place.map(|_| tag)).collect();
        Ok(Proof { verified, tag, others })
    }
}

/// A request whose MAC has matched.
pub(crate) struct Proof {
    pub(super) verified: Verified,
    tag: Tag,
    /// The tags under the other keys that count now, where there is no nonce.
    others: Vec<Tag>,
}

impl Proof {
    /// Claims the request under its nonce, or else under its tag with each key that counts now: a
    /// request that carries the tags of two keys would come again with one of them alone.
    pub(super) fn claim_once(
        &self,
        guard: &Arc<dyn ReplayGuard>,
        claim: &Claim,
        keep_until: i64,
        now: i64,
    ) -> ReplayClaim {
        let unique = claim.nonce().map_or(Unique::Tag(self.tag.as_bytes()), Unique::Nonce);
        let matched = self.replay_key(&unique);
        if self.others.is_empty() {
            return guard.claim(matched, keep_until, now);
        }
        let others = self.others.iter().map(|tag| self.replay_key(&Unique::Tag(tag.as_bytes())));
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

    fn replay_key(&self, unique: &Unique<'_>) -> ReplayKey {
        let key_id = match unique {
            Unique::Nonce(_) => self.verified.key_id(),
            // The tag is the key's own, and covers the name or does not: where two names share a
            // key, a request must not come again under the other one.
            Unique::Tag(_) => None,
        };
        ReplayKey::new(self.verified.scheme(), key_id, unique)
    }
}

/// The head of a request with its target as first received, and the target that a router made
/// of it.
pub(crate) struct Head {
    parts: Parts,
    #[cfg(feature = "axum")]
    routed: Option<http::Uri>,
}

impl Head {
    #[cfg(feature = "axum")]
    pub(crate) fn new(mut parts: Parts) -> Self {
        let original = original_uri(&parts).cloned();
        let routed = original.map(|original| std::mem::replace(&mut parts.uri, original));
        Self { parts, routed }
    }

    #[cfg(not(feature = "axum"))]
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts }
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn into_parts(self) -> Parts {
        #[cfg(feature = "axum")]
        {
            let Self { mut parts, routed } = self;
            if let Some(routed) = routed {
                parts.uri = routed;
            }
            parts
        }
        #[cfg(not(feature = "axum"))]
        self.parts
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

pin_project! {
    /// Steps 3 to 8, without the verifier itself, which those who poll it have anyway.
    pub(crate) struct Checking<B> {
        head: Option<Head>,
        claimed: Option<Claimed>,
        #[pin]
        body: B,
        step: Step,
        gather: Gather,
        watch: observe::Watch,
    }
}

// Boxing the large variants would cost each request an allocation.
#[allow(clippy::large_enum_variant)]
enum Step {
    Refused(VerifyError),
    Lookup(Lookup),
    Body(Option<Check>),
    Replay(ReplayClaim, Option<Proof>),
}

/// What [`Checking`] comes to: the head as a handler may see it, the body as far as it was read.
pub(crate) struct Checked {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    pub(crate) outcome: Result<Verified, VerifyError>,
}

impl<B> Checking<B>
where
    B: Body<Error: Into<BoxError>>,
{
    /// Goes on with a claim; without one where the verifier is disarmed.
    pub(crate) fn new(verifier: &Verifier, head: Head, claimed: Option<Claimed>, body: B) -> Self {
        let gather = Gather::new(head.parts(), &body);
        let step = match (verifier.check_length(gather.declared()), &claimed) {
            (Err(error), None) => Step::Refused(error),
            (Err(error), Some(claimed)) => {
                Step::Refused(Case { verifier, head: head.parts(), claimed }.error(error))
            }
            (Ok(()), None) => Step::Body(None),
            (Ok(()), Some(claimed)) => Step::Lookup(verifier.lookup(claimed, head.parts())),
        };
        let watch = observe::Watch::start();
        Self { head: Some(head), claimed, body, step, gather, watch }
    }

    pub(crate) fn poll_checked(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        verifier: &Verifier,
    ) -> Poll<Checked> {
        let outcome = ready!(self.as_mut().poll_outcome(cx, verifier));
        let this = self.project();
        this.watch.done(outcome.as_ref(), this.gather.len());
        let Some(head) = this.head.take() else { return Poll::Pending };
        let mut parts = head.into_parts();
        verifier.cover_up(&mut parts);
        Poll::Ready(Checked { parts, body: this.gather.take(), outcome })
    }

    fn poll_outcome(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        verifier: &Verifier,
    ) -> Poll<Result<Verified, VerifyError>> {
        let mut this = self.project();
        let Some(head) = this.head.as_ref().map(Head::parts) else { return Poll::Pending };
        let case = this.claimed.as_ref().map(|claimed| Case { verifier, head, claimed });
        loop {
            let next = match (&mut *this.step, case) {
                (Step::Refused(error), _) => return Poll::Ready(Err(error.clone())),
                (Step::Lookup(lookup), Some(case)) => {
                    let found = ready!(Pin::new(lookup).poll(cx));
                    Step::Body(Some(Check::begin(case, found)?))
                }
                (Step::Body(Some(check)), Some(case)) => {
                    let mut update = |data: &[u8]| check.update(case, data);
                    ready!(poll_body(this.body.as_mut(), cx, this.gather, verifier, &mut update))?;
                    let Step::Body(Some(check)) = std::mem::replace(this.step, Step::Body(None))
                    else {
                        return Poll::Pending;
                    };
                    let proof = check.finish(case, this.gather.bytes())?;
                    verifier.allow(case, &proof)?;
                    match verifier.claim_once(case, &proof)? {
                        None => return Poll::Ready(Ok(proof.verified)),
                        Some(claim) => Step::Replay(claim, Some(proof)),
                    }
                }
                (Step::Replay(claim, proof), Some(case)) => {
                    case.replied(ready!(Pin::new(claim).poll(cx)))?;
                    return proof
                        .take()
                        .map_or(Poll::Pending, |proof| Poll::Ready(Ok(proof.verified)));
                }
                // Disarmed: the body is read up to its limit, and nothing else is checked.
                (_, None) => {
                    let mut update = |_: &[u8]| Ok(());
                    ready!(poll_body(this.body.as_mut(), cx, this.gather, verifier, &mut update))?;
                    return Poll::Ready(Ok(verifier.disarmed_verified()));
                }
                (Step::Body(None), Some(_)) => return Poll::Pending,
            };
            *this.step = next;
        }
    }
}

/// Step 5: hashes and gathers frames as they come.
fn poll_body<B>(
    mut body: Pin<&mut B>,
    cx: &mut Context<'_>,
    gather: &mut Gather,
    verifier: &Verifier,
    update: &mut dyn FnMut(&[u8]) -> Result<(), VerifyError>,
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

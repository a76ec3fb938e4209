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
use crate::mac::{Digest, Hasher, Tag};
use crate::replay::{Replay, ReplayClaim, ReplayGuard, ReplayKey, Unique};
use crate::scheme::{Claim, ClaimError, Coverage, SignedText, Window};
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

/// A request under check: its candidate keys, and how far its text has got.
pub(super) struct Check {
    subject: Subject,
    stage: Stage,
}

struct Subject {
    place: usize,
    claim: Claim,
    keys: Option<KeySet>,
    /// The place of each candidate in the set; `None` for a dummy.
    candidates: [Option<usize>; MAX_KEYS],
}

enum Stage {
    Signed(SignedText),
    Derived(SignedText),
    Digest(Proof, Vec<(Hasher, Digest)>),
    Empty(Proof),
    Unsigned(Proof),
}

impl Check {
    /// Step 4, its second half, and step 6 where the MAC does not cover the raw body.
    pub(super) fn begin(
        verifier: &Verifier,
        head: &Parts,
        claimed: Claimed,
        found: Result<Option<KeySet>, BoxError>,
    ) -> Result<Self, VerifyError> {
        let Claimed { place, claim, coverage } = claimed;
        let format = verifier.format(place);
        let scheme = &*format.scheme;
        let keys = found.map_err(|source| {
            VerifyError::caused(ErrorKind::StoreUnavailable, source)
                .in_scheme(scheme.name(), Some(&claim))
        })?;
        let mut subject = Subject { place, claim, keys, candidates: [None; MAX_KEYS] };
        let mut text = subject.start(format, verifier);
        subject.written(format, scheme.before_body(head, &subject.claim, &mut text))?;
        let stage = match coverage {
            Coverage::Signed => Stage::Signed(text),
            Coverage::Derived => Stage::Derived(text),
            Coverage::Digest(digests) => {
                let proof = subject.prove_head(format, head, text)?;
                let hashers = digests
                    .into_iter()
                    .map(|digest| (Hasher::new(digest.algorithm()), digest))
                    .collect();
                Stage::Digest(proof, hashers)
            }
            Coverage::Empty => Stage::Empty(subject.prove_head(format, head, text)?),
            Coverage::Unsigned => Stage::Unsigned(subject.prove_head(format, head, text)?),
        };
        Ok(Self { subject, stage })
    }

    /// Step 5, for each frame.
    pub(super) fn update(&mut self, data: &[u8]) -> Result<(), VerifyError> {
        match &mut self.stage {
            Stage::Signed(text) => text.update(data),
            Stage::Digest(_, hashers) => {
                for (hasher, _) in hashers {
                    hasher.update(data);
                }
            }
            Stage::Empty(proof) if !data.is_empty() => {
                let error = ClaimError::malformed("the format signs no body, and there is one");
                return Err(VerifyError::from(error)
                    .in_scheme(proof.verified.scheme(), Some(&self.subject.claim)));
            }
            Stage::Derived(_) | Stage::Empty(_) | Stage::Unsigned(_) => {}
        }
        Ok(())
    }

    /// Step 6, once the whole body is there.
    pub(super) fn finish(
        self,
        verifier: &Verifier,
        head: &Parts,
        body: &[u8],
    ) -> Result<Proof, VerifyError> {
        let format = verifier.format(self.subject.place);
        match self.stage {
            Stage::Signed(text) => self.subject.prove_head(format, head, text),
            Stage::Derived(mut text) => {
                let claim = &self.subject.claim;
                let derived = format.scheme.derive(head, claim, body, &mut text);
                self.subject.written(format, derived)?;
                self.subject.prove_head(format, head, text)
            }
            Stage::Digest(proof, hashers) => {
                let matched = hashers
                    .into_iter()
                    .fold(true, |all, (hasher, digest)| all & hasher.finalize().matches(&digest));
                if matched { Ok(proof) } else { Err(proof.error(ErrorKind::Mismatch)) }
            }
            Stage::Empty(proof) | Stage::Unsigned(proof) => Ok(proof),
        }
    }
}

impl Subject {
    /// Starts one MAC a candidate: the keys that count now, then dummies up to the size of the
    /// store's largest set, so that all names cost the same.
    fn start(&mut self, format: &Format, verifier: &Verifier) -> SignedText {
        let now = self.keys.as_ref().filter(|keys| keys.has_limits()).map_or(0, |_| verifier.now());
        let valid = self.keys.iter().flat_map(|keys| keys.valid_at(now));
        let dummies = KeySet::dummies().iter().map(|dummy| (None, dummy));
        let most = format.keys.max_keys().clamp(1, MAX_KEYS);
        let valid_count = valid.clone().count();
        let mut macs = valid
            .map(|(place, entry)| (Some(place), entry))
            .chain(dummies)
            .take(valid_count.max(most))
            .zip(&mut self.candidates)
            .map(|((place, entry), candidate)| {
                *candidate = place;
                format.scheme.key_mac(entry.key(), &self.claim)
            });
        // There is at least one dummy; a key made here matches as little as it.
        let first = macs.next();
        let more = macs.collect();
        let first = first.unwrap_or_else(|| {
            format
                .scheme
                .key_mac(&crate::SecretKey::generate(format.scheme.algorithm()), &self.claim)
        });
        SignedText::new(first, more)
    }

    fn written(&self, format: &Format, result: Result<(), ClaimError>) -> Result<(), VerifyError> {
        result.map_err(|error| {
            VerifyError::from(error).in_scheme(format.scheme.name(), Some(&self.claim))
        })
    }

    /// Writes what comes after the body and compares every candidate with every offered tag.
    fn prove_head(
        &self,
        format: &Format,
        head: &Parts,
        mut text: SignedText,
    ) -> Result<Proof, VerifyError> {
        let scheme = &*format.scheme;
        self.written(format, scheme.after_body(head, &self.claim, &mut text))?;
        let mut matched = None;
        let mut others = Vec::new();
        for (candidate, tag) in self.candidates.iter().zip(text.finalize()) {
            let equal = self
                .claim
                .signatures()
                .fold(Choice::from(0), |equal, offered| equal | tag.matches(offered.bytes()));
            match candidate {
                Some(place) if bool::from(equal) && matched.is_none() => {
                    matched = Some((*place, tag));
                }
                // Dummies too, so that all names cost the same.
                _ if self.claim.nonce().is_none() => others.push((*candidate, tag)),
                _ => {}
            }
        }
        let Some((key_index, tag)) = matched else {
            let known = self.candidates.iter().any(Option::is_some);
            let kind = if known { ErrorKind::Mismatch } else { ErrorKind::UnknownKey };
            return Err(VerifyError::new(kind).in_scheme(scheme.name(), Some(&self.claim)));
        };
        let entry = self.keys.as_ref().and_then(|keys| keys.iter().nth(key_index));
        let verified = Verified::new(Facts {
            key_id: self.claim.key_id().cloned(),
            scheme: scheme.name(),
            algorithm: scheme.algorithm(),
            key_index,
            key_label: entry.and_then(|entry| entry.shared_label()).cloned(),
            created: self.claim.created(),
            covered: self.claim.covered().cloned(),
        });
        let others = others.into_iter().filter_map(|(place, tag)| place.map(|_| tag)).collect();
        Ok(Proof { verified, tag, others, claim: self.claim.clone(), window: scheme.window() })
    }
}

/// A request whose MAC has matched.
pub(crate) struct Proof {
    pub(super) verified: Verified,
    pub(super) claim: Claim,
    pub(super) window: Window,
    tag: Tag,
    /// The tags under the other keys that count now, where there is no nonce.
    others: Vec<Tag>,
}

impl Proof {
    pub(super) fn error(&self, kind: ErrorKind) -> VerifyError {
        VerifyError::new(kind).in_scheme(self.verified.scheme(), Some(&self.claim))
    }

    /// Claims the request under its nonce, or else under its tag with each key that counts now: a
    /// request that carries the tags of two keys would come again with one of them alone.
    pub(super) fn claim_at(
        &self,
        guard: &Arc<dyn ReplayGuard>,
        keep_until: i64,
        now: i64,
    ) -> ReplayClaim {
        let unique = self.claim.nonce().map_or(Unique::Tag(self.tag.as_bytes()), Unique::Nonce);
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

    /// What the guard said.
    pub(super) fn replied(&self, answer: Result<Replay, BoxError>) -> Result<(), VerifyError> {
        match answer {
            Ok(Replay::Claimed) => Ok(()),
            Ok(Replay::Seen) => Err(self.error(ErrorKind::Replayed)),
            Ok(Replay::Full) => Err(self.error(ErrorKind::ReplayFull)),
            Err(source) => Err(VerifyError::caused(ErrorKind::StoreUnavailable, source)
                .in_scheme(self.verified.scheme(), Some(&self.claim))),
        }
    }

    pub(super) fn into_verified(self) -> Verified {
        self.verified
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
        let original =
            parts.extensions.get::<axum::extract::OriginalUri>().map(|uri| uri.0.clone());
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
    if let Some(original) = head.extensions.get::<axum::extract::OriginalUri>()
        && original.0 != head.uri
    {
        let mut received = head.clone();
        received.uri = original.0.clone();
        return Cow::Owned(received);
    }
    Cow::Borrowed(head)
}

pin_project! {
    /// Steps 3 to 8 as a named future.
    pub(crate) struct Checking<B> {
        verifier: Arc<Verifier>,
        head: Option<Head>,
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
    Lookup(Lookup, Claimed),
    Body(Option<Check>),
    Replay(ReplayClaim, Proof),
    Done,
}

/// What [`Checking`] comes to.
pub(crate) struct Checked {
    pub(crate) parts: Parts,
    pub(crate) outcome: Result<(Verified, Bytes), VerifyError>,
}

impl<B> Checking<B>
where
    B: Body<Error: Into<BoxError>>,
{
    /// Goes on with a claim; without one where the verifier is disarmed.
    pub(crate) fn new(
        verifier: Arc<Verifier>,
        head: Head,
        body: B,
        claimed: Option<Claimed>,
    ) -> Self {
        let gather = Gather::new(head.parts(), &body);
        let step = match (verifier.check_length(gather.declared()), claimed) {
            (Err(error), None) => Step::Refused(error),
            (Err(error), Some(claimed)) => {
                let scheme = verifier.format(claimed.place).scheme.name();
                Step::Refused(error.in_scheme(scheme, Some(&claimed.claim)))
            }
            (Ok(()), None) => Step::Body(None),
            (Ok(()), Some(claimed)) => {
                Step::Lookup(verifier.lookup(&claimed, head.parts()), claimed)
            }
        };
        let watch = observe::Watch::start();
        Self { verifier, head: Some(head), body, step, gather, watch }
    }

    fn poll_outcome(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Verified, VerifyError>> {
        let mut this = self.project();
        let verifier = &**this.verifier;
        let Some(head) = this.head.as_ref().map(Head::parts) else { return Poll::Pending };
        loop {
            let next = match this.step {
                Step::Refused(error) => return Poll::Ready(Err(error.clone())),
                Step::Done => return Poll::Pending,
                Step::Lookup(lookup, _) => {
                    let found = ready!(Pin::new(lookup).poll(cx));
                    let Step::Lookup(_, claimed) = std::mem::replace(this.step, Step::Done) else {
                        return Poll::Pending;
                    };
                    Step::Body(Some(Check::begin(verifier, head, claimed, found)?))
                }
                Step::Body(check) => {
                    ready!(poll_body(this.body.as_mut(), cx, this.gather, check, verifier))?;
                    let Some(check) = check.take() else {
                        return Poll::Ready(Ok(verifier.disarmed_verified()));
                    };
                    let proof = check.finish(verifier, head, this.gather.bytes())?;
                    verifier.allow(&proof)?;
                    match verifier.claim_once(&proof)? {
                        None => return Poll::Ready(Ok(proof.into_verified())),
                        Some(claim) => Step::Replay(claim, proof),
                    }
                }
                Step::Replay(claim, proof) => {
                    proof.replied(ready!(Pin::new(claim).poll(cx)))?;
                    match std::mem::replace(this.step, Step::Done) {
                        Step::Replay(_, proof) => return Poll::Ready(Ok(proof.into_verified())),
                        _ => return Poll::Pending,
                    }
                }
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
    check: &mut Option<Check>,
    verifier: &Verifier,
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
            if let Some(check) = check {
                check.update(&data)?;
            }
            gather.push(data, verifier.body_limit());
        }
        budget = budget.saturating_sub(len.max(BYTES_A_FRAME));
        if budget == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
    }
}

impl<B> Future for Checking<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Output = Checked;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Checked> {
        let outcome = ready!(self.as_mut().poll_outcome(cx));
        let this = self.project();
        *this.step = Step::Done;
        let Some(head) = this.head.take() else { return Poll::Pending };
        let mut parts = head.into_parts();
        this.verifier.cover_up(&mut parts);
        this.watch.done(outcome.as_ref(), this.gather.len());
        let outcome = outcome.map(|verified| (verified, this.gather.take()));
        Poll::Ready(Checked { parts, outcome })
    }
}

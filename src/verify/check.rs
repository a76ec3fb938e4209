use http::request::Parts;

use crate::crypto::Hasher;
use crate::error::BoxError;
use crate::key::{Found, MAX_KEYS};
use crate::replay::Replay;
use crate::scheme::{BodyDigest, Claim, ClaimError, Coverage, SignedText};
use crate::verify::Verifier;
use crate::verify::candidates::{Candidates, Proof};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::format::Format;
use crate::verify::step::Step;

/// What the head says, in the format that was decided on.
pub(crate) struct Claimed {
    pub(crate) place: usize,
    pub(crate) claim: Claim,
    pub(crate) coverage: Coverage,
}

/// A request and what it claims, before the verifier. The claim stays where it is from here on:
/// it is large, and each move of it costs.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) verifier: &'a Verifier,
    pub(crate) head: &'a Parts,
    pub(crate) claimed: &'a Claimed,
}

impl<'a> Case<'a> {
    #[inline]
    pub(crate) fn format(&self) -> &'a Format {
        self.verifier.format(self.claimed.place)
    }

    #[inline]
    pub(crate) fn claim(&self) -> &'a Claim {
        &self.claimed.claim
    }

    /// The size of the largest set of keys that the store can have.
    pub(crate) fn max_keys(&self) -> usize {
        self.format().keys.max_keys().clamp(1, MAX_KEYS)
    }

    /// Whether a guard remembers the request under every key that is valid now.
    pub(crate) fn is_known_by_several_keys(&self) -> bool {
        self.verifier.has_replay_guard() && self.format().max_tags > 1
    }

    pub(crate) fn error(&self, error: impl Into<VerifyError>) -> VerifyError {
        error.into().in_scheme(&self.format().name, Some(self.claim()))
    }

    /// A part that the text covers is missing or ambiguous.
    pub(crate) fn no_text(&self, error: ClaimError) -> VerifyError {
        self.error(error).at(Step::Mac)
    }

    pub(crate) fn store_failed(&self, source: BoxError) -> VerifyError {
        self.error(VerifyError::caused(ErrorKind::StoreUnavailable, source))
    }

    /// What the guard said.
    pub(crate) fn replied(&self, answer: Result<Replay, BoxError>) -> Result<(), VerifyError> {
        match answer {
            Ok(Replay::Claimed) => Ok(()),
            Ok(Replay::Seen) => Err(self.error(ErrorKind::Replayed)),
            Ok(Replay::Full) => Err(self.error(ErrorKind::ReplayFull)),
            Ok(Replay::Forgotten) => Err(self.error(ErrorKind::ReplayUnknown)),
            Err(source) => Err(self.store_failed(source).at(Step::Replay)),
        }
    }
}

/// A request under check: its candidate keys, and how far its text has got.
pub(crate) struct Check {
    candidates: Candidates,
    stage: Stage,
    /// For a text that is made from a hash of the body. A box: few formats have it, and all would
    /// carry its room.
    hasher: Option<Box<Hasher>>,
}

enum Stage {
    Text(SignedText),
    /// The MAC does not cover the raw body, and has matched before it is read.
    Proven(Option<Proof>, Rest),
}

/// What a body must be that no MAC covers.
enum Rest {
    Digests(Vec<Hasher>),
    /// There must be none, for this reason.
    Empty(&'static str),
    Unsigned,
}

impl Check {
    /// Step 4, its second half.
    #[inline]
    pub(crate) fn start(case: Case<'_>, found: Found) -> Self {
        let candidates = Candidates::new(case, found);
        let stage = Stage::Text(candidates.start(case));
        Self { candidates, stage, hasher: None }
    }

    /// What stands before the body, and step 6 if the MAC does not cover the raw body.
    #[inline]
    pub(crate) fn begin(&mut self, case: Case<'_>) -> Result<(), VerifyError> {
        let Stage::Text(text) = &mut self.stage else { return Ok(()) };
        let before = case.format().scheme.before_body(case.head, case.claim(), text);
        before.map_err(|error| case.no_text(error))?;
        let coverage = &case.claimed.coverage;
        let rest = match coverage {
            Coverage::Signed | Coverage::Derived => return Ok(()),
            Coverage::Hashed(algorithm) => {
                self.hasher = Some(Box::new(Hasher::new(*algorithm)));
                return Ok(());
            }
            Coverage::Digest(digests) => {
                Rest::Digests(digests.iter().map(BodyDigest::hasher).collect())
            }
            _ => coverage.refuses_body().map_or(Rest::Unsigned, Rest::Empty),
        };
        let proof = self.candidates.prove(case, text)?;
        self.stage = Stage::Proven(Some(proof), rest);
        Ok(())
    }

    /// Step 5, for each frame.
    #[inline]
    pub(crate) fn update(&mut self, case: Case<'_>, data: &[u8]) -> Result<(), VerifyError> {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(data);
        }
        match &mut self.stage {
            Stage::Text(text) if matches!(case.claimed.coverage, Coverage::Signed) => {
                text.update(data);
            }
            Stage::Proven(_, Rest::Digests(hashers)) => {
                for hasher in hashers {
                    hasher.update(data);
                }
            }
            Stage::Proven(_, Rest::Empty(why)) if !data.is_empty() => {
                return Err(case.error(ClaimError::malformed(why)).at(Step::Body));
            }
            Stage::Text(_) | Stage::Proven(..) => {}
        }
        Ok(())
    }

    /// Step 6, once the whole body is there.
    #[inline]
    pub(crate) fn finish(&mut self, case: Case<'_>, body: &[u8]) -> Result<Proof, VerifyError> {
        match (&mut self.stage, &case.claimed.coverage) {
            (Stage::Text(text), Coverage::Signed) => self.candidates.prove(case, text),
            (Stage::Text(text), Coverage::Derived) => {
                let derived = case.format().scheme.derive(case.head, case.claim(), body, text);
                derived.map_err(|error| case.no_text(error))?;
                self.candidates.prove(case, text)
            }
            (Stage::Text(text), Coverage::Hashed(algorithm)) => {
                let hasher = self.hasher.take().map_or_else(|| Hasher::new(*algorithm), |own| *own);
                let (scheme, hash) = (&case.format().scheme, hasher.finalize());
                let derived = scheme.derive_from_hash(case.head, case.claim(), &hash, text);
                derived.map_err(|error| case.error(error))?;
                self.candidates.prove(case, text)
            }
            (Stage::Proven(proof, Rest::Digests(hashers)), Coverage::Digest(digests)) => {
                let mut pairs = hashers.drain(..).zip(digests);
                let matched = pairs.all(|(hasher, digest)| digest.matches(hasher));
                let proof = proof.take().filter(|_| matched);
                proof.ok_or_else(|| case.error(ErrorKind::Mismatch).at(Step::Digest))
            }
            (Stage::Proven(proof, _), _) => {
                proof.take().ok_or_else(|| case.error(ErrorKind::Mismatch))
            }
            (Stage::Text(_), _) => Err(case.error(ErrorKind::Mismatch)),
        }
    }
}

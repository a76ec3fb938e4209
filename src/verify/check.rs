use http::request::Parts;

use crate::digest::{Digest, Hasher};
use crate::error::BoxError;
use crate::key::KeySet;
use crate::replay::Replay;
use crate::scheme::{Claim, ClaimError, Coverage, SignedText};
use crate::verify::Verifier;
use crate::verify::candidates::{Candidates, Proof};
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::format::Format;

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

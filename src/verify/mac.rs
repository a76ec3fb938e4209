//! Steps 5 and 6: the signing string and its MACs, over a body that may still be arriving.

use crate::crypto::Hasher;
use crate::scheme::{BodyDigest, ClaimError, Coverage, SignedText};
use crate::verify::context::VerifyContext;
use crate::verify::error::{ErrorKind, VerifyError};
use crate::verify::keys::{CandidateKeys, MatchedKey};
use crate::verify::step::Step;

/// The MACs of one request while its body arrives.
pub(crate) struct MacCheck {
    keys: CandidateKeys,
    state: State,
}

enum State {
    /// The signing string is incomplete until the body, or text derived from it, is available.
    Text(SignedText, BodyPart),
    /// The MAC does not cover the raw body. That of the key at this position matched before the body
    /// was read.
    Matched(u8, BodyRule),
}

/// The part of the signing string that depends on the body.
enum BodyPart {
    Raw,
    Derived,
    /// Boxed: few schemes use this variant, but its size would affect all of them.
    Hashed(Box<Hasher>),
}

/// The requirement for a body that no MAC covers.
enum BodyRule {
    /// One hash for each digest in the coverage, in the same order.
    Digests {
        first: Hasher,
        more: Vec<Hasher>,
    },
    /// There must be no body. The string says why.
    Empty(&'static str),
    Unsigned,
}

impl BodyRule {
    #[inline]
    fn digests(digests: &[BodyDigest]) -> Self {
        let mut hashers = digests.iter().map(BodyDigest::hasher);
        match hashers.next() {
            Some(first) => Self::Digests { first, more: hashers.collect() },
            None => Self::Empty("no digest of the body is covered"),
        }
    }

    /// Returns whether the hashed body matches the digests in the coverage.
    #[inline]
    fn is_met(&self, coverage: &Coverage) -> bool {
        match (self, coverage) {
            (Self::Digests { first, more }, Coverage::Digest(digests)) => {
                let hashers = std::iter::once(first).chain(more);
                digests.iter().zip(hashers).all(|(digest, hasher)| digest.matches(hasher.clone()))
            }
            (Self::Digests { .. }, _) => false,
            (Self::Empty(_) | Self::Unsigned, _) => true,
        }
    }
}

impl MacCheck {
    #[inline]
    pub(super) fn new(context: VerifyContext<'_>, keys: CandidateKeys) -> Self {
        let text = keys.start(context);
        Self { keys, state: State::Text(text, BodyPart::Raw) }
    }

    /// Writes the text before the body, and compares the tags if the MAC does not cover the raw
    /// body.
    #[inline]
    pub(super) fn start(&mut self, context: VerifyContext<'_>) -> Result<(), VerifyError> {
        let State::Text(text, part) = &mut self.state else { return Ok(()) };
        let before = context.entry().scheme.before_body(context.head, context.claim(), text);
        before.map_err(|error| context.malformed(Step::Mac, error))?;
        let coverage = &context.selected.coverage;
        let rule = match coverage {
            Coverage::Signed => return Ok(()),
            Coverage::Derived => {
                *part = BodyPart::Derived;
                return Ok(());
            }
            Coverage::Hashed(algorithm) => {
                *part = BodyPart::Hashed(Box::new(Hasher::new(*algorithm)));
                return Ok(());
            }
            Coverage::Digest(digests) => BodyRule::digests(digests),
            _ => coverage.rejects_body().map_or(BodyRule::Unsigned, BodyRule::Empty),
        };
        let matched = self.keys.compare(context, text)?;
        self.state = State::Matched(matched, rule);
        Ok(())
    }

    /// Adds the next part of the body.
    #[inline]
    pub(crate) fn update(
        &mut self,
        context: VerifyContext<'_>,
        data: &[u8],
    ) -> Result<(), VerifyError> {
        match &mut self.state {
            State::Text(text, BodyPart::Raw) => text.update(data),
            State::Text(_, BodyPart::Hashed(hasher)) => hasher.update(data),
            State::Matched(_, BodyRule::Digests { first, more }) => {
                first.update(data);
                for hasher in more {
                    hasher.update(data);
                }
            }
            State::Matched(_, BodyRule::Empty(why)) if !data.is_empty() => {
                return Err(context.malformed(Step::Body, ClaimError::malformed(why)));
            }
            State::Text(_, BodyPart::Derived) | State::Matched(..) => {}
        }
        Ok(())
    }

    /// Runs the remaining comparisons, now that the body is complete.
    #[inline]
    pub(super) fn finish(
        &mut self,
        context: VerifyContext<'_>,
        body: &[u8],
    ) -> Result<MatchedKey, VerifyError> {
        let matched = match &mut self.state {
            State::Text(text, part) => {
                let (scheme, head, claim) =
                    (&context.entry().scheme, context.head, context.claim());
                let written = match part {
                    BodyPart::Raw => Ok(()),
                    BodyPart::Derived => scheme.derive(head, claim, body, text),
                    BodyPart::Hashed(hasher) => {
                        let hash = Hasher::clone(hasher).finalize();
                        scheme.derive_from_hash(head, claim, &hash, text)
                    }
                };
                written.map_err(|error| context.malformed(Step::Mac, error))?;
                self.keys.compare(context, text)?
            }
            State::Matched(matched, rule) => {
                if !rule.is_met(&context.selected.coverage) {
                    return Err(context.error(Step::Digest, ErrorKind::Mismatch));
                }
                *matched
            }
        };
        Ok(self.keys.take_matched(matched))
    }
}

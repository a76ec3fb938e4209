//! Tags and digests on the stack, compared in constant time.

use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroize as _;

/// The longest tag of any [`Algorithm`](crate::Algorithm), in bytes.
pub(crate) const MAX_TAG_LEN: usize = 64;

/// Up to [`MAX_TAG_LEN`] bytes on the stack, padded with zeros.
#[derive(Clone)]
pub(crate) struct FixedBytes {
    pub(crate) bytes: [u8; MAX_TAG_LEN],
    len: u8,
}

impl FixedBytes {
    pub(crate) const EMPTY: Self = Self { bytes: [0; MAX_TAG_LEN], len: 0 };

    /// Returns `None` if there are more bytes than in the longest tag.
    #[inline]
    pub(crate) fn try_of(bytes: &[u8]) -> Option<Self> {
        let mut fixed = Self::EMPTY;
        fixed.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        fixed.set_len(bytes.len());
        Some(fixed)
    }

    /// Takes the output of a hash, which is never longer than [`MAX_TAG_LEN`].
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self::try_of(bytes).unwrap_or(Self::EMPTY)
    }

    #[inline]
    pub(crate) fn set_len(&mut self, len: usize) {
        self.len = u8::try_from(len).unwrap_or(0);
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn wipe(&mut self) {
        // The bytes past the length are zero already.
        self.bytes.get_mut(..usize::from(self.len)).unwrap_or_default().zeroize();
    }

    /// Compares all words without stopping early. The bytes past the length are zero on both sides.
    #[inline]
    pub(crate) fn constant_time_eq(&self, other: &Self) -> Choice {
        let (ours, _) = self.bytes.as_chunks::<8>();
        let (theirs, _) = other.bytes.as_chunks::<8>();
        let difference = ours.iter().zip(theirs).fold(0, |difference, (a, b)| {
            difference | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b))
        });
        difference.ct_eq(&0) & self.len.ct_eq(&other.len)
    }
}

//! HMAC (RFC 2104) with the hash chosen at run time.

use std::borrow::{Borrow, BorrowMut};
use std::fmt;

use hmac::block_api::HmacCore;
use hmac::digest::Output;
use hmac::digest::block_api::{Buffer, FixedOutputCore as _, UpdateCore as _};
use hmac::{EagerHash, KeyInit as _};
use subtle::Choice;

use crate::crypto::algorithm::{Algorithm, Boxed, Inline, for_each_algorithm};
use crate::crypto::fixed_bytes::{FixedBytes, MAX_TAG_LEN};

/// A running HMAC, like [`hmac::Hmac`], but finalized in place: moving a block and two states is
/// expensive.
#[derive(Clone)]
struct Working<H: EagerHash> {
    core: HmacCore<H>,
    buffer: Buffer<HmacCore<H>>,
}

impl<H: EagerHash> Working<H> {
    #[inline]
    fn update(&mut self, bytes: &[u8]) {
        let core = &mut self.core;
        self.buffer.digest_blocks(bytes, |blocks| core.update_blocks(blocks));
    }

    #[inline]
    fn finalize(&mut self, out: &mut Output<HmacCore<H>>) {
        self.core.finalize_fixed_core(&mut self.buffer, out);
    }
}

macro_rules! define_macs {
    ($( $(#[$meta:meta])* $name:ident $(if $feature:literal)? = $text:literal, $tag:literal, $block:literal, $hash:ty, $slot:ident; )+) => {
        /// The two chaining values of RFC 2104 section 4, prepared once per key.
        enum State { $( $(#[cfg(feature = $feature)])? $name($slot<HmacCore<$hash>>), )+ }

        impl State {
            fn new(algorithm: Algorithm, key: &[u8]) -> Self {
                match algorithm { $( $(#[cfg(feature = $feature)])? Algorithm::$name => {
                    // The only possible error is a wrong key length, and RFC 2104 allows every
                    // length.
                    #[allow(clippy::expect_used)]
                    let core = HmacCore::<$hash>::new_from_slice(key).expect("HMAC takes keys of any length");
                    #[allow(clippy::useless_conversion)]
                    Self::$name(core.into())
                } )+ }
            }

            fn start(&self) -> Running {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(core) => {
                    let core: &HmacCore<$hash> = core.borrow();
                    #[allow(clippy::useless_conversion)]
                    Running::$name(Working { core: core.clone(), buffer: Default::default() }.into())
                } )+ }
            }

            fn algorithm(&self) -> Algorithm {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(_) => Algorithm::$name, )+ }
            }
        }

        #[derive(Clone)]
        enum Running { $( $(#[cfg(feature = $feature)])? $name($slot<Working<$hash>>), )+ }

        impl Running {
            fn update(&mut self, bytes: &[u8]) {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(mac) => {
                    let mac: &mut Working<$hash> = mac.borrow_mut();
                    mac.update(bytes);
                } )+ }
            }

            fn finalize(&mut self, out: &mut [u8; MAX_TAG_LEN]) -> usize {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(mac) => {
                    let (head, _) = out.split_at_mut($tag);
                    let mac: &mut Working<$hash> = mac.borrow_mut();
                    // The slice has the tag length of this hash.
                    #[allow(clippy::expect_used)]
                    mac.finalize(head.try_into().expect("the tag length of the hash"));
                    $tag
                } )+ }
            }

            fn algorithm(&self) -> Algorithm {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name(_) => Algorithm::$name, )+ }
            }
        }
    };
}

for_each_algorithm!(define_macs);

/// A running HMAC (RFC 2104). The counterpart of `cryptography`'s `HMAC`, with the same method
/// names.
///
/// | Python | here |
/// | --- | --- |
/// | `h = HMAC(key, SHA256())` | [`Mac::new`]`(Algorithm::Sha256, &key)` |
/// | `h.update(data)` | [`mac.update(data)`](Mac::update) |
/// | `h.copy()` | `mac.clone()` |
/// | `h.verify(tag)` | [`mac.verify(tag)`](Mac::verify) |
/// | `h.finalize()` | [`mac.finalize()`](Mac::finalize) |
///
/// ```
/// use tower_hmac::{Algorithm, SecretKey};
/// use tower_hmac::crypto::Mac;
///
/// let key = SecretKey::new("test key. Beware! A real key should use os.urandom")?;
/// let mut mac = Mac::new(Algorithm::Sha256, &key);
/// mac.update(b"message to hash");
/// let copy = mac.clone();
/// let tag = mac.finalize();
///
/// assert!(copy.clone().verify(tag.as_bytes()).is_ok());
/// assert!(copy.verify(b"an incorrect signature").is_err());
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
///
/// `verify` and `finalize` consume the value, so Python's `AlreadyFinalized` becomes a compile
/// error:
///
/// ```compile_fail,E0382
/// # use tower_hmac::{Algorithm, SecretKey};
/// # use tower_hmac::crypto::Mac;
/// # let key = SecretKey::new("a key").unwrap();
/// let mut mac = Mac::new(Algorithm::Sha256, &key);
/// let tag = mac.finalize();
/// mac.update(b"more");
/// ```
#[derive(Clone)]
pub struct Mac(Running);

impl Mac {
    /// Starts an HMAC under a key for one message, such as a step in a chain of derived keys. Does
    /// not keep the key.
    #[cfg(feature = "sigv4")]
    pub(crate) fn under(algorithm: Algorithm, key: &[u8]) -> Self {
        Prepared::new(algorithm, key).start()
    }

    /// Returns the hash under this HMAC.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    /// Adds `bytes` to the message.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Compares the tag of the message with `tag`, in time that depends only on the lengths.
    ///
    /// # Errors
    ///
    /// Returns [`Mismatch`] if the tag differs, or has another length.
    pub fn verify(self, tag: &[u8]) -> Result<(), Mismatch> {
        let offered = FixedBytes::try_of(tag).ok_or(Mismatch)?;
        if bool::from(self.finalize().matches(&offered)) { Ok(()) } else { Err(Mismatch) }
    }

    /// Finishes the message and returns its tag.
    #[must_use]
    pub fn finalize(mut self) -> Tag {
        self.finalize_in_place()
    }

    /// Finishes like [`finalize`](Self::finalize), but without moving the state, which is unusable
    /// afterwards.
    #[inline]
    pub(crate) fn finalize_in_place(&mut self) -> Tag {
        let mut bytes = FixedBytes::EMPTY;
        let len = self.0.finalize(&mut bytes.bytes);
        bytes.set_len(len);
        Tag(bytes)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mac").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

/// The tag of the message differs from the given one.
///
/// See [`Mac`] for an example.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the tag does not match")]
pub struct Mismatch;

/// The output of an HMAC. Wiped on drop, opaque in [`Debug`].
///
/// Has no `==`. Use [`Mac::verify`] to verify a tag.
///
/// ```compile_fail,E0369
/// # use tower_hmac::{Algorithm, SecretKey};
/// # use tower_hmac::crypto::Mac;
/// # let key = SecretKey::new("a key").unwrap();
/// let one = Mac::new(Algorithm::Sha256, &key).finalize();
/// let two = Mac::new(Algorithm::Sha256, &key).finalize();
/// one == two;
/// ```
pub struct Tag(FixedBytes);

impl Tag {
    /// Returns the bytes of the tag, to send them. Anyone who has these bytes can pass the message
    /// off as their own.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Makes a placeholder for a tag, if only its encoding matters.
    pub(crate) fn stand_in(bytes: &[u8]) -> Self {
        Self(FixedBytes::of(bytes))
    }

    /// The only comparison of tags in this crate. Lengths are public, bytes are not.
    #[inline]
    pub(crate) fn matches(&self, offered: &FixedBytes) -> Choice {
        self.0.constant_time_eq(offered)
    }
}

impl Drop for Tag {
    #[inline]
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// The prepared state of a key for one algorithm.
pub(crate) struct Prepared(State);

impl Prepared {
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        Self(State::new(algorithm, key))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    #[inline]
    pub(crate) fn start(&self) -> Mac {
        Mac(self.0.start())
    }
}

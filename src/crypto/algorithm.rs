//! The hashes that are available in this build. Only this file names their crates.

use std::fmt;
use std::str::FromStr;

use crate::error::ConfigError;

/// A value stored inline, or in a box if it is large, so that the common hashes stay cheap to move.
pub(super) type Inline<T> = T;
pub(super) type Boxed<T> = Box<T>;

/// Passes the table of all hashes to a macro. The columns are the name, the feature, the text, the
/// lengths of a tag and of a block in bytes, and the type. The last column says whether a running
/// hash is stored inline, or in a box because it is large.
macro_rules! for_each_algorithm {
    ($macro:ident) => {
        $macro! {
            /// SHA-256 (FIPS 180-4), the default.
            #[default]
            Sha256 = "sha256", 32, 64, sha2::Sha256, Inline;
            /// SHA-384 (FIPS 180-4).
            Sha384 = "sha384", 48, 128, sha2::Sha384, Boxed;
            /// SHA-512 (FIPS 180-4).
            Sha512 = "sha512", 64, 128, sha2::Sha512, Boxed;
            /// SHA-224 (FIPS 180-4).
            Sha224 = "sha224", 28, 64, sha2::Sha224, Inline;
            /// SHA-512/256 (FIPS 180-4).
            Sha512_256 = "sha512-256", 32, 128, sha2::Sha512_256, Boxed;
            /// SHA-512/224 (FIPS 180-4).
            Sha512_224 = "sha512-224", 28, 128, sha2::Sha512_224, Boxed;
            /// SHA-1 (RFC 3174), feature `sha1`. For schemes that require it.
            Sha1 if "sha1" = "sha1", 20, 64, sha1::Sha1, Inline;
            /// MD5 (RFC 1321), feature `dangerous-md5`. For peers that support nothing else.
            Md5 if "dangerous-md5" = "md5", 16, 64, md5::Md5, Inline;
            /// SHA3-224 (FIPS 202), feature `sha3`.
            Sha3_224 if "sha3" = "sha3-224", 28, 144, sha3::Sha3_224, Boxed;
            /// SHA3-256 (FIPS 202), feature `sha3`.
            Sha3_256 if "sha3" = "sha3-256", 32, 136, sha3::Sha3_256, Boxed;
            /// SHA3-384 (FIPS 202), feature `sha3`.
            Sha3_384 if "sha3" = "sha3-384", 48, 104, sha3::Sha3_384, Boxed;
            /// SHA3-512 (FIPS 202), feature `sha3`.
            Sha3_512 if "sha3" = "sha3-512", 64, 72, sha3::Sha3_512, Boxed;
        }
    };
}
pub(super) use for_each_algorithm;

macro_rules! define_algorithm {
    ($( $(#[$meta:meta])* $name:ident $(if $feature:literal)? = $text:literal, $tag:literal, $block:literal, $hash:ty, $slot:ident; )+) => {
        /// The hash function of an HMAC.
        ///
        /// ```
        /// use tower_hmac::{Algorithm, FlaskHmac};
        ///
        /// let algorithm: Algorithm = "sha512".parse()?;
        /// assert_eq!(algorithm.tag_len(), 64);
        /// let scheme = FlaskHmac::new().with_algorithm(algorithm);
        /// # Ok::<(), tower_hmac::ConfigError>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Algorithm { $( $(#[$meta])* $(#[cfg(feature = $feature)])? $name, )+ }

        impl Algorithm {
            pub(crate) const ALL: &[Algorithm] = &[ $( $(#[cfg(feature = $feature)])? Algorithm::$name, )+ ];

            /// Returns the name in lower case, such as `sha256` or `sha3-256`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name => $text, )+ }
            }

            /// Returns the length of a tag, in bytes.
            #[must_use]
            pub const fn tag_len(self) -> usize {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name => $tag, )+ }
            }

            /// Returns the block length of the hash, in bytes. A longer key is hashed before use.
            #[must_use]
            pub const fn block_len(self) -> usize {
                match self { $( $(#[cfg(feature = $feature)])? Self::$name => $block, )+ }
            }
        }
    };
}

for_each_algorithm!(define_algorithm);

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = ConfigError;

    /// Parses a name such as `sha256`. Python's spelling `sha3_256` means `sha3-256`.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if this build has no such hash. Some hashes need a feature.
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name).ok_or_else(|| {
            ConfigError::invalid("digest", "is not a hash of this build; some need a feature")
        })
    }
}

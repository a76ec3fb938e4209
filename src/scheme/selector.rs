//! Distinguishes schemes that share a header.

/// Selects the signatures of one scheme among others in the same header.
///
/// ```
/// use tower_hmac::scheme::Selector;
/// use tower_hmac::{HeaderScheme, KeyMap, Scheme as _, Verifier};
///
/// // Entries of one header, such as `v1=5257..` and `v2=9f86..`.
/// let v1 = HeaderScheme::new("X-Signature")?.with_prefix("v1=")?;
/// let v2 = HeaderScheme::new("X-Signature")?.with_prefix("v2=")?;
/// assert!(matches!(v1.selector(), Some(Selector::Entry { prefix: "v1=", .. })));
///
/// // Their selectors exclude each other, so a verifier can accept either.
/// let verifier = Verifier::new(v1, KeyMap::single("a key")?)?.or(v2, KeyMap::single("1d7c-02fe")?)?;
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector<'a> {
    /// The label of a dictionary member, as in RFC 9421. The signature does not cover it.
    Label(&'a str),
    /// The application that a signature is meant for: the parameter `tag` of RFC 9421, which the
    /// signature covers. A replay guard remembers it with the request.
    Tag(&'a str),
    /// The form of an entry: its first bytes, such as a version, and its length including those
    /// bytes.
    Entry {
        /// The text that every entry begins with. May be empty.
        prefix: &'a str,
        /// The length of every entry, in bytes.
        len: usize,
    },
    /// The length of the tag, in bytes.
    TagLen(usize),
}

impl Selector<'_> {
    /// Returns whether no signature matches both selectors.
    pub(crate) fn excludes(&self, other: &Selector<'_>) -> bool {
        match (self, other) {
            (Self::Label(ours), Selector::Label(theirs))
            | (Self::Tag(ours), Selector::Tag(theirs)) => ours != theirs,
            (Self::TagLen(ours), Selector::TagLen(theirs)) => ours != theirs,
            (
                Self::Entry { prefix, len },
                Selector::Entry { prefix: other_prefix, len: other_len },
            ) => {
                len != other_len
                    || !(prefix.starts_with(other_prefix) || other_prefix.starts_with(prefix))
            }
            _ => false,
        }
    }
}

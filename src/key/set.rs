use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, LazyLock};

use crate::crypto::Algorithm;
use crate::error::ConfigError;
use crate::key::SecretKey;

/// The maximum number of keys that one key ID may have at a time. Every key costs each request a
/// MAC.
///
/// See [`KeySet`] for an example of several keys.
pub const MAX_KEYS: usize = 8;

/// The keys valid for one key ID, newest first. There is more than one while keys are rotated. An
/// [`Arc`], cheap to clone.
///
/// ```
/// use tower_hmac::{KeySet, SecretKey};
/// use tower_hmac::key::KeyEntry;
///
/// let new = KeyEntry::new(SecretKey::new("the new key")?).with_label("2026-11");
/// let old = KeyEntry::new(SecretKey::new("the old key")?)
///     .with_label("2026-05")
///     .with_not_after(1_800_000_000);
/// let keys = KeySet::new([new, old])?;
/// assert_eq!(keys.len(), 2);
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeySet(Arc<Entries>);

/// Almost every set is a single key. The pointer to it is thin, which makes a map of a million
/// smaller.
enum Entries {
    One(KeyEntry),
    More(Box<[KeyEntry]>),
}

impl KeySet {
    /// Makes a set, newest key first.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] if there is no key, or more than [`MAX_KEYS`].
    pub fn new<E: Into<KeyEntry>>(
        entries: impl IntoIterator<Item = E>,
    ) -> Result<Self, ConfigError> {
        let entries: Vec<KeyEntry> = entries.into_iter().map(Into::into).collect();
        if entries.is_empty() {
            return Err(ConfigError::NoKeys("key set".into()));
        }
        if entries.len() > MAX_KEYS {
            return Err(ConfigError::invalid("key set", "has more than 8 keys"));
        }
        Ok(Self::of(entries))
    }

    fn of(entries: Vec<KeyEntry>) -> Self {
        match <[KeyEntry; 1]>::try_from(entries) {
            Ok([entry]) => entry.into(),
            Err(entries) => Self(Arc::new(Entries::More(entries.into()))),
        }
    }

    fn entries(&self) -> &[KeyEntry] {
        match &*self.0 {
            Entries::One(entry) => std::slice::from_ref(entry),
            Entries::More(entries) => entries,
        }
    }

    /// Returns the number of keys, valid now or not.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // Never empty.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Returns the keys, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &KeyEntry> {
        self.entries().iter()
    }

    /// Returns the indices of the keys valid at `now`. `now` is only called if a key has a validity
    /// period.
    #[inline]
    pub(crate) fn counting(&self, now: impl FnOnce() -> i64) -> Places {
        let entries = self.entries();
        if entries.iter().all(|entry| entry.limits.is_none()) {
            return Places::first(entries.len());
        }
        let now = now();
        Places::of(entries.iter().map(|entry| entry.is_valid_at(now)))
    }

    /// Returns the keys at these indices.
    pub(crate) fn at(&self, places: Places) -> impl Iterator<Item = &KeyEntry> {
        (0..)
            .zip(self.iter())
            .filter(move |(place, _)| places.contains(*place))
            .map(|(_, entry)| entry)
    }

    /// Returns `count` keys that nobody knows, random per process, to check a request under an
    /// unknown key ID with. At least one, at most [`MAX_KEYS`].
    pub(crate) fn dummies(count: usize) -> &'static Self {
        static DUMMIES: LazyLock<[KeySet; MAX_KEYS]> = LazyLock::new(|| {
            let dummy = || KeyEntry::new(SecretKey::generate(Algorithm::Sha256));
            std::array::from_fn(|place| {
                KeySet::of(std::iter::repeat_with(dummy).take(place.saturating_add(1)).collect())
            })
        });
        let [.., all] = &*DUMMIES;
        DUMMIES.get(count.saturating_sub(1)).unwrap_or(all)
    }

    /// Prepares all dummies for an algorithm, so that the first request under an unknown key ID
    /// costs no more than others.
    pub(crate) fn prepare_dummies(algorithm: Algorithm) {
        (1..=MAX_KEYS).for_each(|count| Self::dummies(count).prepare(algorithm));
    }

    /// Makes a set with other keys, each with the label and the validity period of the one that it
    /// is made from.
    #[cfg(feature = "sigv4")]
    pub(crate) fn map_keys(&self, derive: impl Fn(&SecretKey) -> SecretKey) -> Self {
        let derived =
            |entry: &KeyEntry| KeyEntry { key: derive(&entry.key), limits: entry.limits.clone() };
        Self::of(self.iter().map(derived).collect())
    }

    /// Prepares all keys for an algorithm.
    pub(crate) fn prepare(&self, algorithm: Algorithm) {
        self.iter().for_each(|entry| drop(entry.key().start(algorithm)));
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl From<KeyEntry> for KeySet {
    fn from(entry: KeyEntry) -> Self {
        Self(Arc::new(Entries::One(entry)))
    }
}

impl From<SecretKey> for KeySet {
    fn from(key: SecretKey) -> Self {
        KeyEntry::new(key).into()
    }
}

impl From<&Self> for KeySet {
    fn from(keys: &Self) -> Self {
        keys.clone()
    }
}

impl From<&SecretKey> for KeySet {
    fn from(key: &SecretKey) -> Self {
        key.clone().into()
    }
}

impl TryFrom<&str> for KeySet {
    type Error = ConfigError;

    fn try_from(text: &str) -> Result<Self, ConfigError> {
        SecretKey::new(text).map(Self::from)
    }
}

impl TryFrom<&&str> for KeySet {
    type Error = ConfigError;

    fn try_from(text: &&str) -> Result<Self, ConfigError> {
        SecretKey::new(*text).map(Self::from)
    }
}

impl TryFrom<&String> for KeySet {
    type Error = ConfigError;

    fn try_from(text: &String) -> Result<Self, ConfigError> {
        SecretKey::new(text.as_str()).map(Self::from)
    }
}

impl TryFrom<&[u8]> for KeySet {
    type Error = ConfigError;

    fn try_from(bytes: &[u8]) -> Result<Self, ConfigError> {
        SecretKey::new(bytes).map(Self::from)
    }
}

impl TryFrom<String> for KeySet {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        SecretKey::new(text).map(Self::from)
    }
}

impl TryFrom<Vec<u8>> for KeySet {
    type Error = ConfigError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, ConfigError> {
        SecretKey::new(bytes).map(Self::from)
    }
}

/// Indices into a [`KeySet`], as a bit set.
#[derive(Clone, Copy)]
pub(crate) struct Places(u8);

// One bit for each of `MAX_KEYS` keys.
const _: () = assert!(MAX_KEYS <= u8::BITS as usize);

impl Places {
    #[inline]
    fn bit(place: u8) -> u8 {
        1_u8.checked_shl(place.into()).unwrap_or(0)
    }

    #[inline]
    fn of(members: impl Iterator<Item = bool>) -> Self {
        Self((0..).zip(members).fold(
            0,
            |bits, (place, is_member)| {
                if is_member { bits | Self::bit(place) } else { bits }
            },
        ))
    }

    #[inline]
    fn first(count: usize) -> Self {
        let left_out = u8::BITS.saturating_sub(u32::try_from(count).unwrap_or(u8::BITS));
        Self(u8::MAX.checked_shr(left_out).unwrap_or(0))
    }

    #[inline]
    pub(crate) fn contains(self, place: u8) -> bool {
        self.0 & Self::bit(place) != 0
    }

    #[inline]
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[inline]
    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Each step takes the same time, wherever the next place is.
    #[inline]
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let place = u8::try_from(left.trailing_zeros()).unwrap_or(u8::MAX);
            left &= left.wrapping_sub(1);
            (u32::from(place) < u8::BITS).then_some(place)
        })
    }
}

/// One key of a [`KeySet`], with its label and its validity period.
///
/// ```
/// use tower_hmac::{KeySet, SecretKey};
/// use tower_hmac::key::KeyEntry;
///
/// let old = KeyEntry::new(SecretKey::new("k-2026-10")?)
///     .with_label("2026-10")
///     .with_not_after(1_796_083_200);
/// let new = KeyEntry::new(SecretKey::new("k-2026-11")?).with_label("2026-11");
/// let keys = KeySet::new([new, old])?;
/// assert_eq!(keys.iter().next().and_then(|entry| entry.label()), Some("2026-11"));
/// # Ok::<(), tower_hmac::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct KeyEntry {
    key: SecretKey,
    /// Boxed, since most keys have no limits and there may be a million keys.
    limits: Option<Box<Limits>>,
}

#[derive(Clone, Default)]
struct Limits {
    label: Option<Arc<str>>,
    not_before: Option<i64>,
    not_after: Option<i64>,
}

impl KeyEntry {
    /// Makes an entry for a key that is always valid.
    #[must_use]
    pub fn new(key: SecretKey) -> Self {
        Self { key, limits: None }
    }

    /// Sets a public label for this one key, such as its month. [`Verified::key_label`] returns the
    /// label of the key that matched.
    ///
    /// [`Verified::key_label`]: crate::Verified::key_label
    #[must_use]
    pub fn with_label<'a>(mut self, label: impl Into<Cow<'a, str>>) -> Self {
        self.limits.get_or_insert_default().label = Some(label.into().into());
        self
    }

    /// Makes the key valid from this time on, in Unix seconds, inclusive.
    #[must_use]
    pub fn with_not_before(mut self, unix_seconds: i64) -> Self {
        self.limits.get_or_insert_default().not_before = Some(unix_seconds);
        self
    }

    /// Makes the key valid until this time, in Unix seconds, inclusive.
    #[must_use]
    pub fn with_not_after(mut self, unix_seconds: i64) -> Self {
        self.limits.get_or_insert_default().not_after = Some(unix_seconds);
        self
    }

    /// Returns the secret.
    #[must_use]
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Returns the label of this one key.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.shared_label().map(|label| &**label)
    }

    pub(crate) fn shared_label(&self) -> Option<&Arc<str>> {
        self.limits.as_ref()?.label.as_ref()
    }

    pub(crate) fn is_valid_at(&self, now: i64) -> bool {
        self.limits.as_ref().is_none_or(|limits| {
            limits.not_before.is_none_or(|start| start <= now)
                && limits.not_after.is_none_or(|end| now <= end)
        })
    }
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.limits.as_deref();
        f.debug_struct("KeyEntry")
            .field("label", &self.label())
            .field("not_before", &limits.and_then(|limits| limits.not_before))
            .field("not_after", &limits.and_then(|limits| limits.not_after))
            .finish_non_exhaustive()
    }
}

impl From<SecretKey> for KeyEntry {
    fn from(key: SecretKey) -> Self {
        Self::new(key)
    }
}

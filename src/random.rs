//! The system's random source.

/// Fills `bytes` with random bytes.
///
/// # Panics
///
/// Panics if the system has no random source. There is no safe way to continue.
pub(crate) fn fill(bytes: &mut [u8]) {
    #[allow(clippy::expect_used)]
    getrandom::fill(bytes).expect("the system has a random source");
}

//! The system's random source.

/// Fills with random bytes.
///
/// # Panics
///
/// If the system has no random source: there is no safe way on from there.
pub(crate) fn fill(bytes: &mut [u8]) {
    #[allow(clippy::expect_used)]
    getrandom::fill(bytes).expect("the system has a random source");
}

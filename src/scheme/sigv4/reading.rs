//! The data that a claim keeps to write the signing string.

use super::credential::{self, Credential};
use super::payload::PayloadKind;
use super::{ALGORITHM, TERMINATOR, date};
use crate::crypto::{Algorithm, Mac};
use crate::crypto::{Digest, Hasher};
use crate::key::{KeyEntry, KeySet, SecretKey};
use crate::scheme::{Claim, ClaimError, Coverage, KeyScope, SignedText};

/// Room for the text of most requests.
const TEXT_LEN: usize = 1000;
/// Where the scope begins: after the algorithm and the date.
const SCOPE_START: usize = ALGORITHM.len() + "\n20150830T123600Z\n".len();

/// The canonical form of a request, and the scope that it is signed for.
pub(crate) struct Reading {
    /// The lines of the signing string before the last: algorithm, date and scope. Then the
    /// canonical request, without its last line if that is the hash of the body.
    text: Vec<u8>,
    /// Where the canonical request begins.
    lead_len: usize,
    payload: PayloadKind,
    /// The index of the region among those for which this side has keys. `None` for a foreign
    /// scope.
    place: Option<usize>,
}

impl Reading {
    /// Starts the text of a reading.
    pub(super) fn lead(date: &str, credential: &Credential<'_>) -> Vec<u8> {
        let Credential { day, region, service, .. } = credential;
        let mut text = Vec::with_capacity(TEXT_LEN);
        for part in
            [ALGORITHM, "\n", date, "\n", day, "/", region, "/", service, "/", TERMINATOR, "\n"]
        {
            text.extend_from_slice(part.as_bytes());
        }
        text
    }

    pub(super) fn new(
        text: Vec<u8>,
        lead_len: usize,
        payload: PayloadKind,
        place: Option<usize>,
    ) -> Self {
        Self { text, lead_len, payload, place }
    }

    pub(super) fn of(claim: &Claim) -> Result<&Self, ClaimError> {
        claim.memo().ok_or(ClaimError::malformed("this claim was made by another scheme"))
    }

    pub(super) fn coverage(&self) -> Coverage {
        self.payload.coverage()
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        self.text.split_at_checked(self.lead_len).unwrap_or_default()
    }

    pub(crate) fn scope(&self) -> &str {
        // A claimed scope may contain anything, so it is all that follows the date.
        let scope = self.parts().0.get(SCOPE_START..).and_then(|scope| scope.strip_suffix(b"\n"));
        std::str::from_utf8(scope.unwrap_or_default()).unwrap_or_default()
    }

    /// Writes the signing string, without its last line if that depends on the body.
    pub(super) fn write(&self, text: &mut SignedText) {
        text.update(self.parts().0);
        if !matches!(self.payload, PayloadKind::Hashed) {
            self.write_hash(b"", text);
        }
    }

    /// Writes the last line, once the body is hashed.
    pub(super) fn write_last(&self, body: &Digest, text: &mut SignedText) {
        self.write_hash(&hex(body), text);
    }

    fn write_hash(&self, payload: &[u8], text: &mut SignedText) {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(self.parts().1);
        hasher.update(payload);
        text.update(&hex(&hasher.finalize()));
    }

    /// Returns the whole canonical request, as text.
    pub(super) fn shown(&self, body: &[u8]) -> String {
        String::from_utf8_lossy(&self.canonical(body)).into_owned()
    }

    /// Returns the whole canonical request.
    pub(crate) fn canonical(&self, body: &[u8]) -> Vec<u8> {
        let mut canonical = self.parts().1.to_vec();
        if let PayloadKind::Hashed = self.payload {
            canonical.extend(hex(&Digest::of(Algorithm::Sha256, body)));
        }
        canonical
    }

    /// Returns the signing string of another canonical request.
    pub(crate) fn string_to_sign(&self, canonical: &[u8]) -> Vec<u8> {
        let hash = hex(&Digest::of(Algorithm::Sha256, canonical));
        [self.parts().0, &hash].concat()
    }

    /// Returns whether this side has keys for the scope.
    pub(crate) fn is_ours(&self) -> bool {
        self.place.is_some()
    }

    /// Returns the scope, as the keys of a day are derived for it.
    pub(super) fn key_scope(&self) -> KeyScope<'_> {
        KeyScope { day: date::day(self.scope()), place: self.place }
    }

    /// Returns the scope on the day of another time, in Unix seconds.
    pub(crate) fn scope_on(&self, unix_seconds: i64) -> Option<String> {
        let date = date::write(unix_seconds).ok()?;
        let (_, rest) = self.scope().split_once('/')?;
        Some(format!("{}/{rest}", date::day(&date)))
    }

    /// Starts the HMAC under the key derived for the scope. For a foreign scope, uses a dummy key
    /// in the same steps, so that the request is rejected like one with a wrong signature.
    pub(super) fn mac_of(claim: &Claim, key: &SecretKey) -> Mac {
        let (scope, is_ours) =
            Self::of(claim).map_or(("", false), |reading| (reading.scope(), reading.is_ours()));
        let dummy = || KeySet::dummies(1).iter().next().map(KeyEntry::key);
        let key = if is_ours { Some(key) } else { dummy() };
        // There is always a dummy. A key generated here would not match either.
        let none = || Mac::new(Algorithm::Sha256, &SecretKey::generate(Algorithm::Sha256));
        key.map_or_else(none, |key| credential::scoped_mac(key, scope))
    }
}

fn hex(digest: &Digest) -> [u8; 64] {
    let mut digits = [0; 64];
    #[allow(clippy::expect_used)]
    base16ct::lower::encode(digest.as_bytes(), &mut digits).expect("a SHA-256 has 64 hex digits");
    digits
}

/// The methods of [`Scheme`](crate::Scheme) that only need the reading. The two forms differ in
/// where the signature is, not in the signed text.
macro_rules! text_of_reading {
    () => {
        fn coverage(&self, _: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
            Ok(Reading::of(claim)?.coverage())
        }

        fn before_body(
            &self,
            _: &Parts,
            claim: &Claim,
            text: &mut SignedText,
        ) -> Result<(), ClaimError> {
            Reading::of(claim)?.write(text);
            Ok(())
        }

        fn derive_from_hash(
            &self,
            _: &Parts,
            claim: &Claim,
            hash: &Digest,
            text: &mut SignedText,
        ) -> Result<(), ClaimError> {
            Reading::of(claim)?.write_last(hash, text);
            Ok(())
        }

        fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
            Reading::mac_of(claim, key)
        }
    };
}

pub(super) use text_of_reading;

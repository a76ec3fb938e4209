//! Whether keys are derived together or for one request must never depend on the key ID.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::request::Parts;
use http::{HeaderName, Request};

use crate::clock::ManualClock;
use crate::crypto::{Algorithm, Digest, Mac, Tag};
use crate::key::map::KeyMap;
use crate::key::{KeyEntry, KeyQuery, KeySet, KeyStore, Lookup, SecretKey};
use crate::scheme::{
    AwsSigV4, Claim, ClaimError, Coverage, KeyDerivation, KeyScope, Scheme, SignError, SignedText,
    Stamp, Window,
};
use crate::sign::Signer;
use crate::testing::signed_text;
use crate::verify::{ErrorKind, Verified, Verifier, VerifyError};

/// Noon.
const NOON: i64 = 1_440_936_000;
const DAY: i64 = 24 * 60 * 60;

/// Counts how often keys are derived, together and for one request.
#[derive(Clone)]
struct Counting {
    scheme: AwsSigV4,
    together: Arc<AtomicUsize>,
    alone: Arc<AtomicUsize>,
}

impl KeyDerivation for Counting {
    fn scope_of<'c>(&self, claim: &'c Claim) -> Option<KeyScope<'c>> {
        self.scheme.derivation()?.scope_of(claim)
    }

    fn day_of(&self, unix_seconds: i64) -> Option<String> {
        self.scheme.derivation()?.day_of(unix_seconds)
    }

    fn scope_count(&self) -> usize {
        self.scheme.derivation().unwrap().scope_count()
    }

    fn scopes_on(&self, day: &str) -> Vec<String> {
        self.scheme.derivation().unwrap().scopes_on(day)
    }

    fn derive(&self, secret: &SecretKey, scope: &str) -> SecretKey {
        self.together.fetch_add(1, Ordering::Relaxed);
        self.scheme.derivation().unwrap().derive(secret, scope)
    }
}

impl Scheme for Counting {
    fn name(&self) -> &str {
        self.scheme.name()
    }

    fn algorithm(&self) -> Algorithm {
        self.scheme.algorithm()
    }

    fn headers(&self) -> &[HeaderName] {
        self.scheme.headers()
    }

    fn window(&self) -> Window {
        self.scheme.window()
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        self.scheme.claim(head)
    }

    fn coverage(&self, head: &Parts, claim: &Claim) -> Result<Coverage, ClaimError> {
        self.scheme.coverage(head, claim)
    }

    fn before_body(
        &self,
        head: &Parts,
        claim: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.before_body(head, claim, text)
    }

    fn derive_from_hash(
        &self,
        head: &Parts,
        claim: &Claim,
        hash: &Digest,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.scheme.derive_from_hash(head, claim, hash, text)
    }

    fn key_mac(&self, key: &SecretKey, claim: &Claim) -> Mac {
        self.alone.fetch_add(1, Ordering::Relaxed);
        self.scheme.key_mac(key, claim)
    }

    fn derivation(&self) -> Option<&dyn KeyDerivation> {
        Some(self)
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        self.scheme.stamp(head, stamp)
    }

    fn attach(&self, head: &mut Parts, claim: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        self.scheme.attach(head, claim, tags)
    }
}

struct Server {
    verifier: Verifier,
    scheme: Counting,
    clock: ManualClock,
}

impl Server {
    fn new(scheme: AwsSigV4, keys: impl KeyStore + 'static) -> Self {
        let (together, alone) = (Arc::default(), Arc::default());
        let scheme = Counting { scheme, together, alone };
        let clock = ManualClock::new(NOON);
        let verifier = Verifier::new(scheme.clone(), keys).unwrap().with_clock(clock.clone());
        Self { verifier, scheme, clock }
    }

    /// Verifies a request, and returns how many keys were derived together and alone.
    fn send(&self, head: &Parts) -> (Result<Verified, VerifyError>, (usize, usize)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(self.verifier.verify(head, b"body"));
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (outcome, (take(&self.scheme.together), take(&self.scheme.alone)))
    }

    #[track_caller]
    fn accepts(&self, head: &Parts, derived: (usize, usize)) -> Verified {
        let (outcome, counts) = self.send(head);
        assert_eq!(counts, derived);
        outcome.unwrap()
    }

    #[track_caller]
    fn rejects(&self, head: &Parts, kind: ErrorKind, derived: (usize, usize)) {
        let (outcome, counts) = self.send(head);
        assert_eq!(counts, derived);
        assert_eq!(outcome.unwrap_err().kind(), kind);
    }
}

fn scheme(region: &str) -> AwsSigV4 {
    AwsSigV4::new(region, "orders").unwrap()
}

fn secret(of: &str) -> SecretKey {
    SecretKey::new(format!("{of}: wJalrXUtnFEMI")).unwrap()
}

fn keys(ids: &[&str]) -> KeyMap {
    KeyMap::named(ids.iter().map(|id| (*id, secret(id)))).unwrap()
}

fn signed_with(scheme: AwsSigV4, id: &str, secret: SecretKey, at: i64) -> Parts {
    let signer = Signer::new(scheme.with_payload_header(), secret);
    let signer = signer.with_key_id(id).unwrap().with_clock(ManualClock::new(at));
    let request = Request::post("http://localhost/a").body("body").unwrap();
    signer.sign(request).unwrap().into_parts().0
}

fn signed(id: &str, at: i64) -> Parts {
    signed_with(scheme("here"), id, secret(id), at)
}

const UNKNOWN: &str = "nobody";

#[test]
fn first_request_of_a_day_derives_all_keys_whoever_sends_it() {
    let foreign = signed_with(scheme("elsewhere"), "a", secret("a"), NOON);
    let nobody = signed(UNKNOWN, NOON);
    let firsts = [
        (signed("a", NOON), None),
        (nobody.clone(), Some(ErrorKind::UnknownKey)),
        (foreign.clone(), Some(ErrorKind::Mismatch)),
    ];
    for (first, error) in firsts {
        let server = Server::new(scheme("here"), keys(&["a", "b", "c"]));
        let (outcome, counts) = server.send(&first);
        assert_eq!(outcome.err().map(|error| error.kind()), error);
        assert_eq!(counts, (3, 0));
        server.accepts(&signed("b", NOON), (0, 0));
        server.rejects(&nobody, ErrorKind::UnknownKey, (0, 0));
        server.rejects(&foreign, ErrorKind::Mismatch, (0, 0));
        server.clock.set(NOON + DAY);
        server.accepts(&signed("c", NOON + DAY), (3, 0));
    }
}

#[test]
fn request_dated_on_another_day_than_the_clock_has_its_own_key_derived() {
    let midnight = NOON + DAY / 2;
    let server = Server::new(scheme("here"), keys(&["a", "b"]));
    server.accepts(&signed("a", NOON), (2, 0));
    server.clock.set(midnight - 5);
    // Nobody can have tomorrow's keys derived for all, and evict those of today.
    server.accepts(&signed("a", midnight + 5), (0, 1));
    server.rejects(&signed(UNKNOWN, midnight + 5), ErrorKind::UnknownKey, (0, 1));
    server.clock.set(midnight + 5);
    server.accepts(&signed("a", midnight - 5), (0, 0));
    server.rejects(&signed(UNKNOWN, midnight + 5), ErrorKind::UnknownKey, (2, 0));
    server.accepts(&signed("a", midnight - 5), (0, 1));
    server.rejects(&signed(UNKNOWN, midnight - 5), ErrorKind::UnknownKey, (0, 1));
    server.accepts(&signed("b", midnight + 5), (0, 0));
}

#[cfg(feature = "reload")]
#[test]
fn replaced_keys_are_all_derived_by_the_next_request_whoever_sends_it() {
    for first in ["c", "a", UNKNOWN] {
        let store = crate::key::SharedKeys::new(keys(&["a", "b"])).unwrap();
        let server = Server::new(scheme("here"), store.clone());
        server.accepts(&signed("b", NOON), (2, 0));
        store.replace(keys(&["a", "c"])).unwrap();
        assert_eq!(server.send(&signed(first, NOON)).1, (2, 0), "{first}");
        server.accepts(&signed("c", NOON), (0, 0));
        server.rejects(&signed("b", NOON), ErrorKind::UnknownKey, (0, 0));
        // The next secret of a key ID, too.
        let renewed = SecretKey::new("a second secret").unwrap();
        store.replace(KeyMap::named([("a", renewed.clone())]).unwrap()).unwrap();
        server.rejects(&signed("a", NOON), ErrorKind::Mismatch, (1, 0));
        server.accepts(&signed_with(scheme("here"), "a", renewed, NOON), (0, 0));
    }
}

#[test]
fn scopes_of_one_store_have_their_own_keys() {
    let store = Arc::new(keys(&["a", "b"]));
    let both = scheme("here").with_regions(["here", "there"]).unwrap();
    let servers =
        [scheme("here"), scheme("there"), both].map(|scheme| Server::new(scheme, store.clone()));
    let [here, there] =
        ["here", "there"].map(|region| signed_with(scheme(region), "a", secret("a"), NOON));
    let [one, other, both] = &servers;
    one.accepts(&here, (2, 0));
    other.accepts(&there, (2, 0));
    both.accepts(&there, (4, 0));
    for _ in 0..2 {
        one.accepts(&here, (0, 0));
        one.rejects(&there, ErrorKind::Mismatch, (0, 0));
        other.accepts(&there, (0, 0));
        other.rejects(&here, ErrorKind::Mismatch, (0, 0));
        both.accepts(&here, (0, 0));
        both.accepts(&there, (0, 0));
    }
}

/// Signs a request for a region with the key that was derived for "here".
fn signed_with_the_key_of_here(region: &str) -> Parts {
    let mut head = signed_with(scheme(region), "a", secret("a"), NOON);
    let here = scheme("here");
    let derivation = here.derivation().unwrap();
    let scope = derivation.scopes_on(&derivation.day_of(NOON).unwrap()).remove(0);
    let mut mac = Mac::new(Algorithm::Sha256, &derivation.derive(&secret("a"), &scope));
    mac.update(&signed_text(&scheme(region), &head, b"body").unwrap());
    let tag = base16ct::lower::encode_string(mac.finalize().as_bytes());
    let (start, _) = head.headers["authorization"].to_str().unwrap().rsplit_once('=').unwrap();
    let value = format!("{start}={tag}").parse().unwrap();
    head.headers.insert("authorization", value);
    head
}

#[test]
fn foreign_scope_signed_with_the_key_of_an_accepted_one_is_rejected() {
    let server = Server::new(scheme("here"), keys(&["a"]));
    server.accepts(&signed_with_the_key_of_here("here"), (1, 0));
    server.rejects(&signed_with_the_key_of_here("elsewhere"), ErrorKind::Mismatch, (0, 0));
}

#[test]
fn keys_of_a_rotation_keep_their_labels_and_periods() {
    let old = KeyEntry::new(secret("old")).with_label("old").with_not_after(NOON + 10);
    let new = KeyEntry::new(secret("new")).with_label("new");
    let store = keys(&["b"]).with_key("a", KeySet::new([new, old]).unwrap()).unwrap();
    let server = Server::new(scheme("here"), store);
    let by_old = signed_with(scheme("here"), "a", secret("old"), NOON);
    assert_eq!(server.accepts(&by_old, (3, 0)).key_label(), Some("old"));
    let by_new = signed_with(scheme("here"), "a", secret("new"), NOON);
    assert_eq!(server.accepts(&by_new, (0, 0)).key_label(), Some("new"));
    server.accepts(&signed("b", NOON), (0, 0));
    server.rejects(&signed(UNKNOWN, NOON), ErrorKind::UnknownKey, (0, 0));
    server.clock.set(NOON + 11);
    server.rejects(&by_old, ErrorKind::Mismatch, (0, 0));
    // Each request computes as many MACs as the largest set has keys, on any other day, too.
    server.clock.set(NOON + DAY);
    for id in ["b", UNKNOWN] {
        assert_eq!(server.send(&signed(id, NOON + DAY)).1.1, 0, "{id}");
    }
}

/// A store that looks into a map, and could do more.
struct Wrapped(KeyMap);

impl KeyStore for Wrapped {
    fn lookup(&self, query: &KeyQuery<'_>) -> Lookup {
        self.0.lookup(query)
    }
}

#[test]
fn stores_that_are_large_or_not_listed_have_keys_derived_for_each_request() {
    let ids: Vec<_> = (0..=super::MOST_KEYS).map(|number| format!("k{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let two = scheme("here").with_regions(["here", "there"]).unwrap();
    for server in [
        Server::new(scheme("here"), keys(&ids)),
        Server::new(two, keys(&ids[..300])),
        Server::new(scheme("here"), Wrapped(keys(&ids[..2]))),
    ] {
        for _ in 0..2 {
            server.accepts(&signed("k1", NOON), (0, 1));
            server.rejects(&signed(UNKNOWN, NOON), ErrorKind::UnknownKey, (0, 1));
        }
    }
    let server = Server::new(scheme("here"), keys(&ids[1..]));
    server.accepts(&signed("k1", NOON), (super::MOST_KEYS, 0));
}

#[cfg(feature = "reload")]
#[test]
fn derived_keys_are_wiped_when_a_large_store_replaces_theirs() {
    let store = crate::key::SharedKeys::new(keys(&["a", "b"])).unwrap();
    let server = Server::new(scheme("here"), store.clone());
    server.accepts(&signed("a", NOON), (2, 0));
    let ids: Vec<_> = (0..=super::MOST_KEYS).map(|number| format!("k{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    store.replace(keys(&ids)).unwrap();
    server.rejects(&signed(UNKNOWN, NOON), ErrorKind::UnknownKey, (0, 1));
    assert!(server.verifier.entry(0).derived.as_ref().unwrap().table.load().is_none());
    server.rejects(&signed("a", NOON), ErrorKind::UnknownKey, (0, 1));
    server.accepts(&signed("k1", NOON), (0, 1));
}

/// A request that began before a replacement may store its table after it.
#[cfg(feature = "reload")]
#[test]
fn removed_keys_are_rejected_at_once_while_other_requests_derive_keys() {
    let store = crate::key::SharedKeys::new(keys(&["a", "b"])).unwrap();
    let server = Server::new(scheme("here"), store.clone());
    let (by_a, by_b) = (signed("a", NOON), signed("b", NOON));
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    server.send(&by_b).0.unwrap();
                    let _ = server.send(&by_a);
                }
            });
        }
        let outcomes = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..100 {
                store.replace(keys(&["b"])).unwrap();
                assert_eq!(server.send(&by_a).0.unwrap_err().kind(), ErrorKind::UnknownKey);
                store.replace(keys(&["b", "a"])).unwrap();
                server.send(&by_a).0.unwrap();
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        outcomes.unwrap();
    });
}

#[test]
fn nobody_waits_for_keys_that_another_request_derives() {
    let server = Server::new(scheme("here"), keys(&["a", "b"]));
    let entry = server.verifier.entry(0);
    let making = entry.derived.as_ref().unwrap().making.lock().unwrap();
    server.accepts(&signed("a", NOON), (0, 1));
    server.rejects(&signed(UNKNOWN, NOON), ErrorKind::UnknownKey, (0, 1));
    drop(making);
    server.accepts(&signed("a", NOON), (2, 0));
}

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;

use crate::key::{KeyQuery, KeySet, KeyStore, Lookup, SecretKey};
use crate::scheme::Claim;
use crate::verify::error::ErrorKind;
use crate::verify::explain::retold::Retold;
use crate::verify::explain::text::Assembled;
use crate::verify::explain::{Cause, encoding};
use crate::verify::format::Format;
use crate::verify::{Verified, Verifier, VerifyError};

/// The request with one mistake made good, and the verifier that judges it.
struct Trial {
    cause: Cause,
    verifier: Verifier,
    head: Parts,
    body: Bytes,
}

impl Trial {
    async fn run(&self) -> Result<Verified, VerifyError> {
        self.verifier.verify_unwatched(&self.head, &self.body).await
    }
}

/// The mistakes that, made good, make the signature right.
pub(super) async fn likely(
    armed: &Verifier,
    head: &Parts,
    body: &[u8],
    read: Option<&(usize, Claim)>,
    kind: ErrorKind,
) -> Vec<Cause> {
    let mut verifier = armed.clone();
    // Who may call is another question than who has signed.
    verifier.only = None;
    let body = Bytes::copy_from_slice(body);
    let mut trials = Trials { verifier, head, body, all: Vec::new() };
    let mut likely = Vec::new();
    let mut clock = None;
    if let (ErrorKind::Stale | ErrorKind::Expired, Some((_, claim))) = (kind, read) {
        let then = claim.created().or(claim.expires()).unwrap_or_default();
        let seconds = then.saturating_sub(armed.now());
        clock = Some(Cause::Clock { seconds });
        // All else is tried at the time that the request claims.
        trials.verifier.clock = Arc::new(crate::ManualClock::new(then));
        if trials.verifier.verify_unwatched(head, &trials.body).await.is_ok() {
            return clock.into_iter().collect();
        }
    }
    trials.of_body();
    trials.of_query();
    trials.of_encoding();
    if let Some((place, claim)) = read {
        trials.of_text(*place, claim);
        trials.of_keys(*place, claim).await;
    }
    for trial in trials.all {
        if !likely.contains(&trial.cause) && trial.run().await.is_ok() {
            likely.extend(clock.take());
            likely.push(trial.cause);
        }
    }
    likely
}

/// The request as it came, and all that is to be tried with it.
struct Trials<'a> {
    verifier: Verifier,
    head: &'a Parts,
    body: Bytes,
    all: Vec<Trial>,
}

impl Trials<'_> {
    fn of_body(&mut self) {
        let newline = |end: &[u8]| [&*self.body, end].concat().into();
        let added = ["\n", "\r\n"].map(|end| (Cause::BodyNewlineAdded, newline(end.as_bytes())));
        let cut = encoding::cut_newline(&self.body).map(Bytes::copy_from_slice);
        let cut = cut.map(|cut| (Cause::BodyNewlineCut, cut));
        for (cause, body) in added.into_iter().chain(cut) {
            let (verifier, head) = (self.verifier.clone(), self.head.clone());
            self.all.push(Trial { cause, verifier, head, body });
        }
    }

    fn of_query(&mut self) {
        if self.head.uri.query().is_some() {
            let dropped = encoding::with_query(self.head, None);
            self.add_heads(dropped.map(|head| (Cause::QueryDropped, head)));
        }
    }

    fn of_encoding(&mut self) {
        let heads: Vec<_> = self
            .verifier
            .formats()
            .flat_map(|format| encoding::heads(&*format.scheme, self.head))
            .collect();
        self.add_heads(heads);
    }

    /// The query behind the path, where the format leaves it out: in the text itself, since the
    /// head cannot say so.
    fn of_text(&mut self, place: usize, claim: &Claim) {
        let path = self.head.uri.path();
        let scheme = self.verifier.format(place).scheme.clone();
        let text = Assembled::new(&*scheme, self.head, claim, &self.body);
        let (Some(query), Ok(text)) = (self.head.uri.query(), text) else { return };
        let text = text.whole();
        let ends = text.windows(path.len().max(1)).enumerate();
        let ends = ends.filter(|(_, window)| *window == path.as_bytes());
        for (start, _) in ends.take(8) {
            let (before, after) = text.split_at(start.saturating_add(path.len()));
            let text = [before, b"?", query.as_bytes(), after].concat();
            let scheme = Arc::new(Retold { scheme: scheme.clone(), text });
            self.add_format(Cause::QueryAdded, place, |format| format.scheme = scheme);
        }
    }

    async fn of_keys(&mut self, place: usize, claim: &Claim) {
        let store = self.verifier.format(place).keys.clone();
        let found = store.lookup(&KeyQuery::new(claim.key_id(), self.head)).await.ok().flatten();
        for entry in found.iter().flat_map(KeySet::iter) {
            self.add_key(Cause::KeyNotCurrent, place, entry.key().clone().into());
            for (cause, bytes) in encoding::key_readings(entry.key().expose_secret()) {
                if let Ok(key) = SecretKey::new(bytes) {
                    self.add_key(cause, place, key.into());
                }
            }
        }
        for (id, keys) in store.list() {
            if id.as_ref() != claim.key_id() {
                self.add_key(Cause::OtherKey(id), place, keys);
            }
        }
    }

    fn add_heads(&mut self, heads: impl IntoIterator<Item = (Cause, Parts)>) {
        for (cause, head) in heads {
            let (verifier, body) = (self.verifier.clone(), self.body.clone());
            self.all.push(Trial { cause, verifier, head, body });
        }
    }

    fn add_key(&mut self, cause: Cause, place: usize, keys: KeySet) {
        self.add_format(cause, place, |format| format.keys = Arc::new(Found(keys)));
    }

    fn add_format(&mut self, cause: Cause, place: usize, change: impl FnOnce(&mut Format)) {
        let (mut verifier, head) = (self.verifier.clone(), self.head.clone());
        match place.checked_sub(1).and_then(|place| verifier.more.get_mut(place)) {
            Some(format) => change(format),
            None => change(&mut verifier.first),
        }
        self.all.push(Trial { cause, verifier, head, body: self.body.clone() });
    }
}

/// These keys, whoever asks.
struct Found(KeySet);

impl KeyStore for Found {
    fn lookup(&self, _: &KeyQuery<'_>) -> Lookup {
        Lookup::ready(Ok(Some(self.0.clone())))
    }
}

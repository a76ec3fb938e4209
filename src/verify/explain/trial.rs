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

/// One mistake made good, in the request or in the verifier that judges it.
struct Trial {
    cause: Cause,
    change: Change,
}

enum Change {
    Body(Bytes),
    Head(Box<Parts>),
    /// A format in this place.
    Format(usize, Format),
}

/// The most keys of other names that are tried.
pub(super) const MOST_KEYS: usize = 256;

/// What came of the trials.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) likely: Vec<Cause>,
    /// How many keys of other names were left out.
    pub(super) untried_keys: usize,
}

/// The mistakes that, made good, make the signature right.
pub(super) async fn likely(
    armed: &Verifier,
    head: &Parts,
    body: &[u8],
    read: Option<&(usize, Claim)>,
    kind: ErrorKind,
) -> Outcome {
    let mut verifier = armed.clone();
    // Who may call is another question than who has signed.
    verifier.only = None;
    let body = Bytes::copy_from_slice(body);
    let mut trials = Trials { verifier, head, body, all: Vec::new(), untried_keys: 0 };
    let mut likely = Vec::new();
    let mut clock = None;
    if let (ErrorKind::Stale | ErrorKind::Expired, Some((_, claim))) = (kind, read) {
        let then = claim.created().or(claim.expires()).unwrap_or_default();
        clock = Some(time_cause(then, armed.now()));
        // All else is tried at the time that the request claims.
        trials.verifier.clock = Arc::new(crate::ManualClock::new(then));
        if trials.verifier.verify_unwatched(head, &trials.body).await.is_ok() {
            return Outcome { likely: clock.into_iter().collect(), untried_keys: 0 };
        }
    }
    trials.of_body();
    trials.of_query();
    trials.of_encoding();
    if let Some((place, claim)) = read {
        trials.of_text(*place, claim);
        trials.of_keys(*place, claim).await;
    }
    for trial in &trials.all {
        if !likely.contains(&trial.cause) && trials.run(&trial.change).await.is_ok() {
            likely.extend(clock.take());
            likely.push(trial.cause.clone());
        }
    }
    Outcome { likely, untried_keys: trials.untried_keys }
}

/// Why a time is too far from now: another unit, where that comes within a day of it, or the clock.
fn time_cause(then: i64, now: i64) -> Cause {
    const SECONDS_A_DAY: u64 = 86_400;
    let is_near = |then: i64| then.abs_diff(now) <= SECONDS_A_DAY;
    let (milliseconds, microseconds, seconds) = ("milliseconds", "microseconds", "seconds");
    if is_near(then / 1000) {
        Cause::TimeUnit { sent: milliseconds, expected: seconds }
    } else if is_near(then / 1_000_000) {
        Cause::TimeUnit { sent: microseconds, expected: seconds }
    } else if is_near(then.saturating_mul(1000)) {
        Cause::TimeUnit { sent: seconds, expected: milliseconds }
    } else {
        Cause::Clock { seconds: then.saturating_sub(now) }
    }
}

/// The request as it came, and all that is to be tried with it.
struct Trials<'a> {
    verifier: Verifier,
    head: &'a Parts,
    body: Bytes,
    all: Vec<Trial>,
    untried_keys: usize,
}

impl Trials<'_> {
    async fn run(&self, change: &Change) -> Result<Verified, VerifyError> {
        match change {
            Change::Body(body) => self.verifier.verify_unwatched(self.head, body).await,
            Change::Head(head) => self.verifier.verify_unwatched(head, &self.body).await,
            Change::Format(place, format) => {
                let mut verifier = self.verifier.clone();
                match place.checked_sub(1).and_then(|place| verifier.more.get_mut(place)) {
                    Some(changed) => changed.clone_from(format),
                    None => verifier.first.clone_from(format),
                }
                verifier.verify_unwatched(self.head, &self.body).await
            }
        }
    }

    fn of_body(&mut self) {
        let newline = |end: &[u8]| [&*self.body, end].concat().into();
        let added = ["\n", "\r\n"].map(|end| (Cause::BodyNewlineAdded, newline(end.as_bytes())));
        let cut = encoding::cut_newline(&self.body).map(Bytes::copy_from_slice);
        let cut = cut.map(|cut| (Cause::BodyNewlineCut, cut));
        for (cause, body) in added.into_iter().chain(cut) {
            self.all.push(Trial { cause, change: Change::Body(body) });
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
        let mut others = Vec::new();
        store.visit_keys(&mut |id, keys| {
            if id == claim.key_id() {
            } else if others.len() < MOST_KEYS {
                others.push((id.cloned(), keys.clone()));
            } else {
                self.untried_keys = self.untried_keys.saturating_add(1);
            }
        });
        for (id, keys) in others {
            self.add_key(Cause::OtherKey(id), place, keys);
        }
    }

    fn add_heads(&mut self, heads: impl IntoIterator<Item = (Cause, Parts)>) {
        for (cause, head) in heads {
            self.all.push(Trial { cause, change: Change::Head(Box::new(head)) });
        }
    }

    fn add_key(&mut self, cause: Cause, place: usize, keys: KeySet) {
        self.add_format(cause, place, |format| format.keys = Arc::new(Found(keys)));
    }

    fn add_format(&mut self, cause: Cause, place: usize, change: impl FnOnce(&mut Format)) {
        let mut format = self.verifier.format(place).clone();
        change(&mut format);
        self.all.push(Trial { cause, change: Change::Format(place, format) });
    }
}

/// These keys, whoever asks.
struct Found(KeySet);

impl KeyStore for Found {
    fn lookup(&self, _: &KeyQuery<'_>) -> Lookup {
        Lookup::ready(Ok(Some(self.0.clone())))
    }
}

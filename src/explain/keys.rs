//! Keys that are wrong, or whose text is read differently.

use zeroize::Zeroizing;

use crate::explain::Cause;
use crate::explain::body::{cut_newline, latin1, utf8_of_latin1};
use crate::explain::forms::Form;
use crate::explain::trial::Trial;
use crate::key::{KeyEntry, KeySet, KeyStore, SecretKey};

/// The maximum number of keys of other key IDs that are tried.
const MOST_KEYS: usize = 256;

/// Prefixes of secrets that are not part of the encoded bytes.
const PREFIXES: [(&str, &str, &str); 3] = [
    (
        "whsec_",
        "the key's prefix `whsec_` taken off",
        "the key decoded from base64 behind its prefix `whsec_`",
    ),
    (
        "base64:",
        "the key's prefix `base64:` taken off",
        "the key decoded behind its prefix `base64:`",
    ),
    ("hex:", "the key's prefix `hex:` taken off", "the key decoded behind its prefix `hex:`"),
];

/// Tries the keys of the claimed key ID that are not valid now.
pub(super) fn find_not_current(trial: &Trial<'_>) -> Option<Cause> {
    let fits = |entry: &KeyEntry| trial.fits_under(entry.key());
    trial.keys_not_current().any(fits).then_some(Cause::KeyNotCurrent)
}

/// Tries other readings of the keys of the claimed key ID.
pub(super) fn find_reading(trial: &Trial<'_>) -> Option<Cause> {
    let readings = |entry: &KeyEntry| readings(entry.key().expose_secret());
    trial.keys().flat_map(readings).find_map(|(cause, bytes)| {
        let key = SecretKey::new(&**bytes).ok()?;
        trial.fits_under(&key).then_some(cause)
    })
}

/// The number of keys of other key IDs that were tried, and that were not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Others {
    pub(super) tried: usize,
    pub(super) left_out: usize,
}

/// Tries the keys of other key IDs.
pub(super) fn find_others(trial: &Trial<'_>, store: &dyn KeyStore) -> (Vec<Cause>, Others) {
    let (mut found, mut others) = (Vec::new(), Others::default());
    store.visit_keys(&mut |id, keys: &KeySet| {
        if id == trial.claim.key_id() {
            return;
        }
        if others.tried == MOST_KEYS || !trial.has_room() {
            others.left_out = others.left_out.saturating_add(1);
            return;
        }
        others.tried = others.tried.saturating_add(1);
        if trial.fits_under_any(keys) {
            found.push(Cause::OtherKey(id.cloned()));
        }
    });
    (found, others)
}

/// Another possible key, wiped on drop.
type Reading = (Cause, Zeroizing<Vec<u8>>);

fn reading(cause: Cause, bytes: impl Into<Vec<u8>>) -> Reading {
    (cause, Zeroizing::new(bytes.into()))
}

fn taken(taken: &'static str, bytes: impl Into<Vec<u8>>) -> Reading {
    reading(Cause::Key { taken }, bytes)
}

/// Returns other readings of a key's bytes: their encodings, and the bytes they decode to.
fn readings(key: &[u8]) -> Vec<Reading> {
    let base64 = Zeroizing::new(Form::Base64.encode(key));
    let base64 = base64.as_bytes();
    let as_text =
        |form: Form| reading(Cause::KeyAsText { encoding: form.name() }, form.encode(key));
    let mut readings: Vec<_> = [Form::Base64, Form::Hex].map(as_text).into();
    readings.extend(
        ["\n", "\r\n"].map(|end| reading(Cause::KeyNewlineAdded, [key, end.as_bytes()].concat())),
    );
    readings.extend(cut_newline(key).map(|cut| reading(Cause::KeyNewlineCut, cut)));
    if let Ok(text) = std::str::from_utf8(key) {
        readings.extend(readings_of_text(text));
    }
    readings.extend([
        taken("the key given as base64 text with a newline", [base64, b"\n"].concat()),
        taken("the key given as base64 text behind `whsec_`", [b"whsec_", base64].concat()),
        taken("the prefix `whsec_` before the key", [b"whsec_", key].concat()),
        taken("quotes around the key", [b"\"", key, b"\""].concat()),
        taken("single quotes around the key", [b"'", key, b"'"].concat()),
        taken("a space after the key", [key, b" "].concat()),
        taken("a space before the key", [b" ", key].concat()),
        taken("a byte order mark before the key", ["\u{feff}".as_bytes(), key].concat()),
    ]);
    let forms = [Form::HexUpper, Form::Base64Url, Form::Base64NoPad, Form::Base64UrlNoPad];
    readings.extend(forms.map(as_text));
    readings.extend(latin1(key).map(|key| taken("the text of the key in latin-1", key)));
    let utf8 = utf8_of_latin1(key);
    readings.extend(utf8.map(|key| taken("the key read as latin-1 and written in UTF-8", key)));
    // Some readings may be equal, such as base64 with and without padding if none is needed.
    let mut seen: Vec<_> = vec![Zeroizing::new(key.to_vec())];
    readings.retain(|(_, bytes)| {
        let is_new = !seen.contains(bytes);
        seen.push(bytes.clone());
        is_new
    });
    readings
}

fn readings_of_text(text: &str) -> Vec<Reading> {
    let decoded = |text: &str| Form::decodings(text).into_iter();
    let mut readings: Vec<_> = decoded(text)
        .map(|(form, bytes)| reading(Cause::KeyDecoded { from: form.name() }, bytes))
        .collect();
    for (prefix, without, behind) in PREFIXES {
        let Some(rest) = text.strip_prefix(prefix) else { continue };
        readings.extend(decoded(rest).map(|(_, bytes)| taken(behind, bytes)));
        readings.push(taken(without, rest));
    }
    for quote in ['"', '\''] {
        let within = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        readings.extend(within.map(|within| taken("the quotes around the key taken off", within)));
    }
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        let what = "the key decoded without the byte order mark before its text";
        readings.push(taken("the byte order mark before the key taken off", rest));
        readings.extend(decoded(rest).map(|(_, bytes)| taken(what, bytes)));
    }
    let trimmed = text.trim();
    if trimmed.len() < text.len() {
        let what = "the key decoded without the newline or space around its text";
        readings.push(taken("the white space around the key taken off", trimmed));
        readings.extend(decoded(trimmed).map(|(_, bytes)| taken(what, bytes)));
    }
    readings
}

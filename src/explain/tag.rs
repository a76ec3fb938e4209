//! Tags that are written differently, or made with another hash.

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::crypto::Algorithm;
use crate::explain::edit::{Edit, Place};
use crate::explain::forms::{Form, slots};
use crate::explain::rewrite::Rewrite;
use crate::explain::trial::Trial;
use crate::explain::{Cause, around};
use crate::scheme::Scheme;
use crate::scheme::wire::MAX_VALUE_LEN;

/// The maximum number of ways to write a signature that are tried.
const MOST_EDITS: usize = 64;

/// Returns other ways to write the signature of a head: in the scheme's headers, or in the query if
/// it has none.
pub(super) fn edits(scheme: &dyn Scheme, head: &Parts) -> Vec<Edit> {
    let mut edits = Vec::new();
    for name in scheme.headers() {
        let Some(value) = value(head, name) else { continue };
        let mut rewritten: Vec<_> = around::rewrites(scheme, name, value).collect();
        rewrites(scheme.algorithm(), value, &mut rewritten);
        edits.extend(rewritten.into_iter().filter_map(|Rewrite { cause, text, hash }| {
            let place = Place::Header(name.clone(), HeaderValue::try_from(text).ok()?);
            Some(Edit { cause, place, signs_original: false, hash })
        }));
    }
    let query = head.uri.query().filter(|query| query.len() <= MAX_VALUE_LEN);
    if let Some(query) = query.filter(|_| scheme.headers().is_empty()) {
        in_query(scheme.algorithm(), query, &mut edits);
    }
    edits.truncate(MOST_EDITS);
    edits
}

/// Tries the unchanged text with another hash whose tags are as long.
pub(super) fn find_hash(trial: &Trial<'_>) -> Option<Cause> {
    let expected = trial.scheme.algorithm();
    let of_len = |other: &&Algorithm| other.tag_len() == expected.tag_len();
    let fits = |other: &&Algorithm| {
        let mut tags = trial.claim.tags().map(|tag| tag.bytes().as_bytes());
        tags.any(|tag| trial.fits_hash(**other, tag))
    };
    let mut others = Algorithm::ALL.iter().filter(|other| **other != expected);
    let sent = others.by_ref().filter(of_len).find(fits)?;
    Some(Cause::Hash { sent: *sent, expected })
}

/// Returns the only value of a header, unless it is longer than a scheme would read.
pub(super) fn value<'h>(head: &'h Parts, name: &HeaderName) -> Option<&'h str> {
    let mut values = head.headers.get_all(name).iter();
    let value = values.next().filter(|value| value.len() <= MAX_VALUE_LEN)?;
    value.to_str().ok().filter(|_| values.next().is_none())
}

/// The characters of base64 that are escaped in a query.
const ESCAPES: [(&str, &str); 3] = [("+", "%2B"), ("/", "%2F"), ("=", "%3D")];

fn in_query(algorithm: Algorithm, query: &str, edits: &mut Vec<Edit>) {
    let pairs: Vec<_> = query.split('&').collect();
    for (place, pair) in pairs.iter().enumerate() {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = ESCAPES.iter().fold(value.to_owned(), |value, (plain, escaped)| {
            value.replace(escaped, plain).replace(&escaped.to_lowercase(), plain)
        });
        let mut rewritten = Vec::new();
        rewrites(algorithm, &value, &mut rewritten);
        for Rewrite { cause, text, hash } in rewritten {
            let value =
                ESCAPES.iter().fold(text, |value, (plain, escaped)| value.replace(plain, escaped));
            let pair = format!("{name}={value}");
            let pairs = pairs.iter().enumerate();
            let pairs: Vec<_> =
                pairs.map(|(other, old)| if other == place { &*pair } else { *old }).collect();
            let place = Place::Query(pairs.join("&"));
            edits.push(Edit { cause, place, signs_original: false, hash });
        }
        if edits.len() >= MOST_EDITS {
            break;
        }
    }
}

/// Rewrites each possible tag in a value in every other encoding, and replaces each possible tag of
/// another hash by a placeholder.
fn rewrites(algorithm: Algorithm, value: &str, rewritten: &mut Vec<Rewrite>) {
    let tag_len = algorithm.tag_len();
    for slot in slots(value, &|len| len == tag_len) {
        let mut push = |cause, text: String| {
            // If two forms write the same text, only the first one is named.
            if rewritten.iter().all(|other| other.text != text) {
                rewritten.push(Rewrite { cause, text, hash: None });
            }
        };
        for form in Form::ALL.into_iter().filter(|form| *form != slot.form) {
            let cause = Cause::Encoding { sent: slot.form.name(), expected: form.name() };
            push(cause, slot.replaced(value, &form.encode(&slot.bytes)));
        }
        for form in Form::ALL {
            if let Some(text) = slot.unwrapped(value, &form.encode(&slot.bytes)) {
                push(Cause::EncodedTwice, text);
            }
        }
        if rewritten.len() >= MOST_EDITS {
            return;
        }
    }
    let of_len = |len| move |other: &&Algorithm| other.tag_len() == len;
    let is_other = |len| len != tag_len && Algorithm::ALL.iter().any(|other| of_len(len)(&other));
    for slot in slots(value, &is_other) {
        for other in Algorithm::ALL.iter().filter(of_len(slot.bytes.len())) {
            rewritten.push(Rewrite {
                cause: Cause::Hash { sent: *other, expected: algorithm },
                text: slot.replaced(value, &slot.form.encode(&vec![0; tag_len])),
                hash: Some((*other, slot.bytes.clone())),
            });
        }
        if rewritten.len() >= MOST_EDITS {
            return;
        }
    }
}

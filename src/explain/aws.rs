//! AWS Signature Version 4: the client wrote the canonical request differently, or signed for
//! another scope.

use crate::crypto::{Algorithm, Digest};
use crate::explain::Cause;
use crate::explain::trial::Trial;
use crate::scheme::sigv4::{EMPTY_PAYLOAD, Reading, UNSIGNED_PAYLOAD, covered_query, scoped_mac};
use crate::scheme::wire::percent_encoded;

/// The maximum number of headers that are left out, one at a time.
const MOST_HEADERS: usize = 32;
/// The length of a day, in seconds.
const DAY: i64 = 24 * 60 * 60;

pub(super) fn find(trial: &Trial<'_>) -> Option<Cause> {
    let reading: &Reading = trial.claim.memo()?;
    if !reading.is_ours() {
        let signed = "the region and the service of its credential, which are not this side's";
        let is_right = trial.fits_mac(&|key| scoped_mac(key, reading.scope()));
        return is_right.then(|| Cause::Target { signed: signed.into() });
    }
    if let Some(cause) = day(trial, reading) {
        return Some(cause);
    }
    let canonical = reading.canonical(trial.body);
    let canonical = std::str::from_utf8(&canonical).ok()?;
    let lines: Vec<&str> = canonical.split('\n').collect();
    target(trial, reading, &lines)
        .or_else(|| payload(trial, reading, &lines))
        .or_else(|| headers(trial, reading, &lines))
}

/// Finds clients that use a derived key after midnight, or derive it for the day in their time
/// zone.
fn day(trial: &Trial<'_>, reading: &Reading) -> Option<Cause> {
    let signed = trial.claim.created().or(trial.claim.not_before())?;
    let days = [
        (-DAY, "a key derived for the day before, in UTC"),
        (DAY, "a key derived for the day after, in UTC"),
    ];
    let found = days.into_iter().find(|(offset, _)| {
        let scope = signed.checked_add(*offset).and_then(|time| reading.scope_on(time));
        scope.is_some_and(|scope| trial.fits_mac(&|key| scoped_mac(key, &scope)))
    });
    found.map(|(_, taken)| Cause::Key { taken })
}

/// Returns whether the signature matches these lines.
fn fits(trial: &Trial<'_>, reading: &Reading, lines: &[&str]) -> bool {
    let canonical = lines.join("\n");
    trial.spends(canonical.len()) && trial.fits(&[&reading.string_to_sign(canonical.as_bytes())])
}

fn with<'l>(lines: &[&'l str], place: usize, line: &'l str) -> Vec<&'l str> {
    let mut lines = lines.to_vec();
    if let Some(old) = lines.get_mut(place) {
        *old = line;
    }
    lines
}

fn target(trial: &Trial<'_>, reading: &Reading, lines: &[&str]) -> Option<Cause> {
    let (path, query) = (trial.head.uri.path(), &*covered_query(&trial.head.uri));
    let (written, _) = (lines.get(1)?, lines.get(2)?);
    let twice: Option<String> = percent_path(written);
    let signed = |signed: &'static str| Cause::Target { signed: signed.into() };
    let one = [
        (1, path, "the path as sent, encoded once and not twice"),
        (2, query, "the query as sent, and not sorted"),
        (1, twice.as_deref().unwrap_or(path), "the path encoded once more"),
    ];
    one.into_iter()
        .find(|(place, line, _)| fits(trial, reading, &with(lines, *place, line)))
        .map(|(_, _, what)| signed(what))
        .or_else(|| {
            let both = with(&with(lines, 1, path), 2, query);
            fits(trial, reading, &both).then(|| signed("the path and the query as sent"))
        })
}

fn percent_path(path: &str) -> Option<String> {
    let segments: Vec<String> = path.split('/').map(percent_encoded).collect();
    Some(segments.join("/")).filter(|encoded| encoded != path)
}

fn payload(trial: &Trial<'_>, reading: &Reading, lines: &[&str]) -> Option<Cause> {
    let last = lines.len().checked_sub(1)?;
    if !trial.spends(trial.body.len()) {
        return None;
    }
    let digest = Digest::of(Algorithm::Sha256, trial.body);
    let hash = base16ct::lower::encode_string(digest.as_bytes());
    let instead = [
        (UNSIGNED_PAYLOAD, "`UNSIGNED-PAYLOAD` in place of the hash of the body"),
        (EMPTY_PAYLOAD, "the hash of an empty body"),
        (&*hash, "the hash of the body, which `x-amz-content-sha256` does not have"),
    ];
    let found =
        instead.into_iter().find(|(line, _)| fits(trial, reading, &with(lines, last, line)));
    found.map(|(_, signed)| Cause::Body { signed: signed.into() })
}

/// Tries the canonical request without each listed header.
fn headers(trial: &Trial<'_>, reading: &Reading, lines: &[&str]) -> Option<Cause> {
    // The lines are method, path and query, one for each header, an empty one, the list, and the
    // payload.
    let end = lines.len().checked_sub(3)?;
    for place in (3..end).take(MOST_HEADERS) {
        let name = lines.get(place)?.split(':').next()?;
        let list = lines.get(end.checked_add(1)?)?;
        let names: Vec<&str> = list.split(';').filter(|other| *other != name).collect();
        let list = names.join(";");
        let mut fewer = with(lines, end.checked_add(1)?, &list);
        fewer.remove(place);
        let mut kept = lines.to_vec();
        kept.remove(place);
        if fits(trial, reading, &fewer) || fits(trial, reading, &kept) {
            return Some(Cause::Target { signed: format!("the header `{name}` left out").into() });
        }
    }
    None
}

//! The canonical request, without the hash of the payload.

use http::Uri;
use http::request::Parts;

use super::fields::Listed;
use super::path::PathStyle;
use super::query::{divide, pieces};
use super::{parameters, query};
use crate::scheme::{ClaimError, wire};

/// The form of the target in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetForm {
    Canonical(PathStyle),
    /// Path and query as sent.
    Raw,
}

/// Writes the method, the target, the headers and the list of their names, each ending in a
/// newline.
pub(super) fn write(
    out: &mut Vec<u8>,
    head: &Parts,
    listed: &Listed<'_>,
    form: TargetForm,
) -> Result<(), ClaimError> {
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b'\n');
    write_target(out, &head.uri, form)?;
    out.push(b'\n');
    listed.write(out, wire::host(head)?)?;
    out.push(b'\n');
    out.extend_from_slice(listed.list().as_bytes());
    out.push(b'\n');
    Ok(())
}

fn write_target(out: &mut Vec<u8>, uri: &Uri, form: TargetForm) -> Result<(), ClaimError> {
    match form {
        TargetForm::Canonical(path) => {
            path.write(out, uri.path())?;
            out.push(b'\n');
            query::write(out, covered_pieces(uri))
        }
        TargetForm::Raw => {
            out.extend_from_slice(uri.path().as_bytes());
            out.push(b'\n');
            out.extend_from_slice(uri.query().unwrap_or_default().as_bytes());
            Ok(())
        }
    }
}

/// Returns the pieces of the query without the signature.
fn covered_pieces(uri: &Uri) -> impl Iterator<Item = &str> {
    let is_covered = |piece: &&str| divide(piece).0 != parameters::SIGNATURE;
    pieces(uri.query().unwrap_or_default()).filter(is_covered)
}

/// Returns the query as sent, without the signature.
pub(crate) fn covered_query(uri: &Uri) -> String {
    covered_pieces(uri).collect::<Vec<_>>().join("&")
}

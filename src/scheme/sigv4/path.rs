//! The path in the canonical request.

use super::percent;
use crate::scheme::ClaimError;

/// The form of a path in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathStyle {
    /// Each segment is decoded and encoded once, without normalization.
    S3,
    /// The path as sent, encoded once more. It must be in normal form.
    Standard,
    /// The path as sent, normalized (no dots or double slashes), then encoded once more.
    Normalized,
}

impl PathStyle {
    /// Writes the canonical path.
    pub(super) fn write(self, out: &mut Vec<u8>, path: &str) -> Result<(), ClaimError> {
        if !path.starts_with('/') {
            return Err(ClaimError::malformed("the target has no path (rule 8)"));
        }
        if is_canonical(path) {
            out.extend_from_slice(path.as_bytes());
            return Ok(());
        }
        check_escapes(path)?;
        match self {
            Self::S3 => join(out, path.split('/'), |out, segment| {
                // The escapes have been checked.
                percent::push_recoded(out, segment).unwrap_or_default();
            }),
            Self::Standard => {
                check_normal_form(path)?;
                join(out, path.split('/'), percent::push_encoded);
            }
            Self::Normalized => {
                let segments = without_dots(path);
                let is_closed = path.ends_with('/') || segments.is_empty();
                let end = is_closed.then_some("");
                join(out, std::iter::once("").chain(segments).chain(end), percent::push_encoded);
            }
        }
        Ok(())
    }
}

/// Returns whether every style writes a path as it is: without escapes, dots at the start of a
/// segment, and empty segments. Most paths are like this.
fn is_canonical(path: &str) -> bool {
    let is_plain = |byte: u8| percent::is_unreserved(byte) || byte == b'/';
    // No early end, so that the compiler can check many bytes at once.
    path.bytes().fold(true, |all, byte| all & is_plain(byte))
        && !path.as_bytes().windows(2).any(|two| two == b"//" || two == b"/.")
}

fn join<'p>(
    out: &mut Vec<u8>,
    segments: impl Iterator<Item = &'p str>,
    mut write: impl FnMut(&mut Vec<u8>, &str),
) {
    for (place, segment) in segments.enumerate() {
        if place > 0 {
            out.push(b'/');
        }
        write(out, segment);
    }
}

fn check_escapes(path: &str) -> Result<(), ClaimError> {
    let mut pieces = path.split('%');
    pieces.next();
    let is_escape = |piece: &str| {
        piece.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if pieces.all(is_escape) {
        Ok(())
    } else {
        Err(ClaimError::malformed("the path has a malformed escape (rule 8)"))
    }
}

/// Rejects paths that are not in normal form. A client that normalizes would sign a different path
/// than the handler sees.
fn check_normal_form(path: &str) -> Result<(), ClaimError> {
    let malformed = |why| Err(ClaimError::malformed(why));
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => return malformed("the path has a segment `.` or `..` (rule 8)"),
            "" if segments.peek().is_some() => return malformed("the path has `//` (rule 8)"),
            _ => {}
        }
    }
    let mut escapes = path.split('%').skip(1).filter_map(|piece| piece.as_bytes().get(..2));
    let is_unreserved = |digits: &[u8]| {
        let mut byte = [0];
        base16ct::mixed::decode(digits, &mut byte).is_ok()
            && percent::is_unreserved(u8::from_be_bytes(byte))
    };
    if escapes.any(is_unreserved) {
        return malformed("the path escapes a character that needs no escape (rule 8)");
    }
    Ok(())
}

/// Returns the segments that remain after resolving `.` and `..` and dropping empty ones.
fn without_dots(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    segments
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(style: PathStyle, path: &str) -> Result<String, ClaimError> {
        let mut out = Vec::new();
        style.write(&mut out, path).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn s3_paths_are_encoded_once_and_not_normalized() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a//b/./../", "/a//b/./../"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%61$é+", "/aa%24%C3%A9%2B"),
            ("/%ff~%7E", "/%FF~~"),
        ] {
            assert_eq!(of(PathStyle::S3, path).unwrap(), expected);
        }
    }

    #[test]
    fn standard_paths_are_encoded_twice() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/", "/a/"),
            ("/a%20b", "/a%2520b"),
            ("/a%2fb", "/a%252fb"),
            ("/a$é", "/a%24%C3%A9"),
            ("/a.b/...", "/a.b/..."),
        ] {
            assert_eq!(of(PathStyle::Standard, path).unwrap(), expected);
            assert_eq!(of(PathStyle::Normalized, path).unwrap(), expected);
        }
    }

    #[test]
    fn standard_paths_that_are_not_normalized_are_rejected() {
        for (path, normalized) in [
            ("/./", "/"),
            ("/.", "/"),
            ("/..", "/"),
            ("/a/../..", "/"),
            ("/a/./b", "/a/b"),
            ("/a/b/..", "/a"),
            ("//", "/"),
            ("//a", "/a"),
            ("/a//", "/a/"),
            ("/%41", "/%2541"),
            ("/a/%2e%2E/b", "/a/%252e%252E/b"),
        ] {
            assert!(of(PathStyle::Standard, path).is_err(), "{path}");
            assert_eq!(of(PathStyle::Normalized, path).unwrap(), normalized, "{path}");
        }
    }

    #[test]
    fn targets_without_a_path_and_malformed_escapes_are_rejected() {
        for path in ["", "*", "a", "/%", "/%2", "/%zz", "/a%2/b", "/%+1"] {
            for style in [PathStyle::S3, PathStyle::Standard, PathStyle::Normalized] {
                assert!(of(style, path).is_err(), "{path}");
            }
        }
    }
}

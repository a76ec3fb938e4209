//! The `Authorization` header: its authentication scheme and parameters.

use std::borrow::Cow;

use http::HeaderName;
use http::request::Parts;

use crate::scheme::{ClaimError, wire};

/// The maximum number of parameters that are read.
const MAX_PARAMS: usize = 32;

/// Returns what follows the authentication scheme in `Authorization`, or in another header of the
/// same form.
///
/// The scheme is matched in any case ([RFC 9110 section 11.1]), and one space follows it.
///
/// ```
/// use http::{Request, header::AUTHORIZATION};
/// use tower_hmac::scheme::{ClaimError, wire};
///
/// let request = Request::get("/").header(AUTHORIZATION, "hawk id=\"a\"").body(())?;
/// let (head, ()) = request.into_parts();
/// assert_eq!(wire::credentials(&head, &AUTHORIZATION, "Hawk")?, "id=\"a\"");
/// assert_eq!(wire::credentials(&head, &AUTHORIZATION, "Basic"), Err(ClaimError::Missing));
/// # Ok::<(), tower_hmac::BoxError>(())
/// ```
///
/// # Errors
///
/// Returns [`ClaimError::Missing`] if the header is absent or has another scheme, and
/// [`ClaimError::Malformed`] if it occurs more than once, is not ASCII text, or ends after the
/// scheme.
///
/// [RFC 9110 section 11.1]: https://www.rfc-editor.org/rfc/rfc9110#section-11.1
pub fn credentials<'h>(
    head: &'h Parts,
    name: &HeaderName,
    scheme: &str,
) -> Result<&'h str, ClaimError> {
    let value = wire::single(head, name)?;
    let kind = value.as_bytes().split(|byte| *byte == b' ').next();
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(scheme.as_bytes())) {
        return Err(ClaimError::Missing);
    }
    let credentials = wire::text(name, value)?.split_once(' ').map(|(_, rest)| rest);
    credentials.ok_or_else(|| ClaimError::in_header(name, "ends after the scheme"))
}

/// The parameters of an `Authorization` header. Each name occurs once.
///
/// See [`auth_params`](crate::scheme::wire::auth_params) for an example.
#[derive(Clone)]
pub struct AuthParams<'t>(Vec<(&'t str, Cow<'t, str>)>);

impl<'t> AuthParams<'t> {
    /// Returns the value of a parameter, without its quotes. Names are matched in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    /// Returns the names as they were sent. Compare them with the names of your scheme if it must
    /// not accept others.
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        self.0.iter().map(|(name, _)| *name)
    }
}

impl std::fmt::Debug for AuthParams<'_> {
    /// Omits the values, because one of them is a signature.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Parses the parameters of `Authorization` ([RFC 9110 section 11.2]), at most 32: names with `=`
/// and a token or a quoted string, separated by commas.
///
/// `name` is the header's name, for the error.
///
/// ```
/// use http::header::AUTHORIZATION;
/// use tower_hmac::scheme::wire::auth_params;
///
/// let params = auth_params(&AUTHORIZATION, r#"id="a \"b\"", ts=1700000000"#)?;
/// assert_eq!((params.get("id"), params.get("TS")), (Some("a \"b\""), Some("1700000000")));
/// assert!(auth_params(&AUTHORIZATION, "id=1, id=2").is_err());
/// # Ok::<(), tower_hmac::scheme::ClaimError>(())
/// ```
///
/// # Errors
///
/// Returns [`ClaimError::Malformed`] if `text` has any other form, such as a list with an empty
/// element or a repeated name.
///
/// [RFC 9110 section 11.2]: https://www.rfc-editor.org/rfc/rfc9110#section-11.2
pub fn auth_params<'t>(name: &HeaderName, text: &'t str) -> Result<AuthParams<'t>, ClaimError> {
    let malformed = |why| ClaimError::in_header(name, why);
    let mut params = AuthParams(Vec::new());
    let mut rest = text;
    loop {
        let (param, after) =
            param(rest).ok_or_else(|| malformed("is not a list of `name=value`"))?;
        if params.get(param.0).is_some() {
            return Err(malformed("has a parameter twice"));
        }
        if params.0.len() >= MAX_PARAMS {
            return Err(malformed("has more than 32 parameters"));
        }
        params.0.push(param);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(params),
            None => return Err(malformed("is not a list of `name=value`")),
        }
    }
}

/// Writes text as a quoted string ([RFC 9110 section 5.6.4]) that [`auth_params`] reads.
///
/// Returns `None` if the text contains anything except visible ASCII, spaces and tabs.
///
/// ```
/// use tower_hmac::scheme::wire::quoted;
///
/// assert_eq!(quoted(r#"a "b""#).as_deref(), Some(r#""a \"b\"""#));
/// ```
///
/// [RFC 9110 section 5.6.4]: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.4
#[must_use]
pub fn quoted(text: &str) -> Option<String> {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' | '\t' => out.push(c),
            _ => return None,
        }
    }
    out.push('"');
    Some(out)
}

/// Returns the first parameter, with the whitespace around it removed, and the rest.
fn param(text: &str) -> Option<((&str, Cow<'_, str>), &str)> {
    let (name, rest) = token(trimmed(text))?;
    let rest = trimmed(trimmed(rest).strip_prefix('=')?);
    let (value, rest) = match rest.strip_prefix('"') {
        Some(rest) => quoted_string(rest)?,
        None => token(rest).map(|(value, rest)| (Cow::Borrowed(value), rest))?,
    };
    Some(((name, value), trimmed(rest)))
}

fn trimmed(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// Returns a token (RFC 9110 section 5.6.2), and the rest.
fn token(text: &str) -> Option<(&str, &str)> {
    let of_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !of_token(c)).unwrap_or(text.len());
    if end == 0 { None } else { text.split_at_checked(end) }
}

/// Returns the contents of a quoted string after its first quote, and the rest.
fn quoted_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = Cow::Borrowed("");
    let mut start = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                append(&mut value, text.get(start..at)?);
                return Some((value, chars.as_str()));
            }
            '\\' => {
                append(&mut value, text.get(start..at)?);
                let (escaped, c) = chars.next()?;
                start = escaped;
                is_text(c).then_some(())?;
            }
            c => is_text(c).then_some(())?,
        }
    }
    None
}

fn append<'t>(value: &mut Cow<'t, str>, piece: &'t str) {
    if value.is_empty() {
        *value = Cow::Borrowed(piece);
    } else {
        value.to_mut().push_str(piece);
    }
}

fn is_text(c: char) -> bool {
    matches!(c, ' '..='~' | '\t')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn params(text: &str) -> Option<Vec<(&str, Cow<'_, str>)>> {
        auth_params(&AUTHORIZATION, text).ok().map(|params| params.0)
    }

    #[test]
    fn lists_of_tokens_and_quoted_strings_are_read() {
        for (text, expected) in [
            ("a=b", vec![("a", "b")]),
            (r#"a="""#, vec![("a", "")]),
            (r#"a="b, c=d",e=f"#, vec![("a", "b, c=d"), ("e", "f")]),
            (r#"a="\"\\\b""#, vec![("a", r#""\b"#)]),
            (r#"a="x\"y""#, vec![("a", r#"x"y"#)]),
            ("a = b \t, c=\td", vec![("a", "b"), ("c", "d")]),
        ] {
            let expected = expected.into_iter().map(|(name, value)| (name, value.into()));
            assert_eq!(params(text), Some(expected.collect()), "{text}");
        }
    }

    #[test]
    fn malformed_lists_are_rejected() {
        for text in [
            "",
            "a",
            "a=",
            "=b",
            "a=b,",
            ",a=b",
            "a=b,,c=d",
            "a=b c=d",
            r#"a="b"#,
            r#"a="b\"#,
            r#"a="b"c"#,
            "a=b/c",
            "a=é",
            "a=\"é\"",
            "a=\"\\é\"",
            "a=\"\u{7f}\"",
            "a=1,A=2",
            "a b=c",
        ] {
            assert_eq!(params(text), None, "{text}");
        }
        let many =
            |count: usize| (0..count).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join(",");
        assert_eq!(params(&many(32)).unwrap().len(), 32);
        assert_eq!(params(&many(33)), None);
    }

    #[test]
    fn quoted_strings_are_read_back() {
        let all: String = (' '..='~').chain(['\t']).collect();
        for text in ["", "a", "\\", "\"", &all] {
            let list = format!("a={}", quoted(text).unwrap());
            assert_eq!(params(&list), Some(vec![("a", text.into())]), "{text}");
        }
        for text in ["é", "\n", "\u{7f}"] {
            assert_eq!(quoted(text), None);
        }
    }
}

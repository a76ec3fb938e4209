//! Tags surrounded by text that the scheme does not write.

use http::{HeaderName, Request};

use crate::crypto::Tag;
use crate::explain::Cause;
use crate::explain::forms::{Form, slots};
use crate::explain::rewrite::Rewrite;
use crate::scheme::{Claim, Scheme};

/// The text that a scheme writes before and after its tag, and the encoding of the tag.
struct Shape {
    before: String,
    after: String,
    form: Form,
}

/// Returns the value's tag in the shape that the scheme writes.
pub(super) fn rewrites(
    scheme: &dyn Scheme,
    name: &HeaderName,
    value: &str,
) -> impl Iterator<Item = Rewrite> {
    let tag_len = scheme.algorithm().tag_len();
    let shape = Shape::of(scheme, name);
    let slots = shape.iter().flat_map(|_| slots(value, &|len| len == tag_len));
    let rewrites: Vec<_> = slots
        .filter(|slot| slot.outer.is_none())
        .filter_map(|slot| {
            let Shape { before, after, form } = shape.as_ref()?;
            let cause = shape
                .as_ref()?
                .cause(value.get(..slot.place.start)?, value.get(slot.place.end..)?)?;
            let tag = form.encode(&slot.bytes);
            (*form == slot.form).then(|| Rewrite {
                cause,
                text: [before, &*tag, after].concat(),
                hash: None,
            })
        })
        .collect();
    rewrites.into_iter()
}

impl Shape {
    /// Has the scheme write a tag, and returns the text around it.
    fn of(scheme: &dyn Scheme, name: &HeaderName) -> Option<Self> {
        let bytes = vec![0x5a; scheme.algorithm().tag_len()];
        let (mut head, ()) = Request::new(()).into_parts();
        scheme.attach(&mut head, &Claim::new(), &[Tag::stand_in(&bytes)]).ok()?;
        let value = head.headers.get(name)?.to_str().ok()?;
        Form::ALL.into_iter().find_map(|form| {
            let (before, after) = value.split_once(&form.encode(&bytes))?;
            Some(Self { before: before.to_owned(), after: after.to_owned(), form })
        })
    }

    /// Returns the mistake in the text around a tag, if there is only one.
    fn cause(&self, before: &str, after: &str) -> Option<Cause> {
        let prefix = &*self.before;
        let is_prefixed = before == prefix;
        let what = if after != self.after {
            let is_openssl = matches!(after.trim_start(), "-" | "*-" | "*stdin" | "*(stdin)");
            match is_prefixed {
                true if is_openssl => {
                    "what openssl or sha256sum writes behind the tag cut off".to_owned()
                }
                true => "what stands behind the tag cut off".to_owned(),
                false if quoted(before, prefix, after, &self.after) => {
                    "the quotes around the tag taken off".to_owned()
                }
                false => return None,
            }
        } else if is_prefixed {
            return None;
        } else if is_openssl(before.strip_prefix(prefix).unwrap_or(before)) {
            let with = if prefix.is_empty() {
                String::new()
            } else {
                format!(", and with the prefix `{prefix}`")
            };
            format!("what openssl writes before the tag, such as `(stdin)= `, cut off{with}")
        } else if before.is_empty() {
            format!("the prefix `{prefix}` before the tag")
        } else if before == prefix.repeat(2) {
            format!("the prefix `{prefix}` once in place of twice")
        } else if before.trim_end() == prefix.trim_end() {
            format!("no space between the prefix `{prefix}` and the tag")
        } else if before.eq_ignore_ascii_case(prefix) {
            format!("the prefix `{prefix}` in its own case")
        } else if prefix.is_empty() {
            "nothing before the tag".to_owned()
        } else {
            format!("the prefix `{prefix}` in place of what stands before the tag")
        };
        Some(Cause::Tag { expected: what })
    }
}

/// Recognizes the output of command-line tools: `(stdin)= `, `SHA2-256(stdin)= `,
/// `HMAC-SHA256(body.json)= `.
fn is_openssl(before: &str) -> bool {
    before.trim_end().strip_suffix(")=").is_some_and(|text| text.contains('('))
}

fn quoted(before: &str, prefix: &str, after: &str, expected: &str) -> bool {
    ['"', '\''].into_iter().any(|quote| {
        before.strip_suffix(quote) == Some(prefix) && after.strip_prefix(quote) == Some(expected)
    })
}

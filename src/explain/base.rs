//! Mistakes in the signature base of RFC 9421.

use http::header::HOST;

use crate::explain::Cause;
use crate::explain::text::Segment;
use crate::explain::trial::Trial;

/// The name of the last line, which every base must have.
const PARAMETERS: &str = "@signature-params";

pub(super) fn find(trial: &Trial<'_>) -> Option<Cause> {
    let segments = trial.text.segments();
    if !segments.iter().any(|segment| segment.name == PARAMETERS) {
        return None;
    }
    let pieces: Vec<_> = segments.iter().map(|segment| segment.bytes).collect();
    let whole = pieces.concat();
    let end = whole.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
    let (lines, last) = whole.split_at_checked(end).unwrap_or_default();
    let first_line = last.strip_prefix(b"\n").unwrap_or(last);
    let ends: [(&[&[u8]], _); 5] = [
        (&[&whole, b"\n"], "a newline at the end of the signature base"),
        (&[lines], "a signature base without its last line, `@signature-params`"),
        (&[lines, b"\n"], "a signature base without its last line, `@signature-params`"),
        (&[first_line], "the line `@signature-params` alone"),
        (&[&crlf(&whole)], "CRLF between the lines of the signature base"),
    ];
    let found = ends.iter().find(|(text, _)| trial.fits(text)).map(|(_, signed)| *signed);
    let found = found.or_else(|| {
        values(trial).into_iter().find_map(|(name, value, signed)| {
            let text = with(&segments, name, &value)?;
            trial.fits(&[&text]).then_some(signed)
        })
    });
    found.map(|signed| Cause::Base { signed })
}

/// Other values of components: the component, the value, and its description.
fn values(trial: &Trial<'_>) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut values = Vec::new();
    let mut add = |name, value: &[u8], signed| values.push((name, value.to_vec(), signed));
    let query = trial.head.uri.query().unwrap_or_default();
    match query {
        "" => add("@query", b"", "an empty `@query` in place of `?`"),
        query => {
            add("@query", query.as_bytes(), "a `@query` without its `?`");
            add("@query", b"?", "`?` alone in `@query`");
        }
    }
    let sent = trial.head.headers.get(HOST).map(http::HeaderValue::as_bytes);
    let sent = sent.or(trial.head.uri.authority().map(|host| host.as_str().as_bytes()));
    if let Some(host) = sent {
        add("@authority", host, "the host in `@authority` as it was sent, with its port");
        for (port, signed) in [
            (b":80".as_slice(), "the port 80 in `@authority`"),
            (b":443", "the port 443 in `@authority`"),
        ] {
            add("@authority", &[host, port].concat(), signed);
        }
        let without = host.rsplitn(2, |byte| *byte == b':').nth(1).unwrap_or(host);
        add("@authority", without, "the host in `@authority` without its port");
    }
    add("@scheme", b"https", "`https` in `@scheme`: set the public origin");
    add("@scheme", b"http", "`http` in `@scheme`");
    add(
        "@method",
        trial.head.method.as_str().to_lowercase().as_bytes(),
        "the method in lower case",
    );
    values
}

/// Returns the text with another value in the component of this name, if it has one.
fn with(segments: &[Segment<'_>], name: &str, value: &[u8]) -> Option<Vec<u8>> {
    segments.iter().any(|segment| segment.name == name && segment.bytes != value).then(|| {
        let bytes = |segment: &Segment<'_>| {
            if segment.name == name { value.to_vec() } else { segment.bytes.to_vec() }
        };
        segments.iter().flat_map(bytes).collect()
    })
}

fn crlf(text: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(b"\r\n".as_slice())
}

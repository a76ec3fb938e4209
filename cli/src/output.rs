//! A request as text: an HTTP message, or a curl command.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::request::Parts;

/// Writes an HTTP/1.1 message (RFC 9112).
pub(crate) fn http(head: &Parts, body: &[u8]) -> Vec<u8> {
    let target = head.uri.path_and_query().map_or("*", |target| target.as_str());
    let mut text = format!("{} {target} HTTP/1.1\r\n", head.method).into_bytes();
    for (name, value) in &head.headers {
        // The body of a capture is not chunked.
        if name != TRANSFER_ENCODING {
            text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    if !body.is_empty() && !head.headers.contains_key(CONTENT_LENGTH) {
        text.extend(format!("content-length: {}\r\n", body.len()).bytes());
    }
    text.extend(b"\r\n");
    text.extend(body);
    text
}

/// Writes the headers that signing added or changed.
pub(crate) fn changed_headers(before: &Parts, head: &Parts) -> Vec<u8> {
    let mut text = Vec::new();
    for name in head.headers.keys() {
        let values = head.headers.get_all(name);
        if !values.iter().eq(before.headers.get_all(name)) {
            for value in values {
                text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
            }
        }
    }
    text
}

/// Writes a curl command for a POSIX shell.
pub(crate) fn curl(head: &Parts, body: &[u8]) -> String {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let scheme = head.uri.scheme_str().unwrap_or("http");
    let authority = head.uri.authority().map_or(host, |authority| authority.as_str());
    let url = format!("{scheme}://{authority}{target}");
    let is_text = std::str::from_utf8(body).is_ok_and(|body| !body.contains('\0'));
    let mut line = String::new();
    if !is_text {
        let _ = write!(line, "printf %s {} | base64 -d | ", STANDARD.encode(body));
    }
    // A method may contain characters that a shell reads, such as `&`.
    let method = head.method.as_str();
    let is_plain = method.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let method = if is_plain { method.to_owned() } else { quoted(method) };
    let _ = write!(line, "curl --path-as-is -g -X {method} {}", quoted(&url));
    for (name, value) in &head.headers {
        let is_curls = name == CONTENT_LENGTH || name == TRANSFER_ENCODING;
        if is_curls || (name == HOST && value == authority) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        let _ = write!(line, " \\\n  -H {}", quoted(&header));
    }
    if !body.is_empty() && !head.headers.contains_key(CONTENT_TYPE) {
        // Otherwise, curl adds the content type of forms.
        line.push_str(" \\\n  -H 'content-type:'");
    }
    match std::str::from_utf8(body) {
        _ if body.is_empty() => {}
        // A leading `@` would name a file; `--data-raw` sends it unchanged.
        Ok(body) if is_text => {
            let _ = write!(line, " \\\n  --data-raw {}", quoted(body));
        }
        _ => line.push_str(" \\\n  --data-binary @-"),
    }
    line.push('\n');
    line
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

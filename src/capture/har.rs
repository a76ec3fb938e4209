//! An entry of a HAR file, as browsers and proxies save it
//! (<http://www.softwareishard.com/blog/har-12-spec/>).

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::capture::CaptureNote;
use crate::capture::draft::{Draft, Fault, MARK};
use crate::capture::json::{Base64Text, Headers, MethodText, UrlText, parse};

/// The members that distinguish HAR from the plain JSON form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    log: Option<IgnoredAny>,
    request: Option<IgnoredAny>,
    post_data: Option<IgnoredAny>,
    http_version: Option<IgnoredAny>,
    query_string: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: HarRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: MethodText,
    url: UrlText,
    #[serde(default)]
    headers: Headers,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct PostData {
    text: Option<String>,
    encoding: Option<String>,
}

pub(super) fn is_har(text: &[u8]) -> bool {
    let json = text.strip_prefix(MARK).unwrap_or(text);
    serde_json::from_slice::<Kind>(json).is_ok_and(|kind| {
        kind.log.is_some()
            || kind.request.is_some()
            || kind.post_data.is_some()
            || kind.http_version.is_some()
            || kind.query_string.is_some()
    })
}

pub(super) fn read(text: &[u8]) -> Result<Draft, Fault> {
    let json = text.strip_prefix(MARK).unwrap_or(text);
    let kind: Kind = parse(text)?;
    let request = match kind {
        Kind { log: Some(_), .. } => {
            let mut entries = parse::<File>(text)?.log.entries;
            match (entries.pop(), entries.is_empty()) {
                (Some(entry), true) => entry.request,
                _ => return Err(Fault::new(text.len(), "a file with one entry; copy one from it")),
            }
        }
        Kind { request: Some(_), .. } => parse::<Entry>(text)?.request,
        _ => parse::<HarRequest>(text)?,
    };
    draft(request, json.len())
}

fn draft(request: HarRequest, end: usize) -> Result<Draft, Fault> {
    let mut notes = Vec::new();
    if request.headers.has_pseudo {
        notes.push(CaptureNote::PseudoHeaders);
    }
    let body = match request.post_data {
        None => Vec::new(),
        Some(PostData { text: None, .. }) => {
            return Err(Fault::new(end, "`postData` with its `text`"));
        }
        Some(PostData { text: Some(text), encoding: Some(encoding) }) if encoding == "base64" => {
            let bytes = serde_json::from_value::<Base64Text>(text.into());
            bytes.map_err(|_| Fault::new(end, "base64 in the `text` of `postData`"))?.0
        }
        Some(PostData { text: Some(text), .. }) => {
            notes.push(CaptureNote::BodyAsText);
            text.into_bytes()
        }
    };
    let draft = Draft::new(request.method.0, request.url.0, request.headers.map);
    Ok(Draft { body, notes, ..draft }.sent())
}

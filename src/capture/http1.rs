//! Parses a raw HTTP/1.1 request (RFC 9112), with line endings of either kind.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

use crate::capture::draft::{self, Draft, Fault, MARK};
use crate::capture::{CaptureNote, chunked};

const REQUEST_LINE: &str =
    "a request line such as `POST /path HTTP/1.1`, a curl command, or a JSON object";

pub(super) fn read(text: &[u8]) -> Result<Draft, Fault> {
    let mut notes = Vec::new();
    let mut lines = Lines { text, at: 0, crlf: 0, lf: 0 };
    if text.starts_with(MARK) {
        lines.at = MARK.len();
        notes.push(CaptureNote::ByteOrderMark);
    }
    // RFC 9112 section 2.2: empty lines before the request line are skipped.
    let first = loop {
        match lines.next() {
            Some(line) if line.bytes.trim_ascii().is_empty() => {}
            Some(line) => break line,
            None => return Err(Fault::new(lines.at, REQUEST_LINE)),
        }
    };
    (lines.crlf, lines.lf) = (0, 0);
    lines.count(first);
    let (method, uri, version) = request_line(first)?;
    let mut headers = HeaderMap::new();
    let has_end = loop {
        match lines.next() {
            Some(line) if line.bytes.is_empty() => break true,
            Some(line) => {
                let (name, value) = header(line)?;
                draft::append(&mut headers, name, value)
                    .map_err(|expected| Fault::new(line.at, expected))?;
            }
            None => break false,
        }
    };
    match (lines.lf, lines.crlf) {
        (0, _) => {}
        (_, 0) => notes.push(CaptureNote::LfOnly),
        _ => notes.push(CaptureNote::MixedLineEnds),
    }
    if !has_end {
        notes.push(CaptureNote::NoEndOfHead);
    }
    let rest = text.get(lines.at..).unwrap_or_default();
    let body = body(&headers, rest, &mut notes);
    let mut draft = Draft::new(method, uri, headers);
    draft.head.version = version;
    Ok(Draft { body, notes, ..draft })
}

/// A line without its ending, and its offset.
#[derive(Clone, Copy)]
struct Line<'t> {
    at: usize,
    bytes: &'t [u8],
    end: &'static str,
}

struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    crlf: usize,
    lf: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self) -> Option<Line<'t>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let len = rest.iter().position(|byte| *byte == b'\n');
        let bytes = rest.get(..len.unwrap_or(rest.len()))?;
        let (at, len) = (self.at, len.map_or(rest.len(), |len| len.saturating_add(1)));
        self.at = at.saturating_add(len);
        let is_cut = len == bytes.len();
        let line = match bytes.strip_suffix(b"\r") {
            Some(bytes) => Line { at, bytes, end: "\r\n" },
            None => Line { at, bytes, end: if is_cut { "" } else { "\n" } },
        };
        self.count(line);
        Some(line)
    }

    fn count(&mut self, line: Line<'_>) {
        match line.end {
            "\n" => self.lf = self.lf.saturating_add(1),
            "\r\n" => self.crlf = self.crlf.saturating_add(1),
            _ => {}
        }
    }
}

fn request_line(line: Line<'_>) -> Result<(Method, Uri, Version), Fault> {
    let mut words = Words { line, at: 0 };
    let (at, method) = words.next().ok_or_else(|| Fault::new(line.at, REQUEST_LINE))?;
    let is_method = !method.is_empty() && method.iter().all(|byte| !byte.is_ascii_lowercase());
    let method = Method::from_bytes(method).ok().filter(|_| is_method);
    let method = method.ok_or_else(|| Fault::new(at, REQUEST_LINE))?;
    let (at, target) =
        words.next().ok_or_else(|| Fault::new(words.end(), "a space and the target"))?;
    let target = std::str::from_utf8(target)
        .map_err(|error| Fault::new(at.saturating_add(error.valid_up_to()), "UTF-8"))?;
    let uri = if method == Method::CONNECT { draft::url(target) } else { draft::target(target) };
    let uri = uri.map_err(|expected| Fault::new(at, expected))?;
    let version = match words.next() {
        // Requests typed by hand often have no version.
        None | Some((_, b"HTTP/1.1")) => Version::HTTP_11,
        Some((_, b"HTTP/1.0")) => Version::HTTP_10,
        Some((_, b"HTTP/2" | b"HTTP/2.0")) => Version::HTTP_2,
        Some((at, _)) => {
            return Err(Fault::new(at, "`HTTP/1.1`, with the target's spaces as `%20`"));
        }
    };
    match words.next() {
        None => Ok((method, uri, version)),
        Some((at, _)) => Err(Fault::new(at, "the end of the line")),
    }
}

/// The words of a line, each with its offset.
struct Words<'t> {
    line: Line<'t>,
    at: usize,
}

impl<'t> Words<'t> {
    fn next(&mut self) -> Option<(usize, &'t [u8])> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let rest = self.line.bytes.get(self.at..)?;
        let start = self.at.saturating_add(rest.iter().position(|byte| !is_space(byte))?);
        let rest = self.line.bytes.get(start..)?;
        let len = rest.iter().position(is_space).unwrap_or(rest.len());
        self.at = start.saturating_add(len);
        Some((self.line.at.saturating_add(start), rest.get(..len)?))
    }

    fn end(&self) -> usize {
        self.line.at.saturating_add(self.line.bytes.len())
    }
}

fn header(line: Line<'_>) -> Result<(HeaderName, HeaderValue), Fault> {
    const EXPECTED: &str = "`Name: value`, or an empty line and the body";

    let colon = line.bytes.iter().position(|byte| *byte == b':');
    let Some((name, value)) = colon.and_then(|colon| line.bytes.split_at_checked(colon)) else {
        let is_folded = matches!(line.bytes.first(), Some(b' ' | b'\t'));
        let expected = if is_folded { "a header's value on one line" } else { EXPECTED };
        return Err(Fault::new(line.at, expected));
    };
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if let Some(place) = name.iter().position(|byte| !is_token(byte)) {
        return Err(Fault::new(
            line.at.saturating_add(place),
            "a header's name, which ends at its colon and has no spaces",
        ));
    }
    let name = HeaderName::from_bytes(name).map_err(|_| Fault::new(line.at, EXPECTED))?;
    let start = line.at.saturating_add(name.as_str().len()).saturating_add(1);
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    let value = HeaderValue::from_bytes(value)
        .map_err(|_| Fault::new(start, "a header's value without control characters"))?;
    Ok((name, value))
}

/// Returns the body, up to its content length, or all remaining bytes if there is none.
fn body(headers: &HeaderMap, rest: &[u8], notes: &mut Vec<CaptureNote>) -> Vec<u8> {
    let coding = headers.get(TRANSFER_ENCODING).and_then(|coding| coding.to_str().ok());
    if coding.is_some_and(|coding| coding.to_ascii_lowercase().trim().ends_with("chunked")) {
        let joined = chunked::join(rest);
        notes.push(match joined {
            Some(_) => CaptureNote::Unchunked,
            None => CaptureNote::NotChunked,
        });
        return joined.unwrap_or_else(|| rest.to_vec());
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let Some(length) = length.and_then(|length| length.trim().parse::<usize>().ok()) else {
        if !rest.is_empty() {
            notes.push(CaptureNote::NoContentLength);
        }
        return rest.to_vec();
    };
    if let Some(missing) = length.checked_sub(rest.len()).filter(|missing| *missing > 0) {
        let lines = rest.split(|byte| *byte == b'\n').skip(1).count();
        let is_one_for_each_line = missing == lines && !rest.windows(2).any(|two| two == b"\r\n");
        notes.push(CaptureNote::BodyTooShort { missing, is_one_for_each_line });
    }
    if let Some(left_out) = rest.len().checked_sub(length).filter(|more| *more > 0) {
        notes.push(CaptureNote::BodyTooLong { left_out });
    }
    rest.get(..length).unwrap_or(rest).to_vec()
}

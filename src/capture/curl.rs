//! Parses a curl command line, as described in <https://curl.se/docs/manpage.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::capture::CaptureNote;
use crate::capture::curl_options::{self as options, Kind};
use crate::capture::draft::{self, Draft, Fault, MARK};
use crate::capture::shell::{self, Word};

pub(super) fn read(text: &[u8]) -> Result<Draft, Fault> {
    // Skip the mark and the prompt, but keep all offsets.
    let start = text.strip_prefix(MARK).map_or(0, |_| MARK.len());
    let is_before = |byte: &&u8| matches!(byte, b'$' | b' ' | b'\t' | b'\r' | b'\n');
    let blanks = text.get(start..).unwrap_or_default().iter().take_while(is_before).count();
    let start = start.saturating_add(blanks);
    let shifted = |at: usize| at.saturating_add(start);
    let command = text.get(start..).unwrap_or_default();
    let draft = shell::words(command).and_then(|words| Command::read(words, command.len()));
    draft.map_err(|fault| Fault { at: shifted(fault.at), ..fault })
}

/// The settings from the options parsed so far.
#[derive(Default)]
struct Command {
    url: Option<Uri>,
    method: Option<Method>,
    headers: HeaderMap,
    /// Headers that curl would send by default, but that an option removed.
    removed: Vec<HeaderName>,
    data: Option<Vec<u8>>,
    is_json: bool,
    is_get: bool,
    is_head: bool,
}

impl Command {
    fn read(words: Vec<Word>, end: usize) -> Result<Draft, Fault> {
        let mut command = Self::default();
        let mut words = words.into_iter().skip(1);
        let mut only_urls = false;
        while let Some(Word { at, bytes }) = words.next() {
            let missing = || Fault::new(end, "the value of the last option");
            let value = |words: &mut dyn Iterator<Item = Word>| words.next().ok_or_else(missing);
            match bytes.strip_prefix(b"-") {
                Some(b"-") if !only_urls => only_urls = true,
                Some(name) if !only_urls && name.starts_with(b"-") => {
                    let name = name.strip_prefix(b"-").unwrap_or(name);
                    let kind = options::long(name).ok_or_else(|| unknown(at))?;
                    if let Kind::Unreadable(expected) = kind {
                        return Err(Fault::new(at, expected));
                    }
                    let word = if kind.has_value() { value(&mut words)? } else { flag(at) };
                    command.take(kind, &word)?;
                }
                Some(letters) if !only_urls && !letters.is_empty() => {
                    let mut letters = letters;
                    while let Some((letter, rest)) = letters.split_first() {
                        let kind = options::short(*letter).ok_or_else(|| unknown(at))?;
                        if let Kind::Unreadable(expected) = kind {
                            return Err(Fault::new(at, expected));
                        }
                        // The value may follow its letter directly.
                        let word = match (kind.has_value(), rest) {
                            (false, _) => flag(at),
                            (true, []) => value(&mut words)?,
                            (true, rest) => Word { at, bytes: rest.to_vec() },
                        };
                        command.take(kind, &word)?;
                        letters = if kind.has_value() { &[] } else { rest };
                    }
                }
                _ => command.take(Kind::Url, &Word { at, bytes })?,
            }
        }
        command.draft(end)
    }

    fn take(&mut self, kind: Kind, word: &Word) -> Result<(), Fault> {
        let fault = |expected: &'static str| Fault::new(word.at, expected);
        match kind {
            Kind::Method => {
                let method = Method::from_bytes(&word.bytes);
                self.method = Some(method.map_err(|_| fault("a method such as `POST`"))?);
            }
            Kind::Header => self.header(word)?,
            Kind::Url if self.url.is_some() => return Err(fault("one URL")),
            Kind::Url => {
                let text = std::str::from_utf8(&word.bytes).map_err(|_| fault("a URL in UTF-8"))?;
                self.url = Some(draft::url(text).map_err(fault)?);
            }
            Kind::Data | Kind::Json if word.bytes.starts_with(b"@") => {
                return Err(fault("the data itself instead of a file"));
            }
            Kind::Data | Kind::DataRaw => self.add_data(b"&", &word.bytes),
            Kind::DataUrlencode => {
                let data = urlencoded(&word.bytes).ok_or_else(|| fault("the data itself"))?;
                self.add_data(b"&", &data);
            }
            Kind::Json => {
                self.is_json = true;
                self.add_data(b"", &word.bytes);
            }
            Kind::Get => self.is_get = true,
            Kind::Head => self.is_head = true,
            Kind::User if !word.bytes.contains(&b':') => {
                return Err(fault("a user, a colon and a password"));
            }
            Kind::User => {
                let value = format!("Basic {}", STANDARD.encode(&word.bytes));
                self.set(AUTHORIZATION, value.as_bytes(), word)?;
            }
            Kind::Agent => self.set(USER_AGENT, &word.bytes, word)?,
            Kind::Referer => self.set(REFERER, &word.bytes, word)?,
            Kind::Cookie if !word.bytes.contains(&b'=') => {
                return Err(fault("`name=value` instead of a file"));
            }
            Kind::Cookie => self.set(COOKIE, &word.bytes, word)?,
            Kind::Flag | Kind::Setting | Kind::Unreadable(_) => {}
        }
        Ok(())
    }

    fn add_data(&mut self, separator: &[u8], data: &[u8]) {
        match &mut self.data {
            Some(earlier) => earlier.extend([separator, data].concat()),
            None => self.data = Some(data.to_vec()),
        }
    }

    /// Applies a header. `Name: value` sets it, `Name:` removes it, and `Name;` sets it to an empty
    /// value.
    fn header(&mut self, word: &Word) -> Result<(), Fault> {
        const EXPECTED: &str = "a header as `Name: value`";

        if word.bytes.starts_with(b"@") {
            return Err(Fault::new(word.at, "the header itself instead of a file"));
        }
        let colon = word.bytes.iter().position(|byte| *byte == b':');
        let (name, value) = match colon.and_then(|colon| word.bytes.split_at_checked(colon)) {
            Some((name, value)) => (name, value.get(1..).unwrap_or_default().trim_ascii()),
            None => match word.bytes.strip_suffix(b";") {
                Some(name) => (name, b"".as_slice()),
                None => return Err(Fault::new(word.at, EXPECTED)),
            },
        };
        let name = HeaderName::from_bytes(name).map_err(|_| Fault::new(word.at, EXPECTED))?;
        if colon.is_some() && value.is_empty() {
            self.removed.push(name);
            return Ok(());
        }
        self.set(name, value, word)
    }

    fn set(&mut self, name: HeaderName, value: &[u8], word: &Word) -> Result<(), Fault> {
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| Fault::new(word.at, "a header's value without control characters"))?;
        draft::append(&mut self.headers, name, value)
            .map_err(|expected| Fault::new(word.at, expected))
    }

    /// Adds a header that curl sends by default.
    fn send_by_default(&mut self, name: HeaderName, value: &'static str) -> bool {
        let is_set = self.headers.contains_key(&name) || self.removed.contains(&name);
        !is_set && self.headers.try_insert(name, HeaderValue::from_static(value)).is_ok()
    }

    fn draft(mut self, end: usize) -> Result<Draft, Fault> {
        let mut url = self.url.take().ok_or_else(|| Fault::new(end, "a URL"))?;
        let mut notes = Vec::new();
        let mut body = self.data.take();
        if let Some(query) = body.take_if(|_| self.is_get) {
            let joined = with_query(&url, &query);
            url = joined.ok_or_else(|| Fault::new(end, "data that fits into a URL"))?;
        }
        if self.is_json {
            self.send_by_default(CONTENT_TYPE, "application/json");
            self.send_by_default(ACCEPT, "application/json");
        } else if body.is_some()
            && self.send_by_default(CONTENT_TYPE, "application/x-www-form-urlencoded")
        {
            notes.push(CaptureNote::CurlContentType);
        }
        self.send_by_default(ACCEPT, "*/*");
        let method = self.method.take().unwrap_or(match body {
            _ if self.is_head => Method::HEAD,
            Some(_) => Method::POST,
            None => Method::GET,
        });
        let draft = Draft::new(method, url, self.headers);
        Ok(Draft { body: body.unwrap_or_default(), notes, ..draft }.sent())
    }
}

fn flag(at: usize) -> Word {
    Word { at, bytes: Vec::new() }
}

fn unknown(at: usize) -> Fault {
    Fault::new(at, "an option of curl that sets a method, a header, data or the URL")
}

fn with_query(url: &Uri, query: &[u8]) -> Option<Uri> {
    let query = std::str::from_utf8(query).ok()?;
    let joint = match url.query() {
        Some(earlier) => format!("{}?{earlier}&{query}", url.path()),
        None => format!("{}?{query}", url.path()),
    };
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(joint.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Parses `content`, `=content` and `name=content`, but rejects the forms that name a file.
fn urlencoded(word: &[u8]) -> Option<Vec<u8>> {
    let place = word.iter().position(|byte| matches!(byte, b'=' | b'@'));
    let (name, content) = match place.and_then(|place| word.split_at_checked(place)) {
        Some((_, [b'@', ..])) => return None,
        Some((b"", content)) => (b"".as_slice(), content.get(1..)?),
        Some((name, content)) => (name, content.get(1..)?),
        None => (b"".as_slice(), word),
    };
    let mut data = name.to_vec();
    data.extend((!name.is_empty()).then_some(b'='));
    for byte in content {
        match byte {
            b'-' | b'.' | b'_' | b'~' => data.push(*byte),
            _ if byte.is_ascii_alphanumeric() => data.push(*byte),
            _ => data.extend(format!("%{byte:02X}").bytes()),
        }
    }
    Some(data)
}

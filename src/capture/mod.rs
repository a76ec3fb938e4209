//! Read a captured request from text (feature `capture`).
//!
//! [`Capture::read`] accepts what you have at hand when a signature does not match: the raw
//! HTTP/1.1 message, a curl command line, an entry of a HAR file, or a small JSON object. It opens
//! no file and no connection, and never repairs the request. It keeps possible damage,
//! and reports it as a [`CaptureNote`].
//!
//! ```
//! use tower_hmac::capture::{Capture, CaptureForm};
//!
//! let capture = Capture::read(b"POST /hook HTTP/1.1\nX-Signature: 00\nContent-Length: 2\n\n{}")?;
//! assert_eq!(capture.form(), CaptureForm::Http);
//! assert_eq!(capture.body(), b"{}");
//! assert!(capture.notes()[0].to_string().starts_with("the capture has LF only"));
//!
//! let error = Capture::read(b"POST /hook HTTP/1.1\r\nX Signature: 00\r\n\r\n").unwrap_err();
//! assert_eq!((error.line(), error.column()), (2, 2));
//! # Ok::<(), tower_hmac::BoxError>(())
//! ```
//!
//! | text | read as |
//! | --- | --- |
//! | begins with `{` | JSON: a HAR file with one entry, its `entry` or `request`, or `{"method", "url", "headers", "body"}` |
//! | begins with `curl` or `$ curl` | a curl command line, with the quoting of a POSIX shell |
//! | anything else | HTTP/1.1 as in [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112), with CRLF or LF |
//!
//! In the JSON form, `headers` is an object or a list of `[name, value]` pairs. For bytes that are
//! not text, use `body_base64` instead of `body`. `target` is an alias of `url`.

mod chunked;
mod curl;
mod curl_options;
mod draft;
mod error;
mod har;
mod http1;
mod json;
mod note;
mod shell;

use std::fmt;

use bytes::Bytes;
use http::Request;
use http::request::Parts;

use draft::Draft;
pub use error::CaptureError;
pub use note::CaptureNote;

/// A request read from text.
///
/// See [`capture`](crate::capture) for an example.
#[derive(Clone)]
pub struct Capture {
    form: CaptureForm,
    head: Parts,
    body: Bytes,
    notes: Vec<CaptureNote>,
}

/// The form of a capture.
///
/// See [`capture`](crate::capture) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureForm {
    /// An HTTP/1.1 message.
    Http,
    /// A curl command line.
    Curl,
    /// An entry of a HAR file.
    Har,
    /// `{"method", "url", "headers", "body" | "body_base64"}`.
    Json,
}

impl Capture {
    /// Reads a request in any of the forms.
    ///
    /// # Errors
    ///
    /// Returns [`CaptureError`] with the line, the column and the expected input.
    pub fn read(text: &[u8]) -> Result<Self, CaptureError> {
        let form = form(text);
        let draft = match form {
            CaptureForm::Http => http1::read(text),
            CaptureForm::Curl => curl::read(text),
            CaptureForm::Har => har::read(text),
            CaptureForm::Json => json::read(text),
        };
        let Draft { head, body, notes } = draft.map_err(|fault| CaptureError::new(text, fault))?;
        Ok(Self { form, head, body: body.into(), notes })
    }

    /// Returns the form of the capture.
    #[must_use]
    pub fn form(&self) -> CaptureForm {
        self.form
    }

    /// Returns the head, with the `Host` that the client sends.
    #[must_use]
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// Returns the body as it was sent, without a chunked transfer coding.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns notes on possible differences from the request that was sent.
    #[must_use]
    pub fn notes(&self) -> &[CaptureNote] {
        &self.notes
    }

    /// Returns the request.
    #[must_use]
    pub fn into_request(self) -> Request<Bytes> {
        Request::from_parts(self.head, self.body)
    }
}

impl fmt::Debug for Capture {
    /// Omits the head and the body, which may contain credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture")
            .field("form", &self.form)
            .field("body_len", &self.body.len())
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Detects the form by the first characters, and by the members of JSON.
fn form(text: &[u8]) -> CaptureForm {
    let text = text.strip_prefix(draft::MARK).unwrap_or(text);
    let line = text.trim_ascii_start();
    let line = line.strip_prefix(b"$").unwrap_or(line).trim_ascii_start();
    match (line.first(), line.strip_prefix(b"curl").and_then(<[u8]>::first)) {
        (Some(b'{'), _) if har::is_har(text) => CaptureForm::Har,
        (Some(b'{'), _) => CaptureForm::Json,
        (_, Some(b' ' | b'\t' | b'\\' | b'\r' | b'\n')) => CaptureForm::Curl,
        _ => CaptureForm::Http,
    }
}

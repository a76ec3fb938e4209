use std::fmt;

/// A possible difference between a capture and the request that was sent.
///
/// See [`capture`](crate::capture) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureNote {
    /// Every line of the head ends with LF, although clients send CRLF.
    LfOnly,
    /// Some lines of the head end with LF, and some with CRLF.
    MixedLineEnds,
    /// The text began with a byte order mark, which is not part of the request.
    ByteOrderMark,
    /// The head is not followed by an empty line.
    NoEndOfHead,
    /// There is no `content-length`: everything after the head is the body.
    NoContentLength,
    /// The body is shorter than its `content-length`.
    BodyTooShort {
        /// The number of missing bytes.
        missing: usize,
        /// Whether one byte is missing for each LF: the body had CRLF when it was sent.
        is_one_for_each_line: bool,
    },
    /// The text continues after the body's `content-length`. The excess is dropped.
    BodyTooLong {
        /// The number of dropped bytes.
        left_out: usize,
    },
    /// The body was chunked, and its chunks were joined.
    Unchunked,
    /// The head has `chunked`, but the body is not chunked.
    NotChunked,
    /// The headers contained HTTP/2's pseudo-headers (RFC 9113 section 8.3), which are dropped.
    PseudoHeaders,
    /// curl adds the `content-type` of forms unless another one is given.
    CurlContentType,
    /// The capture contains the body as text: bytes that are not UTF-8 are lost.
    BodyAsText,
}

impl fmt::Display for CaptureNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LfOnly => {
                "the capture has LF only; if the body was sent with CRLF, its signature differs"
            }
            Self::MixedLineEnds => "some lines of the head end with CRLF and some with LF",
            Self::ByteOrderMark => "the byte order mark before the request is dropped",
            Self::NoEndOfHead => "the capture ends before the empty line that ends the head",
            Self::NoContentLength => {
                "there is no content-length: everything after the head is taken as the body"
            }
            Self::BodyTooShort { missing, is_one_for_each_line: true } => {
                return write!(
                    f,
                    "the body is {missing} bytes shorter than its content-length, one for each \
                     line: it was sent with CRLF and the capture has LF"
                );
            }
            Self::BodyTooShort { missing, .. } => {
                return write!(f, "the body is {missing} bytes shorter than its content-length");
            }
            Self::BodyTooLong { left_out } => {
                return write!(
                    f,
                    "{left_out} bytes after the end of the body, as content-length gives it, are \
                     left out"
                );
            }
            Self::Unchunked => "the body was chunked; its chunks are joined",
            Self::NotChunked => "the head has `chunked`, but the body is not chunked",
            Self::PseudoHeaders => "the pseudo-headers of HTTP/2 are dropped",
            Self::CurlContentType => {
                "curl sends `content-type: application/x-www-form-urlencoded` unless told otherwise"
            }
            Self::BodyAsText => "the capture contains the body as text, not as bytes",
        })
    }
}

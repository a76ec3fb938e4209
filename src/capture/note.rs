use std::fmt;

/// What may differ between a capture and the request that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaptureNote {
    /// Every line of the head ends with LF, where a client sends CRLF.
    LfOnly,
    /// Some lines of the head end with LF, and some with CRLF.
    MixedLineEnds,
    /// The text began with a byte order mark, which is not a part of the request.
    ByteOrderMark,
    /// The head is not followed by an empty line.
    NoEndOfHead,
    /// There is no `content-length`: everything after the head is the body.
    NoContentLength,
    /// The body is shorter than its `content-length`.
    BodyTooShort {
        /// The missing bytes.
        missing: usize,
        /// Whether that is one byte for each LF: the body had CRLF when it was sent.
        is_one_for_each_line: bool,
    },
    /// The text goes on after the body's `content-length`; the rest is left out.
    BodyTooLong {
        /// The bytes that are left out.
        left_out: usize,
    },
    /// The body stood in chunks and was joined.
    Unchunked,
    /// The head says `chunked`, and the body does not stand in chunks.
    NotChunked,
    /// HTTP/2's pseudo-headers (RFC 9113 section 8.3) stand among the headers and are left out.
    PseudoHeaders,
    /// curl adds a `content-type` of forms unless it is given one.
    CurlContentType,
    /// The capture holds the body as text: bytes that are not UTF-8 are lost.
    BodyAsText,
}

impl fmt::Display for CaptureNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LfOnly => {
                "the capture has LF only; if the body was sent with CRLF, its signature differs"
            }
            Self::MixedLineEnds => "some lines of the head end with CRLF and some with LF",
            Self::ByteOrderMark => "a byte order mark before the request is left out",
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
            Self::Unchunked => "the body was sent in chunks, which are joined",
            Self::NotChunked => "the head says `chunked`, and the body is not in chunks",
            Self::PseudoHeaders => "the pseudo-headers of HTTP/2 are left out",
            Self::CurlContentType => {
                "curl sends `content-type: application/x-www-form-urlencoded` unless told otherwise"
            }
            Self::BodyAsText => "the capture holds the body as text, and not its bytes",
        })
    }
}

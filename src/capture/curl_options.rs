//! The curl options that affect a request, and those that do not.

/// The effect of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Method,
    Header,
    Url,
    Data,
    DataRaw,
    DataUrlencode,
    Json,
    Get,
    Head,
    User,
    Agent,
    Referer,
    Cookie,
    /// Does not affect the request.
    Flag,
    /// Does not affect the request, and takes a value.
    Setting,
    /// Cannot be read from a command line.
    Unreadable(&'static str),
}

impl Kind {
    pub(super) fn has_value(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::Flag)
    }
}

const MULTIPART: &str = "the message itself: the boundary of a multipart body is random";
const FILE: &str = "the data itself instead of a file";
const SIGNED_BY_CURL: &str = "the message that curl sent: it signs on its own (see `curl -v`)";

#[rustfmt::skip]
const OPTIONS: &[(u8, &str, Kind)] = &[
    (b'X', "request", Kind::Method),
    (b'H', "header", Kind::Header),
    (0, "url", Kind::Url),
    (b'd', "data", Kind::Data),
    (0, "data-ascii", Kind::Data),
    (0, "data-binary", Kind::Data),
    (0, "data-raw", Kind::DataRaw),
    (0, "data-urlencode", Kind::DataUrlencode),
    (0, "json", Kind::Json),
    (b'G', "get", Kind::Get),
    (b'I', "head", Kind::Head),
    (b'u', "user", Kind::User),
    (b'A', "user-agent", Kind::Agent),
    (b'e', "referer", Kind::Referer),
    (b'b', "cookie", Kind::Cookie),
    (b'F', "form", Kind::Unreadable(MULTIPART)),
    (0, "form-string", Kind::Unreadable(MULTIPART)),
    (b'T', "upload-file", Kind::Unreadable(FILE)),
    (b'K', "config", Kind::Unreadable(FILE)),
    (0, "aws-sigv4", Kind::Unreadable(SIGNED_BY_CURL)),
    (0, "next", Kind::Unreadable("one request")),
    (b's', "silent", Kind::Flag),
    (b'S', "show-error", Kind::Flag),
    (b'v', "verbose", Kind::Flag),
    (b'i', "include", Kind::Flag),
    (0, "show-headers", Kind::Flag),
    (b'k', "insecure", Kind::Flag),
    (b'L', "location", Kind::Flag),
    (b'f', "fail", Kind::Flag),
    (0, "fail-with-body", Kind::Flag),
    (b'g', "globoff", Kind::Flag),
    (b'N', "no-buffer", Kind::Flag),
    (b'#', "progress-bar", Kind::Flag),
    (b'O', "remote-name", Kind::Flag),
    (b'0', "http1.0", Kind::Flag),
    (0, "http1.1", Kind::Flag),
    (0, "http2", Kind::Flag),
    (0, "http2-prior-knowledge", Kind::Flag),
    (0, "compressed", Kind::Flag),
    (0, "path-as-is", Kind::Flag),
    (0, "no-progress-meter", Kind::Flag),
    (b'4', "ipv4", Kind::Flag),
    (b'6', "ipv6", Kind::Flag),
    (b'o', "output", Kind::Setting),
    (b'D', "dump-header", Kind::Setting),
    (b'w', "write-out", Kind::Setting),
    (b'm', "max-time", Kind::Setting),
    (0, "connect-timeout", Kind::Setting),
    (0, "retry", Kind::Setting),
    (0, "resolve", Kind::Setting),
    (0, "connect-to", Kind::Setting),
    (b'x', "proxy", Kind::Setting),
    (b'c', "cookie-jar", Kind::Setting),
    (b'E', "cert", Kind::Setting),
    (0, "key", Kind::Setting),
    (0, "cacert", Kind::Setting),
    (0, "unix-socket", Kind::Setting),
];

/// Finds an option such as `-x`.
pub(super) fn short(letter: u8) -> Option<Kind> {
    OPTIONS.iter().find(|option| option.0 == letter && letter != 0).map(|option| option.2)
}

/// Finds an option such as `--name`.
pub(super) fn long(name: &[u8]) -> Option<Kind> {
    OPTIONS.iter().find(|option| option.1.as_bytes() == name).map(|option| option.2)
}

//! Captured requests: every form, notes about damage, and errors with their position.

use proptest::prelude::*;
use tower_hmac::capture::{Capture, CaptureForm, CaptureNote};

fn read(text: &str) -> Capture {
    Capture::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn fault(text: &str) -> (usize, usize, String) {
    let error = Capture::read(text.as_bytes()).expect_err(text);
    (error.line(), error.column(), error.expected().to_owned())
}

fn header<'c>(capture: &'c Capture, name: &str) -> Option<&'c str> {
    capture.head().headers.get(name).map(|value| value.to_str().unwrap())
}

#[test]
fn http_message_is_read_as_it_was_sent() {
    let capture = read(
        "POST /a%2Fb?q=1+2 HTTP/1.1\r\nHost: example.com\r\nX-Twice: a\r\nx-twice:  b \r\n\
         Content-Length: 4\r\n\r\nA\r\n\n",
    );
    assert_eq!(capture.form(), CaptureForm::Http);
    assert_eq!(capture.head().method, "POST");
    assert_eq!(capture.head().uri, "/a%2Fb?q=1+2");
    let twice: Vec<_> = capture.head().headers.get_all("x-twice").iter().collect();
    assert_eq!(twice, ["a", "b"]);
    assert_eq!(capture.body(), b"A\r\n\n");
    assert_eq!(capture.notes(), []);
}

#[test]
fn changed_line_ends_are_kept_and_reported() {
    let lf = read("POST / HTTP/1.1\nContent-Length: 6\n\na\nb\n");
    assert_eq!(lf.body(), b"a\nb\n");
    let short = CaptureNote::BodyTooShort { missing: 2, is_one_for_each_line: true };
    assert_eq!(lf.notes(), [CaptureNote::LfOnly, short]);
    assert!(lf.notes()[0].to_string().starts_with("the capture has LF only"));
    assert!(short.to_string().contains("it was sent with CRLF"));

    let mixed = read("POST / HTTP/1.1\r\nX: a\n\nbody");
    assert_eq!(mixed.notes(), [CaptureNote::MixedLineEnds, CaptureNote::NoContentLength]);
    let longer = read("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}\n");
    assert_eq!(longer.body(), b"{}");
    assert_eq!(longer.notes(), [CaptureNote::BodyTooLong { left_out: 1 }]);
    let shorter = read("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}");
    let short = CaptureNote::BodyTooShort { missing: 7, is_one_for_each_line: false };
    assert_eq!(shorter.notes(), [short]);
    let marked = read("\u{feff}\r\nGET / HTTP/1.1\r\n");
    assert_eq!(marked.notes(), [CaptureNote::ByteOrderMark, CaptureNote::NoEndOfHead]);
}

#[test]
fn chunks_are_joined() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let capture =
        read(&format!("{head}3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"));
    assert_eq!(capture.body(), b"abc0123456789");
    assert_eq!(capture.notes(), [CaptureNote::Unchunked]);
    for body in ["{}", "fffffffffffffffff\r\n", "ffffffffffffffff\r\na", "3\r\nab", "-1\r\n"] {
        let capture = read(&format!("{head}{body}"));
        assert_eq!(capture.body(), body.as_bytes());
        assert_eq!(capture.notes(), [CaptureNote::NotChunked]);
    }
}

#[test]
fn curl_command_is_what_curl_sends() {
    let capture = read(
        "$ curl -sSXPUT 'https://Example.com:443/a?b=c#d' \\\n  -H \"X-Sig: \\\"1\\\"\" \\\r\n  \
         -H 'Accept:' -H 'X-Empty;' --json $'{\"a\":\\'\\u00e9\\n\\'}' --json b -o out | jq .",
    );
    assert_eq!(capture.form(), CaptureForm::Curl);
    assert_eq!(capture.head().method, "PUT");
    assert_eq!(capture.head().uri, "https://Example.com/a?b=c");
    assert_eq!(header(&capture, "host"), Some("Example.com"));
    assert_eq!(header(&capture, "x-sig"), Some("\"1\""));
    assert_eq!(header(&capture, "x-empty"), Some(""));
    assert_eq!(header(&capture, "content-type"), Some("application/json"));
    assert_eq!(capture.body(), "{\"a\":'é\n'}b".as_bytes());
    assert_eq!(header(&capture, "content-length"), Some("12"));
    assert_eq!(header(&capture, "accept"), None);

    let form = read("curl example.com -d a=1 --data-raw @b --data-urlencode 'c=d e' -u me:pass");
    assert_eq!(form.head().method, "POST");
    assert_eq!(form.head().uri, "http://example.com/");
    assert_eq!(form.body(), b"a=1&@b&c=d%20e");
    assert_eq!(header(&form, "authorization"), Some("Basic bWU6cGFzcw=="));
    assert_eq!(header(&form, "accept"), Some("*/*"));
    assert_eq!(form.notes(), [CaptureNote::CurlContentType]);

    let get = read("curl -G http://localhost:8080/x?a=1 -d b=2 -H 'Host: other.example'");
    assert_eq!(get.head().method, "GET");
    assert_eq!(get.head().uri, "http://other.example/x?a=1&b=2");
    assert_eq!((get.body(), header(&get, "host")), (b"".as_slice(), Some("other.example")));
}

#[test]
fn har_entry_is_read() {
    let request = r#"{"method": "POST", "url": "https://example.com/x", "httpVersion": "HTTP/2",
        "headers": [{"name": ":authority", "value": "example.com"},
                    {"name": "x-sig", "value": "1", "comment": ""}],
        "queryString": [], "postData": {"mimeType": "text/plain", "text": "a"}}"#;
    let entry = format!(r#"{{"_priority": "High", "time": 1.5, "request": {request}}}"#);
    let file = format!(r#"{{"log": {{"version": "1.2", "entries": [{entry}]}}}}"#);
    for text in [request, &entry, &file] {
        let capture = read(text);
        assert_eq!(capture.form(), CaptureForm::Har);
        assert_eq!(capture.head().uri, "https://example.com/x");
        assert_eq!(header(&capture, "host"), Some("example.com"));
        assert_eq!(header(&capture, "x-sig"), Some("1"));
        assert_eq!(capture.body(), b"a");
        assert_eq!(capture.notes(), [CaptureNote::PseudoHeaders, CaptureNote::BodyAsText]);
    }
    let two = format!(r#"{{"log": {{"entries": [{entry}, {entry}]}}}}"#);
    assert!(fault(&two).2.contains("one entry"));
}

#[test]
fn json_object_is_read() {
    for text in [
        r#"{"method": "POST", "url": "/x?y", "headers": {"X-Sig": "1"}, "body": "{}\n"}"#,
        r#"{"method": "POST", "target": "/x?y", "headers": [["x-sig", "1"]], "body_base64": "e30K"}"#,
    ] {
        let capture = read(text);
        assert_eq!(capture.form(), CaptureForm::Json);
        assert_eq!(capture.head().uri, "/x?y");
        assert_eq!(header(&capture, "x-sig"), Some("1"));
        assert_eq!(capture.body(), b"{}\n");
    }
}

#[test]
fn error_names_the_line_and_column() {
    let http = "a request line such as `POST /path HTTP/1.1`, a curl command, or a JSON object";
    for (text, line, column, expected) in [
        ("", 1, 1, http),
        ("hello there", 1, 1, http),
        ("GET", 1, 4, "a space and the target"),
        ("GET path HTTP/1.1", 1, 5, "a target that begins with `/`, or a URL"),
        ("GET /a b HTTP/1.1", 1, 8, "`HTTP/1.1`, with the target's spaces as `%20`"),
        ("GET / HTTP/1.1 x", 1, 16, "the end of the line"),
        ("GET / HTTP/1.1\nHost\n", 2, 1, "`Name: value`, or an empty line and the body"),
        ("GET / HTTP/1.1\nA: é\nB : c\n", 3, 2, "a header's name, which ends at its colon"),
        ("GET / HTTP/1.1\nA: b\n c\n", 3, 1, "a header's value on one line"),
        ("GET / HTTP/1.1\nA:\u{1}\n", 2, 3, "a header's value without control characters"),
        ("curl 'http://x", 1, 6, "a closing `'` for this one"),
        ("curl http://x \\\n -H \"a: b", 2, 5, "a closing `\""),
        ("curl -H", 1, 8, "the value of the last option"),
        ("curl -H 'a: b'", 1, 15, "a URL"),
        ("curl http://x http://y", 1, 15, "one URL"),
        ("curl -d @file http://x", 1, 9, "the data itself instead of a file"),
        ("curl --frobnicate http://x", 1, 6, "an option of curl"),
        ("curl -F a=b http://x", 1, 6, "the message itself"),
        ("curl http://x?a=1&b=2", 1, 18, "quotes around a word with `&`"),
        ("curl http://x -H \"X-Sig: $SIG\"", 1, 26, "the value itself"),
        ("curl -d $'\\xzz' http://x", 1, 11, "hex digits after `\\x`"),
        ("{\"method\": \"GET\"}", 1, 17, "the member `url`"),
        ("{\"method\": 1}", 1, 12, "a string"),
        ("{\n \"method\": \"G T\"}", 2, 17, "a method such as `POST`"),
        ("{\"url\": \"/\", \"methud\": \"GET\"}", 1, 21, "one of `method`"),
        ("{\"url\": \"/\",", 1, 12, "valid JSON"),
        ("[1]", 1, 1, http),
    ] {
        let (at_line, at_column, told) = fault(text);
        assert!(told.starts_with(expected), "{text}: {told}");
        assert_eq!((at_line, at_column), (line, column), "{text}: {told}");
    }
}

#[test]
fn error_and_debug_repeat_nothing_of_the_capture() {
    let secret = "s3cr3t-of-a-capture";
    for text in [
        format!("GET / HTTP/1.1\n{secret}\n"),
        format!("{secret} / HTTP/1.1\n"),
        format!("curl -H {secret} http://x"),
        format!("curl --{secret} http://x"),
        format!(r#"{{"method": "{secret} ", "url": "/"}}"#),
        format!(r#"{{"{secret}": 1}}"#),
        format!(r#"{{"method": "GET", "url": "/", "headers": "{secret}"}}"#),
        format!(r#"{{"method": "GET", "url": "/", "body_base64": "{secret}"}}"#),
    ] {
        let error = Capture::read(text.as_bytes()).expect_err(&text);
        assert!(!format!("{error} {error:?}").contains(secret), "{text}: {error}");
    }
    let text = format!("GET /{secret} HTTP/1.1\nAuthorization: {secret}\n\n{secret}");
    assert!(!format!("{:?}", read(&text)).contains(secret));
}

#[test]
fn too_many_headers_are_an_error() {
    let text = format!("GET / HTTP/1.1\n{}\n", "a: b\n".repeat(40_000));
    let _ = Capture::read(text.as_bytes());
    let many: String = (0..40_000).map(|number| format!("a{number}: b\n")).collect();
    assert_eq!(fault(&format!("GET / HTTP/1.1\n{many}")).2, "fewer headers");
}

const PIECES: &[&str] = &[
    "curl ",
    "GET / HTTP/1.1",
    "POST ",
    "\r\n",
    "\n",
    "\r",
    "Content-Length: 3",
    "'",
    "\"",
    "\\",
    "$'",
    "\\x",
    "\\u00",
    "-H ",
    "-d ",
    "--json ",
    "@",
    "http://x/",
    "?a=b",
    "&",
    "{",
    "}",
    "[",
    "]",
    "\"method\":",
    "\"GET\"",
    ",",
    "\"url\":\"/\"",
    "\"headers\":",
    "\"body_base64\":",
    "é",
    ":",
    " ",
    "-",
    "-G",
    "Transfer-Encoding: chunked",
    "ffffffffffffffff",
    "0",
    "\"log\":",
    "\"entries\":",
    "\"request\":",
    "\u{feff}",
    "\0",
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_rejected(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Capture::read(&text);
    }

    #[test]
    fn any_pieces_are_read_or_rejected(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30),
    ) {
        let text = pieces.concat();
        match Capture::read(text.as_bytes()) {
            Ok(capture) => drop(capture.into_request()),
            Err(error) => {
                let lines = text.split('\n').count();
                prop_assert!((1..=lines).contains(&error.line()), "{error}");
                let line = text.split('\n').nth(error.line() - 1).unwrap();
                prop_assert!((1..=line.chars().count() + 2).contains(&error.column()), "{error}");
            }
        }
    }

    #[test]
    fn each_body_is_read_unchanged(body in proptest::collection::vec(any::<u8>(), 0..100)) {
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        let capture = Capture::read(&[head.as_bytes(), &body].concat()).unwrap();
        prop_assert_eq!(capture.body(), &body[..]);
        prop_assert!(capture.notes().is_empty());
    }
}

//! Random requests for every scheme, through the `conformance` program's `sign` verb and over a
//! socket to its `serve` verb. All of them are accepted, and none with one byte changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Conformance, conformance_lines, status};

const REQUESTS: usize = 200;
const NOW: i64 = 1_700_000_000;
const MIB: usize = 1024 * 1024;

/// The parts of a request that a scheme can carry, and those that its signature covers.
struct SchemeCase {
    config: Value,
    key_id: Option<&'static str>,
    methods: &'static [&'static str],
    /// The methods with a query; `None`: all.
    with_query: Option<&'static [&'static str]>,
    /// The methods with a body; `None`: all.
    with_body: Option<&'static [&'static str]>,
    /// Escapes that may stand in a path.
    escapes: &'static [&'static str],
    /// Whether path segments must not be empty or contain a dot.
    has_normal_paths: bool,
    /// The alphabet of queries.
    pairs: &'static [&'static str],
    covers: &'static [Part],
    /// Covered headers, and their random values.
    headers: &'static [&'static str],
    values: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Method,
    Host,
    Path,
    Query,
    Header(&'static str),
    Body,
}

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"];
const VALUES: &[&str] = &["a", "two words", "x=1; y=\"2\"", "ü"];
/// Values for schemes whose text must be ASCII.
const ASCII_VALUES: &[&str] = &["a", "two words", "x=1; y=\"2\""];
const ESCAPES: &[&str] = &["%20", "%C3%BC", "%e2%82%ac", "%7E", "%41", "%2F", "%2f", "%25"];
/// Escapes for schemes that sign the decoded path: none that would make two paths equal.
const DECODED: &[&str] = &["%20", "%C3%BC", "%e2%82%ac", "%7E", "%41"];

/// Repeated names, names without a value, values without a name, and escapes.
const PAIRS: &[&str] = &["a=1", "a=2", "b=%20", "b=%C3%A9", "c", "c=", "=d", "e=f%26g%3Dh", "a=1"];
/// Pairs for schemes that need the values of a name in order: one value per name.
const ONE_VALUE: &[&str] = &["a=1", "b=%20", "c", "c=", "=d", "e=f%26g%3Dh", "a=1"];

impl SchemeCase {
    fn new(config: Value, covers: &'static [Part]) -> Self {
        Self {
            config,
            key_id: None,
            methods: METHODS,
            with_query: None,
            with_body: None,
            escapes: ESCAPES,
            has_normal_paths: false,
            pairs: PAIRS,
            covers,
            headers: &[],
            values: VALUES,
        }
    }
}

/// SplitMix64: the same requests in each run, so that failures are reproducible.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

#[derive(Clone)]
struct Sent {
    method: String,
    host: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn random(random: &mut Random, case: &SchemeCase, host: &str, number: usize) -> Self {
        let method = random.of(case.methods);
        let has = |methods: Option<&[&str]>| methods.is_none_or(|list| list.contains(&method));
        let query =
            (has(case.with_query) && random.below(3) > 0).then(|| query(random, case.pairs));
        let len = match number {
            // Long bodies are rare, because hashing is slow in an unoptimized build.
            0 => MIB,
            1 => random.below(MIB),
            _ => [0, 1, random.below(100), random.below(10_000)][random.below(4)],
        };
        let body = if has(case.with_body) { random.bytes(len) } else { Vec::new() };
        let covered = case.headers.iter().map(|name| (*name, random.of(case.values)));
        let mut headers: Vec<_> =
            covered.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        headers.push(("X-Uncovered".into(), random.of(VALUES).into()));
        let (method, host) = (method.to_owned(), host.to_owned());
        Self { method, host, path: path(random, case), query, headers, body }
    }

    fn line(&self, key_id: Option<&str>) -> Value {
        let query = self.query.iter().map(|query| format!("?{query}")).collect::<String>();
        let mut line = json!({
            "method": self.method,
            "url": format!("http://{}{}{query}", self.host, self.path),
            "headers": self.headers,
            "body_base64": STANDARD.encode(&self.body),
        });
        if let Some(key_id) = key_id {
            line["key_id"] = key_id.into();
        }
        line
    }

    /// Returns the request with the changes that the signer makes.
    fn signed(&self, answer: &Value) -> Self {
        let url = answer["url"].as_str().unwrap_or_else(|| panic!("{answer} for {}", self.shown()));
        let target = &url[format!("http://{}", self.host).len()..];
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let headers = answer["headers"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let headers = headers.map(|header| (text(&header[0]), text(&header[1]))).collect();
        Self { path: path.to_owned(), query, headers, ..self.clone() }
    }

    fn send(&self, server: &Conformance) -> u16 {
        let target = match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        };
        let mut head = format!("{} {target} HTTP/1.1\r\nhost: {}\r\n", self.method, self.host);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "host") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len()));
        let request = [head.as_bytes(), &self.body].concat();
        status(&server.send(&request, false))
    }

    fn shown(&self) -> String {
        let body = format!("{} bytes of body", self.body.len());
        format!("{} {} {:?} {:?} {body}", self.method, self.path, self.query, self.headers)
    }

    /// Returns the request with one byte of a covered part changed, or `None` if the part is empty.
    fn changed(&self, part: Part, random: &mut Random) -> Option<Self> {
        let mut changed = self.clone();
        match part {
            Part::Method => {
                // Use another method that fits this query and body.
                changed.method = match &*self.method {
                    "PUT" => "PUS".into(),
                    "GET" | "HEAD" => return None,
                    other => other.replacen('E', "F", 1).replacen('P', "B", 1),
                };
            }
            Part::Host => changed.host = self.host.replace("127.0.0.1", "127.0.0.2"),
            // Each path begins with `/path`.
            Part::Path => changed.path = self.path.replacen("/path", "/pith", 1),
            Part::Query => changed.query = Some(one_letter_on(self.query.as_ref()?, random)?),
            Part::Header(name) => {
                let header = changed.headers.iter_mut().find(|(other, _)| other == name)?;
                header.1 = one_letter_on(&header.1, random)?;
            }
            Part::Body if self.body.is_empty() => changed.body = vec![b' '],
            Part::Body => {
                let place = random.below(self.body.len());
                changed.body[place] ^= 1 << random.below(8);
            }
        }
        Some(changed)
    }
}

/// Replaces one letter or digit of a text by its neighbour.
fn one_letter_on(text: &str, random: &mut Random) -> Option<String> {
    let places: Vec<_> = text.match_indices(|c: char| c.is_ascii_alphanumeric()).collect();
    let (place, letter) = *places.get(random.below(places.len().max(1)))?;
    let next = match letter {
        "z" | "Z" | "9" => "0".to_owned(),
        _ => char::from(letter.as_bytes()[0] + 1).to_string(),
    };
    let mut text = text.to_owned();
    text.replace_range(place..=place, &next);
    Some(text)
}

fn path(random: &mut Random, case: &SchemeCase) -> String {
    let letters = ["a", "B", "7", "-", "_", "~", "!", "$", "'", ":", "@", "."];
    let (least, dots) = if case.has_normal_paths { (1, 1) } else { (0, 0) };
    let letters = &letters[..letters.len() - dots];
    let mut path = String::from("/path");
    for _ in 0..random.below(4) {
        path.push('/');
        for _ in 0..least + random.below(6) {
            let plain = random.of(letters);
            let escaped = random.of(case.escapes);
            path.push_str(random.of(&[plain, escaped]));
        }
    }
    path
}

fn query(random: &mut Random, pairs: &[&str]) -> String {
    let count = 1 + random.below(5);
    (0..count).map(|_| random.of(pairs)).collect::<Vec<_>>().join("&")
}

fn round_trip(case: &SchemeCase) {
    let mut config = case.config.clone();
    config["now"] = NOW.into();
    let server = Conformance::serve(&config)
        .unwrap_or_else(|output| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let random = &mut Random(1);
    let host = server.addr.to_string();
    let requests: Vec<_> =
        (0..REQUESTS).map(|number| Sent::random(random, case, &host, number)).collect();
    let lines: Vec<_> = requests.iter().map(|request| request.line(case.key_id)).collect();
    let answers = conformance_lines("sign", &config, &lines);
    assert_eq!(answers.len(), REQUESTS);

    let mut changes = 0;
    for (request, answer) in requests.iter().zip(&answers) {
        let request = request.signed(answer);
        assert_eq!(request.send(&server), 200, "{}", request.shown());
        let part = case.covers[random.below(case.covers.len())];
        let Some(changed) = request.changed(part, random) else { continue };
        changes += 1;
        assert_eq!(changed.send(&server), 403, "{part:?} changed: {}", changed.shown());
    }
    assert!(changes > REQUESTS / 3, "{changes} changes are too few to say anything");
}

#[test]
fn flask_hmac_single() {
    let config = json!({"app_config": {"HMAC_KEY": "s3cr3tk3y"}});
    round_trip(&SchemeCase::new(config, &[Part::Body, Part::Header("signature")]));
}

#[test]
fn flask_hmac_named() {
    let config = json!({"app_config": {"HMAC_KEYS": {"aservice": "akey", "bservice": "bkey"}}});
    let case = SchemeCase::new(config, &[Part::Body, Part::Header("signature")]);
    round_trip(&SchemeCase { key_id: Some("bservice"), ..case });
}

#[test]
fn flask_hmac_path() {
    let config = json!({"scheme": "flask-hmac-0.1", "keys": {"": "a key"}});
    let case = SchemeCase::new(config, &[Part::Path, Part::Body]);
    round_trip(&SchemeCase { with_body: Some(&[]), escapes: DECODED, ..case });
}

#[test]
fn fost() {
    let config = json!({"scheme": "fost", "keys": {"a key/id": "a key"}});
    const COVERS: &[Part] = &[
        Part::Method,
        Part::Path,
        Part::Query,
        Part::Body,
        Part::Header("x-fost-user"),
        Part::Header("x-fost-timestamp"),
    ];
    round_trip(&SchemeCase {
        key_id: Some("a key/id"),
        methods: &["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"],
        with_query: Some(&["GET", "HEAD", "DELETE"]),
        with_body: Some(&["POST", "PUT", "PATCH"]),
        escapes: DECODED,
        headers: &["x-fost-user"],
        ..SchemeCase::new(config, COVERS)
    });
}

#[test]
fn fost_url() {
    let config = json!({"scheme": "fost-url", "keys": {"a key/id": "a key"}, "max_lifetime": 600});
    round_trip(&SchemeCase {
        key_id: Some("a key/id"),
        methods: &["GET", "HEAD"],
        with_body: Some(&[]),
        escapes: DECODED,
        ..SchemeCase::new(config, &[Part::Host, Part::Path, Part::Query, Part::Body])
    });
}

#[test]
fn scheme_from_parts() {
    let config = json!({
        "scheme": "header",
        "header": "X-Hub-Signature-256",
        "prefix": "sha256=",
        "keys": {"": "a key"},
        "parts": [
            "method", {"literal": " "}, "path", {"literal": "?"}, "query", {"literal": "\n"},
            {"header": "X-Covered"}, {"literal": "\n"}, {"timestamp": "X-Timestamp"},
            {"literal": "\n"}, "body",
        ],
    });
    const COVERS: &[Part] = &[
        Part::Method,
        Part::Path,
        Part::Query,
        Part::Body,
        Part::Header("x-covered"),
        Part::Header("x-timestamp"),
        Part::Header("x-hub-signature-256"),
    ];
    round_trip(&SchemeCase { headers: &["x-covered"], ..SchemeCase::new(config, COVERS) });
}

#[test]
fn message_signatures() {
    let config = json!({
        "scheme": "rfc9421",
        "keys": {"a-key": "a key"},
        "components": ["@method", "@authority", "@path", "@query", "content-digest", "x-covered"],
    });
    const COVERS: &[Part] =
        &[Part::Method, Part::Host, Part::Path, Part::Query, Part::Body, Part::Header("x-covered")];
    round_trip(&SchemeCase {
        key_id: Some("a-key"),
        headers: &["x-covered"],
        values: ASCII_VALUES,
        ..SchemeCase::new(config, COVERS)
    });
}

const AWS: &[Part] = &[
    Part::Method,
    Part::Host,
    Part::Path,
    Part::Query,
    Part::Body,
    Part::Header("x-covered"),
    Part::Header("x-amz-date"),
    Part::Header("authorization"),
];

fn aws(scheme: &str, service: &str) -> Value {
    json!({
        "scheme": scheme,
        "region": "eu-central-1",
        "service": service,
        "keys": {"AKID/7": "a secret of the tests"},
        "max_lifetime": 600,
    })
}

#[test]
fn sigv4() {
    round_trip(&SchemeCase {
        key_id: Some("AKID/7"),
        escapes: &["%20", "%C3%BC", "%e2%82%ac", "%2F", "%2f", "%25"],
        has_normal_paths: true,
        pairs: ONE_VALUE,
        headers: &["x-covered"],
        ..SchemeCase::new(aws("sigv4", "orders"), AWS)
    });
}

#[test]
fn sigv4_of_s3() {
    round_trip(&SchemeCase {
        key_id: Some("AKID/7"),
        pairs: ONE_VALUE,
        headers: &["x-covered"],
        ..SchemeCase::new(aws("sigv4", "s3"), AWS)
    });
}

#[test]
fn sigv4_presigned() {
    round_trip(&SchemeCase {
        key_id: Some("AKID/7"),
        methods: &["GET", "HEAD"],
        with_body: Some(&[]),
        pairs: ONE_VALUE,
        ..SchemeCase::new(
            aws("sigv4-presigned", "s3"),
            &[Part::Host, Part::Path, Part::Query, Part::Body],
        )
    });
}

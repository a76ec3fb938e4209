//! Path prefixes that proxies add or remove.

use http::request::Parts;

/// The maximum number of path segments that are treated as a prefix.
const MOST_SEGMENTS: usize = 3;
/// The longest prefix that is read from a header, in bytes.
const LONGEST: usize = 256;

/// Headers in which a proxy states the prefix that it removed.
const PREFIX_HEADERS: [&str; 2] = ["x-forwarded-prefix", "x-script-name"];
/// Headers in which a proxy states the target that it received.
const TARGET_HEADERS: [&str; 5] = [
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-envoy-original-path",
];

/// Prefixes that services are often mounted under, and that documentation mentions.
const USUAL: [&str; 36] = [
    "/api",
    "/v1",
    "/v2",
    "/v3",
    "/api/v1",
    "/api/v2",
    "/api/v3",
    "/app",
    "/rest",
    "/hook",
    "/hooks",
    "/webhook",
    "/webhooks",
    "/callback",
    "/callbacks",
    "/service",
    "/services",
    "/gateway",
    "/proxy",
    "/public",
    "/private",
    "/internal",
    "/external",
    "/backend",
    "/server",
    "/web",
    "/prod",
    "/stage",
    "/staging",
    "/dev",
    "/test",
    "/default",
    "/prefix",
    "/abc",
    "/foo",
    "/example",
];

/// Returns the first segments of a path.
pub(super) fn cut_prefixes(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(place, _)| place).skip(1);
    ends.take(MOST_SEGMENTS).filter_map(|end| path.get(..end))
}

/// Returns what may have preceded the path: first from headers, then the usual prefixes.
pub(super) fn added_prefixes(head: &Parts) -> Vec<String> {
    let value = |name: &&str| head.headers.get(*name)?.to_str().ok();
    let told = PREFIX_HEADERS.iter().filter_map(value).map(|prefix| prefix.trim_end_matches('/'));
    let targets = TARGET_HEADERS.iter().filter_map(value).filter_map(|target| {
        let path = target.split('?').next().unwrap_or_default();
        path.strip_suffix(head.uri.path())
    });
    let told = told.chain(targets).filter(|prefix| !prefix.is_empty() && prefix.len() <= LONGEST);
    told.chain(USUAL).map(str::to_owned).collect()
}

//! Any request for any scheme, through the whole layer: never accepted without the key, never a
//! panic, never a 5xx. A request signed by our client is accepted, but not with another body.
#![no_main]

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use tower_hmac_fuzz::{LIMIT, case};
use tower_hmac_measure::send;

#[derive(Arbitrary, Debug)]
struct Input {
    scheme: u8,
    method: u8,
    target: String,
    /// By the names of the case.
    own: Vec<(u8, Vec<u8>)>,
    others: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    then: Then,
}

#[derive(Arbitrary, Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Unchanged, and unsigned.
    Send,
    /// Signed, and therefore accepted, if it can be signed.
    Sign,
    /// Signed, with a changed body.
    SignAndChange,
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let case = case(input.scheme);
    let (mut head, ()) = Request::new(()).into_parts();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD];
    head.method = methods[usize::from(input.method) % methods.len()].clone();
    if let Ok(target) = input.target.parse::<Uri>() {
        head.uri = target;
    }
    let own = input.own.iter().map(|(place, value)| {
        (case.headers[usize::from(*place) % case.headers.len()].clone(), value)
    });
    let others = input
        .others
        .iter()
        .filter_map(|(name, value)| Some((HeaderName::try_from(name.as_str()).ok()?, value)));
    for (name, value) in own.chain(others) {
        // A client that signs sends the right length.
        if name != CONTENT_LENGTH || input.then == Then::Send {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                head.headers.append(name, value);
            }
        }
    }
    let mut body = input.body;
    let mut signed = false;
    if input.then != Then::Send {
        signed = case.client.sign_head(&mut head, &body).is_ok();
    }
    if input.then == Then::SignAndChange {
        match body.last_mut() {
            Some(last) => *last ^= 1,
            None => body.push(b'a'),
        }
        signed = false;
    }
    let too_large = body.len() > LIMIT;
    let request = Request::from_parts(head, Full::from(Bytes::from(body)));
    let status = send(&mut case.server.clone(), request).as_u16();
    let name = case.scheme.name();
    match (signed, too_large) {
        (true, false) => assert_eq!(status, 200, "{name}"),
        (true, true) => assert_eq!(status, 413, "{name}"),
        (false, _) => assert!(matches!(status, 400 | 403 | 413), "{name}: {status}"),
    }
});

//! Verifies one request of each kind. `scripts/counts` runs it under callgrind to count its
//! instructions.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower_hmac::key::SharedKeys;
use tower_hmac_measure::{Attempt, Server, request, send, server, sigv4, uneven_server};

/// Never frees memory, and allocates at a constant cost, at the start of a page. The system's
/// allocator sometimes takes another path, and its `memcmp` does so near the end of a page. Both
/// would be counted.
struct Once;

const PAGE: usize = 4096;
const ARENA: usize = 65_536 * PAGE;
static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static USED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Once = Once;

// SAFETY: each piece is in an arena that lives as long as the program, and is returned once.
unsafe impl GlobalAlloc for Once {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if START.load(Ordering::Relaxed).is_null() {
            // SAFETY: the size is not zero.
            let arena = unsafe { System.alloc(Layout::from_size_align(ARENA, PAGE).unwrap()) };
            START.store(arena, Ordering::Relaxed);
        }
        let size = layout.size().next_multiple_of(PAGE);
        let begin = USED.fetch_add(size, Ordering::Relaxed);
        if layout.align() > PAGE || begin + size > ARENA {
            return std::ptr::null_mut();
        }
        // SAFETY: within the arena, as checked above.
        unsafe { START.load(Ordering::Relaxed).add(begin) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// The counted requests.
#[inline(never)]
fn counted(server: &mut Server, request: Request<Full<Bytes>>) -> StatusCode {
    black_box(send(server, request))
}

fn main() {
    for keys in [1, 3] {
        let mut server = server(keys);
        for name in [None, Some("aservice")] {
            let attempts: &[_] = match name {
                None => &[Attempt::WrongFirstByte, Attempt::WrongLastByte],
                Some(_) => &WRONG,
            };
            let case = format!("{keys} key(s), {}", name.unwrap_or("anonymous"));
            compare(&mut server, &case, attempts, |attempt| request(name, attempt));
        }
        // Nobody has come in this name yet.
        let case = format!("{keys} key(s), aservice, NeverUsed");
        count(&mut server, &case, request(Some("bservice"), Attempt::WrongFirstByte));
    }
    let mut server = uneven_server();
    let case = "1 of up to 3 keys and a guard, aservice";
    compare(&mut server, case, &WRONG, |attempt| request(Some("aservice"), attempt));
    let unused = request(Some("bservice"), Attempt::WrongFirstByte);
    count(&mut server, &format!("{case}, NeverUsed"), unused);
    for has_payload_header in [true, false] {
        let mut server = sigv4::server(has_payload_header, sigv4::keys());
        let by = |name, attempt| sigv4::request(name, has_payload_header, attempt);
        let payload = if has_payload_header { "in a header" } else { "as it arrives" };
        let case = format!("SigV4 with the hash {payload}, aservice");
        compare(&mut server, &case, &WRONG, |attempt| by("aservice", attempt));
        let request = by("bservice", Attempt::WrongFirstByte);
        count(&mut server, &format!("{case}, NeverUsed"), request);
    }
    derived_keys();
}

/// Counts requests for which the keys of a day are derived, and those for which they cannot be.
fn derived_keys() {
    let by = |attempt| sigv4::request("aservice", true, attempt);
    let named = |case: &str, attempt| format!("SigV4 {case}, aservice, {attempt:?}");
    for attempt in [Attempt::WrongFirstByte, Attempt::UnknownName] {
        let mut server = sigv4::server(true, sigv4::keys());
        count(&mut server, &named("first of a day", attempt), by(attempt));
    }
    for attempt in [Attempt::WrongFirstByte, Attempt::UnknownName] {
        let keys = SharedKeys::new(sigv4::keys()).unwrap();
        let mut server = sigv4::server(true, keys.clone());
        assert_eq!(send(&mut server, by(Attempt::Right)), 200);
        keys.replace(sigv4::keys()).unwrap();
        count(&mut server, &named("first after a replacement", attempt), by(attempt));
    }
    compare(
        &mut sigv4::late_server(sigv4::keys()),
        "SigV4 of the day before, aservice",
        &WRONG,
        by,
    );
    let mut server = sigv4::server(true, sigv4::rotated_keys());
    compare(&mut server, "SigV4 with 1 of up to 3 keys, aservice", &WRONG, by);
}

const WRONG: [Attempt; 3] = [Attempt::WrongFirstByte, Attempt::WrongLastByte, Attempt::UnknownName];

/// Counts each attempt after others like it: what is done once is no request's own.
fn compare(
    server: &mut Server,
    case: &str,
    attempts: &[Attempt],
    request: impl Fn(Attempt) -> Request<Full<Bytes>>,
) {
    // Once: a replay guard rejects it the second time.
    assert_eq!(send(server, request(Attempt::Right)), 200);
    for attempt in attempts {
        for _ in 0..3 {
            assert_eq!(send(server, request(*attempt)), 403);
        }
        count(server, &format!("{case}, {attempt:?}"), request(*attempt));
    }
}

fn count(server: &mut Server, case: &str, request: Request<Full<Bytes>>) {
    println!("{case}");
    assert_eq!(counted(server, request), 403);
}

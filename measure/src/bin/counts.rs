//! Verifies one request of each kind, for callgrind to count its instructions; `scripts/counts`
//! runs it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower_hmac_measure::{Attempt, Server, request, send, server};

/// Gives out memory once and takes none back, always at one price: the system's allocator takes
/// another path from time to time, and would be counted too.
struct Once;

const ARENA: usize = 64 << 20;
static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static USED: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Once = Once;

// SAFETY: each piece lies in an arena that lives as long as the program, and is given out once.
unsafe impl GlobalAlloc for Once {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if START.load(Ordering::Relaxed).is_null() {
            // SAFETY: the size is not zero.
            let arena = unsafe { System.alloc(Layout::from_size_align(ARENA, 4096).unwrap()) };
            START.store(arena, Ordering::Relaxed);
        }
        // All pieces begin at a multiple of 64, enough for any type here.
        let size = layout.size().next_multiple_of(64);
        let begin = USED.fetch_add(size, Ordering::Relaxed);
        if layout.align() > 64 || begin + size > ARENA {
            return std::ptr::null_mut();
        }
        // SAFETY: within the arena, as was just checked.
        unsafe { START.load(Ordering::Relaxed).add(begin) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

/// What is counted.
#[inline(never)]
fn counted(server: &mut Server, request: Request<Full<Bytes>>) -> StatusCode {
    black_box(send(server, request))
}

fn main() {
    for keys in [1, 3] {
        let mut server = server(keys);
        for name in [None, Some("aservice")] {
            let attempts = [Attempt::WrongFirstByte, Attempt::WrongLastByte, Attempt::UnknownName];
            for attempt in attempts {
                if (name, attempt) == (None, Attempt::UnknownName) {
                    continue;
                }
                // What is done once is no request's own.
                for _ in 0..3 {
                    assert_eq!(send(&mut server, request(name, attempt)), 403);
                }
                assert_eq!(send(&mut server, request(name, Attempt::Right)), 200);
                let request = request(name, attempt);
                println!("{keys} key(s), {}, {attempt:?}", name.unwrap_or("anonymous"));
                assert_eq!(counted(&mut server, request), 403);
            }
        }
    }
}

//! What a request and a key allocate, by a counting allocator.

#![allow(missing_docs)]

mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::{Case, body, signed};
use tower_hmac::{FlaskHmac, VerifyLayer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    for size in [0, 1024] {
        let request = || signed(FlaskHmac::new(), body(size));
        let ours = || VerifyLayer::new(FlaskHmac::new(), support::one_key());
        let cases = [
            Case::new("no check", support::floor(), request()),
            Case::new("a layer that does nothing", support::nothing(), request()),
            Case::new("careful `from_fn`", support::careful(), request()),
            Case::new("the layer", support::layer(ours()), request()),
            Case::new("`Signed<Bytes>`", support::extractor(ours()), request()),
        ];
        println!("{size} B");
        for case in cases {
            support::runtime().block_on(async {
                case.send(case.request()).await;
                let request = case.request();
                let region = Region::new(ALLOCATOR);
                case.send(request).await;
                let change = region.change();
                println!(
                    "  {:30} {} allocations, {} reallocations, {} bytes",
                    case.name, change.allocations, change.reallocations, change.bytes_allocated
                );
            });
        }
    }
}

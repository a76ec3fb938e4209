//! To be run by `scripts/instructions` under callgrind: `instructions CONTENDER COUNT` sends so
//! many signed requests without a body through one contender.

#![allow(missing_docs)]

mod support;

use support::{Case, body, signed};
use tower_hmac::{FlaskHmac, VerifyLayer};

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(count)) = (args.next(), args.next().and_then(|n| n.parse().ok())) else {
        return; // Run by `cargo bench` with the others.
    };
    let ours = || VerifyLayer::new(FlaskHmac::new(), support::one_key());
    let app = match name.as_str() {
        "nothing" => support::nothing(),
        "careful" => support::careful(),
        "layer" => support::layer(ours()),
        "extractor" => support::extractor(ours()),
        _ => support::floor(),
    };
    Case::new(name, app, signed(FlaskHmac::new(), body(0))).time(count);
}

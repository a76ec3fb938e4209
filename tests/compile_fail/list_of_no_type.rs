//! A type that is no list of callers, in an extractor.

use tower_hmac::extract::Only;

struct Billing;

fn invoice(_: Only<Billing>) {}

fn main() {}

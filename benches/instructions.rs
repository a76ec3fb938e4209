//! Run by `scripts/instructions` under callgrind: `instructions CONTENDER COUNT` sends this many
//! signed requests without a body through one contender.
#![allow(missing_docs, clippy::pedantic)]

mod support;

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(count)) = (args.next(), args.next().and_then(|n| n.parse().ok())) else {
        return; // Run by `cargo bench` with the others.
    };
    let contenders = support::contenders(&support::body(0), None);
    let case = contenders.into_iter().find(|case| case.name == name).expect("a contender's name");
    case.time(count);
}

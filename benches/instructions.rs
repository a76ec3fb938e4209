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
    // With 1 KiB, such as `layer, RFC 9421/by hand`.
    let beside = support::beside_by_hand().into_iter().flat_map(|row| {
        let cases = [("route", row.floor), ("by hand", row.by_hand), ("ours", row.ours)];
        cases.map(|(which, mut case)| {
            case.name = format!("{}/{which}", row.name);
            case
        })
    });
    let others =
        support::schemes().into_iter().chain(support::once().into_iter().map(|make| make()));
    // Such as `growth/keys/8`.
    let growth = support::growth().into_iter().flat_map(|(what, cases)| {
        cases.into_iter().map(move |mut case| {
            case.name = format!("growth/{what}/{}", case.name);
            case
        })
    });
    let mut cases = contenders.into_iter().chain(beside).chain(others).chain(growth);
    cases.find(|case| case.name == name).expect("a contender's name").time(count);
}

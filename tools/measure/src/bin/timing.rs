//! Times rejections that must take equally long, with `dudect-bencher`; `scripts/timing` runs it
//! and judges the result.

use std::cell::{Cell, RefCell};
use std::hint::black_box;

use dudect_bencher::rand::RngExt as _;
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use tower_hmac_measure::{Attempt, request, send, server};

const SAMPLES: usize = 100_000;

fn random_class(rng: &mut BenchRng) -> Class {
    if rng.random() { Class::Left } else { Class::Right }
}

/// Times both attempts in random order. Requests are built outside the timed part.
fn rejections(
    runner: &mut CtRunner,
    rng: &mut BenchRng,
    (keys, key_id): (usize, Option<&str>),
    (left, right): (Attempt, Attempt),
) {
    let server = RefCell::new(server(keys));
    for _ in 0..SAMPLES {
        let class = random_class(rng);
        let attempt = if matches!(class, Class::Left) { left } else { right };
        let request = Cell::new(Some(request(key_id, attempt)));
        runner.run_one(class, || {
            let request = request.take().expect("each sample sends one request");
            assert_eq!(send(&mut server.borrow_mut(), request), 403);
        });
    }
}

/// A comparison that stops at the first wrong byte. If it does not show, the machine is too noisy.
fn control(runner: &mut CtRunner, rng: &mut BenchRng) {
    let right = [7_u8; 32];
    for _ in 0..SAMPLES {
        let class = random_class(rng);
        let mut offered = right;
        offered[if matches!(class, Class::Left) { 0 } else { 31 }] = 8;
        runner.run_one(class, || {
            let equal =
                right.iter().zip(&offered).all(|(one, two)| black_box(one) == black_box(two));
            assert!(!equal);
        });
    }
}

const BYTE: (Attempt, Attempt) = (Attempt::WrongFirstByte, Attempt::WrongLastByte);
const KEY_ID: (Attempt, Attempt) = (Attempt::WrongFirstByte, Attempt::UnknownName);

fn byte_anonymous(runner: &mut CtRunner, rng: &mut BenchRng) {
    rejections(runner, rng, (1, None), BYTE);
}

fn byte_one_key(runner: &mut CtRunner, rng: &mut BenchRng) {
    rejections(runner, rng, (1, Some("aservice")), BYTE);
}

fn byte_three_keys(runner: &mut CtRunner, rng: &mut BenchRng) {
    rejections(runner, rng, (3, Some("aservice")), BYTE);
}

fn key_id_one_key(runner: &mut CtRunner, rng: &mut BenchRng) {
    rejections(runner, rng, (1, Some("aservice")), KEY_ID);
}

fn key_id_three_keys(runner: &mut CtRunner, rng: &mut BenchRng) {
    rejections(runner, rng, (3, Some("aservice")), KEY_ID);
}

ctbench_main!(
    control,
    byte_anonymous,
    byte_one_key,
    byte_three_keys,
    key_id_one_key,
    key_id_three_keys
);

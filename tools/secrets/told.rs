//! A module that only the copy made by `scripts/secrets` contains. It records every key and every
//! computed tag. In other files, it records all output: events and spans at TRACE level and labels
//! of metrics, from the start of the process. Each process has its own files.
#![allow(warnings, clippy::all, clippy::pedantic, clippy::restriction)]

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::crypto::{Algorithm, Digest};

/// A file of this process, and its lines so far: hyper logs each byte of a chunk.
struct Book {
    file: File,
    seen: HashSet<u64>,
}

impl Book {
    fn open(kind: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let program = program.file_name().unwrap().to_string_lossy().into_owned();
        let name = format!("{}/{program}-{}.{kind}", env!("SECRETS_OUT"), std::process::id());
        let file = OpenOptions::new().create(true).append(true).open(name).unwrap();
        Self { file, seen: HashSet::new() }
    }
}

/// Writes a line at once, because tests kill some processes. Skips duplicate lines.
fn write(kind: &'static str, line: &[u8]) {
    static BOOKS: LazyLock<Mutex<HashMap<&str, Book>>> = LazyLock::new(Mutex::default);
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    let mut books = BOOKS.lock().unwrap();
    let book = books.entry(kind).or_insert_with(|| Book::open(kind));
    if book.seen.insert(hasher.finish()) {
        book.file.write_all(line).unwrap();
    }
}

/// Writes a secret in hex.
pub(crate) fn secret(kind: &str, bytes: &[u8]) {
    write("secrets", format!("{kind} {}\n", base16ct::lower::encode_string(bytes)).as_bytes());
}

/// A key in HMAC's form. The hash of a long key can replace it (RFC 2104 section 3).
pub(crate) fn hmac_key(algorithm: Algorithm, key: &[u8]) {
    secret("key", key);
    if key.len() > algorithm.block_len() {
        secret("key", Digest::of(algorithm, key).as_bytes());
    }
}

/// Records everything that a subscriber gets: spans when they are created and, with all fields,
/// when they are closed.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .without_time()
        .with_writer(|| Trace)
}

struct Trace;

impl Write for Trace {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        write("trace", event);
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Records the labels of metrics, and passes them on to the inner recorder.
pub struct Labels<R>(pub R);

fn label(key: &Key) {
    write("labels", format!("{key}\n").as_bytes());
}

impl<R: Recorder> Recorder for Labels<R> {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        label(key);
        self.0.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        label(key);
        self.0.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        label(key);
        self.0.register_histogram(key, metadata)
    }
}

/// Runs before `main`, so that no output is missed.
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = {
    extern "C" fn start() {
        tracing_subscriber::registry().with(layer()).init();
        metrics::set_global_recorder(Labels(metrics::NoopRecorder)).ok().unwrap();
    }
    start
};

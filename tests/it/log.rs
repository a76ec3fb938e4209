//! A log has one line per event, whatever key ID a client claims.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use http::Request;
use tower_hmac::scheme::ClaimError;
use tower_hmac::{FlaskHmac, KeyId, KeyMap, Verifier, VerifyError};

const NAME: &str = "x\n2026-11-27T00:00:00Z  INFO accepted key_id=admin\x1b[2K\r\u{202e}nimda";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what the default subscriber of `tracing-subscriber` writes while `run` runs, without
/// colours.
fn log_of(run: impl Fn()) -> String {
    // Otherwise, an event could be lost that another thread registers while a subscriber is
    // installed.
    run();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[track_caller]
fn assert_one_plain_line(log: &str) {
    let line = log.strip_suffix('\n').unwrap();
    assert_eq!(line.lines().count(), 1, "{log:?}");
    assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{log:?}");
}

fn rejection() -> VerifyError {
    let tag = STANDARD.encode([7; 32]);
    let value = STANDARD.encode(format!("{NAME}:{tag}"));
    let (head, ()) = Request::post("/").header("signature", value).body(()).unwrap().into_parts();
    let keys = KeyMap::named([("aservice", "akey")]).unwrap();
    let verifier = Verifier::new(FlaskHmac::new(), keys).unwrap();
    verifier.verify(&head, b"").now_or_never().unwrap().unwrap_err()
}

#[test]
fn claimed_key_id_cannot_forge_a_log_line() {
    let log = log_of(|| drop(rejection()));
    assert_one_plain_line(&log);
    assert!(log.contains(r"x\n2026-11-27T00:00:00Z  INFO accepted key_id=admin\u{1b}[2K"), "{log}");
}

#[test]
fn key_id_logged_by_an_application_stays_on_one_line() {
    let error = rejection();
    let claimed = error.claimed_key_id().unwrap();
    assert_eq!(claimed.as_str(), NAME, "the name itself is whole");
    let id = KeyId::new(NAME).unwrap();
    for text in [format!("{claimed}"), format!("{claimed:?}"), format!("{id}"), format!("{id:?}")] {
        let log = log_of(|| tracing::info!("rejected: {error} ({text})"));
        assert_one_plain_line(&log);
    }
    let span = || tracing::info_span!("request", key_id = tracing::field::display(&id));
    assert_one_plain_line(&log_of(|| span().in_scope(|| tracing::info!("accepted"))));
}

#[test]
fn long_key_id_is_cut_in_a_log() {
    let long = "n".repeat(8000);
    let header = http::HeaderName::try_from(&long).unwrap();
    let error = ClaimError::in_header(&header, "is missing").to_string();
    for text in [KeyId::new(&long).unwrap().to_string(), error] {
        assert!(text.contains(&format!("{}…", "n".repeat(64))), "{text}");
        assert!(text.len() < 100, "{text}");
    }
}

#[test]
fn key_id_is_sent_unchanged() {
    let signer = tower_hmac::Signer::new(FlaskHmac::new(), "akey".try_into().unwrap());
    let value = signer.with_key_id(NAME).unwrap().signature(b"");
    let named = STANDARD.decode(value).unwrap();
    assert!(named.starts_with(format!("{NAME}:").as_bytes()));
}

//! The commands.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::CommandFactory as _;
use tower_hmac::Signer;
use tower_hmac::clock::ManualClock;
use zeroize::Zeroizing;

use crate::args::{Args, CheckArgs, Command, ExplainArgs, KeyFormArgs, SchemeArgs, SignArgs};
use crate::failure::Failure;
use crate::keys::Keys;
use crate::terminal::{self, Paint};
use crate::view::{Now, View};
use crate::{formats, input, inspect, listen, output, sample, view};

type Outcome = Result<ExitCode, Failure>;

const REJECTED: u8 = 1;

pub(crate) fn run(args: Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.command {
            Command::Sign(args) => sign(&args),
            Command::Verify(args) => verify(&args).await,
            Command::Explain(args) => explain(&args).await,
            Command::Key(args) => key(&args),
            Command::Formats { name } => list_formats(name.as_deref()).await,
            Command::Listen(args) => listen::run(&args).await,
            Command::Inspect { port } => inspect::run(port).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                let mut command = Args::command();
                clap_complete::generate(shell, &mut command, "tower-hmac", &mut script);
                done(&script)
            }
        }
    })
}

fn done(text: &[u8]) -> Outcome {
    terminal::print(text).map(|()| ExitCode::SUCCESS)
}

/// Prints a verdict, and returns its exit code even if nobody reads it.
fn verdict(text: &[u8], is_accepted: bool) -> Outcome {
    match terminal::print(text) {
        Ok(()) | Err(Failure::ClosedPipe) if is_accepted => Ok(ExitCode::SUCCESS),
        Ok(()) | Err(Failure::ClosedPipe) => Ok(ExitCode::from(REJECTED)),
        Err(failure) => Err(failure),
    }
}

/// Rejects standard input for both the key and the request, because it can only be read once.
fn check_stdin(scheme: &SchemeArgs, file: &Path) -> Result<(), Failure> {
    if scheme.keys.key_stdin && file == Path::new("-") {
        return Err(Failure::new(
            "standard input is the key (--key-stdin); pass the request as a file",
        ));
    }
    Ok(())
}

fn sign(args: &SignArgs) -> Outcome {
    check_stdin(&args.scheme, &args.file)?;
    let scheme = formats::find(&args.scheme.format)?;
    let keys = Keys::read(&args.scheme.keys)?;
    let capture = input::read(&args.file)?;
    for note in capture.notes() {
        eprintln!("note: {note}");
    }
    let (id, key) = keys.first().ok_or_else(|| Failure::new("no key"))?;
    let mut signer = Signer::new(scheme, key.clone());
    if let Some(id) = id {
        signer = signer.with_key_id(id)?;
    }
    if let Some(now) = args.now {
        signer = signer.with_clock(ManualClock::new(now));
    }
    if args.replace {
        signer = signer.replace_signature();
    }
    let mut head = capture.head().clone();
    signer
        .sign_head(&mut head, capture.body())
        .map_err(|error| Failure::new(format!("cannot sign this request: {error}")))?;
    if args.headers {
        if head.uri != capture.head().uri {
            return Err(Failure::new("this scheme signs the URL and adds no header: use --curl"));
        }
        return done(&output::changed_headers(capture.head(), &head));
    }
    if args.curl {
        return done(output::curl(&head, capture.body()).as_bytes());
    }
    done(&output::http(&head, capture.body()))
}

async fn verify(args: &CheckArgs) -> Outcome {
    check_stdin(&args.scheme, &args.file)?;
    let scheme = formats::find(&args.scheme.format)?;
    let keys = Keys::read(&args.scheme.keys)?;
    let capture = input::read(&args.file)?;
    let now = Now::of(args.now, args.no_clock);
    let verifier = view::verifier(&scheme, &keys, &capture, now)?;
    match verifier.verify(capture.head(), capture.body()).await {
        Ok(verified) => {
            let id = verified.key_id().map_or("no key ID".into(), |id| format!("key ID {id}"));
            verdict(format!("accepted: {}, {id}\n", verified.scheme()).as_bytes(), true)
        }
        Err(error) => {
            let (kind, step) = (error.kind().as_str(), error.step().as_str());
            verdict(format!("rejected: {kind} at step {step}: {error}\n").as_bytes(), false)
        }
    }
}

async fn explain(args: &ExplainArgs) -> Outcome {
    let check = &args.check;
    check_stdin(&check.scheme, &check.file)?;
    let scheme = formats::find(&check.scheme.format)?;
    let keys = Keys::read(&check.scheme.keys)?;
    let capture = input::read(&check.file)?;
    let now = Now::of(check.now, check.no_clock);
    let verifier = view::verifier(&scheme, &keys, &capture, now)?;
    let report = verifier.explain(capture.head(), capture.body()).await;
    let view = View::of(&report, &capture);
    let text = if args.json {
        let mut json =
            serde_json::to_string_pretty(&view).map_err(|error| Failure::new(error.to_string()))?;
        json.push('\n');
        json
    } else {
        Paint::of_stdout().report(&view, args.hex)
    };
    verdict(text.as_bytes(), view.outcome == "accepted")
}

fn key(args: &KeyFormArgs) -> Outcome {
    let mut bytes = Zeroizing::new(vec![0; usize::from(args.bytes)]);
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(error.to_string()))?;
    if args.form.whsec && !(24..=64).contains(&bytes.len()) {
        return Err(Failure::new("Standard Webhooks requires 24 to 64 bytes"));
    }
    let mut text = Zeroizing::new(String::new());
    if args.form.whsec || args.form.base64 {
        text.push_str(if args.form.whsec { "whsec_" } else { "" });
        STANDARD.encode_string(&*bytes, &mut text);
    } else {
        for byte in bytes.iter() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text.push('\n');
    done(text.as_bytes())
}

async fn list_formats(name: Option<&str>) -> Outcome {
    let mut text = Vec::new();
    for format in formats::all() {
        if name.is_some_and(|name| !format.name.contains(name)) {
            continue;
        }
        let headers: Vec<_> =
            format.scheme.headers().iter().map(http::HeaderName::as_str).collect();
        let headers =
            if headers.is_empty() { "in the URL or body".into() } else { headers.join(", ") };
        writeln!(text, "{}\n    headers: {headers}", format.name)?;
        match sample::coverage(&format.scheme).await {
            Some(coverage) => {
                writeln!(text, "    covers: {}", coverage.covered.join(", "))?;
                if !coverage.uncovered.is_empty() {
                    writeln!(text, "    does not cover: {}", coverage.uncovered.join(", "))?;
                }
            }
            None => writeln!(text, "    covers: fields of the body or the query of its own")?,
        }
        if let Some(json) = format.json {
            writeln!(text, "    needs settings: {json}")?;
        }
    }
    if text.is_empty() {
        return Err(Failure::new("no scheme has this in its name; `tower-hmac formats` lists all"));
    }
    done(&text)
}

//! Transcripts of each command, with their exit codes.
#![allow(missing_docs)]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const KEY: &str = "an unguessable key 5309";
const PARTS: &str =
    r#"{"header": "X-Sig", "parts": ["method", "\n", {"timestamp": "X-Ts"}, "\n", "body"]}"#;
const REQUEST: &str =
    r#"{"method": "POST", "url": "https://example.com/x", "body": "a\nb", "headers": {"a": "'"}}"#;

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the command with a key in the environment.
fn run(args: &[&str], input: &str) -> Ran {
    run_with(&[("KEY", KEY)], args, input)
}

fn run_with(keys: &[(&str, &str)], args: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tower-hmac"))
        .args(args)
        .envs(keys.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read its standard input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let ran = Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    for (_, key) in keys {
        assert!(!format!("{}{}", ran.out, ran.err).contains(key), "the key is told");
    }
    ran
}

fn signed() -> String {
    let ran = run(&["sign", "-f", PARTS, "-e", "KEY", "--now", "1700000000"], REQUEST);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.out
}

#[test]
fn sign_prints_the_request_its_headers_or_a_curl_command() {
    let raw = signed();
    let lines: Vec<_> = raw.split("\r\n").collect();
    assert_eq!(lines[0], "POST /x HTTP/1.1");
    assert!(raw.contains("\r\nx-ts: 1700000000\r\n"), "{raw}");
    assert!(raw.ends_with("\r\n\r\na\nb"), "{raw}");

    let headers =
        run(&["sign", "-f", PARTS, "-e", "KEY", "--now", "1700000000", "--headers"], REQUEST);
    assert_eq!(headers.out.lines().count(), 2);
    assert!(headers.out.starts_with("x-ts: 1700000000\nx-sig: "), "{}", headers.out);

    let curl = run(&["sign", "-f", PARTS, "-e", "KEY", "--now", "1700000000", "--curl"], REQUEST);
    let start = "curl --path-as-is -g -X POST 'https://example.com/x' \\\n  -H 'a: '\\''' \\\n";
    assert!(curl.out.starts_with(start), "{}", curl.out);
    assert!(curl.out.ends_with(" \\\n  --data-raw 'a\nb'\n"), "{}", curl.out);

    // All three verify.
    let verified = |capture: &str| {
        run(&["verify", "-f", PARTS, "-e", "KEY", "--now", "1700000010"], capture).out
    };
    assert_eq!(verified(&raw), "accepted: header, no key ID\n");
    assert_eq!(verified(&curl.out), "accepted: header, no key ID\n");

    let twice = run(&["sign", "-f", PARTS, "-e", "KEY"], &raw);
    assert_eq!(twice.code, Some(2));
    assert!(twice.err.starts_with("error: cannot sign this request: "), "{}", twice.err);
    assert_eq!(run(&["sign", "-f", PARTS, "-e", "KEY", "--replace"], &raw).code, Some(0));
}

#[test]
fn verify_says_one_line_and_exits_with_the_outcome() {
    let raw = signed();
    let verify = |capture: &str, clock: &[&str]| {
        let args = [&["verify", "-f", PARTS, "-e", "KEY"], clock].concat();
        let ran = run(&args, capture);
        (ran.code, ran.out)
    };
    let accepted = (Some(0), "accepted: header, no key ID\n".to_owned());
    assert_eq!(verify(&raw, &["--no-clock"]), accepted);
    let (code, out) = verify(&raw, &[]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("rejected: stale at step window: "), "{out}");
    let (code, out) = verify(&raw.replace("a\nb", "a\nc"), &["--no-clock"]);
    assert_eq!(code, Some(1));
    assert!(out.starts_with("rejected: mismatch at step mac: "), "{out}");
    assert_eq!(out.lines().count(), 1);
}

#[test]
fn explain_shows_the_text_its_parts_and_the_cause() {
    // LF only: reported for the head, and the body is complete.
    let raw = signed().replace("\r\n", "\n").replace("content-length: 3", "content-length: 4");
    let ran = run(&["explain", "-f", PARTS, "-e", "KEY", "--no-clock", "--hex"], &(raw + "\n"));
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let expected = "\
mismatch at step mac: the signature does not match
note: the capture has LF only; if the body was sent with CRLF, its signature differs
read as header, no key ID
signed at 1700000000, checked at 1700000000

signed text, 20 bytes:
  method  POST
  literal ␊
  x-ts    1700000000
  literal ␊
  body    a␊
          b␊

in hex:
  000000  50 4f 53 54                                      POST              method
  000004  0a                                               .                 literal
  000005  31 37 30 30 30 30 30 30 30 30                    1700000000        x-ts
  00000f  0a                                               .                 literal
  000010  61 0a 62 0a                                      a.b.              body

likely: right with the body's last newline cut off
        Send exactly the bytes that were signed: an editor or `echo` added the newline.
";
    assert_eq!(ran.out, expected);
}

#[test]
fn explain_prints_json() {
    let ran = run(&["explain", "-f", PARTS, "-e", "KEY", "--no-clock", "--json"], &signed());
    assert_eq!(ran.code, Some(0));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["outcome"], "accepted");
    assert_eq!(
        report["parts"][4],
        json!({"name": "body", "start": 16, "end": 19, "hex": "610a62", "left_out": 0})
    );
    assert_eq!(report["head"]["target"], "/x");
    assert_eq!(report["vector"]["request"]["body_base64"], "YQpi");
}

#[test]
fn key_prints_a_new_key_each_time() {
    let key = |args: &[&str]| run(&[&["key"], args].concat(), "").out.trim_end().to_owned();
    assert_eq!(key(&[]).len(), 64);
    assert_ne!(key(&[]), key(&[]));
    assert_eq!(key(&["--hex", "--bytes", "16"]).len(), 32);
    assert_eq!(key(&["--base64"]).len(), 44);
    assert!(key(&["--whsec"]).starts_with("whsec_"));
    assert_eq!(run(&["key", "--bytes", "8"], "").code, Some(2));
    assert_eq!(run(&["key", "--hex", "--base64"], "").code, Some(2));
}

#[test]
fn formats_list_what_each_scheme_covers() {
    let all = run(&["formats"], "");
    assert_eq!(all.code, Some(0));
    assert!(all.out.lines().filter(|line| !line.starts_with(' ')).count() > 35);
    let github = run(&["formats", "github"], "");
    let expected = "\
github
    headers: x-hub-signature-256
    covers: body
    does not cover: method, host, path, query, content-type
";
    assert_eq!(github.out, expected);
    assert_eq!(run(&["formats", "no such"], "").code, Some(2));
}

#[test]
fn key_on_the_command_line_is_rejected_with_the_reason() {
    for option in ["--key", "--secret"] {
        let ran = run(&["verify", "-f", "github", option, "abc", "-"], REQUEST);
        assert_eq!(ran.code, Some(2));
        assert!(
            ran.err.contains("a key on the command line can be read by every user"),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("abc"));
    }
}

#[test]
fn usage_and_input_that_cannot_be_read_exit_with_2() {
    for (args, input, told) in [
        (&["verify", "-f", "githbu", "-e", "KEY"][..], "", "the nearest are github"),
        (&["verify", "-f", "{\"header\": 1}", "-e", "KEY"], "", "format: header: is not a text"),
        (&["verify", "-f", "square", "-e", "KEY"], "", "needs its url: write it as JSON"),
        (&["verify", "-f", "@/no/such/file", "-e", "KEY"], "", "--format /no/such/file: "),
        (&["verify", "-f", "github"], "", "no key: use --key-env"),
        (&["verify", "-f", "github", "-e", "NO_SUCH"], "", "`NO_SUCH` is not set"),
        (&["verify", "-f", "github", "--key-file", "/no/such"], "", "--key-file /no/such: "),
        (&["verify", "-f", "github", "-e", "KEY", "/no/such"], "", "/no/such: No such file"),
        (
            &["verify", "-f", "github", "-e", "KEY"],
            "GET / HTTP/1.1\nHost\n",
            "-: line 2, column 1: expected `Name: value`",
        ),
        (&["verify", "-f", "github", "--key-stdin"], KEY, "pass the request as a file"),
        (
            &["listen", "-f", "github", "-e", "KEY", "--forward", "https://x"],
            "",
            "plain HTTP server",
        ),
        (
            &[&["listen", "-f", "github", "--port", "0"][..], &["-e", "KEY"].repeat(9)].concat(),
            "",
            "has more than 8 keys",
        ),
        (&["frobnicate"], "", "unrecognized subcommand"),
        (&["explain", "-f", "github", "-e", "KEY", "--hex", "--json"], "", "cannot be used with"),
    ] {
        let ran = run(args, input);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{args:?}: {}", ran.err);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn key_from_a_file_or_standard_input_loses_its_newline_and_its_mark() {
    let folder = std::env::temp_dir().join(format!("tower-hmac-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (capture, key) = (folder.join("request.txt"), folder.join("key.txt"));
    std::fs::write(&capture, signed()).unwrap();
    // As an editor on Windows saves it.
    std::fs::write(&key, format!("\u{feff}{KEY}\r\n")).unwrap();
    let capture = capture.to_str().unwrap();
    let stdin = ["verify", "-f", PARTS, "--no-clock", "--key-stdin", capture];
    for input in [format!("{KEY}\n"), format!("\u{feff}{KEY}")] {
        assert_eq!(run(&stdin, &input).code, Some(0));
    }
    let file = ["verify", "-f", PARTS, "--no-clock", "--key-file", key.to_str().unwrap(), capture];
    assert_eq!(run(&file, "").code, Some(0));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn format_from_a_file_may_begin_with_a_byte_order_mark() {
    let file = std::env::temp_dir().join(format!("tower-hmac-format-{}", std::process::id()));
    std::fs::write(&file, format!("\u{feff}{PARTS}")).unwrap();
    let format = format!("@{}", file.display());
    let ran = run(&["verify", "-f", &format, "--no-clock", "-e", "KEY"], &signed());
    std::fs::remove_file(file).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

#[test]
fn each_of_several_keys_verifies() {
    let both = ["-e", "OLD", "-e", "NEW"];
    let named = ["-e", "old=OLD", "-e", "new=NEW"];
    let secrets = [("OLD", KEY), ("NEW", "its successor 8846"), ("ALONE", "a third one 2207")];
    for (format, id) in [("github", None), ("flask-hmac", None), ("flask-hmac", Some("a"))] {
        for key in ["OLD", "NEW", "ALONE"] {
            let id = id.map(|id| ["--key-id", id]).into_iter().flatten();
            let sign = ["sign", "-f", format, "-e", key].into_iter().chain(id);
            let signed = run_with(&secrets, &sign.collect::<Vec<_>>(), REQUEST);
            assert_eq!(signed.code, Some(0), "{}", signed.err);
            for keys in [&both, &named] {
                // A scheme that carries a key ID only uses the keys of that ID.
                if keys == &named && format != "github" {
                    continue;
                }
                let args = [&["verify", "-f", format], &keys[..]].concat();
                let ran = run_with(&secrets, &args, &signed.out);
                let expected = i32::from(key == "ALONE");
                assert_eq!(ran.code, Some(expected), "{format} {key}: {} {}", ran.out, ran.err);
            }
        }
    }
}

#[test]
fn curl_command_quotes_what_a_capture_contains() {
    let request = r#"{"method": "A&touch$IFS`x`'|", "url": "https://example.com/$(x)"}"#;
    let ran = run(&["sign", "-f", "github", "-e", "KEY", "--curl"], request);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let start = r"curl --path-as-is -g -X 'A&touch$IFS`x`'\''|' 'https://example.com/$(x)'";
    assert!(ran.out.starts_with(start), "{}", ran.out);
}

#[test]
fn every_help_text_has_an_example() {
    for command in
        ["sign", "verify", "explain", "key", "formats", "listen", "inspect", "completions"]
    {
        let ran = run(&[command, "--help"], "");
        assert_eq!(ran.code, Some(0));
        assert!(ran.out.contains("\nExample: "), "{}", ran.out);
        assert!(!ran.out.contains("--key <"), "{}", ran.out);
    }
    assert!(run(&["completions", "bash"], "").out.contains("tower-hmac"));
}

#[test]
fn closed_pipe_is_not_an_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tower-hmac"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn rejected_request_exits_with_1_even_if_nobody_reads_the_verdict() {
    for command in ["verify", "explain"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tower-hmac"))
            .args([command, "-f", "github", "-e", "KEY"])
            .env("KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(REQUEST.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{command}");
    }
}

/// The settings of a case of `mistakes.json`, in the form of `--format`.
fn format(config: &Value) -> String {
    let mut format = config.as_object().unwrap().clone();
    for member in ["key", "keys", "now"] {
        format.remove(member);
    }
    let scheme = format.remove("format").unwrap();
    if scheme != "parts" {
        format.insert("scheme".into(), scheme);
    }
    if let Some(only) = format.remove("require_only") {
        format.insert("components".into(), only);
    }
    for part in format.get_mut("parts").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(time) = part.get("timestamp").cloned() {
            *part = json!({"timestamp": time[0], "as": time[1]});
        }
    }
    Value::Object(format).to_string()
}

#[test]
fn each_seeded_mistake_is_named_from_one_pasted_request() {
    let mistakes: Value =
        serde_json::from_str(include_str!("../../tests/vectors/mistakes.json")).unwrap();
    let cases = mistakes["cases"].as_array().unwrap();
    let mut wrong = String::new();
    for case in cases {
        let config = &case["config"];
        let mut keys: Vec<(String, &Value)> = Vec::new();
        keys.extend(config.get("key").map(|key| (String::new(), key)));
        let named = config.get("keys").and_then(Value::as_object).into_iter().flatten();
        keys.extend(named.map(|(id, key)| (format!("{id}="), key)));
        let mut command = Command::new(env!("CARGO_BIN_EXE_tower-hmac"));
        command.args(["explain", "--format", &format(config)]);
        for (place, (id, key)) in keys.iter().enumerate() {
            let (kind, text) = key.as_object().unwrap().iter().next().unwrap();
            command.env(format!("KEY_{place}"), text.as_str().unwrap());
            command.args(["--key-env", &format!("{id}KEY_{place}")]);
            command.args((place == 0).then_some(["--key-encoding", kind]).into_iter().flatten());
        }
        if let Some(now) = config.get("now") {
            command.args(["--now", &now.to_string()]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(case["request"].to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let report = String::from_utf8(output.stdout).unwrap();
        let causes: Vec<_> = report.lines().filter(|line| line.starts_with("likely: ")).collect();
        let likely = case["expect"]["likely"].as_str().unwrap();
        let is_named = matches!(&*causes, [cause] if cause.contains(likely));
        if output.status.code() != Some(1) || !is_named {
            let _ = writeln!(wrong, "{}: {likely}\n{report}", case["id"]);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(cases.len(), 24);
}

//! Builds the switched sources, and leaves out what does not compile.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

pub struct Workshop {
    /// The copy of the crate, whose sources are written anew.
    pub copy: PathBuf,
    pub target: PathBuf,
}

impl Workshop {
    /// The changes that do not compile; none if it builds.
    pub fn faults(&self) -> Result<HashSet<usize>, String> {
        let mut faults = HashSet::new();
        for message in self.cargo(&["build", "--lib"])? {
            let message = &message["message"];
            if message["level"] != "error" || message["spans"].as_array().is_none_or(Vec::is_empty)
            {
                continue;
            }
            match self.fault(message) {
                Some(number) => faults.insert(number),
                None => return Err(message["rendered"].as_str().unwrap_or_default().to_owned()),
            };
        }
        Ok(faults)
    }

    /// The test programs.
    pub fn tests(&self) -> Result<Vec<PathBuf>, String> {
        // Some tests run it as a process of its own.
        self.cargo(&["build", "--example=conformance"])?;
        let programs = ["--lib", "--test=it", "--test=redis", "--test=memory"];
        let messages = self.cargo(&[&["test", "--no-run"], &programs[..]].concat())?;
        let tests = messages.iter().filter(|message| message["profile"]["test"] == true);
        let tests: Vec<_> =
            tests.filter_map(|message| message["executable"].as_str()).map(PathBuf::from).collect();
        if tests.len() < programs.len() {
            return Err("a test program does not compile".to_owned());
        }
        Ok(tests)
    }

    fn cargo(&self, parts: &[&str]) -> Result<Vec<Value>, String> {
        let output = Command::new("cargo")
            .args(parts)
            .args(["--all-features", "--message-format=json", "--quiet"])
            .current_dir(&self.copy)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            // `const_eval_select`, so that a `const fn` can be switched, too.
            .env("RUSTC_BOOTSTRAP", "tower_hmac")
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The innermost change around an error.
    fn fault(&self, message: &Value) -> Option<usize> {
        let mut spans: Vec<&Value> = message["spans"].as_array()?.iter().collect();
        spans.sort_by_key(|span| span["is_primary"] != true);
        let notes = message["children"].as_array()?.iter();
        spans.extend(notes.filter_map(|note| note["spans"].as_array()).flatten());
        let uncovered = message["code"]["code"] == "E0004";
        spans.iter().find_map(|span| {
            let span = outermost(span);
            let text = fs::read_to_string(self.copy.join(span["file_name"].as_str()?)).ok()?;
            let at = usize::try_from(span["byte_start"].as_u64()?).ok()?;
            // A match that lacks an arm is marked in its head, which stands before the arms.
            innermost(&text, at).or_else(|| if uncovered { next_guard(&text, at) } else { None })
        })
    }
}

/// The call of a macro, for what stands in one.
fn outermost(span: &Value) -> &Value {
    match &span["expansion"] {
        Value::Null => span,
        expansion => outermost(&expansion["span"]),
    }
}

/// The change between whose marks this byte stands.
fn innermost(text: &str, at: usize) -> Option<usize> {
    let mut open = Vec::new();
    for (start, _) in text.get(..at)?.match_indices("/*") {
        let mark = text[start + 2..].split("*/").next()?;
        if let Some(number) = mark.strip_prefix('<').and_then(|number| number.parse().ok()) {
            open.push(number);
        } else if mark.strip_suffix('>').is_some_and(|number| number.parse::<usize>().is_ok()) {
            open.pop();
        }
    }
    open.pop()
}

fn next_guard(text: &str, at: usize) -> Option<usize> {
    let (_, rest) = text.get(at..)?.split_once("if !crate::changed(")?;
    rest.split(')').next()?.parse().ok()
}

pub fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

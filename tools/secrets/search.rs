//! `search FOLDER`: searches all other files in the folder for the secrets in all `*.secrets`
//! (lines of `key HEX` or `tag HEX`). Prints a line for each match: kind, form, file, line.
//!
//! A key is searched for as a whole. For a tag, either half is a match, because output may truncate
//! it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A shorter key, in bytes, occurs everywhere by chance.
const LEAST: usize = 4;

/// Keys that are also words in the output: names of tests, key IDs, outcomes. Only their other
/// spellings are searched for. If a test's key turns up here by chance, give the test another key.
const WORDS: &[&str] = &[
    // From a published vector.
    "12345",
    "a key",
    "alone",
    "another",
    "caf\u{e9}",
    // From a published vector.
    "development",
    "expired",
    "key\n",
    "new\n",
    "other",
    "outer",
    "right",
    "secret",
    "shared",
    "single",
    "three",
    "wrong",
];

type Secret = (String, Vec<u8>);

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("search FOLDER"));
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (kept, told): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.extension().is_some_and(|kind| kind == "secrets"));
    let secrets: HashSet<Secret> = kept.iter().flat_map(|file| read_secrets(file)).collect();

    let (short, long): (Vec<_>, Vec<_>) =
        secrets.iter().partition(|(_, bytes)| bytes.len() < LEAST);
    let is_word = |bytes: &[u8]| WORDS.iter().any(|word| word.as_bytes() == bytes);
    let words = long.iter().filter(|(_, bytes)| is_word(bytes)).count();

    let mut few = Patterns::<LEAST>::default();
    let mut patterns = Patterns::<8>::default();
    for (kind, bytes) in long {
        for (form, text) in forms(bytes) {
            if matches!(form, "raw" | "escaped") && is_word(bytes) {
                continue;
            }
            let parts = if kind == "tag" { 2 } else { 1 };
            for part in text.chunks(text.len().div_ceil(parts)) {
                if part.len() < 8 {
                    few.add(part, kind, form)
                } else {
                    patterns.add(part, kind, form)
                }
            }
        }
    }

    let mut searched = 0;
    for file in &told {
        let text = std::fs::read(file).unwrap();
        searched += text.len();
        let name = file.file_name().unwrap().to_string_lossy();
        let found = |kind: &str, form: &str, at: usize| {
            let line = text[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            println!("{kind} {form} {name}:{line}");
        };
        few.search(&text, found);
        patterns.search(&text, found);
    }
    let of = |kind| secrets.iter().filter(|(found, _)| found == kind).count();
    let texts = few.texts.len() + patterns.texts.len();
    eprintln!("{} keys, {} computed tags: {texts} texts", of("key"), of("tag"));
    eprintln!("searched for in {searched} bytes of {} files", told.len());
    eprintln!(
        "left out: {} keys of less than {LEAST} bytes; as they are, {words} words",
        short.len()
    );
}

fn read_secrets(file: &Path) -> Vec<Secret> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| {
            let (kind, hex) = line.split_once(' ').unwrap();
            let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
            (kind.to_owned(), (0..hex.len()).step_by(2).map(digits).collect())
        })
        .collect()
}

/// The spellings of a secret.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    vec![
        ("raw", secret.to_vec()),
        ("hex", hex.clone().into_bytes()),
        ("HEX", hex.to_uppercase().into_bytes()),
        ("base64", base64(secret, b"+/")),
        ("base64url", base64(secret, b"-_")),
        ("list", list.trim_matches(['[', ']']).as_bytes().to_vec()),
        ("escaped", secret.escape_ascii().to_string().into_bytes()),
    ]
}

/// The characters that do not depend on what follows: no padding, and no character with a part of a
/// byte.
fn base64(secret: &[u8], last_two: &[u8; 2]) -> Vec<u8> {
    let alphabet: Vec<u8> =
        (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*last_two).collect();
    let bit = |at: usize| secret[at / 8] >> (7 - at % 8) & 1;
    (0..secret.len() * 8 / 6)
        .map(|digit| (0..6).fold(0, |value, at| value << 1 | bit(digit * 6 + at)))
        .map(|value| alphabet[usize::from(value)])
        .collect()
}

/// Texts by their first bytes, with a filter in front of the table.
struct Patterns<const HEAD: usize> {
    texts: HashMap<Vec<u8>, (String, &'static str)>,
    by_head: HashMap<[u8; HEAD], Vec<Vec<u8>>>,
    filter: Vec<u64>,
}

impl<const HEAD: usize> Default for Patterns<HEAD> {
    fn default() -> Self {
        Self { texts: HashMap::new(), by_head: HashMap::new(), filter: vec![0; 1 << 20] }
    }
}

impl<const HEAD: usize> Patterns<HEAD> {
    fn add(&mut self, text: &[u8], kind: &str, form: &'static str) {
        if self.texts.contains_key(text) {
            return;
        }
        let head = *text.first_chunk().unwrap();
        self.texts.insert(text.to_vec(), (kind.to_owned(), form));
        self.by_head.entry(head).or_default().push(text.to_vec());
        let (word, bit) = Self::slot(head);
        self.filter[word] |= bit;
    }

    fn slot(head: [u8; HEAD]) -> (usize, u64) {
        let number = head.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed >> 44) as usize, 1 << (mixed >> 38 & 63))
    }

    fn search(&self, text: &[u8], found: impl Fn(&str, &str, usize)) {
        for (at, head) in text.windows(HEAD).enumerate() {
            let head = *head.first_chunk().unwrap();
            let (word, bit) = Self::slot(head);
            if self.filter[word] & bit == 0 {
                continue;
            }
            for pattern in self.by_head.get(&head).into_iter().flatten() {
                if text[at..].starts_with(pattern) {
                    let (kind, form) = &self.texts[pattern];
                    found(kind, form, at);
                }
            }
        }
    }
}

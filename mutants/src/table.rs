//! Sums up what became of the changes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::read;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    NoBuild,
    Caught,
    /// Noticed by a test that did not end.
    Hung,
    Missed,
    /// Needs a build of its own.
    Left,
}

/// Each with its word in results.tsv and its file in mutants.out.
const OUTCOMES: [(Outcome, &str, &str); 5] = [
    (Outcome::NoBuild, "no build", "unviable.txt"),
    (Outcome::Caught, "caught", "caught.txt"),
    (Outcome::Hung, "hung", "timeout.txt"),
    (Outcome::Missed, "missed", "missed.txt"),
    (Outcome::Left, "left", ""),
];

impl Outcome {
    pub fn word(self) -> &'static str {
        OUTCOMES.iter().find(|(outcome, ..)| *outcome == self).map_or("", |(_, word, _)| word)
    }
}

pub fn write(folder: &Path) -> Result<(), String> {
    let mut built = HashMap::new();
    for (outcome, _, file) in OUTCOMES {
        let names = fs::read_to_string(folder.join("mutants.out").join(file)).unwrap_or_default();
        built.extend(names.lines().map(|name| (name.to_owned(), outcome)));
    }
    let mut files = BTreeMap::<String, [u32; OUTCOMES.len()]>::new();
    let mut missed = String::new();
    for line in read(&folder.join("results.tsv"))?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [word, _, name, _] = fields[..] else { return Err(format!("results.tsv: {line}")) };
        let said = OUTCOMES.iter().find(|(_, known, _)| *known == word);
        let (mut outcome, ..) = *said.ok_or_else(|| format!("results.tsv: {line}"))?;
        if outcome == Outcome::Left {
            outcome = built.get(name).copied().unwrap_or(outcome);
        }
        if outcome == Outcome::Missed {
            let _ = writeln!(missed, "{name}");
        }
        let (file, _) = name.split_once(':').unwrap_or((name, ""));
        for row in [file, "all"] {
            files.entry(row.to_owned()).or_default()[outcome as usize] += 1;
        }
    }
    let words = OUTCOMES.map(|(_, word, _)| word).join(" | ");
    let mut table =
        format!("| file | changes | {words} |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    let all = files.remove("all").map(|counts| ("all".to_owned(), counts));
    for (file, counts) in files.into_iter().chain(all) {
        let sum = counts.iter().sum::<u32>();
        let counts = counts.map(|count| count.to_string()).join(" | ");
        let _ = writeln!(table, "| `{file}` | {sum} | {counts} |");
    }
    print!("{table}{missed}");
    for (file, text) in [("table.md", table), ("missed.txt", missed)] {
        fs::write(folder.join(file), text).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

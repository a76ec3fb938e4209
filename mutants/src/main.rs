//! Looks which changes of the code no test notices. `cargo mutants` lists the changes; all that can
//! be are compiled into one test program, each behind a switch, so that a change costs no build.
//!
//! `FOLDER` has list.json, and the crate in copy/; what cannot be switched comes to left.txt, for
//! cargo-mutants.
//!
//!     mutants switch FOLDER    tries the changes and writes results.tsv
//!     mutants table FOLDER     adds what cargo-mutants found, and writes table.md and missed.txt

mod compile;
mod list;
mod suite;
mod switch;
mod table;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compile::{Workshop, write};
use list::{Change, Genre};
use suite::Suite;
use switch::File;
use table::Outcome;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["switch", folder] => run(Path::new(folder)),
        ["table", folder] => table::write(Path::new(folder)),
        _ => Err("switch FOLDER, or table FOLDER".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path) -> Result<(), String> {
    let folder = folder.canonicalize().map_err(|error| error.to_string())?;
    let changes: Vec<Change> = serde_json::from_str(&read(&folder.join("list.json"))?)
        .map_err(|error| format!("list.json: {error}"))?;
    let workshop = Workshop { copy: folder.join("copy"), target: folder.join("build") };
    let files = switched(&workshop.copy, &changes)?;

    let mut outcomes = vec![Outcome::Left; changes.len()];
    let mut out: HashSet<usize> =
        (0..changes.len()).filter(|&number| changes[number].needs_own_build()).collect();
    for number in files.values().flat_map(|file| &file.unparsable) {
        outcomes[*number] = Outcome::NoBuild;
        out.insert(*number);
    }
    add_switch(&workshop.copy.join("src/lib.rs"))?;
    loop {
        for (path, file) in &files {
            write(path, &file.rendered(&out))?;
        }
        let faults = workshop.faults()?;
        println!("{} changes do not compile", faults.len());
        if faults.is_empty() {
            break;
        }
        for number in faults {
            // The fault of an operator may be the rewriting's.
            println!("does not compile: {}", changes[number].name);
            if changes[number].genre == Genre::FnValue {
                outcomes[number] = Outcome::NoBuild;
            }
            out.insert(number);
        }
    }

    let suite = Suite::new(&workshop.copy, &workshop.tests()?)?;
    let placed = files.values().flat_map(|file| &file.placed);
    let mut numbers: Vec<usize> = placed.copied().filter(|number| !out.contains(number)).collect();
    numbers.retain(|number| {
        let constant = files.values().any(|file| file.constant.contains(number));
        !constant || suite.reaches(*number)
    });
    numbers.sort_unstable();
    let mut tests = vec![String::new(); changes.len()];
    for (number, (outcome, test)) in numbers.iter().zip(suite.judge(&numbers)) {
        outcomes[*number] = outcome;
        tests[*number] = test;
    }

    let mut results = String::new();
    let mut left = String::new();
    for (number, change) in changes.iter().enumerate() {
        let outcome = outcomes[number];
        let _ =
            writeln!(results, "{}\t{number}\t{}\t{}", outcome.word(), change.name, tests[number]);
        if outcome == Outcome::Left {
            let _ = writeln!(left, "{}", change.name);
        }
    }
    write(&folder.join("results.tsv"), &results)?;
    write(&folder.join("left.txt"), &left)
}

fn switched(copy: &Path, changes: &[Change]) -> Result<BTreeMap<PathBuf, File>, String> {
    let mut by_file = BTreeMap::<_, Vec<_>>::new();
    for (number, change) in changes.iter().enumerate() {
        by_file.entry(copy.join(&change.file)).or_default().push((number, change));
    }
    let parse = |(path, changes): (PathBuf, Vec<_>)| {
        let file = File::new(read(&path)?, &changes);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((path, file))
    };
    by_file.into_iter().map(parse).collect()
}

fn add_switch(root: &Path) -> Result<(), String> {
    let text = format!(
        "#![feature(core_intrinsics, const_eval_select)]\n#![allow(internal_features)]\n{}\n{}",
        read(root)?,
        include_str!("changed.rs"),
    );
    write(root, &text)
}

pub fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

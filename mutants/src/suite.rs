//! Runs the tests, each in a process of its own.

use std::collections::HashSet;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::table::Outcome;

/// As many at once.
const WORKERS: usize = 2;
/// The name of a test that is a program without a harness.
const WHOLE: &str = "whole program";

pub struct Suite {
    copy: PathBuf,
    /// The quickest first.
    tests: Vec<Test>,
}

struct Test {
    program: PathBuf,
    name: String,
    time: Duration,
    reaches: HashSet<usize>,
}

impl Test {
    fn is_whole(&self) -> bool {
        self.name == WHOLE
    }

    /// One that counts allocations would count those of the log, too: it is taken to reach all.
    fn may_reach(&self, number: usize) -> bool {
        self.is_whole() || self.reaches.contains(&number)
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Passed,
    Failed,
    Hung,
}

impl Suite {
    /// Runs each test without a change, to see what it reaches and how long it takes.
    pub fn new(copy: &Path, programs: &[PathBuf]) -> Result<Self, String> {
        let mut tests = Vec::new();
        for program in programs {
            let list = Command::new(program).args(["--list", "--format=terse"]).output();
            let list = list.map_err(|error| format!("{}: {error}", program.display()))?;
            let list = String::from_utf8_lossy(&list.stdout).into_owned();
            let mut names: Vec<_> =
                list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
            if names.is_empty() {
                names.push(WHOLE);
            }
            tests.extend(names.into_iter().map(|name| {
                let time = Duration::from_secs(60);
                Test {
                    program: program.clone(),
                    name: name.to_owned(),
                    time,
                    reaches: HashSet::new(),
                }
            }));
        }
        let suite = Self { copy: copy.to_owned(), tests };
        let folder = copy.join("target/reached");
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let measured = parallel(&suite.tests, |test| {
            let log = folder.join(format!("{}.{:?}", test.name, thread::current().id()));
            let start = Instant::now();
            let end = suite.run(test, None, Some(log.as_path()).filter(|_| !test.is_whole()));
            let time = start.elapsed();
            let reached = fs::read_to_string(&log).unwrap_or_default();
            let _ = fs::remove_file(&log);
            (
                end,
                time,
                reached.lines().filter_map(|line| line.parse().ok()).collect::<HashSet<_>>(),
            )
        });
        let mut tests = suite.tests;
        let mut failed = Vec::new();
        for (test, (end, time, reaches)) in tests.iter_mut().zip(measured) {
            (test.time, test.reaches) = (time, reaches);
            if end != End::Passed {
                failed.push(test.name.clone());
            }
        }
        if !failed.is_empty() {
            return Err(format!("fail without a change: {}", failed.join(", ")));
        }
        tests.sort_by_key(|test| test.time);
        println!(
            "{} tests, {:?} in a row",
            tests.len(),
            tests.iter().map(|test| test.time).sum::<Duration>()
        );
        Ok(Self { copy: copy.to_owned(), tests })
    }

    pub fn reaches(&self, number: usize) -> bool {
        self.tests.iter().any(|test| test.reaches.contains(&number))
    }

    /// What becomes of each change, and the test that decided it.
    pub fn judge(&self, numbers: &[usize]) -> Vec<(Outcome, String)> {
        parallel(numbers, |number| {
            for test in self.tests.iter().filter(|test| test.may_reach(*number)) {
                // Twice, so that no test that fails for another reason counts.
                let [first, second] = match self.run(test, Some(*number), None) {
                    End::Passed => continue,
                    first => [first, self.run(test, Some(*number), None)],
                };
                match [first, second] {
                    [_, End::Passed] => {}
                    [End::Hung, End::Hung] => return (Outcome::Hung, test.name.clone()),
                    _ => return (Outcome::Caught, test.name.clone()),
                }
            }
            (Outcome::Missed, String::new())
        })
    }

    fn run(&self, test: &Test, change: Option<usize>, log: Option<&Path>) -> End {
        let limit = Duration::from_secs(10).max(test.time * 8);
        let mut command = Command::new("timeout");
        command
            .arg("--signal=KILL")
            .arg(limit.as_secs().to_string())
            .arg(&test.program)
            .current_dir(&self.copy)
            .env("TOWER_HMAC_REQUIRE_PEERS", "1")
            .env("PROPTEST_CASES", "32")
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if !test.is_whole() {
            command.args(["--exact", &test.name]);
        }
        let change = change.map_or_else(|| "none".to_owned(), |number| number.to_string());
        command.env("TOWER_HMAC_CHANGE", change);
        if let Some(log) = log {
            command.env("TOWER_HMAC_REACHED", log);
        }
        match command.status() {
            Ok(status) if status.success() => End::Passed,
            Ok(status) if status.signal() == Some(9) || status.code() == Some(137) => End::Hung,
            _ => End::Failed,
        }
    }
}

/// The answers in the order of the questions.
fn parallel<T: Sync, A: Send>(items: &[T], work: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let queue = Mutex::new(items.iter().enumerate());
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((place, item)) = next else { return };
                    let answer = work(item);
                    let mut answers = answers.lock().unwrap();
                    answers.push((place, answer));
                    if answers.len() % 100 == 0 {
                        println!("{} of {}", answers.len(), items.len());
                    }
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap();
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

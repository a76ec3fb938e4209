//! Checks that the sessions in the docs show what the command prints.
#![allow(missing_docs)]

use std::path::Path;
use std::process::Command;

/// Runs the commands of each `console` block in one folder, and returns the text with their output.
fn replayed(markdown: &str, folder: &Path) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_tower-hmac")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let (mut told, mut is_console) = (String::new(), false);
    for line in markdown.lines() {
        is_console = match line {
            "```console" => true,
            "```" => false,
            _ => is_console,
        };
        // Skip the old output.
        if is_console && !line.starts_with("$ ") && line != "```console" {
            continue;
        }
        told.push_str(line);
        told.push('\n');
        if let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) {
            let mut shell = Command::new("sh");
            shell.args(["-c", command]).current_dir(folder).env("PATH", &path);
            let output = shell.output().unwrap();
            told.push_str(&String::from_utf8(output.stdout).unwrap());
            told.push_str(&String::from_utf8(output.stderr).unwrap());
        }
    }
    told
}

/// A session of one command, which may be written on several lines.
fn console(command: &str) -> String {
    format!("```console\n$ SECRET=replace-me-31d0be52 {}\n```\n", command.replace("\\\n", ""))
}

#[test]
fn sessions_in_the_docs_match_the_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::temp_dir().join(format!("tower-hmac-docs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let page = std::fs::read_to_string(root.join("docs/why-not-match.md")).unwrap();
    let request = page.split("```http\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(folder.join("request.txt"), request).unwrap();
    // The first page writes `secret.txt`.
    for name in ["docs/why-not-match.md", "README.md", "cli/README.md"] {
        let page = std::fs::read_to_string(root.join(name)).unwrap();
        let again = replayed(&page, &folder);
        // After an intended change, `SESSIONS=write` updates the docs.
        if std::env::var_os("SESSIONS").is_some() {
            std::fs::write(root.join(name), again).unwrap();
        } else {
            assert_eq!(page, again, "{name}");
        }
    }
    // The scheme of this line is not that of the request, but the line is well-formed.
    let line = page.split("```sh\n").find(|block| block.contains("X-Time")).unwrap();
    let line = line.split("```").next().unwrap();
    assert!(replayed(&console(line), &folder).contains("missing at step claim"));
    std::fs::remove_dir_all(&folder).unwrap();
}

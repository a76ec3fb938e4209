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

#[test]
fn sessions_in_the_docs_match_the_output() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::temp_dir().join(format!("tower-hmac-docs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let page = std::fs::read_to_string(root.join("docs/why-not-match.md")).unwrap();
    let request = page.split("```http\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(folder.join("request.txt"), request).unwrap();
    let page_again = replayed(&page, &folder);
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let readme_again = replayed(&readme, &folder);
    std::fs::remove_dir_all(&folder).unwrap();
    // After an intended change, `SESSIONS=write` updates the docs.
    if std::env::var_os("SESSIONS").is_some() {
        std::fs::write(root.join("docs/why-not-match.md"), page_again).unwrap();
        std::fs::write(root.join("README.md"), readme_again).unwrap();
        return;
    }
    assert_eq!(page, page_again);
    assert_eq!(readme, readme_again);
}

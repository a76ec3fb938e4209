//! Captures from files and from standard input.

use std::io::Read as _;
use std::path::Path;

use tower_hmac::capture::Capture;

use crate::failure::Failure;

/// Reads a capture from a file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Capture, Failure> {
    let name = path.display();
    let text = if path == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text)?;
        text
    } else {
        std::fs::read(path).map_err(|error| Failure::new(format!("{name}: {error}")))?
    };
    Capture::read(&text).map_err(|error| Failure::new(format!("{name}: {error}")))
}

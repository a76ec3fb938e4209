//! Standard output: colours, and a readable report.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use crate::failure::Failure;
use crate::view::{Part, View};

/// The colours of the parts of the signed text, in turn.
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];
const BOLD: u8 = 1;
const DIM: u8 = 2;
const RED: u8 = 31;
const GREEN: u8 = 32;

/// Writes all of the text. Ends the command if the reader closed the pipe.
pub(crate) fn print(text: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()?;
    Ok(())
}

/// Standard output, with or without colours (<https://no-color.org>).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn of_stdout() -> Self {
        let is_off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(io::stdout().is_terminal() && !is_off)
    }

    fn paint(self, code: u8, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Writes a report.
    pub(crate) fn report(self, view: &View, hex: bool) -> String {
        let mut text = String::new();
        let colour = if view.outcome == "accepted" { GREEN } else { RED };
        let outcome = self.paint(colour, view.outcome);
        let _ = match (&view.error, view.step) {
            (Some(error), Some(step)) => writeln!(text, "{outcome} at step {step}: {error}"),
            _ => writeln!(text, "{outcome}"),
        };
        for note in &view.notes {
            let _ = writeln!(text, "note: {note}");
        }
        if let Some(scheme) = &view.scheme {
            let id =
                view.key_id.as_ref().map_or("no key ID".to_owned(), |id| format!("key ID {id:?}"));
            let _ = writeln!(text, "read as {scheme}, {id}");
        }
        for (name, time) in [("signed at", view.created), ("expires at", view.expires)] {
            if let Some(time) = time {
                let _ = writeln!(text, "{name} {time}, checked at {}", view.now);
            }
        }
        if !view.parts.is_empty() {
            self.signed_text(view, &mut text);
            if hex {
                self.hex(view, &mut text);
            }
        }
        for told in &view.causes {
            let cause = self.paint(BOLD, &told.cause);
            let _ = writeln!(text, "\nlikely: {cause}\n        {}", told.change);
        }
        if view.outcome != "accepted" && view.causes.is_empty() && !view.parts.is_empty() {
            let _ = writeln!(
                text,
                "\nno likely cause found: compare the client's signed text with this one"
            );
        }
        text
    }

    /// Writes each part on separate lines, with its name and with visible line ends.
    fn signed_text(self, view: &View, text: &mut String) {
        let len = view.parts.last().map_or(0, |part| part.end);
        let _ = writeln!(text, "\nsigned text, {len} bytes:");
        let width = view.parts.iter().map(|part| source(part).len()).max().unwrap_or(0);
        for (part, code) in view.parts.iter().zip(COLOURS.into_iter().cycle()) {
            let shown = shown(&bytes(part));
            let mut name = source(part);
            for line in shown.split_inclusive('\u{240a}') {
                let line = self.paint(code, line);
                let _ = writeln!(text, "  {} {line}", self.paint(DIM, &format!("{name:width$}")));
                name = "";
            }
            if part.left_out > 0 {
                let _ = writeln!(text, "  {:width$} ... {} more bytes", "", part.left_out);
            }
        }
    }

    fn hex(self, view: &View, text: &mut String) {
        text.push_str("\nin hex:\n");
        for (part, code) in view.parts.iter().zip(COLOURS.into_iter().cycle()) {
            for (row, line) in bytes(part).chunks(16).enumerate() {
                let at = part.start + row * 16;
                let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
                let hex = self.paint(code, &format!("{:47}", hex.join(" ")));
                let ascii =
                    |byte: &u8| if matches!(byte, 32..=126) { char::from(*byte) } else { '.' };
                let line: String = line.iter().map(ascii).collect();
                let _ = writeln!(text, "  {at:06x}  {hex}  {line:16}  {}", source(part));
            }
        }
    }
}

fn source(part: &Part) -> &str {
    if part.name.is_empty() { "scheme" } else { &part.name }
}

fn bytes(part: &Part) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(part.hex.get(place..place + 2)?, 16).ok();
    (0..part.hex.len()).step_by(2).filter_map(digit).collect()
}

/// Replaces control characters with their pictures (`␊` for LF), and bytes that are not text with
/// `\xNN`.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\0'..='\x1f' => text.extend(char::from_u32(0x2400 + u32::from(c))),
                '\x7f' => text.push('\u{2421}'),
                '\u{80}'..='\u{9f}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}' => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                _ => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of a captured request must not change how the lines around it look.
    #[test]
    fn marks_that_control_a_terminal_or_reorder_text_are_shown_as_escapes() {
        for c in "\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{202e}\u{2066}\u{2069}\u{feff}".chars() {
            let text = shown(format!("a{c}b").as_bytes());
            assert_eq!(text, format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(shown(b"\x1b[2J\x7f\xff\n"), "\u{241b}[2J\u{2421}\\xff\u{240a}");
    }
}

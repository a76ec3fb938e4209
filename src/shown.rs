//! Text from outside, as shown in logs, errors and reports: on one line, and never long.

use std::fmt::{self, Write as _};

/// The maximum number of characters that are shown of one string.
const MOST: usize = 64;

/// A string that anybody may have chosen. [`Display`](fmt::Display) escapes what could end a line,
/// control a terminal or reorder the letters next to it. `Debug` also quotes it.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl Shown<'_> {
    /// Returns the characters to show, and whether there are more.
    fn shortened(&self) -> (&str, bool) {
        match self.0.char_indices().nth(MOST) {
            Some((end, _)) => (self.0.get(..end).unwrap_or_default(), true),
            None => (self.0, false),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, is_cut) = self.shortened();
        for c in text.chars() {
            if is_misleading(c) {
                write!(f, "{}", c.escape_debug())?;
            } else {
                f.write_char(c)?;
            }
        }
        f.write_str(if is_cut { "…" } else { "" })
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, is_cut) = self.shortened();
        // `str` escapes more than the characters above.
        fmt::Debug::fmt(text, f)?;
        f.write_str(if is_cut { "…" } else { "" })
    }
}

/// Returns whether `c` is a control character, a line separator, or a mark that changes the
/// direction of text (Unicode Standard Annex 9, section 2).
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_misleading_character_is_escaped_by_display_and_by_debug() {
        let all = ('\0'..=char::MAX).filter(|c| is_misleading(*c));
        for c in all {
            let text = format!("a{c}b");
            let escaped = format!("a{}b", c.escape_debug());
            assert_eq!(Shown(&text).to_string(), escaped);
            assert_eq!(format!("{:?}", Shown(&text)), format!("\"{escaped}\""));
        }
    }

    #[test]
    fn harmless_text_is_shown_unchanged() {
        for text in ["", "aservice", "it's", r"a\b", "naïve", "日本", "e\u{301}"] {
            assert_eq!(Shown(text).to_string(), text);
        }
        assert_eq!(format!("{:?}", Shown("say \"it's\"")), r#""say \"it's\"""#);
    }

    #[test]
    fn long_text_is_cut_after_64_characters() {
        assert_eq!(Shown(&"é".repeat(64)).to_string(), "é".repeat(64));
        let long = "é".repeat(65);
        assert_eq!(Shown(&long).to_string(), format!("{}…", "é".repeat(64)));
        assert_eq!(format!("{:?}", Shown(&long)), format!("\"{}\"…", "é".repeat(64)));
    }
}

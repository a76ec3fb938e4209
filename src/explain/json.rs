//! JSON bodies that were serialized again before they were signed.

use crate::explain::Cause;
use crate::explain::json_writer::{Escapes, Layout, Style, written};
use crate::explain::trial::Trial;

const fn style(layout: Layout, escapes: Escapes) -> Style {
    Style { layout, is_sorted: false, escapes }
}

const fn sorted(layout: Layout, escapes: Escapes) -> Style {
    Style { layout, is_sorted: true, escapes }
}

const STYLES: [(Style, &str); 20] = [
    (style(Layout::Compact, Escapes::AsSent), "compact"),
    (style(Layout::Spaced, Escapes::AsSent), "with a space after each comma and colon"),
    (style(Layout::Spaced, Escapes::Ascii), "with spaces and `\\uXXXX`, as Python writes it"),
    (style(Layout::AsSent, Escapes::Slash), "with `\\/` for each `/`"),
    (style(Layout::AsSent, Escapes::Ascii), "with `\\uXXXX` for what is not ASCII"),
    (style(Layout::AsSent, Escapes::None), "with the characters themselves for their escapes"),
    (style(Layout::AsSent, Escapes::SlashAndAscii), "with `\\/` and `\\uXXXX`"),
    (style(Layout::Compact, Escapes::SlashAndAscii), "compact, with `\\/` and `\\uXXXX`"),
    (style(Layout::Compact, Escapes::Slash), "compact, with `\\/` for each `/`"),
    (style(Layout::Compact, Escapes::Ascii), "compact, with `\\uXXXX` for what is not ASCII"),
    (style(Layout::Compact, Escapes::None), "compact, with the characters for their escapes"),
    (style(Layout::Spaced, Escapes::None), "with spaces, and the characters for their escapes"),
    (sorted(Layout::Compact, Escapes::AsSent), "compact, with its keys sorted"),
    (sorted(Layout::Spaced, Escapes::AsSent), "with spaces, and its keys sorted"),
    (sorted(Layout::Compact, Escapes::Ascii), "compact, with `\\uXXXX`, and its keys sorted"),
    (sorted(Layout::Spaced, Escapes::Ascii), "with spaces and `\\uXXXX`, and its keys sorted"),
    (sorted(Layout::Compact, Escapes::None), "compact, without escapes, and its keys sorted"),
    (sorted(Layout::Lines(2), Escapes::AsSent), "in lines, and its keys sorted"),
    (style(Layout::Lines(2), Escapes::AsSent), "in lines, indented by two spaces"),
    (style(Layout::Lines(4), Escapes::AsSent), "in lines, indented by four spaces"),
];

pub(super) fn find(trial: &Trial<'_>) -> Option<Cause> {
    let text = std::str::from_utf8(trial.body).ok()?;
    if !text.trim_ascii_start().starts_with(['{', '[']) {
        return None;
    }
    STYLES.iter().find_map(|(style, name)| {
        if !trial.spends(text.len()) {
            return None;
        }
        let written = written(text, *style).filter(|written| written != text)?;
        let signed = || format!("the body's JSON written anew: {name}").into();
        trial.holds(written.as_bytes()).then(|| Cause::Body { signed: signed() })
    })
}

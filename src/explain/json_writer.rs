//! Serializes JSON as other libraries do.

/// The deepest nesting that is serialized.
const MOST_DEPTH: usize = 64;
/// The output may be this many times as long as the text, and 4 KiB longer. Nested lines could be 128
/// times as long.
const MOST_GROWTH: usize = 16;

/// The style in which a library serializes JSON.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) layout: Layout,
    pub(super) is_sorted: bool,
    pub(super) escapes: Escapes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    AsSent,
    Compact,
    /// A space after each comma and colon.
    Spaced,
    /// Each member on its own line, indented by this many spaces.
    Lines(usize),
}

/// The characters of strings that are escaped.
#[derive(Clone, Copy)]
pub(super) enum Escapes {
    AsSent,
    /// Only the characters that must be escaped.
    None,
    Ascii,
    Slash,
    SlashAndAscii,
}

/// Serializes JSON text in another style. `None` if it is not JSON. Not every detail of the syntax
/// is checked: only an output that fits the tag matters.
pub(super) fn written(text: &str, style: Style) -> Option<String> {
    let most = text.len().saturating_mul(MOST_GROWTH).saturating_add(4096);
    let out = String::with_capacity(text.len());
    let mut writer = Writer { tokens: Tokens(text), style, out, most };
    if style.layout == Layout::AsSent {
        while let Some((gap, token)) = writer.tokens.next() {
            writer.out.push_str(gap);
            writer.token(token);
        }
        writer.out.push_str(writer.tokens.0);
        return Some(writer.out);
    }
    let (_, first) = writer.tokens.next()?;
    writer.value(first, 0)?;
    writer.tokens.next().is_none().then_some(writer.out)
}

struct Writer<'t> {
    tokens: Tokens<'t>,
    style: Style,
    out: String,
    /// The maximum length of the output, in bytes.
    most: usize,
}

impl<'t> Writer<'t> {
    fn value(&mut self, first: &'t str, depth: usize) -> Option<()> {
        match first {
            "{" | "[" if depth < MOST_DEPTH => self.members(first == "{", depth.saturating_add(1)),
            "{" | "[" | "}" | "]" | "," | ":" => None,
            _ => {
                self.token(first);
                Some(())
            }
        }
    }

    fn members(&mut self, is_object: bool, depth: usize) -> Option<()> {
        let (open, close) = if is_object { ("{", "}") } else { ("[", "]") };
        let is_sorted = is_object && self.style.is_sorted;
        self.out.push_str(open);
        let start = self.out.len();
        // The keys, and the offsets in the output at which their members end.
        let mut members: Vec<(&str, usize)> = Vec::new();
        let mut count = 0_usize;
        loop {
            let (_, mut token) = self.tokens.next()?;
            if token == close && count == 0 {
                break;
            }
            if !is_sorted {
                self.separate(count, depth);
            }
            let key = token;
            if is_object {
                self.token(key);
                self.tokens.next().filter(|(_, token)| *token == ":")?;
                let is_compact = self.style.layout == Layout::Compact;
                self.out.push_str(if is_compact { ":" } else { ": " });
                (_, token) = self.tokens.next()?;
            }
            self.value(token, depth)?;
            if is_sorted {
                members.push((key, self.out.len()));
            }
            count = count.saturating_add(1);
            if self.out.len() > self.most {
                return None;
            }
            match self.tokens.next()? {
                (_, ",") => {}
                (_, end) if end == close => break,
                _ => return None,
            }
        }
        if is_sorted {
            self.sort(start, &members, depth);
        }
        if count > 0 {
            self.new_line(depth.saturating_sub(1));
        }
        self.out.push_str(close);
        Some(())
    }

    /// Rewrites the members written since `start`, sorted by key.
    fn sort(&mut self, start: usize, members: &[(&str, usize)], depth: usize) {
        let written = self.out.split_off(start);
        let ends = members.iter().map(|(_, end)| end.saturating_sub(start));
        let starts = std::iter::once(0).chain(ends.clone());
        let texts =
            starts.zip(ends).map(|(start, end)| written.get(start..end).unwrap_or_default());
        let mut sorted: Vec<_> = members.iter().map(|(key, _)| *key).zip(texts).collect();
        sorted.sort_by_key(|(key, _)| *key);
        for (place, (_, text)) in sorted.into_iter().enumerate() {
            self.separate(place, depth);
            self.out.push_str(text);
        }
    }

    fn separate(&mut self, place: usize, depth: usize) {
        match self.style.layout {
            Layout::Spaced if place > 0 => self.out.push_str(", "),
            _ if place > 0 => self.out.push(','),
            _ => {}
        }
        self.new_line(depth);
    }

    fn new_line(&mut self, depth: usize) {
        if let Layout::Lines(width) = self.style.layout {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', width.saturating_mul(depth)));
        }
    }

    fn token(&mut self, token: &str) {
        match self.style.escapes {
            _ if !token.starts_with('"') => self.out.push_str(token),
            Escapes::AsSent => self.out.push_str(token),
            Escapes::None => unescaped(token, &mut self.out),
            Escapes::Ascii => escaped(token, false, true, &mut self.out),
            Escapes::Slash => escaped(token, true, false, &mut self.out),
            Escapes::SlashAndAscii => escaped(token, true, true, &mut self.out),
        }
    }
}

fn escaped(string: &str, slash: bool, ascii: bool, out: &mut String) {
    use std::fmt::Write as _;

    let mut is_after_backslash = false;
    for c in string.chars() {
        if c == '/' && slash && !is_after_backslash {
            out.push_str("\\/");
        } else if ascii && !c.is_ascii() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
        is_after_backslash = c == '\\' && !is_after_backslash;
    }
}

/// Decodes `\/` and `\uXXXX`, except where an escape is required.
fn unescaped(string: &str, out: &mut String) {
    let mut rest = string;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let units: Vec<u16> =
            [after, after.get(5..).and_then(|rest| rest.strip_prefix('\\')).unwrap_or_default()]
                .iter()
                .map_while(|text| text.strip_prefix('u').and_then(|text| text.get(..4)))
                .map_while(|digits| u16::from_str_radix(digits, 16).ok())
                .collect();
        let decoded = char::decode_utf16(units).next().and_then(Result::ok);
        let decoded = decoded.filter(|c| !c.is_control() && !matches!(c, '"' | '\\'));
        rest = match (decoded, after.strip_prefix('/')) {
            (Some(c), _) => {
                out.push(c);
                let len = if c.len_utf16() == 2 { 11 } else { 5 };
                after.get(len..).unwrap_or_default()
            }
            (None, Some(after)) => {
                out.push('/');
                after
            }
            (None, None) => {
                // A backslash that escapes a backslash does not escape the next character.
                let len = after.chars().next().map_or(0, char::len_utf8);
                let (escape, after) = after.split_at_checked(len).unwrap_or_default();
                out.push('\\');
                out.push_str(escape);
                after
            }
        };
    }
    out.push_str(rest);
}

/// The rest of the JSON.
struct Tokens<'t>(&'t str);

impl<'t> Tokens<'t> {
    /// Returns the next token (strings include their quotes) and the whitespace before it.
    fn next(&mut self) -> Option<(&'t str, &'t str)> {
        let text = self.0;
        let rest = text.trim_start_matches([' ', '\t', '\n', '\r']);
        let gap = text.get(..text.len().saturating_sub(rest.len()))?;
        let len = match rest.bytes().next()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_len(rest)?,
            _ => {
                let ends = |c| {
                    matches!(c, '{' | '}' | '[' | ']' | ',' | ':' | '"' | ' ' | '\t' | '\n' | '\r')
                };
                rest.find(ends).unwrap_or(rest.len())
            }
        };
        let (token, after) = rest.split_at_checked(len)?;
        self.0 = after;
        Some((gap, token))
    }
}

/// Returns the length of the JSON string that the text begins with, including its quotes.
fn string_len(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })?;
    end.checked_add(2)
}

use std::cmp::Ordering;

use http::HeaderName;
use http::request::Parts;

use crate::error::ConfigError;
use crate::scheme::parts::{Part, TimeFormat};
use crate::scheme::{ClaimError, SignedText};

/// The parts of a signed text, such that no two requests that differ in a part have one text.
///
/// One part may hold anything: the body, or without one the last that is no timestamp. The parts
/// before it are found from the front of the text, each up to the first byte of the literal that
/// follows; the parts after it from the back, each down to the last byte of the literal that
/// precedes. So it is enough that no such part holds that byte.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    before: Vec<Piece>,
    has_body: bool,
    after: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    part: Part,
    /// The byte of the delimiter that the value must not hold.
    stop: Option<u8>,
}

impl Layout {
    pub(super) fn new(parts: impl IntoIterator<Item = Part>) -> Result<Self, ConfigError> {
        let parts: Vec<Part> = parts.into_iter().collect();
        let free = checked(&parts)?;
        let mut layout = Self { before: Vec::new(), has_body: false, after: Vec::new() };
        for (place, part) in parts.iter().enumerate() {
            if *part == Part::Body {
                layout.has_body = true;
                continue;
            }
            let stop = match place.cmp(&free) {
                Ordering::Less => literal(&parts, place.checked_add(1)).and_then(<[u8]>::first),
                Ordering::Equal => None,
                Ordering::Greater => literal(&parts, place.checked_sub(1)).and_then(<[u8]>::last),
            };
            let list = if layout.has_body { &mut layout.after } else { &mut layout.before };
            list.push(Piece::new(part.clone(), stop.copied())?);
        }
        Ok(layout)
    }

    pub(super) fn has_body(&self) -> bool {
        self.has_body
    }

    /// The headers that the text covers.
    pub(super) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.pieces().filter_map(|piece| piece.part.header_name())
    }

    /// The header that carries the time.
    pub(super) fn time(&self) -> Option<(&HeaderName, TimeFormat)> {
        self.pieces().find_map(|piece| match &piece.part {
            Part::Timestamp(name, format) => Some((name, *format)),
            _ => None,
        })
    }

    pub(super) fn before_body(
        &self,
        head: &Parts,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.before.iter().try_for_each(|piece| piece.write(head, text))
    }

    pub(super) fn after_body(&self, head: &Parts, text: &mut SignedText) -> Result<(), ClaimError> {
        self.after.iter().try_for_each(|piece| piece.write(head, text))
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.before.iter().chain(&self.after)
    }
}

impl Piece {
    fn new(part: Part, stop: Option<u8>) -> Result<Self, ConfigError> {
        let clash = match (&part, stop) {
            (Part::Path, Some(b'/')) => Some("every path holds a `/`: take another delimiter"),
            (Part::Timestamp(_, TimeFormat::UnixSeconds | TimeFormat::UnixMillis), Some(byte))
                if byte.is_ascii_digit() =>
            {
                Some("a time in digits runs into a delimiter that is a digit")
            }
            _ => None,
        };
        if let Some(why) = clash {
            return Err(invalid(why));
        }
        let stop = match part {
            // Always the same; and where such a time begins and ends follows from its grammar.
            Part::Literal(_) | Part::Timestamp(_, TimeFormat::Rfc3339) => None,
            _ => stop,
        };
        Ok(Self { part, stop })
    }

    fn write(&self, head: &Parts, text: &mut SignedText) -> Result<(), ClaimError> {
        let value = self.part.value(head)?;
        if self.stop.is_some_and(|stop| value.contains(&stop)) {
            let why = "holds the delimiter beside it in the signed text";
            return Err(match self.part.header_name() {
                Some(name) => ClaimError::in_header(name, why),
                None => ClaimError::malformed("a signed part holds the delimiter beside it"),
            });
        }
        text.part(self.part.name()).update(value);
        Ok(())
    }
}

/// Refuses what cannot be told apart; gives the place of the part that may hold anything.
fn checked(parts: &[Part]) -> Result<usize, ConfigError> {
    let count = |wanted: fn(&Part) -> bool| parts.iter().filter(|part| wanted(part)).count();
    if parts.contains(&Part::Literal(Vec::new())) {
        return Err(invalid("a literal is empty"));
    }
    if count(|part| *part == Part::Body) > 1 {
        return Err(invalid("the body is there more than once"));
    }
    if count(|part| matches!(part, Part::Timestamp(..))) > 1 {
        return Err(invalid("there is more than one timestamp"));
    }
    if parts.windows(2).any(|pair| pair.iter().all(|part| !part.is_literal())) {
        return Err(invalid(
            "two parts stand side by side and could run into each other: put a literal between",
        ));
    }
    let last = |wanted: fn(&Part) -> bool| parts.iter().rposition(wanted);
    last(|part| *part == Part::Body)
        .or_else(|| last(|part| !part.is_literal() && !matches!(part, Part::Timestamp(..))))
        .or_else(|| last(|part| !part.is_literal()))
        .ok_or_else(|| invalid("nothing of the request is signed"))
}

fn literal(parts: &[Part], place: Option<usize>) -> Option<&[u8]> {
    match parts.get(place?)? {
        Part::Literal(bytes) => Some(bytes),
        _ => None,
    }
}

fn invalid(why: &'static str) -> ConfigError {
    ConfigError::invalid("parts", why)
}

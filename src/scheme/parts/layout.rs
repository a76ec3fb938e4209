use std::cmp::Ordering;

use http::header::HOST;
use http::{HeaderName, HeaderValue};

use crate::error::ConfigError;
use crate::scheme::parts::source::PartSource;
use crate::scheme::parts::{Part, TimeFormat};
use crate::scheme::{Claim, ClaimError, SentHead, SignedText, wire};

/// The parts of a signing string. No two requests that differ in a part have the same text.
///
/// One part may contain anything: the body, or without a body the last part that is not a
/// timestamp. The parts before it are found from the front of the text, each up to the first byte
/// of the literal that follows. The parts after it are found from the back, each down to the last
/// byte of the literal that precedes. So such a part only has to be free of that byte.
///
/// A time in RFC 3339 or of HTTP ends where its grammar says, and needs no literal next to it. Read
/// from the front, its first `:` is at a fixed position. Read from the back, the zone and the
/// fraction are found before the characters that are always present.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    before: Vec<DelimitedPart>,
    has_body: bool,
    after: Vec<DelimitedPart>,
}

#[derive(Clone, Debug)]
struct DelimitedPart {
    part: Part,
    /// The byte of the delimiter that the value must not contain.
    stop: Option<u8>,
}

impl Layout {
    pub(crate) fn new(parts: impl IntoIterator<Item = Part>) -> Result<Self, ConfigError> {
        Self::with_time(parts, None)
    }

    /// Makes a layout for a list scheme, with the format of its time, if it has one.
    pub(crate) fn with_time(
        parts: impl IntoIterator<Item = Part>,
        format: Option<TimeFormat>,
    ) -> Result<Self, ConfigError> {
        let parts: Vec<Part> = parts.into_iter().collect();
        check_time_of_list(&parts, format)?;
        let free = checked(&parts, format)?;
        let mut layout = Self { before: Vec::new(), has_body: false, after: Vec::new() };
        for (place, part) in parts.iter().enumerate() {
            if *part == Part::Body {
                layout.has_body = true;
                continue;
            }
            let stop = match place.cmp(&free) {
                Ordering::Less => match literal(&parts, place.checked_add(1)) {
                    Some(literal) => literal.first(),
                    // The next part is a time, which is located by its first `:`.
                    None => Some(&b':'),
                },
                Ordering::Equal => None,
                Ordering::Greater => literal(&parts, place.checked_sub(1)).and_then(<[u8]>::last),
            };
            let list = if layout.has_body { &mut layout.after } else { &mut layout.before };
            list.push(DelimitedPart::new(part.clone(), part.time_format(format), stop.copied())?);
        }
        Ok(layout)
    }

    pub(crate) fn has_body(&self) -> bool {
        self.has_body
    }

    /// Returns the headers that the text covers.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.pieces().filter_map(|piece| piece.part.header_name())
    }

    /// Returns whether the text covers the host.
    pub(crate) fn covers_host(&self) -> bool {
        self.headers().any(|name| *name == HOST)
    }

    /// Adds the headers that the text covers to a claim, with their signed values.
    pub(crate) fn cover(&self, claim: &mut Claim, sent: SentHead<'_>) -> Result<(), ClaimError> {
        if self.headers().next().is_none() {
            return Ok(());
        }
        let covered = self.headers().map(|name| Ok((name.clone(), covered_value(name, sent)?)));
        claim.set_signed_headers(covered.collect::<Result<_, ClaimError>>()?);
        Ok(())
    }

    /// Returns the header that carries the time.
    pub(crate) fn time(&self) -> Option<(&HeaderName, TimeFormat)> {
        self.pieces().find_map(|piece| match &piece.part {
            Part::Timestamp(name, format) => Some((name, *format)),
            _ => None,
        })
    }

    pub(crate) fn before_body(
        &self,
        source: &PartSource<'_>,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.before.iter().try_for_each(|piece| piece.write(source, text))
    }

    pub(crate) fn after_body(
        &self,
        source: &PartSource<'_>,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        self.after.iter().try_for_each(|piece| piece.write(source, text))
    }

    fn pieces(&self) -> impl Iterator<Item = &DelimitedPart> {
        self.before.iter().chain(&self.after)
    }
}

impl DelimitedPart {
    fn new(part: Part, time: Option<TimeFormat>, stop: Option<u8>) -> Result<Self, ConfigError> {
        let clash = match (&part, time, stop) {
            (Part::Path, _, Some(b'/')) => Some("every path contains a `/`: use another delimiter"),
            (_, Some(TimeFormat::UnixSeconds | TimeFormat::UnixMillis), Some(byte))
                if byte.is_ascii_digit() =>
            {
                Some("a time in digits cannot be followed by a delimiter that is a digit")
            }
            _ => None,
        };
        if let Some(why) = clash {
            return Err(invalid(why));
        }
        // A literal never varies, and the grammar of such a time defines where it begins and ends.
        let ends_itself = part.is_literal() || time.is_some_and(TimeFormat::ends_itself);
        let stop = stop.filter(|_| !ends_itself);
        Ok(Self { part, stop })
    }

    fn write(&self, source: &PartSource<'_>, text: &mut SignedText) -> Result<(), ClaimError> {
        let value = self.part.value(source)?;
        if self.stop.is_some_and(|stop| value.contains(&stop)) {
            let why = "contains the delimiter next to it in the signing string";
            return Err(match self.part.header_name() {
                Some(name) => ClaimError::in_header(name, why),
                None => ClaimError::malformed("a signed part contains the delimiter next to it"),
            });
        }
        text.part(self.part.name()).update(&value);
        Ok(())
    }
}

/// Returns the value of a covered header, as signed.
fn covered_value(name: &HeaderName, sent: SentHead<'_>) -> Result<HeaderValue, ClaimError> {
    if *name == HOST {
        let value = HeaderValue::from_str(sent.host()?);
        return value.map_err(|_| ClaimError::in_header(name, "is not a header value"));
    }
    Ok(wire::required(sent.head, name)?.clone())
}

/// Rejects a time in a list header that is not signed, and a signed one that the header does not
/// have.
fn check_time_of_list(parts: &[Part], format: Option<TimeFormat>) -> Result<(), ConfigError> {
    let own_header = |part: &&Part| matches!(part, Part::Timestamp(..));
    let times =
        parts.iter().filter(|part| part.time_format(Some(TimeFormat::UnixSeconds)).is_some());
    let of_list = times.filter(|part| !own_header(part)).count();
    match (format, of_list) {
        (None, 0) | (Some(_), 1) => Ok(()),
        (None, _) => Err(invalid("the signature's header has no time to sign: see `with_time`")),
        (Some(_), 0) => Err(invalid("the time is not signed: add `Part::Time`")),
        (Some(_), _) => Err(invalid("there is more than one timestamp")),
    }
}

/// Rejects ambiguous parts. Returns the index of the part that may contain anything.
fn checked(parts: &[Part], format: Option<TimeFormat>) -> Result<usize, ConfigError> {
    let count = |wanted: fn(&Part) -> bool| parts.iter().filter(|part| wanted(part)).count();
    let is_time = |part: &Part| part.time_format(format).is_some();
    if parts.contains(&Part::Literal(Vec::new())) {
        return Err(invalid("a literal is empty"));
    }
    if count(|part| *part == Part::Body) > 1 {
        return Err(invalid("the body occurs more than once"));
    }
    if parts.iter().filter(|part| is_time(part)).count() > 1 {
        return Err(invalid("there is more than one timestamp"));
    }
    let last = |wanted: &dyn Fn(&Part) -> bool| parts.iter().rposition(wanted);
    let free = last(&|part| *part == Part::Body)
        .or_else(|| last(&|part| !part.is_literal() && !is_time(part)))
        .or_else(|| last(&|part| !part.is_literal()))
        .ok_or_else(|| invalid("nothing of the request is signed"))?;
    let ends_itself = |part: &Part| part.time_format(format).is_some_and(TimeFormat::ends_itself);
    let run_together = |(place, pair): (usize, &[Part])| match pair {
        [Part::Literal(_), _] | [_, Part::Literal(_)] => false,
        // After the free part, the text is read from the back. There, a time can only come first.
        [first, second] => {
            !(ends_itself(first) && place < free || ends_itself(second) && place <= free)
        }
        _ => false,
    };
    if parts.windows(2).enumerate().any(run_together) {
        return Err(invalid(
            "two adjacent parts could run into each other: put a literal between them",
        ));
    }
    Ok(free)
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

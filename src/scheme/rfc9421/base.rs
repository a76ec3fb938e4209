use super::component::{Component, Kind};
use super::field::{self, Types};
use super::query;
use super::target::Target;
use crate::scheme::{ClaimError, SignedText};

/// Writes the signature base (RFC 9421 section 2.5): a line for each covered component, then the
/// signature parameters.
pub(super) fn write(
    components: &[Component],
    parameters: &[u8],
    target: Target<'_>,
    types: &Types,
    text: &mut SignedText,
) -> Result<(), ClaimError> {
    let is_recorded = text.is_record();
    let mut base = Base { text, is_recorded, gathered: [0; ROOM], len: 0 };
    let mut lines = components.iter();
    if let Some(first) = lines.next() {
        base.begin_line(first.line_start().trim_start(), first.identifier());
        write_value(first.kind(), target, types, &mut base)?;
    }
    for component in lines {
        base.begin_line(component.line_start(), component.identifier());
        write_value(component.kind(), target, types, &mut base)?;
    }
    let last = if components.is_empty() { PARAMETERS.trim_start() } else { PARAMETERS };
    base.begin_line(last, "@signature-params");
    base.push(parameters);
    base.flush();
    Ok(())
}

/// The beginning of the last line.
const PARAMETERS: &str = "\n\"@signature-params\": ";

/// The size of the buffer, in bytes. Most bases fit.
const ROOM: usize = 512;

/// Buffers the pieces of a base on the stack, because each update of a MAC has a cost and there may
/// be several MACs.
struct Base<'t> {
    text: &'t mut SignedText,
    /// Whether the names of the parts are recorded.
    is_recorded: bool,
    gathered: [u8; ROOM],
    len: usize,
}

impl Base<'_> {
    fn begin_line(&mut self, start: &str, identifier: &str) {
        self.part("literal");
        self.push(start.as_bytes());
        if self.is_recorded {
            // The part's name: the identifier, without quotes if it has no parameters.
            let is_bare = !identifier.contains(';');
            self.part(if is_bare { identifier.trim_matches('"') } else { identifier });
        }
    }

    #[inline]
    fn part(&mut self, name: &str) {
        if self.is_recorded {
            self.flush();
            self.text.part(name);
        }
    }

    #[inline]
    fn push(&mut self, piece: &[u8]) {
        let end = self.len.saturating_add(piece.len());
        if let Some(room) = self.gathered.get_mut(self.len..end) {
            room.copy_from_slice(piece);
            self.len = end;
        } else {
            self.flush();
            self.text.update(piece);
        }
    }

    /// Adds a part of the target. A base is ASCII (section 2.5), but a target may not be.
    fn push_ascii(&mut self, piece: &str) -> Result<(), ClaimError> {
        if piece.is_ascii() {
            self.push(piece.as_bytes());
            Ok(())
        } else {
            Err(ClaimError::malformed("the target of the request is not ASCII"))
        }
    }

    fn flush(&mut self) {
        self.text.update(self.gathered.get(..self.len).unwrap_or_default());
        self.len = 0;
    }
}

fn write_value(
    kind: &Kind,
    target: Target<'_>,
    types: &Types,
    base: &mut Base<'_>,
) -> Result<(), ClaimError> {
    match kind {
        Kind::Method => base.push_ascii(target.head.method.as_str()),
        Kind::TargetUri => base.push_ascii(&target.uri()?),
        Kind::Authority => base.push_ascii(&target.authority()?),
        Kind::Scheme => base.push_ascii(&target.scheme()),
        Kind::RequestTarget => base.push_ascii(&target.request_target()?),
        Kind::Path => {
            base.push_ascii(target.prefix())?;
            base.push_ascii(target.path())
        }
        Kind::Query => {
            base.push(b"?");
            base.push_ascii(target.query())
        }
        Kind::QueryParam(name) => base.push_ascii(&query::parameter(target.query(), name)?),
        Kind::Field(name, form) => {
            base.push_ascii(&field::value(target.head, name, form, types, target.lines)?)
        }
    }
}

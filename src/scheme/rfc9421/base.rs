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
    let mut base = Base { text, is_recorded, is_ascii: true, gathered: [0; ROOM], len: 0 };
    for (index, component) in components.iter().enumerate() {
        base.begin_line(component.line_start(), index == 0);
        write_value(component.kind(), target, types, &mut base)?;
    }
    base.begin_line("\n\"@signature-params\": ", components.is_empty());
    base.push(parameters);
    base.finish()
}

/// The size of the buffer, in bytes. Most bases fit.
const ROOM: usize = 512;

/// Buffers the pieces of a base on the stack, because each update of a MAC has a cost and there may
/// be several MACs.
struct Base<'t> {
    text: &'t mut SignedText,
    /// Whether the names of the parts are recorded.
    is_recorded: bool,
    /// Whether all bytes are ASCII so far. A base is (section 2.5), but a target may not be.
    is_ascii: bool,
    gathered: [u8; ROOM],
    len: usize,
}

impl Base<'_> {
    /// Writes the beginning of a line: a line feed, unless it is the first, the serialized
    /// identifier, and `: `.
    #[inline]
    fn begin_line(&mut self, start: &str, is_first: bool) {
        let start = start.get(usize::from(is_first)..).unwrap_or_default();
        if self.is_recorded {
            self.record_line(start);
        } else {
            self.push(start.as_bytes());
        }
    }

    /// Records the parts of a line: its beginning, and its value. The value is named after the
    /// identifier, without quotes if it has no parameters.
    #[cold]
    fn record_line(&mut self, start: &str) {
        self.flush();
        self.text.part("literal");
        self.push(start.as_bytes());
        self.flush();
        let identifier = start.trim_start().strip_suffix(": ").unwrap_or(start);
        let is_bare = !identifier.contains(';');
        self.text.part(if is_bare { identifier.trim_matches('"') } else { identifier });
    }

    #[inline]
    fn push(&mut self, piece: &[u8]) {
        let end = self.len.saturating_add(piece.len());
        if let Some(room) = self.gathered.get_mut(self.len..end) {
            room.copy_from_slice(piece);
            self.len = end;
        } else {
            self.push_long(piece);
        }
    }

    /// Adds a piece for which there is no room.
    #[cold]
    fn push_long(&mut self, piece: &[u8]) {
        self.flush();
        self.is_ascii &= piece.is_ascii();
        self.text.update(piece);
    }

    fn flush(&mut self) {
        let gathered = self.gathered.get(..self.len).unwrap_or_default();
        self.is_ascii &= gathered.is_ascii();
        self.text.update(gathered);
        self.len = 0;
    }

    fn finish(mut self) -> Result<(), ClaimError> {
        self.flush();
        if self.is_ascii {
            Ok(())
        } else {
            Err(ClaimError::malformed("the target of the request is not ASCII"))
        }
    }
}

#[inline]
fn write_value(
    kind: &Kind,
    target: Target<'_>,
    types: &Types,
    base: &mut Base<'_>,
) -> Result<(), ClaimError> {
    match kind {
        Kind::Method => base.push(target.head.method.as_str().as_bytes()),
        Kind::TargetUri => base.push(target.uri()?.as_bytes()),
        Kind::Authority => base.push(target.authority()?.as_bytes()),
        Kind::Scheme => base.push(target.scheme().as_bytes()),
        Kind::RequestTarget => base.push(target.request_target()?.as_bytes()),
        Kind::Path => {
            base.push(target.prefix().as_bytes());
            base.push(target.path().as_bytes());
        }
        Kind::Query => {
            base.push(b"?");
            base.push(target.query().as_bytes());
        }
        Kind::QueryParam(name) => base.push(query::parameter(target.query(), name)?.as_bytes()),
        Kind::Field(name, form) => {
            base.push(&field::value(target.head, name, form, types, target.lines)?);
        }
    }
    Ok(())
}

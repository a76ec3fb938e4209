use super::component::{Component, Kind};
use super::field::{self, Types};
use super::query;
use super::target::Target;
use crate::scheme::ClaimError;

/// The signature base (RFC 9421 section 2.5): a line for each covered component, then the
/// parameters of the signature.
pub(super) fn assemble(
    components: &[Component],
    parameters: &str,
    target: Target<'_>,
    types: &Types,
) -> Result<Vec<u8>, ClaimError> {
    let mut base = Vec::with_capacity(512);
    for component in components {
        base.extend_from_slice(component.identifier().as_bytes());
        base.extend_from_slice(b": ");
        write_value(component.kind(), target, types, &mut base)?;
        base.push(b'\n');
    }
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(parameters.as_bytes());
    Ok(base)
}

fn write_value(
    kind: &Kind,
    target: Target<'_>,
    types: &Types,
    base: &mut Vec<u8>,
) -> Result<(), ClaimError> {
    let start = base.len();
    match kind {
        Kind::Method => base.extend_from_slice(target.head.method.as_str().as_bytes()),
        Kind::TargetUri => base.extend_from_slice(target.uri()?.as_bytes()),
        Kind::Authority => base.extend_from_slice(target.authority()?.as_bytes()),
        Kind::Scheme => base.extend_from_slice(target.scheme().as_bytes()),
        Kind::RequestTarget => base.extend_from_slice(target.request_target()?.as_bytes()),
        Kind::Path => {
            base.extend_from_slice(target.prefix().as_bytes());
            base.extend_from_slice(target.path().as_bytes());
        }
        Kind::Query => {
            base.push(b'?');
            base.extend_from_slice(target.query().as_bytes());
        }
        Kind::QueryParam(name) => {
            base.extend_from_slice(query::parameter(target.query(), name)?.as_bytes());
        }
        Kind::Field(name, form) => field::write(target.head, name, form, types, base)?,
    }
    // The base is ASCII (section 2.5). Fields see to that themselves; a target may hold more.
    if base.get(start..).is_some_and(<[u8]>::is_ascii) {
        Ok(())
    } else {
        Err(ClaimError::malformed("the target of the request is not ASCII"))
    }
}

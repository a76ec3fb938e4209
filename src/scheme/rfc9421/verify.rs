use std::borrow::Cow;

use http::request::Parts;
use http::{HeaderName, HeaderValue};

use super::component::{Component, Form, Kind};
use super::input::{Input, Parameters};
use super::known::{Fields, Known};
use super::lines::Lines;
use super::members::{Member, Unread, members};
use super::{MessageSignatures, SIGNATURE, SIGNATURE_INPUT, field};
use crate::crypto::Algorithm;
use crate::scheme::{Claim, ClaimError, CoveredHead, Encoding, OfferedTag, shape};

/// The data that a claim keeps to write the signature base.
pub(super) struct Reading {
    pub(super) components: Vec<Component>,
    /// The value of `@signature-params`.
    pub(super) parameters: String,
    pub(super) outgoing: bool,
}

impl Reading {
    pub(super) fn covers_body(&self) -> bool {
        self.components.iter().any(Component::covers_body)
    }
}

impl MessageSignatures {
    /// Reads both fields, and selects the signature to verify.
    pub(super) fn received(&self, head: &Parts) -> Result<Claim, ClaimError> {
        // A claim over a known list is read into the place where it is returned: it is large, and
        // slow to move.
        let mut received = Ok(Claim::new());
        let is_known = received.as_mut().is_ok_and(|claim| self.read_known(head, claim).is_some());
        if !is_known {
            received = self.parsed_claim(head);
        }
        received
    }

    /// Reads a claim over a known list. Returns `None` if the general parser has to read it.
    pub(super) fn read_known(&self, head: &Parts, claim: &mut Claim) -> Option<()> {
        let lines = Lines::find(head)?;
        let Fields { label, input, tag } = Fields::read(&lines)?;
        if self.label.as_ref().is_some_and(|wanted| wanted.as_bytes() != label) {
            return None;
        }
        let (known, parameters) = Known::find(&self.known, input)?;
        let parameters = Parameters::canonical(parameters)?;
        if self.tag.is_some() && parameters.tag() != self.tag.as_deref().map(str::as_bytes) {
            return None;
        }
        self.policy.check_parameters(&parameters).ok()?;
        claim.set_tag(Encoding::Base64.decode_tag(tag, Algorithm::Sha256)?);
        parameters.add_to(claim).ok()?;
        claim.cover(known.covered(head, &lines));
        claim.keep_shared(known.clone());
        Some(())
    }

    /// Reads a claim with the general parser.
    pub(super) fn parsed_claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let (inputs, tags) = fields(head)?;
        let inputs = members::<Input<'_>>(&SIGNATURE_INPUT, &inputs)?;
        let tags = members::<Unread>(&SIGNATURE, &tags)?;
        if !inputs.iter().all(|input| tags.iter().any(|tag| tag.label == input.label))
            || !tags.iter().all(|tag| inputs.iter().any(|input| input.label == tag.label))
        {
            return Err(malformed("and `signature` have different labels"));
        }
        let Member { label, value, .. } = self.choose(inputs)?;
        let raw = tags.iter().find(|tag| tag.label == label).map_or("", |tag| tag.raw);
        let signature = signature(raw).ok_or_else(|| unexpected(raw))?;
        let input = value.checked().map_err(malformed)?;
        self.claim_of(head, input, Claim::signed(signature), false)
    }

    /// Selects the signature to verify: by label, by tag, or because it is the only one. Ignores
    /// signatures with another label or tag, since they belong to other applications. Rejects a
    /// signature without a tag, since it may be meant for this application.
    fn choose<'h>(&self, inputs: Vec<Inputs<'h>>) -> Result<Inputs<'h>, ClaimError> {
        let is_labelled =
            |input: &Inputs<'h>| self.label.as_ref().is_none_or(|label| input.label == label);
        let mut labelled: Vec<_> = inputs.into_iter().filter(is_labelled).collect();
        if let Some(tag) = self.tag.as_deref().map(str::as_bytes) {
            let is_untagged = labelled.iter().any(|input| input.value.parameters.tag().is_none());
            labelled.retain(|input| input.value.parameters.tag() == Some(tag));
            if labelled.is_empty() && is_untagged {
                return Err(malformed("does not have this application's `tag`"));
            }
        }
        match (labelled.pop(), labelled.pop()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(ClaimError::Missing),
            (Some(_), Some(_)) => Err(malformed("has several signatures")),
        }
    }

    /// Returns the labels of this application's signatures, if a label or a tag is set.
    pub(super) fn own_labels(&self, head: &Parts) -> Vec<String> {
        let inputs = field::bounded(head, &SIGNATURE_INPUT).unwrap_or_default();
        let inputs = members::<Input<'_>>(&SIGNATURE_INPUT, &inputs).unwrap_or_default();
        let is_own = |input: &&Inputs<'_>| {
            self.label.as_ref().is_none_or(|label| input.label == label)
                && self
                    .tag
                    .as_deref()
                    .is_none_or(|tag| input.value.parameters.tag() == Some(tag.as_bytes()))
        };
        inputs.iter().filter(is_own).map(|input| input.label.to_owned()).collect()
    }

    /// Reads one member of `Signature-Input`, and checks it against the policy.
    pub(super) fn claim_of(
        &self,
        head: &Parts,
        input: Input<'_>,
        mut claim: Claim,
        outgoing: bool,
    ) -> Result<Claim, ClaimError> {
        self.policy.check_components(&input.components).map_err(malformed)?;
        self.policy.check_parameters(&input.parameters).map_err(malformed)?;
        let serialized = input.serialized();
        let Input { components, parameters, .. } = input;
        let identifiers = components.iter().map(Component::shared_identifier);
        claim.cover(CoveredHead::new(identifiers.collect(), signed_headers(head, &components)));
        parameters.add_to(&mut claim).map_err(malformed)?;
        Ok(claim.with_memo(Reading { components, parameters: serialized, outgoing }))
    }
}

type Inputs<'h> = Member<'h, Input<'h>>;

fn malformed(why: &'static str) -> ClaimError {
    ClaimError::in_header(&SIGNATURE_INPUT, why)
}

/// Returns all lines of `Signature-Input` and `Signature`. A request must have both or neither.
fn fields(head: &Parts) -> Result<(Cow<'_, str>, Cow<'_, str>), ClaimError> {
    let input = field::bounded(head, &SIGNATURE_INPUT);
    let signature = field::bounded(head, &SIGNATURE);
    match (input, signature) {
        (Err(ClaimError::Missing), Err(ClaimError::Missing)) => Err(ClaimError::Missing),
        (Err(ClaimError::Missing), Ok(signature)) if signature.contains("keyId=\"") => {
            Err(malformed("is missing; `signature` is that of the older draft-cavage scheme"))
        }
        (Err(ClaimError::Missing), _) => Err(malformed("is missing, but `signature` is present")),
        (_, Err(ClaimError::Missing)) => {
            Err(ClaimError::in_header(&SIGNATURE, "is missing, but `signature-input` is present"))
        }
        (input, signature) => Ok((input?, signature?)),
    }
}

/// Decodes `:base64:` in canonical form.
fn signature(raw: &str) -> Option<OfferedTag> {
    let text = raw.strip_prefix(':')?.strip_suffix(':')?;
    Encoding::Base64.decode_tag(text, Algorithm::Sha256)
}

fn unexpected(raw: &str) -> ClaimError {
    let tag = shape::of_tags(Encoding::Base64, Algorithm::Sha256);
    let bytes = raw.strip_prefix(':').and_then(|text| text.strip_suffix(':'));
    let found = match bytes {
        Some(text) => format!("{} between colons", shape::of_other_than(&tag, text)),
        None => format!("{} without colons around it", shape::of(raw)),
    };
    ClaimError::unexpected(&SIGNATURE, format!("{tag} between colons"), found)
}

/// Returns the lines of the fields that are covered as they were sent.
fn signed_headers(
    head: &Parts,
    components: &[Component],
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let plain = components.iter().filter_map(|component| match component.kind() {
        Kind::Field(name, Form::Plain) => Some(name),
        _ => None,
    });
    plain.flat_map(|name| {
        head.headers.get_all(name).iter().map(|value| (name.clone(), value.clone()))
    })
}

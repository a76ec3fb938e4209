//! Standard Webhooks, to send and receive.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::crypto::{Algorithm, Tag};
use crate::scheme::{
    Claim, ClaimError, Encoding, Scheme, Selector, SignError, SignedText, Stamp, TimeFormat,
    Window, shape, wire,
};

const PREFIX: &str = "v1,";
/// The maximum number of entries of `webhook-signature`.
const MAX_ENTRIES: usize = 16;
/// The longest message ID, in bytes.
const MAX_ID_LEN: usize = 256;
/// The tolerance for old deliveries and those in the future, in seconds.
const TOLERANCE: u64 = 300;
const ID: HeaderName = HeaderName::from_static("webhook-id");

/// [Standard Webhooks], to send and receive: `webhook-id`, `webhook-timestamp` and
/// `webhook-signature: v1,<base64>`, HMAC-SHA-256 over `id.timestamp.body`.
///
/// **Covered:** the ID, the time and the body. **Not covered:** method, path, query and all other
/// headers. The tolerance is 300 s on both sides.
///
/// The secret is text that begins with `whsec_`: read it with
/// [`SecretKey::from_whsec`](crate::SecretKey::from_whsec). During a rotation, a sender signs with
/// [both keys](crate::Signer::add_key), and a receiver uses a [`KeySet`](crate::KeySet) of both.
///
/// ```
/// use http::Request;
/// use tower_hmac::webhooks::StandardWebhooks;
/// use tower_hmac::{KeyMap, SecretKey, Signer, Verifier};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let key = || SecretKey::from_whsec("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
///
/// let signer = Signer::new(StandardWebhooks::new(), key()?);
/// let request = Request::post("https://example.com/hook").body(r#"{"type": "user.created"}"#)?;
/// let (head, body) = signer.sign(request)?.into_parts();
///
/// let verifier = Verifier::new(StandardWebhooks::new(), KeyMap::single(key()?)?)?;
/// let verified = verifier.verify(&head, body.as_bytes()).await?;
/// assert_eq!(verified.message_id(), head.headers["webhook-id"].to_str().ok());
/// # Ok::<(), tower_hmac::BoxError>(())
/// # }).unwrap();
/// ```
///
/// # The message ID
///
/// The ID stays the same when a delivery is retried, with a new time and a new tag.
/// [`Verified::message_id`](crate::Verified::message_id) returns it. It is not a nonce: a replay
/// guard uses the tag. A signer keeps an existing ID, and generates one otherwise. Set it with
/// [`message_id`](super::message_id) before a client that retries.
///
/// # What is read
///
/// Each of the three headers must occur exactly once. The ID is 1 to 256 visible ASCII characters
/// without a `.`, since otherwise two deliveries could have the same signing string. The time is
/// Unix seconds in digits. There are up to 16 entries. Entries of another version (`v1a,`, Ed25519)
/// are skipped, and at least one must be `v1`. Secrets of the asymmetric version are not supported.
///
/// [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
#[derive(Clone, Debug)]
pub struct StandardWebhooks {
    name: &'static str,
    id: HeaderName,
    timestamp: HeaderName,
    signature: [HeaderName; 1],
}

impl StandardWebhooks {
    /// Uses the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            name: "standard-webhooks",
            id: ID,
            timestamp: HeaderName::from_static("webhook-timestamp"),
            signature: [HeaderName::from_static("webhook-signature")],
        }
    }

    /// Uses the headers `svix-id`, `svix-timestamp` and `svix-signature`, as [Svix] sends them.
    ///
    /// [Svix]: https://docs.svix.com/receiving/verifying-payloads/how-manual
    #[must_use]
    pub fn svix() -> Self {
        Self {
            name: "svix",
            id: HeaderName::from_static("svix-id"),
            timestamp: HeaderName::from_static("svix-timestamp"),
            signature: [HeaderName::from_static("svix-signature")],
        }
    }

    fn signature(&self) -> &HeaderName {
        let [name] = &self.signature;
        name
    }

    /// Returns the tags of the entries with the supported version.
    fn tags(&self, text: &str) -> Result<Claim, ClaimError> {
        let malformed = |why| ClaimError::in_header(self.signature(), why);
        let mut claim = Claim::new();
        let mut only_ed25519 = true;
        for (place, entry) in text.split(' ').enumerate() {
            if place >= MAX_ENTRIES {
                return Err(malformed("has more than 16 entries"));
            }
            let (version, tag) = entry
                .split_once(',')
                .filter(|(version, tag)| is_version(version) && !tag.is_empty())
                .ok_or_else(|| {
                    let tag = shape::of_tags(Encoding::Base64, Algorithm::Sha256);
                    let (expected, found) = (format!("`v1,` and {tag}"), shape::of(entry));
                    ClaimError::unexpected(self.signature(), expected, found)
                })?;
            only_ed25519 &= version == "v1a";
            if version == "v1" {
                let (name, algorithm) = (self.signature(), Algorithm::Sha256);
                claim = claim.add_tag(shape::read_tag(name, Encoding::Base64, algorithm, tag)?)?;
            }
        }
        if claim.tags().next().is_some() {
            Ok(claim)
        } else if only_ed25519 {
            Err(malformed("has only asymmetric signatures (`v1a`)"))
        } else {
            Err(malformed("has no signature of version `v1`"))
        }
    }

    /// Returns the ID, and the time both as sent and as a number.
    fn dated<'h>(&self, head: &'h Parts) -> Result<(&'h str, &'h str, i64), ClaimError> {
        let id = wire::text(&self.id, wire::required(head, &self.id)?)?;
        let fits = (1..=MAX_ID_LEN).contains(&id.len());
        if !fits || !id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.') {
            let why = "is not 1 to 256 visible ASCII characters without `.`";
            return Err(ClaimError::in_header(&self.id, why));
        }
        let (time, created) = TimeFormat::UnixSeconds.read_header(head, &self.timestamp)?;
        Ok((id, time, created))
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Default for StandardWebhooks {
    fn default() -> Self {
        Self::new()
    }
}

impl Scheme for StandardWebhooks {
    fn name(&self) -> &'static str {
        self.name
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn headers(&self) -> &[HeaderName] {
        &self.signature
    }

    fn selector(&self) -> Option<Selector<'_>> {
        let len = PREFIX.len().saturating_add(Encoding::Base64.tag_text_len(Algorithm::Sha256));
        Some(Selector::Entry { prefix: PREFIX, len })
    }

    fn max_tags(&self) -> usize {
        MAX_ENTRIES
    }

    fn window(&self) -> Window {
        Window::timed().with_tolerance(TOLERANCE, TOLERANCE)
    }

    fn carries_key_id(&self) -> bool {
        false
    }

    fn claim(&self, head: &Parts) -> Result<Claim, ClaimError> {
        let text = wire::text(self.signature(), wire::single(head, self.signature())?)?;
        let claim = self.tags(text)?;
        let (id, _, created) = self.dated(head)?;
        Ok(claim.with_created(created).with_message_id(id))
    }

    fn before_body(
        &self,
        head: &Parts,
        _: &Claim,
        text: &mut SignedText,
    ) -> Result<(), ClaimError> {
        let (id, time, _) = self.dated(head)?;
        for (name, part) in [("id", id), ("literal", "."), ("time", time), ("literal", ".")] {
            text.part(name).update(part.as_bytes());
        }
        Ok(())
    }

    fn stamp(&self, head: &mut Parts, stamp: &Stamp<'_>) -> Result<Claim, SignError> {
        stamp.without_key_id()?;
        TimeFormat::UnixSeconds.write_header(head, &self.timestamp, stamp.now())?;
        if !head.headers.contains_key(&self.id) {
            head.headers.insert(&self.id, wire::value(&self.id, &new_id(stamp.nonce()))?);
        }
        let (id, _, created) = self.dated(head)?;
        Ok(Claim::new().with_created(created).with_message_id(id))
    }

    fn attach(&self, head: &mut Parts, _: &Claim, tags: &[Tag]) -> Result<(), SignError> {
        let entry = |tag: &Tag| format!("{PREFIX}{}", Encoding::Base64.encode(tag.as_bytes()));
        let text = tags.iter().map(entry).collect::<Vec<_>>().join(" ");
        head.headers.insert(self.signature(), wire::sensitive(self.signature(), &text)?);
        Ok(())
    }
}

/// Sets the `webhook-id` of a request that has none, and returns it.
///
/// Call it before passing the request to a client that retries, so that each attempt has the same
/// ID. A signing middleware generates a new ID for each request without one.
///
/// # Panics
///
/// Panics if the system has no random source.
pub fn message_id(headers: &mut HeaderMap) -> &HeaderValue {
    headers.entry(ID).or_insert_with(|| {
        let mut random = [0; ID_ENTROPY];
        crate::random::fill(&mut random);
        // Letters, digits and `_` are a valid header value.
        HeaderValue::from_str(&new_id(&random)).unwrap_or(HeaderValue::from_static("msg"))
    })
}

/// The number of random bytes in a message ID: 27 base62 characters encode 160 bits.
const ID_ENTROPY: usize = 20;

/// Returns `msg_` and 27 base62 characters.
fn new_id(random: &[u8]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = [0; ID_ENTROPY];
    number.iter_mut().zip(random).for_each(|(to, from)| *to = *from);
    let mut id = String::from("msg_");
    for _ in 0..27 {
        // Divides by 62, digit by digit.
        let mut rest = 0_u32;
        for byte in &mut number {
            let dividend = (rest << 8) | u32::from(*byte);
            *byte = u8::try_from(dividend / 62).unwrap_or_default();
            rest = dividend % 62;
        }
        let digit = usize::try_from(rest).ok().and_then(|rest| DIGITS.get(rest));
        id.push(char::from(digit.copied().unwrap_or(b'0')));
    }
    id
}

//! RFC 9421 by hand: one list of components, one key, no replay guard.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, Mac as _};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::bare_hash;
use super::by_hand::{ByHand, Caller, decoded};

const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// The only list of components.
const LIST: &str = r#"("@method" "@authority" "@path" "@query" "content-digest")"#;

/// How far a time may be from now, in seconds: the requests are signed once for all rounds.
const TOLERANCE: u64 = 24 * 60 * 60;

pub struct Message {
    key: Hmac<Sha256>,
    caller: Caller,
}

impl Message {
    pub fn new() -> Self {
        Self { key: bare_hash(), caller: Caller("aservice".into()) }
    }
}

impl ByHand for Message {
    type Running = (Sha256, [u8; 32]);

    fn begin(&self, head: &Parts) -> Option<Self::Running> {
        let found = Found::read(head)?;
        let input = found.input.strip_prefix("sig1=")?;
        let parameters = input.strip_prefix(LIST)?;
        check(parameters, &self.caller.0)?;
        let tag = found.signature.strip_prefix("sig1=:")?.strip_suffix(':')?;
        let tag = decoded(tag.as_bytes())?;
        let digest = found.digest.strip_prefix("sha-256=:")?.strip_suffix(':')?;
        let digest = decoded(digest.as_bytes())?;

        let mut base = Base { bytes: [0; 1024], len: 0 };
        base.push("\"@method\": ")?;
        base.push(head.method.as_str())?;
        base.push("\n\"@authority\": ")?;
        let start = base.len;
        base.push(found.host)?;
        base.bytes.get_mut(start..base.len)?.make_ascii_lowercase();
        base.push("\n\"@path\": ")?;
        base.push(head.uri.path())?;
        base.push("\n\"@query\": ?")?;
        base.push(head.uri.query().unwrap_or_default())?;
        base.push("\n\"content-digest\": ")?;
        base.push(found.digest)?;
        base.push("\n\"@signature-params\": ")?;
        base.push(input)?;
        let mut mac = self.key.clone();
        mac.update(base.bytes.get(..base.len)?);
        mac.verify_slice(&tag).ok()?;
        Some((Sha256::new(), digest))
    }

    fn update((hash, _): &mut Self::Running, data: &[u8]) {
        hash.update(data);
    }

    fn finish((hash, digest): Self::Running) -> bool {
        *hash.finalize() == digest
    }

    fn caller(&self) -> Caller {
        self.caller.clone()
    }
}

/// The four headers, each of which must occur once.
struct Found<'h> {
    host: &'h str,
    input: &'h str,
    signature: &'h str,
    digest: &'h str,
}

impl<'h> Found<'h> {
    fn read(head: &'h Parts) -> Option<Self> {
        let (mut host, mut input, mut signature, mut digest) = (None, None, None, None);
        for (name, value) in &head.headers {
            let slot: &mut Option<&'h HeaderValue> = match name {
                name if *name == http::header::HOST => &mut host,
                name if *name == SIGNATURE_INPUT => &mut input,
                name if *name == SIGNATURE => &mut signature,
                name if *name == CONTENT_DIGEST => &mut digest,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return None;
            }
        }
        let text = |value: Option<&'h HeaderValue>| value?.to_str().ok();
        Some(Self {
            host: text(host)?,
            input: text(input)?,
            signature: text(signature)?,
            digest: text(digest)?,
        })
    }
}

/// Checks time, key ID, algorithm and nonce.
fn check(parameters: &str, key_id: &str) -> Option<()> {
    let (mut created, mut known, mut nonce) = (None, false, false);
    for parameter in parameters.strip_prefix(';')?.split(';') {
        let (name, value) = parameter.split_once('=')?;
        let quoted = || value.strip_prefix('"')?.strip_suffix('"');
        match name {
            "created" => created = Some(value.parse::<u64>().ok()?),
            "keyid" => known = quoted()? == key_id,
            "alg" if quoted()? == "hmac-sha256" => {}
            "nonce" => nonce = quoted()?.len() >= 16,
            _ => return None,
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    (now.abs_diff(created?) <= TOLERANCE && known && nonce).then_some(())
}

/// The signature base, on the stack.
struct Base {
    bytes: [u8; 1024],
    len: usize,
}

impl Base {
    fn push(&mut self, text: &str) -> Option<()> {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Some(())
    }
}

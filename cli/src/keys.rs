//! Keys from the environment, from files and from standard input.

use std::io::Read as _;

use http::request::Parts;
use tower_hmac::{KeyId, KeyMap, KeySet, Scheme, SecretKey};
use zeroize::Zeroizing;

use crate::args::{KeyArgs, KeyEncoding};
use crate::failure::Failure;

const ON_THE_COMMAND_LINE: &str = "\
a key on the command line can be read by every user of this machine (`ps`), and stays in the
       history of the shell; use a variable (--key-env), a file (--key-file), or a pipe (--key-stdin)";

/// Keys with their key IDs. A key without a key ID is used for any key ID that the request claims.
pub(crate) struct Keys(Vec<(Option<String>, SecretKey)>);

impl Keys {
    pub(crate) fn read(args: &KeyArgs) -> Result<Self, Failure> {
        if args.key.is_some() {
            return Err(Failure::new(ON_THE_COMMAND_LINE));
        }
        let mut keys = Vec::new();
        for source in &args.key_env {
            let (id, variable) = split(source);
            let value = std::env::var_os(variable).map(std::ffi::OsString::into_encoded_bytes);
            let value = value.map(Zeroizing::new);
            let value = value.ok_or_else(|| {
                Failure::new(format!("--key-env: the variable `{variable}` is not set"))
            })?;
            keys.push((id, decode(&value, args.key_encoding)?));
        }
        for source in &args.key_file {
            let (id, path) = split(source);
            let value = std::fs::read(path)
                .map_err(|error| Failure::new(format!("--key-file {path}: {error}")))?;
            keys.push((id, decode(&without_newline(value), args.key_encoding)?));
        }
        if args.key_stdin {
            let mut value = Vec::new();
            std::io::stdin().read_to_end(&mut value)?;
            keys.push((None, decode(&without_newline(value), args.key_encoding)?));
        }
        if keys.is_empty() {
            return Err(Failure::new("no key: use --key-env, --key-file or --key-stdin"));
        }
        // `--key-id` applies to the first key without an ID.
        if let (Some(id), Some((unnamed, _))) =
            (&args.key_id, keys.iter_mut().find(|(id, _)| id.is_none()))
        {
            *unnamed = Some(id.clone());
        }
        Ok(Self(keys))
    }

    /// Makes a key that was pasted into the page.
    pub(crate) fn pasted(
        text: &Zeroizing<Vec<u8>>,
        encoding: KeyEncoding,
        id: Option<String>,
    ) -> Result<Self, Failure> {
        Ok(Self(vec![(id, decode(text, encoding)?)]))
    }

    /// Returns the first key and its ID, to sign with.
    pub(crate) fn first(&self) -> Option<(Option<&str>, &SecretKey)> {
        self.0.first().map(|(id, key)| (id.as_deref(), key))
    }

    /// Returns the keys to verify a request with.
    pub(crate) fn map(
        &self,
        scheme: &dyn Scheme,
        head: &Parts,
        body: &[u8],
    ) -> Result<KeyMap, Failure> {
        let claim = scheme.claim(head).ok().or_else(|| scheme.claim_from_body(head, body).ok());
        let claimed = claim.as_ref().and_then(|claim| claim.key_id()).map(KeyId::as_str);
        let is_named = |id: &str| self.0.iter().any(|(other, _)| other.as_deref() == Some(id));
        let unnamed = claimed.filter(|id| !is_named(id));
        let unnamed = unnamed.or(scheme.requires_key_id().then_some("any"));
        let mut sets = Vec::new();
        for (id, key) in &self.0 {
            match id {
                Some(id) if scheme.carries_key_id() => add(&mut sets, Some(id), key),
                _ => {
                    if unnamed.is_some() {
                        add(&mut sets, unnamed, key);
                    }
                    if !scheme.requires_key_id() {
                        add(&mut sets, None, key);
                    }
                }
            }
        }
        let mut map = KeyMap::default();
        for (id, keys) in sets {
            let keys = KeySet::new(keys)?;
            map = match id {
                Some(id) => map.with_key(id, keys)?,
                None => map.with_single(keys)?,
            };
        }
        Ok(map)
    }
}

/// Adds a key to the others of its key ID.
fn add<'i>(
    sets: &mut Vec<(Option<&'i str>, Vec<SecretKey>)>,
    id: Option<&'i str>,
    key: &SecretKey,
) {
    match sets.iter_mut().find(|(other, _)| *other == id) {
        Some((_, keys)) => keys.push(key.clone()),
        None => sets.push((id, vec![key.clone()])),
    }
}

/// Splits `ID=source`.
fn split(source: &str) -> (Option<String>, &str) {
    match source.split_once('=') {
        Some((id, source)) => (Some(id.to_owned()), source),
        None => (None, source),
    }
}

/// Removes what files and pipes add to a key: a newline at the end, and a byte order mark at
/// the start.
fn without_newline(value: Vec<u8>) -> Zeroizing<Vec<u8>> {
    let mut value = Zeroizing::new(value);
    if value.starts_with("\u{feff}".as_bytes()) {
        value.drain(.."\u{feff}".len());
    }
    if value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    value
}

fn decode(value: &Zeroizing<Vec<u8>>, encoding: KeyEncoding) -> Result<SecretKey, Failure> {
    if encoding == KeyEncoding::Text {
        return Ok(SecretKey::new(value.as_slice())?);
    }
    let text = std::str::from_utf8(value).map_err(|_| Failure::new("the key is not text"))?;
    Ok(match encoding {
        KeyEncoding::Hex => SecretKey::from_hex(text)?,
        KeyEncoding::Base64 => SecretKey::from_base64(text)?,
        KeyEncoding::Text | KeyEncoding::Whsec => SecretKey::from_whsec(text)?,
    })
}

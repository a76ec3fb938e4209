//! Error messages for the text of a key. They never contain any part of the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// Prefixes that are often found in front of keys.
const PREFIXES: [(&str, &str); 4] = [
    ("whsec_", "it begins with the prefix `whsec_`; use `SecretKey::from_whsec`"),
    ("base64:", "it begins with the prefix `base64:`, which is not part of the key"),
    ("hex:", "it begins with the prefix `hex:`, which is not part of the key"),
    ("0x", "it begins with the prefix `0x`, which is not part of the key"),
];

/// Returns the error for a string that is not base64.
pub(super) fn not_base64(text: &str) -> ConfigError {
    let without_padding = text.trim_end_matches('=');
    let why = around(text).unwrap_or_else(|| {
        if text.contains(['-', '_']) {
            "it contains `-` or `_`, which are url-safe base64 (section 5)"
        } else if text.bytes().any(|byte| !is_base64(byte)) {
            "it contains a character that is not in the base64 alphabet"
        } else if without_padding.contains('=') {
            "it contains `=` before its end"
        } else if decodes(without_padding) {
            if text.len() == without_padding.len() {
                "the padding `=` at its end is missing"
            } else {
                "the padding `=` at its end has the wrong length"
            }
        } else {
            "it is cut off, or the unused bits of its last character are not zero"
        }
    });
    ConfigError::invalid("key", format!("is not base64 (RFC 4648 section 4): {why}"))
}

/// Returns the error for a string that is not hex.
pub(super) fn not_hex(text: &str) -> ConfigError {
    let why = around(text).unwrap_or_else(|| {
        if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            "it has an odd number of digits"
        } else if text.bytes().all(|byte| is_base64(byte) || b"-_".contains(&byte)) {
            "it contains letters that are not hex digits; it may be base64"
        } else {
            "it contains a character that is not a hex digit"
        }
    });
    ConfigError::invalid("key", format!("is not hex (RFC 4648 section 8): {why}"))
}

/// Returns the error for a string that is not a webhook secret: which form it has, and which is
/// expected.
#[cfg(feature = "webhooks")]
pub(super) fn not_whsec(text: &str) -> ConfigError {
    let form = if ["whpk_", "whsk_"].iter().any(|prefix| text.starts_with(prefix)) {
        "is an asymmetric key (`whpk_`, `whsk_`), which is not supported"
    } else if let Some(why) = around(text) {
        return ConfigError::invalid(
            "webhook secret",
            format!("does not begin with `whsec_`: {why}"),
        );
    } else if text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "looks like hex without a prefix, which `from_hex` reads"
    } else if text.bytes().all(is_base64) {
        "looks like base64 without a prefix, which `from_base64` reads"
    } else {
        "has no prefix `whsec_`"
    };
    let expected =
        "expected `whsec_` and base64; if the peer uses the text itself as the key, use `new`";
    ConfigError::invalid("webhook secret", format!("{form}; {expected}"))
}

/// Returns a description of characters around the text that are not part of the key.
fn around(text: &str) -> Option<&'static str> {
    let quotes = ['"', '\''];
    if let Some((_, why)) = PREFIXES.iter().find(|(prefix, _)| text.starts_with(prefix)) {
        return Some(why);
    }
    if text.starts_with('\u{feff}') {
        Some("it begins with a byte order mark")
    } else if text.ends_with(['\n', '\r']) {
        Some("it ends in a newline")
    } else if text.starts_with(quotes) || text.ends_with(quotes) {
        Some("it is in quotes")
    } else if text.trim() != text {
        Some("it has whitespace around it")
    } else if text.contains(char::is_whitespace) {
        Some("it contains whitespace or a newline")
    } else {
        None
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

fn decodes(text: &str) -> bool {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    STANDARD_NO_PAD.decode_vec(text, &mut bytes).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::key::SecretKey;

    #[test]
    fn error_for_bad_base64_says_what_is_wrong() {
        for (text, why) in [
            ("whsec_c2VjcmV0IQ==", "the prefix `whsec_`"),
            ("base64:c2VjcmV0IQ==", "the prefix `base64:`"),
            ("c2VjcmV0IQ==\n", "ends in a newline"),
            ("c2VjcmV0IQ==\r\n", "ends in a newline"),
            ("\"c2VjcmV0IQ==\"", "in quotes"),
            (" c2VjcmV0IQ==", "whitespace around it"),
            ("c2Vjcm\nV0IQ==", "contains whitespace or a newline"),
            ("_-_-", "url-safe"),
            ("c2VjcmV0IQ", "padding `=` at its end is missing"),
            ("c2VjcmV0IQ=", "wrong length"),
            ("c2Vj=mV0", "`=` before its end"),
            ("c2VjcmV0!Q==", "a character that is not in the base64 alphabet"),
            ("c2VjcmV0IR==", "unused bits of its last character are not zero"),
            ("c2Vjc", "cut off"),
        ] {
            let error = SecretKey::from_base64(text).unwrap_err().to_string();
            assert!(error.starts_with("key: is not base64 (RFC 4648 section 4): "), "{error}");
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("c2Vj"), "{error}");
        }
    }

    #[test]
    fn error_for_bad_hex_says_what_is_wrong() {
        for (text, why) in [
            ("0x00fe17", "the prefix `0x`"),
            ("hex:00fe17", "the prefix `hex:`"),
            ("00fe17\n", "ends in a newline"),
            ("00fe1", "an odd number of digits"),
            ("AP4X", "may be base64"),
            ("00:fe:17", "a character that is not a hex digit"),
        ] {
            let error = SecretKey::from_hex(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert!(!error.contains("fe1") && !error.contains("AP4X"), "{error}");
        }
    }
}

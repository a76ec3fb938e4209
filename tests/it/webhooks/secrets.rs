//! The keys that secrets in text form become.

use tower_hmac::{KeySet, SecretKey};

#[test]
fn base64_after_whsec_is_decoded() {
    let bytes = SecretKey::from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    for text in
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    {
        let key = SecretKey::from_whsec(text).unwrap();
        assert_eq!(key.expose_secret(), bytes.expose_secret());
    }
    let padded = SecretKey::from_whsec("whsec_czNjcjN0dA==").unwrap();
    let unpadded = SecretKey::from_whsec("whsec_czNjcjN0dA").unwrap();
    assert_eq!(
        (padded.expose_secret(), unpadded.expose_secret()),
        (&b"s3cr3tt"[..], &b"s3cr3tt"[..])
    );
}

#[test]
fn error_for_a_secret_in_another_form_names_the_expected_form() {
    for (text, why) in [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "looks like base64 without a prefix"),
        ("4d664b513972384a", "looks like hex without a prefix"),
        ("MfKQ-a_secret_of_words", "has no prefix `whsec_`"),
        ("MfKQ-a_secret_of_words", "if the peer uses the text itself as the key, use `new`"),
        ("\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"", "it is in quotes"),
        (" whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whitespace around it"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "ends in a newline"),
        ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "asymmetric"),
        ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "asymmetric"),
        ("whsec_MfKQ!", "a character that is not in the base64 alphabet"),
        ("whsec_MfKQ_-", "url-safe base64"),
        ("whsec_", "empty"),
        ("", "empty"),
    ] {
        let error = SecretKey::from_whsec(text).unwrap_err().to_string();
        assert!(error.starts_with("webhook secret: "), "{error}");
        assert!(error.contains(why), "{error}");
        assert!(!error.contains("MfKQ") && !error.contains("4d66"), "the error repeats the secret");
    }
}

#[test]
fn a_list_of_secrets_is_split_at_bars_and_spaces() {
    for text in ["whsec_bmV3|whsec_b2xk", "whsec_bmV3 whsec_b2xk", " whsec_bmV3 | whsec_b2xk"] {
        let keys = KeySet::from_whsec_list(text).unwrap();
        let bytes: Vec<_> = keys.iter().map(|entry| entry.key().expose_secret()).collect();
        assert_eq!(bytes, [b"new", b"old"]);
    }
    assert!(KeySet::from_whsec_list("").is_err());
    assert!(KeySet::from_whsec_list("whsec_bmV3|plain").is_err());
}

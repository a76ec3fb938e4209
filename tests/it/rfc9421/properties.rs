//! Properties of random requests.

use http::HeaderValue;
use proptest::prelude::*;
use tower_hmac::MessageSignatures;
use tower_hmac::scheme::Policy;

use super::{
    BODY, covered, head, parameters, request, set, sign, signer, tag, verifier, verify, verify_by,
};

/// The components of the usual request and a field, in any order.
fn components() -> impl Strategy<Value = Vec<&'static str>> {
    Just(vec![
        "\"@method\"",
        "\"@authority\"",
        "\"@path\"",
        "\"@query\"",
        "\"content-digest\"",
        "\"content-type\"",
        "\"date\";bs",
    ])
    .prop_shuffle()
}

proptest! {
    /// The signature covers the member as serialized again, not the sent text (section 3.2). Any
    /// spacing verifies under one signature, but another order does not.
    #[test]
    fn order_of_components_is_signed_and_spacing_is_not(
        components in components(),
        parameters in Just(vec![
            "created=1618884473", "keyid=\"test-shared-secret\"", "nonce=\"0123456789abcdef\"",
            "alg=\"hmac-sha256\"", "tag=\"a \\\" ,b=(c) \\\\\"",
        ]).prop_shuffle(),
        spaces in proptest::collection::vec(0..3_usize, 8),
        gap in "[ \t]{0,2}",
    ) {
        let space = |n: usize| " ".repeat(spaces[n]);
        let mut input = format!("({}", space(0));
        for component in &components {
            input += component;
            input += &" ".repeat(1 + spaces[1]);
        }
        input += ")";
        for (n, parameter) in parameters.iter().enumerate() {
            input.extend([";", &space(n + 2), parameter]);
        }
        let mut head = request();
        sign(&mut head, &input);
        prop_assert!(verify(&head, BODY).is_ok(), "{}", input);

        // The text around the member is not covered.
        set(&mut head, "signature-input", &format!("{gap}sig={input}{gap}").replace('\t', " "));
        prop_assert!(verify(&head, BODY).is_ok());

        // One signature for all spellings: that of the shortest.
        let plain = format!("({})", components.join(" ")) + ";" + &parameters.join(";");
        let tag_of_plain = head.headers["signature"].clone();
        set(&mut head, "signature-input", &format!("sig={plain}"));
        prop_assert!(verify(&head, BODY).is_ok());
        sign(&mut head, &plain);
        prop_assert_eq!(&head.headers["signature"], tag_of_plain);
        // A signature over the sent text does not verify.
        let base = MessageSignatures::new().signature_base(&head, &input).unwrap();
        if input != plain {
            super::put(&mut head, &input, &tag(&base.replace(&plain, &input)));
            prop_assert!(verify(&head, BODY).is_err());
        }
        sign(&mut head, &input);
        let mut reversed = components.clone();
        reversed.reverse();
        let reordered = format!("({})", reversed.join(" ")) + input.split_once(')').unwrap().1;
        prop_assume!(reordered != input);
        set(&mut head, "signature-input", &format!("sig={reordered}"));
        prop_assert!(verify(&head, BODY).is_err());
    }

    /// Any change in a covered component is rejected.
    #[test]
    fn changed_component_is_rejected(
        place in 0..7_usize,
        method in "[A-Z]{1,8}",
        host in "[a-z]{1,10}(:[1-9][0-9]{0,3})?",
        path in "/[a-zA-Z0-9%._~/-]{0,20}",
        query in "[a-zA-Z0-9%&=+._~-]{0,20}",
        value in "[ -~]{0,20}",
        byte in any::<u8>(),
    ) {
        let mut original = request();
        let input = covered().replace(')', " \"content-type\" \"date\")") + &parameters();
        sign(&mut original, &input);
        let mut changed = original.clone();
        let mut body = BODY.to_vec();
        match place {
            0 => changed.method = method.parse().unwrap(),
            1 => set(&mut changed, "host", &host),
            2 => changed.uri = format!("{path}?param=Value&Pet=dog").parse().unwrap(),
            3 => changed.uri = format!("/foo?{query}").parse().unwrap(),
            4 => set(&mut changed, "content-type", value.trim()),
            5 => { changed.headers.append("date", HeaderValue::from_str(&value).unwrap()); }
            _ => body.push(byte),
        }
        prop_assume!(place > 4
            || changed.method != original.method
            || changed.uri != original.uri
            || changed.headers != original.headers);
        prop_assert!(verify(&original, BODY).is_ok());
        prop_assert!(verify(&changed, &body).is_err());
    }

    /// Any changed byte of the two fields is rejected.
    #[test]
    fn changed_byte_of_the_fields_is_rejected(place in 0..400_usize, byte in 0x20..0x7f_u8) {
        let mut head = super::signed();
        let (name, place) = if place < 50 { ("signature", place) } else { ("signature-input", place - 50) };
        let mut value = head.headers[name].as_bytes().to_vec();
        prop_assume!(place < value.len() && value[place] != byte);
        value[place] = byte;
        head.headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
        prop_assert!(verify(&head, BODY).is_err());
    }

    /// No text causes a panic.
    #[test]
    fn arbitrary_text_is_rejected(input in "[ -~\t]{0,60}", signature in "[ -~\t]{0,60}") {
        let mut head = request();
        head.headers.insert("signature-input", HeaderValue::from_str(&input).unwrap());
        head.headers.insert("signature", HeaderValue::from_str(&signature).unwrap());
        prop_assert!(verify(&head, BODY).is_err());
    }

    /// Structured fields that are similar to a real one.
    #[test]
    fn near_miss_is_rejected(parts in proptest::collection::vec(
        prop_oneof![
            Just("sig=("), Just(")"), Just("\"@method\""), Just("\"date\""), Just(" "), Just(";"),
            Just("sf"), Just("key=\"a\""), Just("created=1"), Just("nonce=\"\\\"\""), Just(","),
            Just(":AAAA:"), Just("?1"), Just("b="), Just("\""), Just("@1"), Just("%\"%c3%a9\""),
        ], 0..14)
    ) {
        let mut head = request();
        set(&mut head, "signature-input", &parts.concat());
        set(&mut head, "signature", &format!("sig=:{}:", tag("")));
        prop_assert!(verify(&head, BODY).is_err());
        let _ = MessageSignatures::new().signature_base(&head, &parts.concat());
    }

    /// A server accepts everything that our signer writes, including a field of any bytes.
    #[test]
    fn signed_request_is_accepted(
        method in "[A-Z]{1,8}",
        path in "/[a-zA-Z0-9%._~/-]{0,20}",
        query in proptest::option::of("[a-zA-Z0-9%&=+._~-]{0,20}"),
        value in proptest::collection::vec(0x80..=0xff_u8, 0..20),
        body in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let policy = Policy::strict().add_component("\"x-any\";bs").unwrap();
        let scheme = MessageSignatures::new().with_policy(policy);
        let mut sent = head(&method, &format!("http://Example.com:80{path}{query}"), &[]);
        sent.headers.append("x-any", HeaderValue::from_bytes(&value).unwrap());
        sent.headers.append("x-any", HeaderValue::from_static("more"));
        signer(scheme.clone()).sign_head(&mut sent, &body).unwrap();
        // Rebuild the request as it arrives over HTTP/1.1.
        sent.uri = format!("{path}{query}").parse().unwrap();
        set(&mut sent, "host", "EXAMPLE.com");
        prop_assert!(verify_by(&verifier(scheme), &sent, &body).is_ok());
    }
}

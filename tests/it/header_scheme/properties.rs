//! Properties of every request.

use proptest::prelude::*;
use tower_hmac::testing::signed_text;

use super::*;

/// A request, in the parts that the scheme can cover.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    id: Vec<u8>,
    time: String,
    body: Vec<u8>,
}

impl Sent {
    /// Returns `None` if HTTP cannot carry the request.
    fn head(&self) -> Option<Parts> {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let request = Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}{query}", self.path))
            .header("X-Signature", SOME_TAG)
            .header("X-Id", self.id.as_slice())
            .header("X-Timestamp", &self.time);
        Some(request.body(()).ok()?.into_parts().0)
    }

    /// The value after HTTP parsing.
    fn of(head: &Parts, body: &[u8]) -> Self {
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            id: head.headers["x-id"].as_bytes().to_vec(),
            time: head.headers["x-timestamp"].to_str().unwrap_or_default().to_owned(),
            body: body.to_vec(),
        }
    }

    fn value<'a>(&'a self, part: &'a Part) -> &'a [u8] {
        match part {
            Part::Literal(bytes) => bytes,
            Part::Method => self.method.as_bytes(),
            Part::Path => self.path.as_bytes(),
            Part::Query => self.query.as_deref().unwrap_or_default().as_bytes(),
            Part::Header(_) => &self.id,
            Part::Timestamp(..) => self.time.as_bytes(),
            _ => &self.body,
        }
    }
}

fn everything() -> Vec<Part> {
    let line = || Part::literal("\n");
    vec![
        timestamp(),
        line(),
        Part::Method,
        line(),
        Part::Path,
        line(),
        Part::Query,
        line(),
        header("X-Id"),
        line(),
        Part::Body,
    ]
}

fn ordinary() -> impl Strategy<Value = Sent> {
    (
        "[A-Z]{1,7}",
        "/[ -~&&[^?#<>\"{}|\\\\^` ]]{0,20}",
        proptest::option::of("[a-z0-9=&%.:/?]{1,20}"),
        "[!-~]{0,20}",
        proptest::collection::vec(any::<u8>(), 0..200),
    )
        .prop_map(|(method, path, query, id, body)| Sent {
            method,
            path,
            query,
            id: id.into_bytes(),
            time: NOW.to_string(),
            body,
        })
}

/// Short values full of delimiters, so that two of them often make the same text.
fn awkward() -> impl Strategy<Value = Sent> {
    (
        "[A.]{1,3}",
        "/[1.:?]{0,4}",
        "[1.:?]{0,4}",
        proptest::bool::ANY,
        "[1.:]{0,5}",
        "[1.:]{1,2}",
        "[1.:/?\n]{0,6}",
    )
        .prop_map(|(method, path, query, has_query, id, time, body)| Sent {
            method,
            path,
            query: has_query.then_some(query),
            id: id.into_bytes(),
            time,
            body: body.into_bytes(),
        })
}

/// Every order of these parts, with delimiters that occur in the values above.
fn layouts() -> impl Strategy<Value = Vec<Part>> {
    let variable =
        || vec![Part::Method, Part::Path, Part::Query, header("X-Id"), timestamp(), Part::Body];
    let delimiter = || prop_oneof!["\\.", ":", "\\.:", "\\?", "::", "\n"];
    (Just(variable()).prop_shuffle(), 2..=6_usize, proptest::collection::vec(delimiter(), 6))
        .prop_map(|(variable, count, delimiters)| {
            let mut parts = Vec::new();
            for (part, delimiter) in variable.into_iter().zip(delimiters).take(count) {
                parts.extend([part, Part::literal(delimiter)]);
            }
            parts.pop();
            parts
        })
}

proptest! {
    #[test]
    fn signed_request_verifies(sent in ordinary()) {
        let scheme = scheme().with_parts(everything()).unwrap();
        let Some(mut head) = sent.head() else { return Ok(()) };
        head.headers.remove("x-signature");
        signer(scheme.clone()).sign_head(&mut head, &sent.body).unwrap();
        prop_assert!(verify(&verifier(scheme), &head, &sent.body).is_ok());
    }

    #[test]
    fn one_bit_changed_in_a_covered_part_does_not_verify(
        sent in ordinary(),
        which in 0..7_usize,
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let scheme = scheme().with_parts(everything()).unwrap();
        let Some(mut head) = sent.head() else { return Ok(()) };
        head.headers.remove("x-signature");
        signer(scheme.clone()).sign_head(&mut head, &sent.body).unwrap();
        let tag = head.headers["x-signature"].as_bytes().to_vec();

        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            bytes
        };
        let text = |text: &str| String::from_utf8(flip(text.as_bytes())).unwrap_or_default();
        let mut changed = sent.clone();
        let mut changed_tag = tag.clone();
        match which {
            0 => changed.method = text(&sent.method),
            1 => changed.path = text(&sent.path),
            2 => changed.query = sent.query.as_deref().map(text),
            3 => changed.id = flip(&sent.id),
            4 => changed.time = text(&sent.time),
            5 => changed.body = flip(&sent.body),
            _ => changed_tag = flip(&tag),
        }
        let Some(mut changed_head) = changed.head() else { return Ok(()) };
        let Ok(changed_tag) = http::HeaderValue::from_bytes(&changed_tag) else { return Ok(()) };
        let same = Sent::of(&head, &sent.body) == Sent::of(&changed_head, &changed.body)
            && changed_tag == head.headers["x-signature"];
        changed_head.headers.insert("x-signature", changed_tag);
        let outcome = verify(&verifier(scheme), &changed_head, &changed.body);
        prop_assert_eq!(outcome.is_ok(), same);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Moves bytes between adjacent parts, the query into the body, and so on: of all requests with
    /// the same text, the scheme accepts one.
    #[test]
    fn other_requests_have_other_texts(parts in layouts(), sent in awkward()) {
        let Ok(scheme) = scheme().with_parts(parts.clone()) else { return Ok(()) };
        let value = |part: &Part| sent.value(part).to_vec();
        let text: Vec<u8> = parts.iter().flat_map(value).collect();
        let mut accepted = Vec::new();
        for values in readings(&text, &parts) {
            accepted.extend(requests(&sent, &parts, &values).into_iter().filter(|other| {
                let body: &[u8] = if parts.contains(&Part::Body) { &other.body } else { b"" };
                let head = other.head().unwrap();
                signed_text(&scheme, &head, body).is_ok_and(|signed| signed == text)
            }));
        }
        prop_assert!(accepted.len() <= 1, "{:?}", accepted);
    }
}

/// All ways to split a text into parts.
fn readings(text: &[u8], parts: &[Part]) -> Vec<Vec<Vec<u8>>> {
    let Some((part, rest)) = parts.split_first() else {
        return if text.is_empty() { vec![Vec::new()] } else { Vec::new() };
    };
    let lengths = match part {
        Part::Literal(bytes) if text.starts_with(bytes) => bytes.len()..=bytes.len(),
        Part::Literal(_) => return Vec::new(),
        _ => 0..=text.len(),
    };
    lengths
        .flat_map(|length| {
            let (value, text) = text.split_at(length);
            let more = readings(text, rest).into_iter();
            more.map(move |more| std::iter::once(value.to_vec()).chain(more).collect())
        })
        .collect()
}

/// The requests with these values: none if HTTP cannot carry them, two for an empty query.
fn requests(like: &Sent, parts: &[Part], values: &[Vec<u8>]) -> Vec<Sent> {
    let mut sent = like.clone();
    let mut bare_query = false;
    for (part, value) in parts.iter().zip(values) {
        let text = || String::from_utf8(value.clone()).unwrap();
        match part {
            Part::Method => sent.method = text(),
            Part::Path => sent.path = text(),
            Part::Query if value.is_empty() => (sent.query, bare_query) = (None, true),
            Part::Query => sent.query = Some(text()),
            Part::Header(_) => sent.id.clone_from(value),
            Part::Timestamp(..) => sent.time = text(),
            Part::Body => sent.body.clone_from(value),
            _ => {}
        }
    }
    let bare = bare_query.then(|| Sent { query: Some(String::new()), ..sent.clone() });
    let carried =
        |sent: &Sent| sent.head().is_some_and(|head| Sent::of(&head, &sent.body) == *sent);
    std::iter::once(sent).chain(bare).filter(carried).collect()
}

/// Pairs that a scheme with careless delimiters would sign alike: one of the two is rejected.
#[test]
fn pairs_that_would_share_a_text_are_not_both_accepted() {
    let dot = || Part::literal(".");
    let id_time_body = vec![header("X-Id"), dot(), timestamp(), dot(), Part::Body];
    let path_body = vec![Part::Path, dot(), Part::Body];
    let path_query = vec![Part::Path, Part::literal("?"), Part::Query];
    let body_id = vec![Part::Body, dot(), header("X-Id")];
    let sent = |path: &str, query: Option<&str>, id: &str, time: &str, body: &str| Sent {
        method: "POST".into(),
        path: path.into(),
        query: query.map(str::to_owned),
        id: id.into(),
        time: time.into(),
        body: body.into(),
    };
    for (parts, accepted, rejected) in [
        (id_time_body, sent("/", None, "a", "1", "2.body"), sent("/", None, "a.1", "2", "body")),
        (path_body, sent("/a", None, "", "1", "b.c"), sent("/a.b", None, "", "1", "c")),
        (path_query, sent("/a", None, "", "1", ""), sent("/a", Some(""), "", "1", "")),
        (body_id, sent("/", None, "b", "1", "x.a"), sent("/", None, "a.b", "1", "x")),
    ] {
        let scheme = scheme().with_parts(parts).unwrap();
        assert!(signed_text(&scheme, &accepted.head().unwrap(), &accepted.body).is_ok());
        let rejected = signed_text(&scheme, &rejected.head().unwrap(), &rejected.body);
        assert!(matches!(rejected, Err(ClaimError::Malformed { .. })), "{rejected:?}");
    }
}

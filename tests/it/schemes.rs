//! Properties of every scheme of the crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use http::Request;
use tower_hmac::scheme::ClaimError;

use crate::support::schemes::all;

/// Returns the types in `impl Scheme for ..` and `type .. = ProviderScheme<..>` in this folder.
fn implemented(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            implemented(&path, found);
            continue;
        }
        // Unit tests have schemes of their own.
        if path.ends_with("tests.rs") {
            continue;
        }
        let code = fs::read_to_string(&path).unwrap();
        found.extend(code.lines().filter_map(|line| {
            let implemented = || line.strip_prefix("impl Scheme for ")?.strip_suffix(" {");
            let of_provider = || line.strip_prefix("pub type ")?.split_once(" = ProviderScheme<");
            implemented().or_else(|| of_provider().map(|(name, _)| name)).map(str::to_owned)
        }));
    }
}

#[test]
fn every_scheme_of_the_crate_is_in_the_list() {
    let mut found = BTreeSet::new();
    implemented(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let listed: BTreeSet<_> = all().iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn an_unsigned_request_is_unsigned_in_every_scheme() {
    let (head, ()) =
        Request::get("/a?b=c").header("host", "a.example").body(()).unwrap().into_parts();
    for (name, scheme) in all() {
        assert!(matches!(scheme.claim(&head), Err(ClaimError::Missing)), "{name}");
    }
}

#[test]
fn every_scheme_describes_itself() {
    for (name, scheme) in all() {
        assert!(!scheme.name().is_empty(), "{name}");
        assert!((1..=16).contains(&scheme.max_tags()), "{name}");
        assert!(scheme.carries_key_id() || !scheme.requires_key_id(), "{name}");
    }
}

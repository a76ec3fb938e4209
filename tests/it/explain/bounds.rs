//! The work of `explain` is limited for any input and any number of keys.

use futures_util::FutureExt as _;

use super::*;

#[test]
fn keys_beyond_256_are_counted_and_not_tried() {
    let services = |count: usize| (0..count).map(|number| (format!("service-{number}"), "akey"));
    let signed = |store: KeyMap| {
        let request = flask_request(key("zkey"), "body", "body");
        explain(&flask_verifier(store), &request).now_or_never().unwrap()
    };
    let with_last =
        |others: usize| KeyMap::named(services(others)).unwrap().with_key("last", "zkey").unwrap();
    let last = Cause::OtherKey(Some(KeyId::new("last").unwrap()));
    let report = signed(with_last(255));
    assert_eq!(report.likely(), [last]);
    assert!(!report.to_string().contains("not tried"), "{report}");

    let report = signed(with_last(99_999));
    assert_eq!(report.likely(), []);
    let line = "note: 256 other keys were tried, … and 99,744 more were not tried\n";
    assert!(report.to_string().contains(line), "{report}");
}

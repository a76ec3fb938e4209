//! Every request of `flask_hmac_decisions.json`, sent as its exact bytes over a socket to the
//! conformance program.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Conformance, status};

#[test]
fn every_decision_matches_the_vectors() {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/flask_hmac_decisions.json")).unwrap();
    let mut servers: HashMap<&str, Result<Conformance, Option<i32>>> = HashMap::new();
    let mut wrong = Vec::new();
    let cases = vectors["cases"].as_array().unwrap();
    for case in cases {
        let (id, want) = (case["id"].as_str().unwrap(), case["want"].as_str().unwrap());
        let name = case["config"].as_str().unwrap();
        let server = servers.entry(name).or_insert_with(|| {
            let config = &vectors["configs"][name];
            Conformance::serve(&json!({
                "app_config": config["app_config"],
                "header": config["header"],
                "digest": config["digest"],
            }))
            .map_err(|output| output.status.code())
        });
        let got = match server {
            Err(Some(2)) => "config-error".to_owned(),
            Err(code) => format!("exit {code:?}"),
            Ok(server) => {
                let request = STANDARD.decode(case["request_base64"].as_str().unwrap()).unwrap();
                let answer = server.send(&request, id == "single-short-body");
                match status(&answer) {
                    200..300 => "accept".into(),
                    400..500 => "reject".into(),
                    other => other.to_string(),
                }
            }
        };
        // An incomplete body gets no answer, which counts as not accepted.
        let hung_up = id == "single-short-body" && got == "0";
        let passes = want == "pass" && matches!(got.as_str(), "accept" | "reject");
        if got != want && !hung_up && !passes {
            wrong.push(format!("{id}: wanted {want}, got {got}"));
        }
    }
    assert_eq!(cases.len(), 85);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A key in the wrong setting must not reach a log.
#[test]
fn a_rejected_setting_is_named_without_its_value() {
    let secret = "a key in the wrong place";
    let wrong = [
        ("dangerous", json!([secret])),
        ("listen", json!(secret)),
        ("header", json!(secret)),
        ("digest", json!(secret)),
        ("rejection", json!(0)),
    ];
    for (name, value) in wrong {
        let config = json!({"app_config": {"HMAC_KEY": "k"}, name: value});
        let output = Conformance::serve(&config).err().expect(name);
        let reason = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(reason.contains(name), "{reason}");
        assert!(!reason.contains(secret), "{reason}");
    }
}

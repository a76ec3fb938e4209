//! The packages of providers and of Standard Webhooks: they sign requests for us to verify, and
//! verify those that we sign.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, Request};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tower_hmac::clock::ManualClock;
use tower_hmac::webhooks::{self, StandardWebhooks};
use tower_hmac::{ErrorKind, KeyId, KeyMap, Scheme, SecretKey, Signer, Verifier};

use crate::support::{ask_node, ask_python};

const BODIES: usize = 200;
/// A secret that Standard Webhooks decodes, and that everybody else uses as text.
const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];
const URL: &str = "https://example.com/hook?a=1";

/// The form of the body that a package expects.
#[derive(Clone, Copy, PartialEq)]
enum Bodies {
    Json,
    Form,
    Bytes,
}

/// A package by its provider's name, and the number of keys with which it and we sign.
struct Package {
    provider: &'static str,
    bodies: Bodies,
    keys: usize,
}

const NPM: &[Package] = &[
    Package { provider: "standardwebhooks", bodies: Bodies::Json, keys: 1 },
    Package { provider: "standardwebhooks", bodies: Bodies::Json, keys: 2 },
    Package { provider: "svix", bodies: Bodies::Json, keys: 1 },
    Package { provider: "svix", bodies: Bodies::Json, keys: 2 },
    Package { provider: "coinbase_commerce", bodies: Bodies::Json, keys: 1 },
    Package { provider: "github", bodies: Bodies::Json, keys: 1 },
    Package { provider: "line", bodies: Bodies::Bytes, keys: 1 },
    Package { provider: "linear", bodies: Bodies::Json, keys: 1 },
    Package { provider: "mux", bodies: Bodies::Json, keys: 1 },
    Package { provider: "notion", bodies: Bodies::Bytes, keys: 1 },
    Package { provider: "paddle", bodies: Bodies::Json, keys: 1 },
    Package { provider: "pusher", bodies: Bodies::Json, keys: 1 },
    Package { provider: "razorpay", bodies: Bodies::Json, keys: 1 },
    Package { provider: "sanity", bodies: Bodies::Json, keys: 1 },
    Package { provider: "stripe", bodies: Bodies::Json, keys: 1 },
    Package { provider: "twilio", bodies: Bodies::Form, keys: 1 },
    Package { provider: "workos", bodies: Bodies::Json, keys: 1 },
];

const PYPI: &[Package] = &[
    Package { provider: "standardwebhooks", bodies: Bodies::Json, keys: 1 },
    Package { provider: "standardwebhooks", bodies: Bodies::Json, keys: 2 },
];

impl Package {
    fn scheme(&self) -> Arc<dyn Scheme> {
        match self.provider {
            "standardwebhooks" => Arc::new(StandardWebhooks::new()),
            "svix" => Arc::new(StandardWebhooks::svix()),
            "twilio" => Arc::new(webhooks::twilio("https://example.com").unwrap()),
            name => webhooks::by_name(name).unwrap(),
        }
    }

    fn key(&self, of: usize) -> SecretKey {
        match self.provider {
            "standardwebhooks" | "svix" => SecretKey::from_whsec(SECRETS[of]).unwrap(),
            _ => SecretKey::new(SECRETS[of]).unwrap(),
        }
    }

    fn bodies(&self, time: i64) -> Vec<Vec<u8>> {
        let mut runner = TestRunner::deterministic();
        let mut body = || match self.bodies {
            Bodies::Bytes => of(&mut runner, any::<[u8; 24]>()).to_vec(),
            Bodies::Json => {
                let text = of(&mut runner, prop::collection::vec(any::<char>(), 0..40));
                let text = text.into_iter().collect::<String>();
                // Linear has its time in the body, and Coinbase an event member.
                let time = time * 1000;
                json!({"event": {"id": text}, "webhookTimestamp": time}).to_string().into_bytes()
            }
            Bodies::Form => {
                let pairs = ("[A-Za-z]{1,9}", prop::collection::vec(any::<char>(), 0..20));
                let pairs = of(&mut runner, prop::collection::vec(pairs, 0..6));
                let pair = |(name, value): (String, Vec<char>)| {
                    let value: String = value.into_iter().collect();
                    let escaped: String =
                        value.bytes().map(|byte| format!("%{byte:02X}")).collect();
                    format!("{name}={escaped}")
                };
                pairs.into_iter().map(pair).collect::<Vec<_>>().join("&").into_bytes()
            }
        };
        let mut bodies: Vec<_> = (1..BODIES).map(|_| body()).collect();
        bodies.push(match self.bodies {
            Bodies::Bytes => (0..=255).collect(),
            _ => body(),
        });
        bodies
    }

    fn request(&self, body: &[u8]) -> Request<Vec<u8>> {
        let kind = match self.bodies {
            Bodies::Form => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let request = Request::post("/hook?a=1").header("content-type", kind);
        request.body(body.to_vec()).unwrap()
    }

    fn signed_by_us(&self, body: &[u8], time: i64) -> Value {
        let mut signer = Signer::new(self.scheme(), self.key(0)).with_clock(ManualClock::new(time));
        if self.keys == 2 {
            signer = signer.add_key(self.key(1)).unwrap();
        }
        if self.provider == "pusher" {
            signer = signer.with_key_id("app").unwrap();
        }
        let signed = signer.sign(self.request(body)).unwrap();
        let pairs = signed.headers().iter();
        pairs.map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect()
    }

    /// The package's verdict under the last key.
    fn outcome(&self, headers: &Value, body: &[u8], time: i64) -> Option<ErrorKind> {
        let (mut head, _) = self.request(body).into_parts();
        for (name, value) in headers.as_object().unwrap() {
            let name: HeaderName = name.parse().unwrap();
            head.headers.insert(name, value.as_str().unwrap().parse().unwrap());
        }
        let key = self.key(self.keys - 1);
        let keys = match self.provider {
            "pusher" => KeyMap::default().with_key(KeyId::new("app").unwrap(), key).unwrap(),
            _ => KeyMap::single(key).unwrap(),
        };
        let verifier = Verifier::new(self.scheme(), keys).unwrap();
        verify(&verifier.with_clock(ManualClock::new(time)), &head, body)
    }

    /// Asks for a signature of each body, and for verdicts on ours and on ours with another body.
    fn questions(&self, time: i64) -> Vec<Value> {
        let question = |verb: &str, body: &[u8], secrets: &[&str], headers: Value| {
            json!({
                "verb": verb, "provider": self.provider, "secrets": secrets, "url": URL,
                "id": "msg_1", "time": time, "body": STANDARD.encode(body), "headers": headers,
            })
        };
        let bodies = self.bodies(time);
        let (signing, last) = (&SECRETS[..self.keys], &SECRETS[self.keys - 1..self.keys]);
        let sign = bodies.iter().map(|body| question("sign", body, signing, Value::Null));
        let verify =
            bodies.iter().map(|body| question("verify", body, last, self.signed_by_us(body, time)));
        let other = question("verify", &bodies[1], last, self.signed_by_us(&bodies[0], time));
        sign.chain(verify).chain([other]).collect()
    }

    fn check(&self, time: i64, answers: &[Value]) {
        let bodies = self.bodies(time);
        let (other, answers) = answers.split_last().unwrap();
        assert_ne!(other["valid"], json!(true), "{}", self.provider);
        let (signed, verdicts) = answers.split_at(bodies.len());
        for ((theirs, verdict), body) in signed.iter().zip(verdicts).zip(&bodies) {
            let text = String::from_utf8_lossy(body);
            assert_eq!(*verdict, json!({"valid": true}), "{}: {text}", self.provider);
            // A package that can only verify answers null.
            if theirs["headers"] != Value::Null {
                let outcome = self.outcome(&theirs["headers"], body, time);
                assert_eq!(outcome, None, "{}: {theirs}: {text}", self.provider);
            }
        }
    }
}

fn compare(packages: &[Package], ask: impl Fn(&[Value]) -> Option<Vec<Value>>) {
    // The packages use the system clock, and one of them accepts only deliveries of the last 5 s.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let time = i64::try_from(now.as_secs()).unwrap() + 20;
    let asked: Vec<_> = packages.iter().flat_map(|package| package.questions(time)).collect();
    let Some(answers) = ask(&asked) else { return };
    for (package, answers) in packages.iter().zip(answers.chunks(2 * BODIES + 1)) {
        package.check(time, answers);
    }
}

fn of<S: Strategy>(runner: &mut TestRunner, strategy: S) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

fn verify(verifier: &Verifier, head: &Parts, body: &[u8]) -> Option<ErrorKind> {
    let outcome = futures_util::FutureExt::now_or_never(verifier.verify(head, body));
    outcome.expect("an answer at once").err().map(|error| error.kind())
}

#[test]
fn packages_from_npm_sign_what_we_verify_and_verify_what_we_sign() {
    compare(NPM, |asked| ask_node("standardwebhooks", "webhooks.mjs", asked));
}

#[test]
fn the_package_from_pypi_signs_what_we_verify_and_verifies_what_we_sign() {
    compare(PYPI, |asked| ask_python("webhooks.py", asked));
}

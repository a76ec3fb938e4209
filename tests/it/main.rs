//! One test binary: the contract, vectors, attacks, and every scheme.
#![allow(missing_docs, unreachable_pub, clippy::pedantic)]

mod attacks;
mod axum;
mod body;
#[cfg(feature = "tracing")]
mod capture;
#[cfg(feature = "capture")]
mod captures;
mod clients;
mod config;
#[cfg(feature = "webhooks")]
mod conformance;
mod contract;
mod decisions;
mod delay;
mod drain;
mod explain;
mod extract;
mod face;
mod flask_path;
mod fost;
mod fost_url;
mod header_scheme;
mod interop;
mod interop_flask;
mod interop_rfc9421;
#[cfg(all(feature = "cache", feature = "reload"))]
mod keys;
#[cfg(feature = "tracing")]
mod log;
mod once;
#[cfg(all(feature = "openapi", feature = "rfc9421", feature = "sha1", feature = "webhooks"))]
mod openapi;
mod or;
#[cfg(all(feature = "axum", feature = "serde"))]
mod own_schemes;
#[cfg(feature = "rfc9421")]
mod public_cases;
mod public_origin;
#[cfg(all(feature = "reqwest", feature = "rfc9421"))]
mod redirects;
mod replay;
mod rfc9421;
mod roundtrip;
#[cfg(feature = "webhooks")]
mod scheme_config;
#[cfg(feature = "webhooks")]
mod schemes;
#[cfg(feature = "tracing")]
mod secrecy;
mod sign;
#[cfg(feature = "sigv4")]
mod sigv4;
mod sockets;
mod spaces_and_cases;
mod stamped;
mod support;
mod timed;
mod vectors;
#[cfg(all(feature = "metrics", feature = "tracing"))]
mod watch;
mod webhooks;

//! A receiver on the loopback interface that prints a verdict on each request.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use tokio::net::TcpListener;
use tower_hmac::{Scheme, Verifier};

use crate::args::ListenArgs;
use crate::failure::Failure;
use crate::forward::{Upstream, failed};
use crate::keys::Keys;
use crate::{advice, formats, terminal};

struct Receiver {
    scheme: Arc<dyn Scheme>,
    keys: Keys,
    body_limit: usize,
    upstream: Option<Upstream>,
}

pub(crate) async fn run(args: &ListenArgs) -> Result<ExitCode, Failure> {
    let (scheme, keys) = (formats::find(&args.scheme.format)?, Keys::read(&args.scheme.keys)?);
    // Find keys that do not fit the scheme now, and not at each request.
    let (head, _) = Request::new(Body::empty()).into_parts();
    Verifier::new(scheme.clone(), keys.map(&*scheme, &head, b"")?)?;
    let receiver = Receiver {
        scheme,
        keys,
        body_limit: args.body_limit,
        upstream: args.forward.as_deref().map(Upstream::new).transpose()?,
    };
    let app = Router::new().fallback(receive).with_state(Arc::new(receiver));
    serve(args.port, "listening on", app).await
}

/// Serves on the loopback interface until the process ends.
pub(crate) async fn serve(port: u16, what: &str, app: Router) -> Result<ExitCode, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| Failure::new(format!("port {port}: {error}")))?;
    let address = listener.local_addr()?;
    terminal::print(format!("{what} http://{address}/\n").as_bytes())?;
    axum::serve(listener, app).await?;
    Ok(ExitCode::SUCCESS)
}

async fn receive(State(receiver): State<Arc<Receiver>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    // Escape control characters: the client's text must not control the terminal.
    let line = format!("{} {}", head.method, head.uri.to_string().escape_debug());
    let Ok(collected) = Limited::new(body, receiver.body_limit).collect().await else {
        say(&format!("{line} -> 413, the body is longer than {} bytes\n", receiver.body_limit));
        return failed(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let body = collected.to_bytes();
    let verifier = receiver
        .keys
        .map(&*receiver.scheme, &head, &body)
        .and_then(|keys| Ok(Verifier::new(receiver.scheme.clone(), keys)?));
    let verifier = match verifier {
        Ok(verifier) => verifier.with_body_limit(receiver.body_limit),
        Err(_) => return failed(StatusCode::INTERNAL_SERVER_ERROR),
    };
    match verifier.verify(&head, &body).await {
        Ok(verified) => {
            let id = verified.key_id().map_or("no key ID".into(), |id| format!("key ID {id}"));
            say(&format!("{line} -> accepted, {id}\n"));
            match &receiver.upstream {
                Some(upstream) => upstream.send(head, body).await,
                None => Response::new(Body::from("accepted\n")),
            }
        }
        Err(error) => {
            let (kind, step) = (error.kind().as_str(), error.step().as_str());
            let mut told = format!("{line} -> rejected: {kind} at step {step}: {error}\n");
            for cause in verifier.explain(&head, &body).await.likely() {
                let _ = writeln!(told, "    likely: {cause}\n            {}", advice::of(cause));
            }
            say(&told);
            failed(error.status())
        }
    }
}

/// Prints a line. The receiver continues even if its output is no longer read.
fn say(text: &str) {
    let _ = terminal::print(text.as_bytes());
}

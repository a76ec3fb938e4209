//! The arguments. Their comments are the help text.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Sign, verify and explain HTTP requests with HMAC signatures.
///
/// A request is a capture: raw HTTP/1.1, a curl command line, a HAR entry, or JSON with `method`,
/// `url`, `headers` and `body` or `body_base64`. Keys are read from the environment, a file or
/// standard input, and never from an argument.
#[derive(Debug, Parser)]
#[command(name = "tower-hmac", version, verbatim_doc_comment, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Example: STRIPE_KEY=whsec_... tower-hmac explain --format stripe --key-env STRIPE_KEY request.txt

Exit codes: 0 accepted, 1 rejected, 2 usage or unreadable input.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign a request and print it.
    #[command(after_help = "\
Example: sign a request and send it
  tower-hmac sign --format rfc9421 --key-env KEY --key-id me --curl request.json | sh")]
    Sign(SignArgs),
    /// Verify a request and print one line.
    #[command(after_help = "\
Example: verify what a proxy has recorded
  tower-hmac verify --format github --key-file secret.txt request.har")]
    Verify(CheckArgs),
    /// Explain why a signature does not match.
    #[command(after_help = "\
Example: an old capture, with the signed text in hex
  tower-hmac explain --format stripe --key-env STRIPE_KEY --no-clock --hex request.txt")]
    Explain(ExplainArgs),
    /// Generate a key.
    #[command(after_help = "\
Example: the secret of a webhook
  tower-hmac key --whsec > secret.txt")]
    Key(KeyFormArgs),
    /// List the schemes, their headers, and what each covers.
    #[command(after_help = "\
Example: what GitHub signs
  tower-hmac formats github")]
    Formats {
        /// List only the schemes whose name contains this text.
        name: Option<String>,
    },
    /// Receive requests on the loopback interface and explain each rejection.
    #[command(after_help = "\
Example: let only verified requests through to port 3000
  tower-hmac listen --format github --key-env SECRET --port 8080 --forward http://127.0.0.1:3000")]
    Listen(ListenArgs),
    /// Serve a page that explains pasted requests, on the loopback interface.
    #[command(after_help = "\
Example: open the page on port 8321
  tower-hmac inspect --port 8321")]
    Inspect {
        /// Listen on this port; 0 picks a free one.
        #[arg(long, default_value_t = 8321)]
        port: u16,
    },
    /// Print the completions of a shell.
    #[command(after_help = "\
Example: complete commands in the running bash
  source <(tower-hmac completions bash)")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The scheme and the keys.
#[derive(ClapArgs, Debug)]
pub(crate) struct SchemeArgs {
    /// The signature scheme: a name from `tower-hmac formats`, JSON, or @FILE with JSON.
    ///
    /// An example of JSON is '{"header": "X-Sig", "parts": ["method", "\n", "body"]}'.
    #[arg(short, long, value_name = "FORMAT", verbatim_doc_comment)]
    pub(crate) format: String,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
}

/// Where keys come from.
#[derive(ClapArgs, Debug)]
pub(crate) struct KeyArgs {
    /// Read a key from this environment variable.
    ///
    /// Prefix it with `ID=` to set the key ID.
    #[arg(short = 'e', long, value_name = "[ID=]VARIABLE")]
    pub(crate) key_env: Vec<String>,
    /// Read a key from this file.
    ///
    /// A byte order mark at its start and a newline at its end are removed. Prefix the file with
    /// `ID=` to set the key ID.
    #[arg(long, value_name = "[ID=]FILE")]
    pub(crate) key_file: Vec<String>,
    /// Read a key from standard input.
    ///
    /// A byte order mark at its start and a newline at its end are removed.
    #[arg(long)]
    pub(crate) key_stdin: bool,
    /// How the keys are written.
    #[arg(long, value_enum, default_value_t = KeyEncoding::Text, value_name = "ENCODING")]
    pub(crate) key_encoding: KeyEncoding,
    /// The key ID of the key. Without it, the key is valid for every key ID.
    #[arg(long, value_name = "ID")]
    pub(crate) key_id: Option<String>,
    /// A key on the command line is rejected with an explanation.
    #[arg(long, alias = "secret", hide = true, allow_hyphen_values = true)]
    pub(crate) key: Option<String>,
}

/// How the text of a key becomes its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyEncoding {
    /// The text is the key.
    #[default]
    Text,
    /// Hex digits.
    Hex,
    /// Base64 with padding.
    Base64,
    /// `whsec_` and base64, as in Standard Webhooks.
    Whsec,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,
    /// Sign at this time, in Unix seconds, instead of now.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) now: Option<i64>,
    /// Replace the signature if the request has one.
    #[arg(long)]
    pub(crate) replace: bool,
    /// Print only the headers that signing adds or changes.
    #[arg(long, conflicts_with = "curl")]
    pub(crate) headers: bool,
    /// Print a curl command.
    #[arg(long)]
    pub(crate) curl: bool,
    /// The capture; `-` is standard input.
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,
    /// Check the request at this time, in Unix seconds, instead of now.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(crate) now: Option<i64>,
    /// Check the request at its own time, for an old capture.
    #[arg(long, conflicts_with = "now")]
    pub(crate) no_clock: bool,
    /// The capture; `-` is standard input.
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) check: CheckArgs,
    /// Show the signed text in hex, too.
    #[arg(long, conflicts_with = "json")]
    pub(crate) hex: bool,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
#[group(multiple = false)]
pub(crate) struct KeyForms {
    /// Print hex, the default.
    #[arg(long)]
    pub(crate) hex: bool,
    /// Print base64.
    #[arg(long)]
    pub(crate) base64: bool,
    /// Print `whsec_` and base64, as in Standard Webhooks.
    #[arg(long)]
    pub(crate) whsec: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct KeyFormArgs {
    #[command(flatten)]
    pub(crate) form: KeyForms,
    /// The number of random bytes.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(16..=1024))]
    pub(crate) bytes: u16,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ListenArgs {
    #[command(flatten)]
    pub(crate) scheme: SchemeArgs,
    /// Listen on this port; 0 picks a free one.
    #[arg(long, default_value_t = 8322)]
    pub(crate) port: u16,
    /// Pass verified requests on to this server, such as http://127.0.0.1:3000.
    #[arg(long, value_name = "URL")]
    pub(crate) forward: Option<String>,
    /// The longest accepted body, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 2 * 1024 * 1024)]
    pub(crate) body_limit: usize,
}

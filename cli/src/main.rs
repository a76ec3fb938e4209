//! The command `tower-hmac`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tower_hmac_cli::run()
}

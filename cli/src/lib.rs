//! The command `tower-hmac` signs, verifies and explains HTTP requests with HMAC signatures.
//!
//! To serve the page of `tower-hmac inspect` from your own service, use [`inspect::router`].

mod advice;
mod args;
mod commands;
mod failure;
mod formats;
mod forward;
mod input;
pub mod inspect;
mod keys;
mod listen;
mod output;
mod sample;
mod terminal;
mod view;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command with the arguments of the process.
///
/// Returns 0 if the request is accepted, 1 if it is rejected, and 2 if the command fails.
#[must_use]
pub fn run() -> ExitCode {
    match commands::run(args::Args::parse()) {
        Ok(code) => code,
        Err(failure) => failure.exit(),
    }
}

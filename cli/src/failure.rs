//! The reasons why a command fails.

use std::io;
use std::process::ExitCode;

/// A message for the user. It contains no key.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of the output closed the pipe, such as `head`.
    ClosedPipe,
    Message(String),
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// Prints the message and returns the exit code.
    pub(crate) fn exit(self) -> ExitCode {
        match self {
            Self::ClosedPipe => ExitCode::SUCCESS,
            Self::Message(message) => {
                eprintln!("error: {message}");
                ExitCode::from(2)
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::new(error.to_string()),
        }
    }
}

impl From<tower_hmac::ConfigError> for Failure {
    fn from(error: tower_hmac::ConfigError) -> Self {
        Self::new(error.to_string())
    }
}

//! How a command fails: a message and an exit code.

use std::io;
use std::process::ExitCode;

use shmem_core::{Error, FieldError};

#[derive(Debug)]
pub(crate) enum Failure {
    /// The library refused.
    Object(Error),
    /// There is no such part, or the value is none of its type.
    Field(FieldError),
    /// There is no such object, with what can be done about that.
    Missing(String),
    /// The command line is wrong in a way that only shows later.
    Usage(String),
    /// It took too long, or others are in the way.
    Late(String),
    /// Something else, in words.
    Other(String),
    /// Not a failure of the command: it has said what it found.
    Found(u8),
    /// Whoever reads our output has enough.
    OutputClosed,
}

pub(crate) type Result<T> = core::result::Result<T, Failure>;

/// `diff` found differences.
pub(crate) const DIFFER: u8 = 6;

impl Failure {
    /// See the list in the help.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Object(error) => match error {
                Error::NotFound { .. } | Error::Removed { .. } => 3,
                Error::Field { .. } => 4,
                Error::TimedOut { .. } | Error::Busy { .. } => 5,
                _ => 1,
            },
            Failure::Field(FieldError::InvalidBytes { .. }) => 1,
            Failure::Field(_) => 4,
            Failure::Missing(_) => 3,
            Failure::Usage(_) => 2,
            Failure::Late(_) => 5,
            Failure::Other(_) => 1,
            Failure::Found(code) => *code,
            Failure::OutputClosed => 0,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Failure::Object(Error::NotFound { location, .. }) => {
                // The library's advice is for programs.
                Some(format!(
                    "{location} does not exist; `shmem ls` lists what does"
                ))
            }
            Failure::Object(Error::Untrusted { .. }) => Some(format!(
                "{}\nonly reading is safe here: `show`, `get`, `watch`",
                self.object_message()
            )),
            Failure::Object(_) => Some(self.object_message()),
            Failure::Field(error) => Some(error.to_string()),
            Failure::Missing(text)
            | Failure::Usage(text)
            | Failure::Late(text)
            | Failure::Other(text) => Some(text.clone()),
            Failure::Found(_) | Failure::OutputClosed => None,
        }
    }

    /// With what the system said.
    fn object_message(&self) -> String {
        let Failure::Object(error) = self else {
            return String::new();
        };
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Object(error)
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Failure::Field(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Other(format!("cannot write the output: {error}")),
        }
    }
}

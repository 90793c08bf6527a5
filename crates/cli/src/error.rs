//! What a command says when it cannot do what was asked.

use crate::exit::Exit;
use paceline_core::validate::Problem;
use paceline_engine::Stop;

/// A message, its way out, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// What is wrong in the roster, where that is it.
    pub(crate) problems: Vec<Problem>,
    /// Problems beyond those.
    pub(crate) more: u64,
    pub(crate) exit: Exit,
}

impl Failure {
    /// The request was wrong.
    pub(crate) fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), problems: vec![], more: 0, exit: Exit::Wrong }
    }
}

impl From<paceline_journal::Error> for Failure {
    fn from(error: paceline_journal::Error) -> Self {
        Self::wrong(error.to_string(), error.hint())
    }
}

impl From<crate::input::Unreadable> for Failure {
    fn from(error: crate::input::Unreadable) -> Self {
        Self::wrong(error.to_string(), error.hint())
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Halted(halt) => Self { exit: Exit::Halted, ..Self::wrong(halt.to_string(), halt.hint()) },
            Stop::Interrupted => {
                Self { hint: None, exit: Exit::Interrupted, ..Self::wrong("interrupted", String::new()) }
            }
        }
    }
}

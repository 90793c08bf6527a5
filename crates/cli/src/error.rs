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
    /// Somebody was asked and did not agree.
    pub(crate) is_cancelled: bool,
    pub(crate) exit: Exit,
}

impl Failure {
    /// The request was wrong.
    pub(crate) fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), Some(hint.into()));
        Self { message, hint, problems: vec![], more: 0, is_cancelled: false, exit: Exit::Wrong }
    }

    /// Somebody was asked, and said no or pressed Ctrl-C.
    pub(crate) fn cancelled(message: impl Into<String>, exit: Exit) -> Self {
        Self { hint: None, is_cancelled: true, exit, ..Self::wrong(message, String::new()) }
    }

    /// The same with another way out.
    pub(crate) fn hinting(self, hint: String) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// The same failure of a run that has ended with `exit`: after something was sent, that is what scripts are told.
    pub(crate) fn after(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

impl From<paceline_journal::Error> for Failure {
    fn from(error: paceline_journal::Error) -> Self {
        Self::wrong(error.to_string(), error.hint())
    }
}

impl From<paceline_files::Error> for Failure {
    fn from(error: paceline_files::Error) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::wrong(format!("{error}{cause}"), hint(&error))
    }
}

/// The way out of what is wrong with a file, in the command line's words.
fn hint(error: &paceline_files::Error) -> &'static str {
    use paceline_files::{Error, Kind};
    match error {
        Error::Missing { .. } => "check the path; `-` reads standard input",
        Error::Directory { .. } => "name the file in it",
        Error::Unreadable { .. } => "check its rights",
        Error::NoText { .. } => "save it as .xlsx, or as .csv in UTF-8; --roster-format says what a file is",
        Error::Workbook { .. } => "save it as .xlsx or .csv again; --sheet names the sheet to read",
        Error::NoFormat { kind: Kind::Results, .. } => "end its name in .csv, .jsonl, .json or .html",
        Error::NoFormat { kind: Kind::Export, .. } => "end its name in .csv, .json, .jsonl or .xlsx",
        Error::Unwritable { .. } => "check the directory and its rights",
        Error::Empty { .. } => "a roster has one row for each user to update",
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

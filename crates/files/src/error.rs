//! What keeps a file from being read or written.

use paceline_core::validate::visible;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a file cannot be read or written at all. The cause is the error's source, where there is one; what is wrong with a
/// single row is a [`Problem`](paceline_core::validate::Problem) with its line and column.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such roster.
    #[error("there is no roster `{}`", visible(.roster))]
    Missing {
        /// Its name.
        roster: String,
    },
    /// The roster is a directory.
    #[error("`{}` is a directory, not a roster", visible(.roster))]
    Directory {
        /// Its name.
        roster: String,
    },
    /// The system does not let the roster be read.
    #[error("the roster `{}` cannot be read", visible(.roster))]
    Unreadable {
        /// Its name.
        roster: String,
        /// What the system says.
        source: io::Error,
    },
    /// The roster has no rows.
    #[error("the roster `{}` is empty", visible(.roster))]
    Empty {
        /// Its name.
        roster: String,
    },
    /// The roster should be text and is something else.
    #[error("the roster `{}` is no text: {what}", visible(.roster))]
    NoText {
        /// Its name.
        roster: String,
        /// What it is, as a sentence.
        what: &'static str,
    },
    /// The workbook is damaged, too large, or lacks the sheet.
    #[error("the workbook `{}` cannot be read: {why}", visible(.roster))]
    Workbook {
        /// Its name.
        roster: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name of a file that is to be written tells no format that it can have.
    #[error("the {kind} `{}` has no known format", .path.display())]
    NoFormat {
        /// What it is for.
        kind: Kind,
        /// Its name.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("the {kind} `{}` cannot be written", .path.display())]
    Unwritable {
        /// What it is for.
        kind: Kind,
        /// Its name.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// What a file that is written is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What became of each row.
    Results,
    /// The tenant's users as a roster.
    Export,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Results => "results file",
            Self::Export => "export",
        })
    }
}

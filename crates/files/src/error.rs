//! What keeps a file from being read or written.

use paceline_core::validate::visible;
use std::io;

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
}

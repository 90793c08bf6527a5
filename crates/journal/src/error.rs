//! What can go wrong with a journal, by meaning.

use std::path::{Path, PathBuf};

/// A journal's trouble. None of it has lost what was durable before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full.
    #[error("the journal `{path}` cannot grow: the disk is full", path = .0.display())]
    Full(PathBuf),
    /// The file or its directory cannot be written.
    #[error("the journal `{path}` cannot be written: {why}", path = .path.display())]
    NotWritable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Another process has it.
    #[error("run `{run}` is being worked on by process {holder}")]
    Held {
        /// The run.
        run: String,
        /// The process, as far as it has said.
        holder: String,
    },
    /// There is no such run.
    #[error("there is no run `{run}` in `{dir}`", dir = .dir.display())]
    NoSuchRun {
        /// What was asked for.
        run: String,
        /// Where.
        dir: PathBuf,
    },
    /// Another owner has taken the run up.
    #[error("the run in `{path}` was taken over by {by}", path = .path.display())]
    Superseded {
        /// Its journal.
        path: PathBuf,
        /// The worker that has it now.
        by: String,
    },
    /// It was removed while it was in use.
    #[error("the journal `{path}` was removed while the run was working on it", path = .0.display())]
    Removed(PathBuf),
    /// Others could plant a run where runs are kept, or change one.
    #[error("the directory `{dir}` is no safe place for runs: {why}", dir = .dir.display())]
    Untrusted {
        /// Which.
        dir: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is no journal, or is damaged.
    #[error("the journal `{path}` is damaged: {why}", path = .path.display())]
    Corrupt {
        /// Which.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// It was written by a later Paceline.
    #[error("the journal `{path}` was written by a newer Paceline (schema {found}, this one knows {known})", path = .path.display())]
    TooNew {
        /// Which.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Anything else that SQLite says.
    #[error("the journal `{path}`: {why}", path = .path.display())]
    Other {
        /// Which.
        path: PathBuf,
        /// What.
        why: String,
    },
}

impl Error {
    /// The way out.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Full(_) => "free some space",
            Self::NotWritable { .. } => "make the directory writable, or name another with --state-dir",
            Self::Held { .. } => "wait for it, or stop it first",
            Self::NoSuchRun { .. } => "`paceline runs` lists the runs; --state-dir names another place to look",
            Self::Superseded { .. } => "that one goes on with it: there is nothing to do here",
            Self::Removed(_) => "the run can be neither resumed, reported nor undone: `plan` shows what is still to do",
            Self::Untrusted { .. } => "make it yours and writable by you alone, or name another with --state-dir",
            Self::Corrupt { .. } => "`paceline report RUN` writes out what can still be read of it",
            Self::TooNew { .. } => "use the newer Paceline",
            Self::Other { .. } => "run again with --log-level debug to see more",
        }
    }

    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Self::Full(path),
            Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => Self::NotWritable { path, why },
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Corrupt { path, why },
            None if Self::is_unreadable(error) => Self::Corrupt { path, why },
            _ => Self::Other { path, why },
        }
    }

    /// Whether a value is there and is not what was written.
    fn is_unreadable(error: &rusqlite::Error) -> bool {
        use rusqlite::Error as E;
        matches!(
            error,
            E::FromSqlConversionFailure(..)
                | E::InvalidColumnType(..)
                | E::IntegralValueOutOfRange(..)
                | E::Utf8Error(..)
        )
    }

    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let path = path.to_owned();
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full(path),
            _ => Self::NotWritable { path, why: error.to_string() },
        }
    }
}

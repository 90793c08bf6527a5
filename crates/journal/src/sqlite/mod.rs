//! The journal in SQLite: a write-ahead log, synced on every commit.

mod columns;
mod folder;
mod log;
mod questions;
mod roster;
mod schema;

pub use folder::Folder;

use crate::{Error, NewRun, Owner, Questions as _};
use folder::{Hold, create_private_file};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, params};
use std::fs::Permissions;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One run's journal.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// The schema that it has: an older one's where it is only looked at.
    schema: i64,
    /// Held as long as the journal is.
    _hold: Option<Hold>,
    /// A copy that is looked at because the journal's own directory cannot be written; gone with it.
    _copy: Option<TempDir>,
}

impl Sqlite {
    /// A journal that ends with the process: for `check`, and for tests.
    pub fn temporary(run: &NewRun) -> Result<Self, Error> {
        // An empty path is SQLite's temporary file: on disk when it grows, gone when it is closed.
        Self::begin(Path::new(""), run, None)
    }

    fn create(path: &Path, run: &NewRun, hold: Hold) -> Result<Self, Error> {
        create_private_file(path)?;
        Self::begin(path, run, Some(hold))
    }

    fn begin(path: &Path, run: &NewRun, hold: Option<Hold>) -> Result<Self, Error> {
        let mut journal = Self { _hold: hold, ..Self::connect(path, path, OpenFlags::default())? };
        journal.schema = schema::KNOWN;
        journal.with(|connection| {
            lean(connection)?;
            schema::begin(connection, |transaction| {
                let values =
                    params![run.id, run.vendor, run.command, run.roster, run.created, run.settings.to_string()];
                let insert =
                    "INSERT INTO run (id, vendor, command, roster, created, settings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                transaction.execute(insert, values).map(drop)
            })
        })?;
        Ok(journal)
    }

    /// Opens the file `at`; what goes wrong is told of `path`.
    fn connect(at: &Path, path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let connection = Connection::open_with_flags(at, flags).map_err(|error| Error::sqlite(path, &error))?;
        Ok(Self { connection, path: path.to_owned(), schema: 0, _hold: None, _copy: None })
    }

    /// Opens a journal to go on with it.
    fn open(path: &Path, hold: Hold) -> Result<Self, Error> {
        let mut journal = Self { _hold: Some(hold), ..Self::connect(path, path, existing())? };
        journal.learn_schema()?;
        journal.check()?;
        let found = std::mem::replace(&mut journal.schema, schema::KNOWN);
        journal.with(|connection| schema::migrate(connection, found))?;
        journal.write_ahead()?;
        Ok(journal)
    }

    /// Opens a journal to look at it. Where its directory cannot be written, which SQLite needs for the log's index, a
    /// copy is looked at.
    fn look(path: &Path) -> Result<Self, Error> {
        let look = |at: &Path| {
            let mut journal = Self::connect(at, path, existing())?;
            journal.learn_schema().map(|()| journal)
        };
        match look(path) {
            Err(Error::NotWritable { .. }) => {
                let copy = copied(path).map_err(|error| Error::io(path, &error))?;
                let journal = look(&copy.path().join("journal.db"))?;
                Ok(Self { _copy: Some(copy), ..journal })
            }
            looked => looked,
        }
    }

    fn learn_schema(&mut self) -> Result<(), Error> {
        let found: i64 =
            self.with(|connection| connection.pragma_query_value(None, "user_version", |row| row.get(0)))?;
        if found == 0 {
            // Its process died before it had begun.
            let run = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Error::NoSuchRun { run, dir: self.path.parent().unwrap_or(&self.path).to_owned() });
        }
        if found > schema::KNOWN {
            return Err(Error::TooNew { path: self.path.clone(), found, known: schema::KNOWN });
        }
        self.schema = found;
        self.with(|connection| lean(connection))
    }

    /// From here on every commit is one append and one sync.
    fn write_ahead(&mut self) -> Result<(), Error> {
        self.with(|connection| {
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")
        })
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        act(&mut self.connection).map_err(|error| Error::sqlite(&self.path, &error))
    }

    fn step<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.with(|connection| {
            let transaction = connection.transaction()?;
            let done = act(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }

    /// A step that only the run's owner takes.
    fn step_of<T>(
        &mut self,
        owner: &Owner,
        act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let done = self.step(|transaction| {
            let successor = transaction
                .prepare_cached("SELECT worker FROM owner WHERE epoch > ?1 ORDER BY epoch DESC LIMIT 1")?
                .query_row([owner.epoch], |row| row.get(0))
                .optional()?;
            match successor {
                Some(by) => Ok(Err(by)),
                None => act(transaction).map(Ok),
            }
        })?;
        done.map_err(|by| Error::Superseded { path: self.path.clone(), by })
    }
}

/// To read and write, as far as the file's rights go; never to create.
fn existing() -> OpenFlags {
    OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE
}

/// A copy of a journal and of its log, readable by its owner only.
fn copied(path: &Path) -> std::io::Result<TempDir> {
    let dir = tempfile::tempdir()?;
    for suffix in ["", "-wal"] {
        let from = PathBuf::from(format!("{}{suffix}", path.display()));
        let to = dir.path().join(format!("journal.db{suffix}"));
        match std::fs::copy(&from, &to) {
            // A copy keeps the rights: it must be writable where the original is not.
            Ok(_) => std::fs::set_permissions(&to, writable(&to)?)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && suffix == "-wal" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(dir)
}

fn writable(path: &Path) -> std::io::Result<Permissions> {
    let mut permissions = std::fs::metadata(path)?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    #[cfg(not(unix))]
    permissions.set_readonly(false);
    Ok(permissions)
}

/// Memory must not grow with the roster: a cache of 1 MB holds a block's pages, and sorting spills to disk.
fn lean(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.pragma_update(None, "temp_store", "file")
}
